//! What went wrong: what happened, why, and what to do about it.

use crate::contract::values::Signal;
use crate::contract::{AttemptOutcome, ExportFailure, FailureKind, TestReport, TestResult, Variable};
use crate::ui::counted;

/// What happened, why, and what to do about it.
#[must_use]
pub fn failure_sentence(failure: &ExportFailure) -> String {
    let host = failure.host.as_str();
    let signal = failure.signal.name();
    match failure.kind {
        FailureKind::NameNotFound => {
            format!("Couldn't reach {host}: the name doesn't resolve. Check the spelling, or your DNS.")
        }
        FailureKind::Blocked { rule } => {
            format!("{host} was not contacted: it is, or leads to, {}, which KnoxCall doesn't connect to. {}", rule.phrase(), rule.advice())
        }
        FailureKind::Refused => {
            format!("Couldn't reach {host}: it refused the connection. Check the port, and that the collector is running.")
        }
        FailureKind::Unreachable => {
            format!("Couldn't reach {host}: no network route leads there from this gateway. Check the address, and any firewall between.")
        }
        FailureKind::Tls => format!(
            "Couldn't set up TLS with {host}: its certificate is not trusted, has expired, or is for another name. Check the certificate, or use http:// if the collector doesn't speak TLS."
        ),
        FailureKind::Timeout => {
            format!("{host} didn't answer in time. Check that the collector keeps up, and that nothing between drops the connection.")
        }
        FailureKind::Closed => {
            format!("{host} closed the connection during a request. Check the collector's log, and any proxy in front of it.")
        }
        FailureKind::Redirect { status } => format!(
            "{host} answered with a redirect ({status}), which is never followed, so that headers don't leak. Enter the address that it redirects to."
        ),
        FailureKind::Status { status } => status_sentence(failure, status),
        FailureKind::PartialSuccess { rejected } => {
            format!(
                "{host} took the {signal} but rejected {}. Check the collector's log for the reason.",
                counted(rejected, "record", "records")
            )
        }
        FailureKind::AnswerCut => {
            format!(
                "{host} took the {signal}, but its answer could not be read to the end, so whether it rejected some is not known. Check any proxy in front of it."
            )
        }
        FailureKind::BadAnswer => {
            format!(
                "{host} answered, but not as OTLP says. Check that the endpoint is an OTLP/HTTP receiver, and not a web page or a gRPC port."
            )
        }
        FailureKind::TooLarge => {
            format!("A request with {signal} to {host} would have been larger than 64 MiB, so it was dropped. Other requests go on.")
        }
    }
}

/// As [`failure_sentence`], of a signal that goes on where the others are stopped.
#[must_use]
pub fn still_failing_sentence(failure: &ExportFailure) -> String {
    let name = match failure.signal {
        Signal::Traces => "Traces",
        Signal::Logs => "Logs",
        Signal::Metrics => "Metrics",
    };
    format!("{name} go on, by what the environment says, and are failing. {}", failure_sentence(failure))
}

fn status_sentence(failure: &ExportFailure, status: u16) -> String {
    let (host, signal) = (failure.host.as_str(), failure.signal.name());
    match status {
        401 | 403 => format!("{host} refused the credentials ({status}). Check the auth headers."),
        404 => format!("{host} has nothing at {} (404). {}", place(failure), path_advice(failure)),
        405 | 406 | 415 => format!(
            "{host} doesn't take OTLP/HTTP with protobuf at {} ({status}). Check that the endpoint is an OTLP/HTTP receiver.",
            place(failure)
        ),
        413 => format!("{host} found the request too large (413). Raise the collector's limit on request bodies."),
        429 => format!("{host} is limiting the rate (429). KnoxCall sends again later; raise the limit there if this goes on."),
        502..=504 => {
            format!("{host} is not available at the moment ({status}). KnoxCall sends again; check the collector if this goes on.")
        }
        500..=599 => format!("{host} failed on its side ({status}). Check the collector's log."),
        _ => format!("{host} refused the {signal} with status {status}. Check the collector's log."),
    }
}

/// Where a request went: an endpoint of the signal's own has whatever path the environment says.
fn place(failure: &ExportFailure) -> String {
    if failure.own_endpoint { format!("the endpoint of the {}", failure.signal.name()) } else { failure.signal.path().to_owned() }
}

/// What to check where there is nothing at that place.
fn path_advice(failure: &ExportFailure) -> String {
    if !failure.own_endpoint {
        return format!("Check the path of the endpoint; KnoxCall appends {} to it.", failure.signal.path());
    }
    let variable = match failure.signal {
        Signal::Traces => Variable::OtlpTracesEndpoint,
        Signal::Logs => Variable::OtlpLogsEndpoint,
        Signal::Metrics => Variable::OtlpMetricsEndpoint,
    };
    format!("Check the path in {}; KnoxCall appends nothing to it.", variable.name())
}

/// What a test of one signal found, and what to do about it.
#[must_use]
pub fn test_sentence(result: &TestResult) -> String {
    match result.failure {
        None => format!("{} took the test record.", result.host),
        Some(FailureKind::PartialSuccess { .. }) => {
            format!("{} answered, but rejected the test record. Its reason is below, if it gave one.", result.host)
        }
        Some(kind) => {
            let (signal, host, own_endpoint) = (result.signal, result.host.clone(), result.own_endpoint);
            failure_sentence(&ExportFailure { at: 0, signal, kind, host, own_endpoint })
        }
    }
}

/// The report in one line.
#[must_use]
pub fn test_heading(report: &TestReport) -> String {
    let failed = report.results.iter().filter(|result| result.failure.is_some()).count();
    if report.results.is_empty() {
        "The test could not be sent".to_owned()
    } else if failed == 0 {
        format!("Test passed at {}", report.to)
    } else if failed == report.results.len() {
        format!("Test failed at {}", report.to)
    } else {
        format!("Test failed for {failed} of {} signals at {}", report.results.len(), report.to)
    }
}

/// What became of a request to the collector.
#[must_use]
pub const fn outcome_word(outcome: AttemptOutcome, failure: Option<FailureKind>) -> &'static str {
    match outcome {
        AttemptOutcome::Delivered if matches!(failure, Some(FailureKind::AnswerCut)) => "Delivered, answer cut short",
        AttemptOutcome::Delivered => "Delivered",
        AttemptOutcome::PartlyRejected => "Partly rejected",
        AttemptOutcome::Retrying => "Failed, sent again later",
        AttemptOutcome::GivenUp => "Failed for good",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::values::EgressRule;

    fn failure(kind: FailureKind) -> ExportFailure {
        ExportFailure { at: 0, signal: Signal::Logs, kind, host: "otlp.example.com".to_owned(), own_endpoint: false }
    }

    #[test]
    fn every_failure_says_what_why_and_what_to_do() {
        for (kind, expected) in [
            (FailureKind::NameNotFound, "Couldn't reach otlp.example.com: the name doesn't resolve. Check the spelling, or your DNS."),
            (
                FailureKind::Refused,
                "Couldn't reach otlp.example.com: it refused the connection. Check the port, and that the collector is running.",
            ),
            (
                FailureKind::Blocked { rule: EgressRule::Loopback },
                "otlp.example.com was not contacted: it is, or leads to, a loopback address, which KnoxCall doesn't connect to. \
                 Use a public address, or ask the operator to allow the network with --allow-egress.",
            ),
            (FailureKind::Status { status: 401 }, "otlp.example.com refused the credentials (401). Check the auth headers."),
            (
                FailureKind::Status { status: 404 },
                "otlp.example.com has nothing at /v1/logs (404). Check the path of the endpoint; KnoxCall appends /v1/logs to it.",
            ),
            (FailureKind::Status { status: 418 }, "otlp.example.com refused the logs with status 418. Check the collector's log."),
            (
                FailureKind::PartialSuccess { rejected: 1 },
                "otlp.example.com took the logs but rejected 1 record. Check the collector's log for the reason.",
            ),
            (
                FailureKind::PartialSuccess { rejected: 1_200 },
                "otlp.example.com took the logs but rejected 1,200 records. Check the collector's log for the reason.",
            ),
        ] {
            assert_eq!(failure_sentence(&failure(kind)), expected);
        }
    }

    #[test]
    fn no_failure_is_without_host_or_advice() {
        let statuses = [400, 401, 403, 404, 405, 413, 415, 429, 500, 502, 503, 504, 599].map(|status| FailureKind::Status { status });
        let kinds = [
            FailureKind::Unreachable,
            FailureKind::Tls,
            FailureKind::Timeout,
            FailureKind::Closed,
            FailureKind::Redirect { status: 307 },
            FailureKind::AnswerCut,
            FailureKind::BadAnswer,
            FailureKind::TooLarge,
        ];
        let blocked = EgressRule::ALL.map(|rule| FailureKind::Blocked { rule });
        for kind in kinds.into_iter().chain(statuses).chain(blocked) {
            let sentence = failure_sentence(&failure(kind));
            assert!(sentence.contains("otlp.example.com"), "{sentence}");
            assert!(sentence.ends_with('.') && sentence.matches(". ").count() + sentence.matches("; ").count() >= 1, "{sentence}");
            assert!(!sentence.contains('!'), "{sentence}");
        }
    }

    #[test]
    fn nothing_is_said_to_be_appended_to_an_endpoint_of_one_signal() {
        let common = |status| failure(FailureKind::Status { status });
        let own = |status| failure_sentence(&ExportFailure { own_endpoint: true, ..common(status) });
        assert_eq!(
            own(404),
            "otlp.example.com has nothing at the endpoint of the logs (404). \
             Check the path in OTEL_EXPORTER_OTLP_LOGS_ENDPOINT; KnoxCall appends nothing to it."
        );
        assert!(own(405).contains("with protobuf at the endpoint of the logs (405)"), "{}", own(405));
        for status in [401, 413, 503] {
            assert_eq!(own(status), failure_sentence(&common(status)));
        }
    }

    #[test]
    fn what_goes_on_and_fails_is_told_in_the_same_words() {
        assert_eq!(
            still_failing_sentence(&failure(FailureKind::Refused)),
            "Logs go on, by what the environment says, and are failing. \
             Couldn't reach otlp.example.com: it refused the connection. Check the port, and that the collector is running."
        );
    }

    #[test]
    fn an_answer_that_broke_off_is_told_of() {
        let word = |failure| outcome_word(AttemptOutcome::Delivered, failure);
        assert_eq!([word(None), word(Some(FailureKind::AnswerCut))], ["Delivered", "Delivered, answer cut short"]);
    }

    #[test]
    fn a_test_is_told_per_signal_and_as_a_whole() {
        let result = |failure| TestResult {
            signal: Signal::Logs,
            host: "otlp.example.com".to_owned(),
            own_endpoint: false,
            status: None,
            latency_ms: 3,
            failure,
            detail: None,
        };
        assert_eq!(test_sentence(&result(None)), "otlp.example.com took the test record.");
        assert!(test_sentence(&result(Some(FailureKind::Tls))).contains("TLS"));
        let report = |failures: &[Option<FailureKind>]| TestReport {
            at: 0,
            to: "otlp.example.com".to_owned(),
            results: failures.iter().map(|failure| result(*failure)).collect(),
        };
        assert_eq!(test_heading(&report(&[None, None])), "Test passed at otlp.example.com");
        assert_eq!(test_heading(&report(&[Some(FailureKind::Tls)])), "Test failed at otlp.example.com");
        assert_eq!(test_heading(&report(&[Some(FailureKind::Tls), None])), "Test failed for 1 of 2 signals at otlp.example.com");
        assert!(!report(&[]).passed());
    }
}
