//! What is to be told of a change. Whoever commits a change of settings or accounts has to give one along.

use std::borrow::Cow;

use time::OffsetDateTime;

use super::entry::Values;
use super::{Action, Change, Entry, Log, Resource, Who};

/// No value in an entry is longer, in characters: a form may hold a list of any length.
const LONGEST_VALUE: usize = 2048;

/// An entry that has no place in its log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Told {
    log: Log,
    who: Who,
    action: Action,
    resource: Resource,
    changes: Vec<Change>,
}

impl Told {
    pub fn new(who: &Who, log: Log, action: Action, resource: Resource) -> Self {
        Self { log, who: who.clone(), action, resource, changes: Vec::new() }
    }

    /// A field before and after, if it differs. Nothing secret, and no URL with a query.
    pub fn change(mut self, field: impl Into<Cow<'static, str>>, before: &str, after: &str) -> Self {
        if before != after {
            let values = Values { before: clipped(before), after: clipped(after) };
            self.changes.push(Change { field: field.into(), values: Some(values) });
        }
        self
    }

    /// A switch before and after, if it differs.
    pub fn switch(self, field: impl Into<Cow<'static, str>>, before: bool, after: bool) -> Self {
        let word = |on| if on { "on" } else { "off" };
        self.change(field, word(before), word(after))
    }

    /// Says of a secret that it changed, if it did.
    pub fn secret(mut self, field: impl Into<Cow<'static, str>>, changed: bool) -> Self {
        if changed {
            self.changes.push(Change { field: field.into(), values: None });
        }
        self
    }

    /// What was done is to change fields, and none did.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    #[must_use]
    pub const fn log(&self) -> Log {
        self.log
    }

    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// As the entry with this number. `at` is in milliseconds since the Unix epoch.
    #[must_use]
    pub fn entry(&self, sequence: u64, at: i64) -> Entry {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000);
        Entry {
            log: self.log.id(),
            sequence,
            at: at.unwrap_or(OffsetDateTime::UNIX_EPOCH),
            actor: self.who.actor.clone(),
            action: self.action,
            resource: self.resource.clone(),
            changes: self.changes.clone(),
            address: self.who.address,
            request_id: self.who.request_id,
            trace: self.who.trace,
        }
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
