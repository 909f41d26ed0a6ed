//! What a generation of an export's settings changed.

use crate::contract::{FieldChange, RevisionCause};
use crate::ui::counted;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

    #[test]
    fn changes_in_words() {
        let change = |values| change_words(&FieldChange { field: Field::Endpoint, values });
        assert_eq!(change(Some((String::new(), "http://a".to_owned()))), "OTLP HTTP endpoint: http://a");
        assert_eq!(change(Some(("http://a".to_owned(), String::new()))), "OTLP HTTP endpoint: nothing instead of http://a");
        assert_eq!(change_words(&FieldChange { field: Field::Headers, values: None }), "Auth headers: changed");
    }
}
