//! When a failed request is tried again. Pure: time and chance are arguments.

use std::time::{Duration, SystemTime};

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

/// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3). Anything else is as if it were not there.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// A number between 0 and 1.
#[must_use]
pub fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
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

    #[test]
    fn reads_retry_after() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-3", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value:?}");
        }
    }
}
