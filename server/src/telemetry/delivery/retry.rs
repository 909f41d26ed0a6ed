//! When a failed request is tried again. Pure: time and chance are arguments.

use std::time::Duration;

/// Exponential backoff with jitter, as the OpenTelemetry Collector has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    pub initial: Duration,
    pub multiplier: f64,
    /// Share of the delay by which it varies to either side.
    pub jitter: f64,
    /// No delay grows beyond this, jitter aside.
    pub max_delay: Duration,
    /// Counted from a payload's first attempt; after it the payload has expired.
    pub max_elapsed: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(5),
            multiplier: 1.5,
            jitter: 0.5,
            max_delay: Duration::from_secs(30),
            max_elapsed: Duration::from_secs(300),
        }
    }
}

impl Retry {
    /// How long to wait after the `failures`th failure in a row (from 1). `chance` is between 0 and 1.
    #[must_use]
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        let capped = grown.min(self.max_delay.as_secs_f64());
        Duration::from_secs_f64(capped * (1.0 + self.jitter * (2.0 * chance - 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_cap_and_vary() {
        let retry = Retry::default();
        let seconds = |failures, chance| retry.delay(failures, chance).as_secs_f64();
        assert_eq!([seconds(1, 0.5), seconds(2, 0.5), seconds(3, 0.5)], [5.0, 7.5, 11.25]);
        assert_eq!([seconds(6, 0.5), seconds(1000, 0.5), seconds(u32::MAX, 0.5)], [30.0, 30.0, 30.0]);
        assert_eq!([seconds(1, 0.0), seconds(1, 1.0)], [2.5, 7.5]);
    }
}
