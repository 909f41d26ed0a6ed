//! What the pages of the audit logs say, and their addresses, as pure functions. No views here.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::contract::{AuditActor, AuditChange, AuditFilter, AuditVerdict};
use crate::ui::thousands;

/// What a page's address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub filter: AuditFilter,
    /// Entries older than this one.
    pub before: Option<u64>,
    /// 0 does not; each further number does it again.
    pub verify: u32,
}

impl Asked {
    /// From the query, by name.
    pub fn from_query(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        let filter =
            AuditFilter { actor: text("actor"), action: text("action"), resource: text("resource"), from: text("from"), to: text("to") };
        Self { filter, before: get("before").and_then(|at| at.parse().ok()), verify: text("verify").parse().unwrap_or(0) }
    }

    #[must_use]
    pub fn is_filtered(&self) -> bool {
        pairs(&self.filter).iter().any(|(_, text)| !text.trim().is_empty())
    }

    /// The page that begins before an entry; without one the newest.
    #[must_use]
    pub fn at(&self, base: &str, before: Option<u64>) -> String {
        with_query(base, &self.filter, before.map(|before| ("before", before.to_string())))
    }

    /// The same page, with the chain followed.
    #[must_use]
    pub fn verified(&self, base: &str) -> String {
        let before = self.before.map(|before| ("before", before.to_string()));
        with_query(base, &self.filter, before.into_iter().chain([("verify", (self.verify.wrapping_add(1).max(1)).to_string())]))
    }

    /// What the filter means, all of it, as a file.
    #[must_use]
    pub fn file(&self, base: &str, format: &'static str) -> String {
        with_query(&format!("{base}/export"), &self.filter, [("format", format.to_owned())])
    }
}

fn pairs(filter: &AuditFilter) -> [(&'static str, &str); 5] {
    [("actor", &filter.actor), ("action", &filter.action), ("resource", &filter.resource), ("from", &filter.from), ("to", &filter.to)]
}

fn with_query(path: &str, filter: &AuditFilter, more: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let given = pairs(filter).into_iter().filter(|(_, text)| !text.trim().is_empty()).map(|(name, text)| (name, text.to_owned()));
    let query: Vec<String> =
        given.chain(more).map(|(name, text)| format!("{name}={}", utf8_percent_encode(&text, NON_ALPHANUMERIC))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// The choices of the filter: any, each kind, and each action that occurs. What is asked for stays a choice.
#[must_use]
pub fn action_choices(actions: &[String], asked: &str) -> Vec<(String, String)> {
    let mut choices = vec![(String::new(), "Any action".to_owned())];
    let mut kind = "";
    for action in actions {
        let its_kind = action.split('.').next().unwrap_or_default();
        if its_kind != kind {
            kind = its_kind;
            choices.push((kind.to_owned(), format!("{kind}: any")));
        }
        choices.push((action.clone(), action.clone()));
    }
    if choices.iter().all(|(value, _)| value != asked) {
        choices.push((asked.to_owned(), asked.to_owned()));
    }
    choices
}

#[must_use]
pub fn actor_words(actor: &AuditActor) -> String {
    match actor {
        AuditActor::User(email) => email.clone(),
        AuditActor::Bootstrap => "Bootstrap file".to_owned(),
        AuditActor::System => "KnoxCall".to_owned(),
    }
}

/// Such as `api key` for `api_key`.
#[must_use]
pub fn kind_words(kind: &str) -> String {
    kind.replace('_', " ")
}

/// "Name: a → b"; of a secret only that it changed.
#[must_use]
pub fn change_words(change: &AuditChange) -> String {
    let field = &change.field;
    match &change.values {
        None => format!("{field}: changed"),
        Some((before, after)) if before.is_empty() => format!("{field}: {after}"),
        Some((before, after)) if after.is_empty() => format!("{field}: {before} → none"),
        Some((before, after)) => format!("{field}: {before} → {after}"),
    }
}

/// What following the chain found, and the head to note.
#[must_use]
pub fn verdict_words(verdict: &AuditVerdict) -> (String, Option<String>) {
    match verdict {
        AuditVerdict::Intact { entries: 0, removed: 0, .. } => ("Intact. The log has no entries.".to_owned(), None),
        AuditVerdict::Intact { entries, removed, head } => {
            let found = match entries {
                1 => "The log has 1 entry.".to_owned(),
                entries => format!("Each of the {} entries follows from the one before.", thousands(*entries)),
            };
            let left =
                if *removed > 0 { format!(" Entries up to {removed} were removed when their time was over.") } else { String::new() };
            (format!("Intact. {found}{left} Head:"), Some(head.clone()))
        }
        AuditVerdict::Broken { sequence } => (
            format!(
                "Broken at entry {sequence}: it is missing, was changed, or does not follow from the one before. Compare with a backup, or with a head you noted."
            ),
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Asked {
        Asked::from_query(|name| query.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn addresses_keep_the_filter() {
        let plain = asked(&[]);
        assert!(!plain.is_filtered());
        assert_eq!(plain.at("/w/acme/audit", None), "/w/acme/audit");
        assert_eq!(plain.at("/w/acme/audit", Some(51)), "/w/acme/audit?before=51");
        assert_eq!(plain.verified("/settings/audit"), "/settings/audit?verify=1");
        let some = asked(&[("actor", "a&b@x"), ("action", "route"), ("before", "9"), ("verify", "1"), ("to", "2026-11-22")]);
        assert!(some.is_filtered());
        assert_eq!((some.before, some.verify), (Some(9), 1));
        assert_eq!(some.at("/a", Some(3)), "/a?actor=a%26b%40x&action=route&to=2026%2D11%2D22&before=3");
        assert_eq!(some.verified("/a"), "/a?actor=a%26b%40x&action=route&to=2026%2D11%2D22&before=9&verify=2");
        assert_eq!(some.file("/a", "csv"), "/a/export?actor=a%26b%40x&action=route&to=2026%2D11%2D22&format=csv");
        assert_eq!(asked(&[("before", "x"), ("verify", "-1")]), Asked::default(), "anyone can write an address");
    }

    #[test]
    fn choices_are_kinds_and_actions() {
        let actions = ["api_key.created", "route.changed", "route.created"].map(str::to_owned);
        let values = |asked: &str| action_choices(&actions, asked).into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        assert_eq!(values("route"), ["", "api_key", "api_key.created", "route", "route.changed", "route.created"]);
        assert_eq!(values("member").last().unwrap(), "member", "what is asked for is shown");
    }

    #[test]
    fn verdicts_in_words() {
        let intact = |entries, removed| verdict_words(&AuditVerdict::Intact { entries, removed, head: "abc".to_owned() });
        assert_eq!(intact(0, 0), ("Intact. The log has no entries.".to_owned(), None));
        assert_eq!(intact(1, 0), ("Intact. The log has 1 entry. Head:".to_owned(), Some("abc".to_owned())));
        let words =
            "Intact. Each of the 5 entries follows from the one before. Entries up to 12 were removed when their time was over. Head:";
        assert_eq!(intact(5, 12).0, words);
        assert!(intact(1_204, 0).0.contains("Each of the 1,204 entries follows"));
        assert!(verdict_words(&AuditVerdict::Broken { sequence: 3 }).0.starts_with("Broken at entry 3:"));
    }

    #[test]
    fn changes_in_words() {
        let of = |values: Option<(&str, &str)>| {
            let values = values.map(|(before, after)| (before.to_owned(), after.to_owned()));
            change_words(&AuditChange { field: "Name".to_owned(), values })
        };
        assert_eq!(of(Some(("a", "b"))), "Name: a → b");
        assert_eq!(of(Some(("", "b"))), "Name: b");
        assert_eq!(of(Some(("a", ""))), "Name: a → none");
        assert_eq!(of(None), "Name: changed");
    }
}
