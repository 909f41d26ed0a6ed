//! What went wrong with a delivery: what happened, why, and what to do about it.

use crate::contract::{DeliveryAttempt, FailureKind};
use crate::ui::thousands;

/// What happened, why, and what to do about it.
#[must_use]
pub fn failure_sentence(kind: FailureKind) -> String {
    match kind {
        FailureKind::NameNotFound => "Couldn't reach the receiver: its name doesn't resolve. Check the spelling of the URL, or your DNS.".to_owned(),
        FailureKind::Blocked { rule } => format!(
            "The receiver was not contacted: the URL is, or leads to, {}, which KnoxCall doesn't connect to. {}",
            rule.phrase(),
            rule.advice()
        ),
        FailureKind::Refused => {
            "Couldn't reach the receiver: it refused the connection. Check the port, and that the receiver is running.".to_owned()
        }
        FailureKind::Unreachable => {
            "Couldn't reach the receiver: no network route leads there from this gateway. Check the address, and any firewall between."
                .to_owned()
        }
        FailureKind::Tls => {
            "Couldn't set up TLS with the receiver: its certificate is not trusted, has expired, or is for another name. Check the certificate."
                .to_owned()
        }
        FailureKind::Timeout => {
            "The receiver didn't answer in time. Answer with 2xx first and do the work after, or raise the timeout.".to_owned()
        }
        FailureKind::Closed => {
            "The receiver closed the connection during the delivery. Check its log, and any proxy in front of it.".to_owned()
        }
        FailureKind::Redirect { status } => format!(
            "The receiver answered with a redirect ({status}), which is never followed, so that credentials don't leak. Enter the address that it redirects to."
        ),
        FailureKind::Status { status } => status_sentence(status),
        FailureKind::PartialSuccess { .. } | FailureKind::AnswerCut | FailureKind::BadAnswer => {
            "The receiver's answer was not valid HTTP, or too large. Check that the URL leads to a web server.".to_owned()
        }
        FailureKind::TooLarge => "The delivery would have been too large, so it was not sent. Leave out bodies.".to_owned(),
    }
}

fn status_sentence(status: u16) -> String {
    match status {
        401 | 403 => format!("The receiver refused the delivery ({status}). Check the authentication here, and the signing secret there."),
        404 => "The receiver has nothing at this URL (404). Check the path.".to_owned(),
        405 => "The receiver doesn't take this method (405). Choose another method.".to_owned(),
        410 => "The receiver is gone (410): it wants no more deliveries.".to_owned(),
        413 => "The receiver found the delivery too large (413). Leave out bodies, or raise the limit there.".to_owned(),
        429 => "The receiver is limiting the rate (429). It is tried again later; raise the limit there if this goes on.".to_owned(),
        502..=504 => format!("The receiver is not available at the moment ({status}). Check it if this goes on."),
        500..=599 => format!("The receiver failed on its side ({status}). Check its log."),
        _ => format!("The receiver answered with {status}, and only 2xx counts as delivered. Check its log."),
    }
}

/// "Attempt 2: 503 after 1,204 ms".
#[must_use]
pub fn attempt_line(attempt: &DeliveryAttempt) -> String {
    let latency = thousands(attempt.latency_ms);
    match attempt.status {
        Some(status) => format!("Attempt {}: {status} after {latency} ms", attempt.number),
        None => format!("Attempt {}: no answer after {latency} ms", attempt.number),
    }
}

/// What came of a test delivery, in one line.
#[must_use]
pub fn test_heading(attempt: &DeliveryAttempt) -> &'static str {
    if attempt.failure.is_none() { "Test delivered" } else { "Test not delivered" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::values::EgressRule;

    #[test]
    fn every_failure_says_what_and_what_to_do() {
        for kind in [
            FailureKind::NameNotFound,
            FailureKind::Blocked { rule: EgressRule::Loopback },
            FailureKind::Refused,
            FailureKind::Unreachable,
            FailureKind::Tls,
            FailureKind::Timeout,
            FailureKind::Closed,
            FailureKind::Redirect { status: 302 },
            FailureKind::Status { status: 401 },
            FailureKind::Status { status: 404 },
            FailureKind::Status { status: 500 },
            FailureKind::Status { status: 418 },
            FailureKind::TooLarge,
        ] {
            let sentence = failure_sentence(kind);
            assert!(sentence.matches(['.', ':']).count() >= 2 && sentence.ends_with('.'), "{kind:?}: {sentence}");
            assert!(!sentence.contains("collector"), "{sentence}");
        }
        assert!(failure_sentence(FailureKind::Redirect { status: 307 }).contains("(307)"));
    }

    #[test]
    fn an_attempt_in_one_line() {
        let attempt = |status, failure| DeliveryAttempt { at: 0, number: 2, status, latency_ms: 1204, failure };
        assert_eq!(attempt_line(&attempt(Some(503), Some(FailureKind::Status { status: 503 }))), "Attempt 2: 503 after 1,204 ms");
        assert_eq!(attempt_line(&attempt(None, Some(FailureKind::Timeout))), "Attempt 2: no answer after 1,204 ms");
        assert_eq!(test_heading(&attempt(Some(200), None)), "Test delivered");
    }
}
