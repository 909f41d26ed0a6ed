//! How a webhook and a delivery are doing, in few words.

use crate::contract::values::EventType;
use crate::contract::{DeliveryState, WebhookLosses, WebhookState};
use crate::ui::{PillState, thousands};

/// The state as a pill, with its word.
#[must_use]
pub const fn state_pill(state: &WebhookState) -> (PillState, &'static str) {
    match state {
        WebhookState::Active => (PillState::Active, "Active"),
        WebhookState::Disabled => (PillState::Off, "Disabled"),
        WebhookState::Gone { .. } => (PillState::Paused, "Gone (410)"),
        WebhookState::GaveUp { .. } => (PillState::Paused, "Gave up"),
        WebhookState::Failing { .. } => (PillState::Failing, "Failing"),
        WebhookState::Broken => (PillState::Broken, "Unreadable"),
    }
}

/// What the state means, and what to do.
#[must_use]
pub const fn state_sentence(state: &WebhookState) -> &'static str {
    match state {
        WebhookState::Active => "Deliveries go out as events happen.",
        WebhookState::Disabled => "Switched off. Nothing is delivered until it is enabled.",
        WebhookState::Gone { .. } => {
            "The receiver answered 410 Gone, which means that it wants no more deliveries, so nothing is delivered. Enable it again once the receiver is back."
        }
        WebhookState::GaveUp { .. } => {
            "It had only failed for five days, so nothing is delivered any more. Enable it again once the receiver works; it then has five days anew."
        }
        WebhookState::Failing { .. } => {
            "The last attempts failed. Deliveries are tried again; after five days of nothing but failures it is switched off."
        }
        WebhookState::Broken => "What is stored of it can't be read, so nothing is delivered. Enter it again and save.",
    }
}

/// The button that switches it: its words, and whether it enables.
#[must_use]
pub const fn switch_words(state: &WebhookState) -> (&'static str, bool) {
    match state {
        WebhookState::Disabled => ("Enable webhook", true),
        WebhookState::Gone { .. } | WebhookState::GaveUp { .. } => ("Enable again", true),
        WebhookState::Active | WebhookState::Failing { .. } | WebhookState::Broken => ("Disable webhook", false),
    }
}

/// What of a request and its answer goes along.
#[must_use]
pub const fn included_words(headers: bool, bodies: bool) -> &'static str {
    match (headers, bodies) {
        (false, false) => "Neither headers nor bodies",
        (true, false) => "Headers",
        (false, true) => "Bodies",
        (true, true) => "Headers and bodies",
    }
}

/// What the workspace's receivers do not know, a sentence for each kind; empty where everything was told.
#[must_use]
pub fn untold(losses: WebhookLosses) -> Vec<String> {
    let events = |count: u64| if count == 1 { "1 event".to_owned() } else { format!("{} events", thousands(count)) };
    let queue = (losses.events > 0).then(|| {
        format!(
            "{} could not be queued since the server started, so nobody was told: they came faster than the disk takes them.",
            events(losses.events)
        )
    });
    let copies = (losses.without_copies > 0).then(|| {
        format!(
            "{} went without some of their headers or bodies since the server started, because too much was copied at once.",
            events(losses.without_copies)
        )
    });
    let room = (losses.no_room > 0).then(|| {
        let deliveries =
            if losses.no_room == 1 { "1 delivery was".to_owned() } else { format!("{} deliveries were", thousands(losses.no_room)) };
        format!("{deliveries} not made since the server started, because too much waited on disk already, of this workspace or of all.")
    });
    queue.into_iter().chain(copies).chain(room).collect()
}

/// "96 % of 1,204". A share is never rounded up to all, nor down to none.
#[must_use]
pub fn success_words(delivered: u64, failed: u64) -> String {
    let ended = delivered.saturating_add(failed);
    if ended == 0 {
        return "None yet".to_owned();
    }
    let percent = u128::from(delivered) * 100 / u128::from(ended);
    let percent = if percent == 0 && delivered > 0 { 1 } else { percent };
    format!("{percent} % of {}", thousands(ended))
}

/// The events in few words.
#[must_use]
pub fn events_words(events: &[EventType]) -> String {
    match events {
        [] => "None".to_owned(),
        [only] => only.name().to_owned(),
        [first, second] => format!("{}, {}", first.name(), second.name()),
        [first, rest @ ..] => format!("{} and {} more", first.name(), rest.len()),
    }
}

/// The state of a delivery as a pill, with its word.
#[must_use]
pub const fn delivery_state(state: &DeliveryState) -> (PillState, &'static str) {
    match state {
        DeliveryState::Waiting { .. } => (PillState::Paused, "Waiting"),
        DeliveryState::Delivered => (PillState::Active, "Delivered"),
        DeliveryState::Failed => (PillState::Failing, "Failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_said_and_nothing_otherwise() {
        assert_eq!(untold(WebhookLosses::default()), Vec::<String>::new());
        let some = untold(WebhookLosses { events: 1_204, without_copies: 1, no_room: 0 });
        assert!(some[0].starts_with("1,204 events could not be queued") && some[1].starts_with("1 event went without"), "{some:?}");
        let sentence = |no_room| untold(WebhookLosses { no_room, ..WebhookLosses::default() }).remove(0);
        assert!(sentence(1).starts_with("1 delivery was not made") && sentence(1_204).starts_with("1,204 deliveries were not made"));
    }

    #[test]
    fn a_share_is_never_more_than_it_was() {
        assert_eq!(success_words(0, 0), "None yet");
        assert_eq!(success_words(1156, 48), "96 % of 1,204");
        assert_eq!(success_words(999_999, 1), "99 % of 1,000,000");
        assert_eq!(success_words(1, 999), "1 % of 1,000");
        assert_eq!((success_words(7, 0).as_str(), success_words(0, 7).as_str()), ("100 % of 7", "0 % of 7"));
        assert_eq!(success_words(u64::MAX, 1), format!("100 % of {}", thousands(u64::MAX)));
    }

    #[test]
    fn events_stay_short() {
        assert_eq!(events_words(&[]), "None");
        assert_eq!(events_words(&EventType::SELECTABLE[..2]), "request.received, request.success");
        assert_eq!(events_words(&EventType::SELECTABLE), "request.received and 8 more");
    }

    #[test]
    fn what_stopped_by_itself_is_enabled_again() {
        for (state, words) in [
            (WebhookState::Active, ("Disable webhook", false)),
            (WebhookState::Disabled, ("Enable webhook", true)),
            (WebhookState::Gone { since: 1 }, ("Enable again", true)),
            (WebhookState::GaveUp { since: 1 }, ("Enable again", true)),
        ] {
            assert_eq!(switch_words(&state), words);
        }
    }
}
