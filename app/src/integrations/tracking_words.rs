//! What the card "Error tracking (Sentry)" says, apart from how it shows it. Pure.

use super::api::TrackingGlance;
use crate::contract::values::{Dsn, parse_sentry_environment};
use crate::contract::{FailureKind, Rule, TrackingState, TrackingTest, TrackingView};
use crate::ui::PillState;

#[must_use]
pub const fn pill(state: &TrackingState) -> PillState {
    match state {
        TrackingState::Off => PillState::Off,
        TrackingState::Active => PillState::Active,
        TrackingState::Managed => PillState::Managed,
        TrackingState::Failing { .. } => PillState::Failing,
        TrackingState::Broken => PillState::Broken,
    }
}

/// The one state of both tiers, for the grid: what needs attention first.
#[must_use]
pub fn overall(glance: &TrackingGlance) -> PillState {
    let states = [&glance.server, &glance.browser].map(pill);
    for state in [PillState::Broken, PillState::Failing, PillState::Active, PillState::Managed] {
        if states.contains(&state) {
            return state;
        }
    }
    PillState::Off
}

/// Which tiers report, for the grid.
#[must_use]
pub fn tiers(glance: &TrackingGlance) -> &'static str {
    let on = |state: &TrackingState| !matches!(state, TrackingState::Off | TrackingState::Broken);
    match (on(&glance.browser), on(&glance.server)) {
        (true, true) => "Browser and server errors",
        (true, false) => "Browser errors",
        (false, true) => "Server errors",
        (false, false) => "Nothing is reported",
    }
}

/// What happened to an event on its way, and what to do about it.
#[must_use]
pub fn failure_sentence(host: &str, kind: FailureKind) -> String {
    match kind {
        FailureKind::NameNotFound => format!("Couldn't reach {host}: the name doesn't resolve. Check the spelling, or your DNS."),
        FailureKind::Blocked { rule } => {
            format!("{host} was not contacted: it is, or leads to, {}, which KnoxCall doesn't connect to. {}", rule.phrase(), rule.advice())
        }
        FailureKind::Refused => {
            format!("Couldn't reach {host}: it refused the connection. Check the port, and that Sentry is running there.")
        }
        FailureKind::Unreachable => {
            format!("Couldn't reach {host}: no network route leads there from this gateway. Check the address, and any firewall between.")
        }
        FailureKind::Tls => {
            format!(
                "Couldn't set up TLS with {host}: its certificate is not trusted, has expired, or is for another name. Check the certificate."
            )
        }
        FailureKind::Timeout => {
            format!("{host} didn't answer in time. Check that it keeps up, and that nothing between drops the connection.")
        }
        FailureKind::Closed => format!("{host} closed the connection during a request. Check its log, and any proxy in front of it."),
        FailureKind::Redirect { status } => {
            format!("{host} answered with a redirect ({status}), which is never followed. Use the DSN of the address that it redirects to.")
        }
        FailureKind::Status { status: status @ (400 | 401 | 403) } => {
            format!("{host} refused the event ({status}). Check the DSN's key, and that the project is active.")
        }
        FailureKind::Status { status: 404 } => format!("{host} has no such project (404). Check the DSN's path and project."),
        FailureKind::Status { status: 413 } => format!("{host} found the event too large (413)."),
        FailureKind::Status { status: 429 } => format!("{host} is limiting the rate (429). Check the quota of the project."),
        FailureKind::Status { status: status @ 500..=599 } => format!("{host} failed on its side ({status}). Check its log."),
        FailureKind::Status { status } => format!("{host} refused the event with status {status}. Check its log."),
        FailureKind::PartialSuccess { .. } | FailureKind::AnswerCut | FailureKind::BadAnswer | FailureKind::TooLarge => {
            format!("{host} answered, but not as Sentry does. Check that the DSN is copied whole.")
        }
    }
}

#[must_use]
pub fn test_heading(test: &TrackingTest) -> String {
    if test.failure.is_none() { format!("Accepted by {}", test.host) } else { format!("Not accepted by {}", test.host) }
}

#[must_use]
pub fn test_sentence(test: &TrackingTest) -> String {
    match test.failure {
        None => format!("The event is in your project in a moment. Its errorId is {}.", test.error_id),
        Some(kind) => failure_sentence(&test.host, kind),
    }
}

/// A reason for dropping, in words.
#[must_use]
pub fn drop_reason(reason: &str) -> String {
    match reason {
        "queue_full" => "Too many were waiting".to_owned(),
        "rate_limited" => "Sentry limited the rate".to_owned(),
        "repeated" => "The same error, or errors of one workspace, came too often within a minute".to_owned(),
        "rejected" => "Sentry did not take them".to_owned(),
        "unreachable" => "Sentry could not be reached".to_owned(),
        "unsendable" => "They could not be scrubbed or encoded".to_owned(),
        "shutdown" => "KnoxCall was shutting down".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What saving did.
#[must_use]
pub const fn saved_message(view: &TrackingView) -> &'static str {
    match (&view.browser, &view.server.state) {
        (TrackingState::Off, TrackingState::Off) => "Saved. Error tracking is off.",
        _ => "Saved. Errors are reported from now on.",
    }
}

/// # Errors
/// The rule the text breaks.
pub fn check_dsn(text: &str) -> Result<(), Rule> {
    if text.trim().is_empty() { Ok(()) } else { Dsn::parse(text).map(drop) }
}

/// # Errors
/// The rule the text breaks.
pub fn check_environment(text: &str) -> Result<(), Rule> {
    parse_sentry_environment(text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_grid_shows_what_needs_attention() {
        use TrackingState::{Active, Broken, Failing, Managed, Off};
        for (browser, server, pill, words) in [
            (Off, Off, PillState::Off, "Nothing is reported"),
            (Active, Off, PillState::Active, "Browser errors"),
            (Off, Managed, PillState::Managed, "Server errors"),
            (Active, Failing { since: 1 }, PillState::Failing, "Browser and server errors"),
            (Broken, Broken, PillState::Broken, "Nothing is reported"),
        ] {
            let glance = TrackingGlance { browser, server };
            assert_eq!((overall(&glance), tiers(&glance)), (pill, words));
        }
    }

    #[test]
    fn every_failure_says_what_to_do() {
        for kind in [FailureKind::NameNotFound, FailureKind::Refused, FailureKind::Tls, FailureKind::Timeout] {
            assert!(failure_sentence("h.example", kind).contains("h.example"));
        }
        for (status, word) in [(403, "key"), (404, "project"), (429, "quota"), (503, "log"), (418, "418")] {
            assert!(failure_sentence("h", FailureKind::Status { status }).contains(word), "{status}");
        }
    }

    #[test]
    fn empty_fields_are_fine() {
        assert_eq!((check_dsn(" "), check_environment("")), (Ok(()), Ok(())));
        assert_eq!(check_dsn("https://k:s@h/1"), Err(Rule::DsnSecret));
    }
}
