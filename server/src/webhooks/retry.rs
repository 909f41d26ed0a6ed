//! What an answer means and when a failed delivery is tried again. Pure: time and chance are arguments.

use std::time::Duration;

use crate::outbound::Backoff;
use crate::values::FailureKind;

/// How long a failed delivery waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    pub backoff: Backoff,
    /// A receiver that asks for more patience is asked again all the same.
    pub longest_pause: Duration,
}

impl Default for Retry {
    /// 5 s, 30 s, 3 min, 18 min, then hourly.
    fn default() -> Self {
        let backoff = Backoff { initial: Duration::from_secs(5), multiplier: 6.0, jitter: 0.2, max_delay: Duration::from_secs(60 * 60) };
        Self { backoff, longest_pause: Duration::from_secs(24 * 60 * 60) }
    }
}

impl Retry {
    /// What becomes of a delivery after an attempt. `failures`: attempts of this round, this one included, all of which
    /// failed. `retries`: how many are allowed after the first. `after`: what the receiver asked for.
    #[must_use]
    pub fn next(&self, failure: Option<FailureKind>, failures: u32, retries: u32, after: Option<Duration>, chance: f64) -> Next {
        match failure {
            None => Next::Delivered,
            Some(FailureKind::Status { status: GONE }) => Next::Gone,
            // What may not be reached now may not be reached later.
            Some(FailureKind::Blocked { .. }) => Next::Failed,
            Some(_) if failures > retries => Next::Failed,
            Some(_) => Next::Again(after.map_or_else(|| self.backoff.delay(failures, chance), |after| after.min(self.longest_pause))),
        }
    }
}

const GONE: u16 = 410;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again(Duration),
    Failed,
    /// The receiver wants nothing more.
    Gone,
}

/// What a status says of a delivery; `None`: it was taken.
#[must_use]
pub const fn failure_of(status: u16) -> Option<FailureKind> {
    match status {
        200..=299 => None,
        300..=399 => Some(FailureKind::Redirect { status }),
        _ => Some(FailureKind::Status { status }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::EgressRule;

    #[test]
    fn delays_grow_to_a_cap_and_vary() {
        let backoff = Retry::default().backoff;
        let seconds = |failures, chance| backoff.delay(failures, chance).as_secs_f64();
        assert_eq!([1, 2, 3, 4, 5, 6, u32::MAX].map(|n| seconds(n, 0.5)), [5.0, 30.0, 180.0, 1080.0, 3600.0, 3600.0, 3600.0]);
        assert_eq!([seconds(1, 0.0), seconds(1, 1.0)], [4.0, 6.0]);
    }

    #[test]
    fn only_2xx_is_success_and_only_410_and_a_forbidden_address_are_final_at_once() {
        let retry = Retry::default();
        let again = Next::Again(Duration::from_secs(5));
        for status in 200..600 {
            let expected = match status {
                200..300 => Next::Delivered,
                410 => Next::Gone,
                _ => again,
            };
            assert_eq!(retry.next(failure_of(status), 1, 3, None, 0.5), expected, "{status}");
        }
        assert_eq!(failure_of(302), Some(FailureKind::Redirect { status: 302 }));
        for failure in [FailureKind::Timeout, FailureKind::Refused, FailureKind::Tls, FailureKind::NameNotFound, FailureKind::Closed] {
            assert_eq!(retry.next(Some(failure), 1, 3, None, 0.5), again);
        }
        let blocked = Some(FailureKind::Blocked { rule: EgressRule::Private });
        assert_eq!(retry.next(blocked, 1, 3, None, 0.5), Next::Failed);
    }

    #[test]
    fn ends_after_the_last_retry_and_waits_as_asked() {
        let retry = Retry::default();
        let failure = failure_of(503);
        assert_eq!(retry.next(failure, 3, 3, None, 0.5), Next::Again(Duration::from_secs(180)));
        assert_eq!(retry.next(failure, 4, 3, None, 0.5), Next::Failed);
        assert_eq!(retry.next(failure, 1, 0, None, 0.5), Next::Failed);
        let asked = |seconds| retry.next(failure, 1, 3, Some(Duration::from_secs(seconds)), 0.5);
        assert_eq!(asked(7), Next::Again(Duration::from_secs(7)));
        assert_eq!(asked(0), Next::Again(Duration::ZERO));
        assert_eq!(asked(u64::from(u32::MAX)), Next::Again(Duration::from_secs(86_400)));
    }
}
