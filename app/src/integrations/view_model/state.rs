//! A destination's state in a few words.

use crate::contract::values::{Endpoint, Signal};
use crate::contract::{ExportState, PauseView, UnixMillis};
use crate::integrations::api::ExportGlance;

/// The one live fact of a card; the point in time is shown by the view, relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    pub text: &'static str,
    pub at: Option<UnixMillis>,
}

/// What a card says about a destination besides its state.
#[must_use]
pub fn live_fact(export: &ExportGlance) -> Fact {
    let plain = |text| Fact { text, at: None };
    match &export.state {
        ExportState::Off => plain("Not configured"),
        ExportState::Broken { .. } => plain("The stored settings can't be read"),
        ExportState::Paused(PauseView { since, .. }) => Fact { text: "Paused since", at: Some(*since) },
        ExportState::Failing { since } => Fact { text: "Failing since", at: Some(*since) },
        ExportState::Active | ExportState::Managed => match export.last_success_at {
            Some(at) => Fact { text: "Last export", at: Some(at) },
            None => plain("Nothing exported yet"),
        },
    }
}

/// The state in one sentence without any number in it: a screen reader hears it when, and only when, the state changes. `still_failing`:
/// what goes on, where the state is that the others are stopped, is failing.
#[must_use]
pub const fn announcement(state: &ExportState, still_failing: bool) -> &'static str {
    match state {
        ExportState::Off => "Export is off.",
        ExportState::Active | ExportState::Managed => "Export is active.",
        ExportState::Failing { .. } => "Export is failing.",
        ExportState::Paused(_) if still_failing => "Export is paused. What the environment names goes on and is failing.",
        ExportState::Paused(pause) if !pause.going_on.is_empty() => "Export is paused, but for what the environment names.",
        ExportState::Paused(_) => "Export is paused.",
        ExportState::Broken { .. } if still_failing => {
            "The stored settings can't be read. What the environment names goes on and is failing."
        }
        ExportState::Broken { going_on } if !going_on.is_empty() => {
            "The stored settings can't be read; nothing is exported, but for what the environment names."
        }
        ExportState::Broken { .. } => "The stored settings can't be read; nothing is exported.",
    }
}

/// What a pause, or settings that can't be read, stop.
#[must_use]
pub fn going_on_words(going_on: &[Signal]) -> String {
    let names: Vec<_> = going_on.iter().map(|signal| signal.name()).collect();
    let names = match names.as_slice() {
        [] => return "Nothing is collected.".to_owned(),
        all if all.len() == Signal::ALL.len() => return "Everything goes on, by what the environment says.".to_owned(),
        some => some.join(" and "),
    };
    format!("Only {names} go on, by what the environment says.")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_messages() {
        let mut status = ExportGlance { state: ExportState::Off, last_success_at: None, still_failing: Vec::new() };
        assert_eq!(live_fact(&status), Fact { text: "Not configured", at: None });
        status.state = ExportState::Active;
        assert_eq!(live_fact(&status), Fact { text: "Nothing exported yet", at: None });
        status.last_success_at = Some(5);
        assert_eq!(live_fact(&status), Fact { text: "Last export", at: Some(5) });
        status.state = ExportState::Failing { since: 7 };
        assert_eq!(live_fact(&status), Fact { text: "Failing since", at: Some(7) });

        assert_eq!(saved_message("https://otlp.example.com/x", &ExportState::Active), "Saved. Exporting to otlp.example.com");
        assert_eq!(saved_message("", &ExportState::Off), "Saved. Export is off");

        assert_eq!(going_on_words(&[]), "Nothing is collected.");
        assert_eq!(going_on_words(&[Signal::Traces, Signal::Logs]), "Only traces and logs go on, by what the environment says.");
        assert_eq!(going_on_words(&Signal::ALL), "Everything goes on, by what the environment says.");
        let paused = |going_on| ExportState::Paused(PauseView { since: 7, by: None, going_on });
        assert_eq!(announcement(&paused(Vec::new()), false), "Export is paused.");
        assert_eq!(announcement(&paused(vec![Signal::Traces]), false), "Export is paused, but for what the environment names.");
        let broken = |going_on, still_failing| announcement(&ExportState::Broken { going_on }, still_failing);
        assert_eq!(broken(Vec::new(), false), "The stored settings can't be read; nothing is exported.");
        assert!(broken(vec![Signal::Traces], false).ends_with("nothing is exported, but for what the environment names."));
        for spoken in [announcement(&paused(vec![Signal::Traces]), true), broken(vec![Signal::Traces], true)] {
            assert!(spoken.ends_with("What the environment names goes on and is failing."), "{spoken}");
        }
    }
}
