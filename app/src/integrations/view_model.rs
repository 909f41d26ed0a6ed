//! What the export cards say, as pure functions of what the server answered and of what is typed. No views here.

use crate::contract::values::{DisplayName, Endpoint, HeaderList, Signal, Temporality};
use crate::contract::{
    AttemptOutcome, ExportCounts, ExportFailure, ExportMinute, ExportState, ExportStatus, FailureKind, FieldChange, PauseView,
    RevisionCause, Rule, SecretView, TestReport, TestResult, UnixMillis,
};

/// The one live fact of a card; the point in time is shown by the view, relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub text: &'static str,
    pub at: Option<UnixMillis>,
}

/// What a card says about a destination besides its state.
#[must_use]
pub fn live_fact(status: &ExportStatus) -> Fact {
    let plain = |text| Fact { text, at: None };
    match &status.state {
        ExportState::Off => plain("Not configured"),
        ExportState::Broken => plain("The stored settings can't be read"),
        ExportState::Paused(PauseView { since, .. }) => Fact { text: "Paused since", at: Some(*since) },
        ExportState::Failing { since } => Fact { text: "Failing since", at: Some(*since) },
        ExportState::Active | ExportState::Managed => match status.last_success_at {
            Some(at) => Fact { text: "Last export", at: Some(at) },
            None => plain("Nothing exported yet"),
        },
    }
}

/// The state in one sentence without any number in it: a screen reader hears it when, and only when, the state changes.
#[must_use]
pub const fn announcement(state: &ExportState) -> &'static str {
    match state {
        ExportState::Off => "Export is off.",
        ExportState::Active | ExportState::Managed => "Export is active.",
        ExportState::Failing { .. } => "Export is failing.",
        ExportState::Paused(_) => "Export is paused.",
        ExportState::Broken => "The stored settings can't be read; nothing is exported.",
    }
}

/// What a save did, from what is in effect after it.
#[must_use]
pub fn saved_message(endpoint: &str, state: &ExportState) -> String {
    match (Endpoint::parse(endpoint), state) {
        (Ok(_), ExportState::Paused(_)) => "Saved. Export is paused.".to_owned(),
        (Ok(endpoint), _) => format!("Saved. Exporting to {}", endpoint.authority()),
        (Err(_), _) => "Saved. Export is off".to_owned(),
    }
}

/// Where each signal's requests go for the endpoint as typed; `None` while it is not a URL.
#[must_use]
pub fn signal_urls(typed: &str, signals: &[Signal]) -> Option<Vec<(Signal, String)>> {
    let endpoint = Endpoint::parse(typed).ok()?;
    Some(signals.iter().map(|signal| (*signal, endpoint.signal_url(*signal))).collect())
}

/// Whether stored headers would be refused for the endpoint as typed: they are only ever sent to the origin they were
/// saved for.
#[must_use]
pub fn origin_changed(stored: &str, typed: &str) -> bool {
    match (Endpoint::parse(stored), Endpoint::parse(typed)) {
        (Ok(stored), Ok(typed)) => stored.origin() != typed.origin(),
        _ => false,
    }
}

/// What happened, why, and what to do about it.
#[must_use]
pub fn failure_sentence(failure: &ExportFailure) -> String {
    let host = failure.host.as_str();
    let signal = failure.signal.name();
    let path = failure.signal.path();
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
        FailureKind::Status { status } => status_sentence(host, status, signal, path),
        FailureKind::PartialSuccess { rejected } => {
            format!(
                "{host} took the {signal} but rejected {}. Check the collector's log for the reason.",
                counted(rejected, "record", "records")
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

fn status_sentence(host: &str, status: u16, signal: &str, path: &str) -> String {
    match status {
        401 | 403 => format!("{host} refused the credentials ({status}). Check the auth headers."),
        404 => format!("{host} has nothing at {path} (404). Check the path of the endpoint; KnoxCall appends {path} to it."),
        405 | 406 | 415 => {
            format!("{host} doesn't take OTLP/HTTP with protobuf at {path} ({status}). Check that the endpoint is an OTLP/HTTP receiver.")
        }
        413 => format!("{host} found the request too large (413). Raise the collector's limit on request bodies."),
        429 => format!("{host} is limiting the rate (429). KnoxCall sends again later; raise the limit there if this goes on."),
        502..=504 => {
            format!("{host} is not available at the moment ({status}). KnoxCall sends again; check the collector if this goes on.")
        }
        500..=599 => format!("{host} failed on its side ({status}). Check the collector's log."),
        _ => format!("{host} refused the {signal} with status {status}. Check the collector's log."),
    }
}

/// One line of the counts: what it counts, the number, and a remark that says what the number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub label: &'static str,
    pub value: u64,
    pub help: &'static str,
}

/// The counts that are always shown, in the order in which a record passes them.
#[must_use]
pub fn counts(counts: &ExportCounts) -> [Count; 5] {
    let dropped = counts.dropped.iter().map(|(_, n)| n).sum();
    [
        Count { label: "Accepted", value: counts.accepted, help: "Spans and log records taken on for this destination" },
        Count { label: "Delivered", value: counts.delivered, help: "Confirmed by the collector" },
        Count { label: "Rejected", value: counts.rejected, help: "Refused by the collector in a partial success" },
        Count { label: "Dropped", value: dropped, help: "Given up here, for the reasons below" },
        Count { label: "Queued", value: counts.queued, help: "Waiting to be sent" },
    ]
}

/// A reason for dropping, in words.
#[must_use]
pub fn drop_reason(reason: &str) -> String {
    match reason {
        "queue_full" => "The queue was full".to_owned(),
        "spool_full" => "The spool on disk was full".to_owned(),
        "rejected" => "The collector rejected them".to_owned(),
        "not_retryable" => "The request was refused for good".to_owned(),
        "expired" => "Sending failed for too long".to_owned(),
        "disabled" => "The export was turned off".to_owned(),
        "shutdown" => "KnoxCall was shutting down".to_owned(),
        "too_large" => "The request would have been too large".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What metrics that have too many series mean; nothing while none has.
#[must_use]
pub fn overflow_sentence(instruments: u64) -> Option<String> {
    if instruments == 0 {
        return None;
    }
    let which = counted(instruments, "metric has", "metrics have");
    Some(format!(
        "{which} more series than KnoxCall keeps. New combinations are counted together, marked otel.metric.overflow; use fewer routes and environments."
    ))
}

/// `1204` as `1,204`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// What a test of one signal found, and what to do about it.
#[must_use]
pub fn test_sentence(result: &TestResult) -> String {
    match result.failure {
        None => format!("{} took the test record.", result.host),
        Some(FailureKind::PartialSuccess { .. }) => {
            format!("{} answered, but rejected the test record. Its reason is below, if it gave one.", result.host)
        }
        Some(kind) => failure_sentence(&ExportFailure { at: 0, signal: result.signal, kind, host: result.host.clone() }),
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

/// Four numbers of the last hour, and of now: sent, rejected, dropped, queued.
#[must_use]
pub fn hour_counts(status: &ExportStatus) -> [(&'static str, u64); 4] {
    let sum = |of: fn(&ExportMinute) -> u64| status.hour.iter().map(of).sum();
    [
        ("Sent", sum(|minute| minute.sent)),
        ("Rejected", sum(|minute| minute.rejected)),
        ("Dropped", sum(dropped_in)),
        ("Queued", status.counts.queued),
    ]
}

/// Of the last hour, by reason, in the order in which they came up.
#[must_use]
pub fn hour_drops(hour: &[ExportMinute]) -> Vec<(String, u64)> {
    let mut out: Vec<(String, u64)> = Vec::new();
    for (reason, count) in hour.iter().flat_map(|minute| &minute.dropped) {
        match out.iter_mut().find(|(other, _)| other == reason) {
            Some((_, sum)) => *sum += count,
            None => out.push((reason.clone(), *count)),
        }
    }
    out
}

/// Records of a minute that were lost to the collector: rejected or dropped.
#[must_use]
pub fn failed_in(minute: &ExportMinute) -> u64 {
    minute.rejected + dropped_in(minute)
}

fn dropped_in(minute: &ExportMinute) -> u64 {
    minute.dropped.iter().map(|(_, count)| count).sum()
}

#[must_use]
pub const fn outcome_word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Delivered => "Delivered",
        AttemptOutcome::PartlyRejected => "Partly rejected",
        AttemptOutcome::Retrying => "Failed, sent again later",
        AttemptOutcome::GivenUp => "Failed for good",
    }
}

/// What brought a generation about.
#[must_use]
pub fn cause_words(cause: &RevisionCause) -> String {
    match cause {
        RevisionCause::Saved => "Saved".to_owned(),
        RevisionCause::Bootstrap => "Set by the bootstrap file".to_owned(),
        RevisionCause::Reverted { to } => format!("Reverted to generation {to}"),
        RevisionCause::Paused => "Paused".to_owned(),
        RevisionCause::Resumed => "Resumed".to_owned(),
        RevisionCause::PausedItself { attempts, .. } => {
            format!("Paused itself after {} with no success", counted(*attempts, "attempt", "attempts"))
        }
    }
}

/// "OTLP HTTP endpoint: from a to b"; a secret only says that it changed.
#[must_use]
pub fn change_words(change: &FieldChange) -> String {
    let label = change.field.label();
    let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
    match &change.values {
        None => format!("{label}: changed"),
        Some((from, to)) if from.is_empty() => format!("{label}: {}", shown(to)),
        Some((from, to)) => format!("{label}: {} instead of {}", shown(to), shown(from)),
    }
}

/// Bytes in the unit that suits them.
#[must_use]
pub fn bytes_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[must_use]
pub const fn temporality_words(temporality: Temporality) -> &'static str {
    match temporality {
        Temporality::Cumulative => "Cumulative",
        Temporality::Delta => "Delta",
        Temporality::LowMemory => "Low memory (delta where it saves memory)",
    }
}

#[must_use]
pub const fn on_off(on: bool) -> &'static str {
    if on { "On" } else { "Off" }
}

/// What a viewer may know of a secret.
#[must_use]
pub fn secret_words(secret: &SecretView) -> String {
    match (secret.unreadable, secret.set) {
        (true, _) => "Stored, but unreadable".to_owned(),
        (false, true) => secret.names.join(", "),
        (false, false) => "None".to_owned(),
    }
}

/// The endpoint field: empty turns the export off.
///
/// # Errors
/// The rule the text breaks.
pub fn check_endpoint(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { Endpoint::parse(text).map(drop) }
}

/// The service name field: empty means the default.
///
/// # Errors
/// The rule the text breaks.
pub fn check_service_name(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { DisplayName::parse(text).map(drop) }
}

/// The auth headers field: empty keeps what is stored.
///
/// # Errors
/// The rule the text breaks.
pub fn check_headers(text: &str) -> Result<(), Rule> {
    HeaderList::parse(text).map(drop)
}

/// Rows of the header editor from its text; text that doesn't parse yet gives none.
#[must_use]
pub fn header_rows(text: &str) -> Option<Vec<(String, String)>> {
    let list = HeaderList::parse(text).ok()?;
    Some(list.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// The text that the rows of the header editor stand for. Rows in which nothing is typed are left out; a wrong one is
/// written as it is, for the parser to name.
#[must_use]
pub fn header_text(rows: &[(String, String)]) -> String {
    let filled = rows.iter().filter(|(name, value)| !name.trim().is_empty() || !value.trim().is_empty());
    filled
        .map(|(name, value)| format!("{}={}", name.trim(), value.trim().replace('%', "%25").replace(',', "%2C")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;
    use crate::contract::values::EgressRule;

    fn failure(kind: FailureKind) -> ExportFailure {
        ExportFailure { at: 0, signal: Signal::Logs, kind, host: "otlp.example.com".to_owned() }
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
    fn the_hint_follows_what_is_typed() {
        assert_eq!(signal_urls("http", &Signal::ALL), None);
        let urls = signal_urls("http://127.0.0.1:4318/v1/traces", &[Signal::Logs, Signal::Metrics]);
        assert_eq!(
            urls,
            Some(vec![
                (Signal::Logs, "http://127.0.0.1:4318/v1/logs".to_owned()),
                (Signal::Metrics, "http://127.0.0.1:4318/v1/metrics".to_owned()),
            ])
        );
    }

    #[test]
    fn stored_headers_stay_with_their_origin() {
        assert!(!origin_changed("https://a.example/x", "https://A.example/y"));
        assert!(origin_changed("https://a.example", "http://a.example"));
        assert!(origin_changed("https://a.example", "https://a.example:8443"));
        assert!(!origin_changed("", "https://a.example"));
        assert!(!origin_changed("https://a.example", ""));
    }

    #[test]
    fn a_test_is_told_per_signal_and_as_a_whole() {
        let result = |failure| TestResult {
            signal: Signal::Logs,
            host: "otlp.example.com".to_owned(),
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

    #[test]
    fn the_last_hour_adds_up() {
        let minute = |sent, dropped: &[(&str, u64)]| ExportMinute {
            at: 0,
            sent,
            rejected: 1,
            dropped: dropped.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        };
        let hour = vec![minute(5, &[("expired", 2)]), minute(7, &[("queue_full", 1), ("expired", 3)])];
        assert_eq!(hour_drops(&hour), [("expired".to_owned(), 5), ("queue_full".to_owned(), 1)]);
        assert_eq!(failed_in(&hour[1]), 5);
        let status = ExportStatus { hour, ..ExportStatus::off() };
        assert_eq!(hour_counts(&status), [("Sent", 12), ("Rejected", 2), ("Dropped", 6), ("Queued", 0)]);
    }

    #[test]
    fn sizes_and_changes_in_words() {
        assert_eq!([bytes_words(999), bytes_words(1536), bytes_words(5_242_880)], ["999 B", "1.5 KiB", "5.0 MiB"]);
        let change = |values| change_words(&FieldChange { field: Field::Endpoint, values });
        assert_eq!(change(Some((String::new(), "http://a".to_owned()))), "OTLP HTTP endpoint: http://a");
        assert_eq!(change(Some(("http://a".to_owned(), String::new()))), "OTLP HTTP endpoint: nothing instead of http://a");
        assert_eq!(change_words(&FieldChange { field: Field::Headers, values: None }), "Auth headers: changed");
    }

    #[test]
    fn facts_and_messages() {
        let mut status = ExportStatus::off();
        assert_eq!(live_fact(&status), Fact { text: "Not configured", at: None });
        status.state = ExportState::Active;
        assert_eq!(live_fact(&status), Fact { text: "Nothing exported yet", at: None });
        status.last_success_at = Some(5);
        assert_eq!(live_fact(&status), Fact { text: "Last export", at: Some(5) });
        status.state = ExportState::Failing { since: 7 };
        assert_eq!(live_fact(&status), Fact { text: "Failing since", at: Some(7) });

        assert_eq!(saved_message("https://otlp.example.com/x", &ExportState::Active), "Saved. Exporting to otlp.example.com");
        assert_eq!(saved_message("", &ExportState::Off), "Saved. Export is off");
    }

    #[test]
    fn counts_add_up_by_reason() {
        let given = ExportCounts {
            accepted: 10,
            delivered: 4,
            rejected: 1,
            dropped: vec![("queue_full".to_owned(), 2), ("expired".to_owned(), 1)],
            queued: 2,
            overflowing_instruments: 0,
        };
        assert_eq!(counts(&given).map(|count| count.value), [10, 4, 1, 3, 2]);
        assert_eq!(drop_reason("queue_full"), "The queue was full");
        assert_eq!(drop_reason("made_up"), "made up");
    }

    #[test]
    fn merged_series_are_told() {
        assert_eq!(overflow_sentence(0), None);
        assert!(overflow_sentence(1).unwrap().starts_with("1 metric has more series"));
        assert!(overflow_sentence(2).unwrap().starts_with("2 metrics have more series"));
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn blank_fields_are_allowed_and_wrong_ones_are_not() {
        assert_eq!(check_endpoint(" "), Ok(()));
        assert_eq!(check_endpoint("collector:4318"), Err(Rule::UrlScheme));
        assert_eq!(check_service_name(""), Ok(()));
        assert_eq!(check_service_name("a\nb"), Err(Rule::ControlCharacter));
        assert_eq!(check_headers(""), Ok(()));
        assert_eq!(check_headers("a"), Err(Rule::HeaderSyntax { position: 1 }));
    }

    #[test]
    fn rows_and_text_of_the_header_editor_agree() {
        let rows = vec![("Authorization".to_owned(), "Bearer a,b%c=d".to_owned()), ("X-Org".to_owned(), "acme".to_owned())];
        assert_eq!(header_rows(&header_text(&rows)), Some(rows));
        assert_eq!(header_text(&[(String::new(), " ".to_owned())]), "");
        assert_eq!(header_rows(&header_text(&[(String::new(), "x".to_owned())])), None);
    }
}
