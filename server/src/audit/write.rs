//! Entries as files: CSV for people's spreadsheets, JSON Lines for programs.

use time::format_description::well_known::Rfc3339;

use super::{Actor, Change, Written};

/// How entries are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    JsonLines,
}

const COLUMNS: [&str; 12] = [
    "sequence",
    "time",
    "actor",
    "action",
    "resource_kind",
    "resource",
    "resource_id",
    "changes",
    "address",
    "request_id",
    "trace",
    "hash",
];

impl Format {
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// The end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    /// What stands before the first entry.
    #[must_use]
    pub fn begin(self) -> String {
        match self {
            Self::Csv => row(COLUMNS.iter().copied()),
            Self::JsonLines => String::new(),
        }
    }

    /// One entry, with the end of its line.
    #[must_use]
    pub fn line(self, written: &Written) -> String {
        match self {
            Self::JsonLines => written.to_json() + "\n",
            Self::Csv => csv(written),
        }
    }
}

fn csv(written: &Written) -> String {
    let entry = &written.entry;
    let text = |value: Option<String>| value.unwrap_or_default();
    let actor = match &entry.actor {
        Actor::User { email, .. } => email.as_str(),
        Actor::Bootstrap => "bootstrap",
        Actor::System => "system",
    };
    let cells = [
        entry.sequence.to_string(),
        entry.at.format(&Rfc3339).unwrap_or_default(),
        actor.to_owned(),
        entry.action.name().to_owned(),
        entry.resource.kind.clone().into_owned(),
        entry.resource.handle.clone(),
        text(entry.resource.id.map(|id| id.to_string())),
        entry.changes.iter().map(change).collect::<Vec<_>>().join("; "),
        text(entry.address.map(|address| address.to_string())),
        text(entry.request_id.map(|id| id.to_string())),
        text(entry.trace.map(String::from)),
        written.hash.to_string(),
    ];
    row(cells.iter().map(String::as_str))
}

fn change(change: &Change) -> String {
    match &change.values {
        Some(values) => format!("{}: {} → {}", change.field, values.before, values.after),
        None => format!("{}: changed", change.field),
    }
}

/// RFC 4180.
fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = cells.map(cell).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// A spreadsheet takes a cell that begins so for a formula, and runs it; an apostrophe before makes it text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::audit::{Action, Entry, Hash, Log, Resource, Told, Trace, Who};
    use crate::values::Email;

    fn written(handle: &str) -> Written {
        let who = Who {
            actor: Actor::User { id: Uuid::from_u128(1), email: Email::parse("ana@acme.test").unwrap() },
            address: Some("::1".parse().unwrap()),
            request_id: Some(Uuid::from_u128(2)),
            trace: Some(Trace { trace_id: [0xab; 16], span_id: [0xcd; 8], flags: 1 }),
        };
        let told = Told::new(&who, Log::Global, Action::RouteChanged, Resource::new("route", handle, Some(Uuid::from_u128(3))))
            .change("Name", "a", "=1+1")
            .change("Same", "x", "x")
            .secret("Injected headers", true);
        let entry = told.entry(9, 1_700_000_000_123);
        let text = serde_json::to_string(&entry).unwrap();
        Written { hash: Hash::before_first(Uuid::nil()).next(&text), entry, text }
    }

    #[test]
    fn a_json_line_is_the_hashed_text_and_the_hash() {
        let one = written("billing");
        let line = Format::JsonLines.line(&one);
        let without = line.trim_end().strip_suffix(&format!(",\"hash\":\"{}\"}}", one.hash)).unwrap().to_owned() + "}";
        assert_eq!(without, one.text);
        assert_eq!(serde_json::from_str::<Entry>(&without).unwrap(), one.entry);
        insta::assert_snapshot!(without, @r#"{"log":"00000000-0000-0000-0000-000000000000","sequence":9,"at":"2023-11-14T22:13:20.123Z","actor":{"kind":"user","id":"00000000-0000-0000-0000-000000000001","email":"ana@acme.test"},"action":"route.changed","resource":{"kind":"route","handle":"billing","id":"00000000-0000-0000-0000-000000000003"},"changes":[{"field":"Name","before":"a","after":"=1+1"},{"field":"Injected headers"}],"address":"::1","request_id":"00000000-0000-0000-0000-000000000002","trace":"00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01"}"#);
    }

    #[test]
    fn csv_is_quoted_and_runs_nothing() {
        assert_eq!(Format::Csv.begin().split(',').count(), COLUMNS.len());
        let line = Format::Csv.line(&written("=HYPERLINK(\"http://evil\",\"x\")"));
        assert!(line.contains(",\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\","), "{line}");
        assert!(line.contains(",Name: a → =1+1; Injected headers: changed,") && line.ends_with("\r\n"), "{line}");
        for (given, made) in [
            ("plain", "plain"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a\nb", "\"a\nb\""),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(given), made);
        }
    }
}
