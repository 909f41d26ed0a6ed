//! When a failed request is tried again, and for how long.

use std::time::Duration;

use crate::outbound::Backoff;

/// As the OpenTelemetry Collector has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    pub backoff: Backoff,
    /// Counted from a payload's first attempt; after it the payload has expired.
    pub max_elapsed: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        let backoff = Backoff { initial: Duration::from_secs(5), multiplier: 1.5, jitter: 0.5, max_delay: Duration::from_secs(30) };
        Self { backoff, max_elapsed: Duration::from_secs(300) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_cap_and_vary() {
        let backoff = Retry::default().backoff;
        let seconds = |failures, chance| backoff.delay(failures, chance).as_secs_f64();
        assert_eq!([seconds(1, 0.5), seconds(2, 0.5), seconds(3, 0.5)], [5.0, 7.5, 11.25]);
        assert_eq!([seconds(6, 0.5), seconds(1000, 0.5), seconds(u32::MAX, 0.5)], [30.0, 30.0, 30.0]);
        assert_eq!([seconds(1, 0.0), seconds(1, 1.0)], [2.5, 7.5]);
    }
}
