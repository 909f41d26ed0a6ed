//! Takes what is logged as an error: failures outside a request, and those behind a console's `Internal` answer, whose log
//! line is the only place where the reason stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use sentry::protocol::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use uuid::Uuid;

use super::Shared;
use super::report::Report;
use crate::faults;

/// Only what this program logs itself: libraries tell of what is handled further up.
const OURS: &str = "server::";
/// What the bus tells in more detail, and what must not report itself.
const ELSEWHERE: [&str; 4] = ["server::gateway::refusal", "server::web::", "server::error_tracking", "server::outbound"];

/// A layer of the log.
pub struct Layer {
    shared: Arc<Shared>,
}

impl Layer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() != Level::ERROR || self.shared.bound.load().is_none() {
            return;
        }
        let target = metadata.target();
        if !target.starts_with(OURS) || ELSEWHERE.iter().any(|elsewhere| target.starts_with(elsewhere)) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let place = metadata.file().map(|file| format!("{file}:{}", metadata.line().unwrap_or_default()));
        let report = fields.report(room_of(target), place);
        self.shared.report(match faults::at_hand() {
            Some(request) => report.during(&request),
            None => report,
        });
    }
}

/// The part of the program, such as `telemetry`; `server` for what is told of tasks anywhere.
fn room_of(target: &'static str) -> &'static str {
    let room = target.strip_prefix(OURS).and_then(|rest| rest.split("::").next());
    room.filter(|room| *room != "faults").unwrap_or("server")
}

/// What a log line carries.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    error: Option<String>,
    /// What kind of failure, where one line tells of several: a word of a closed list.
    cause: Option<String>,
    panic: Option<String>,
    location: Option<String>,
    error_id: Option<Uuid>,
    others: BTreeMap<String, Value>,
}

impl Fields {
    fn put(&mut self, name: &str, text: String) {
        match name {
            "message" => self.message = text,
            "error" => self.error = Some(text),
            "cause" => self.cause = Some(text),
            "panic" => self.panic = Some(text),
            "location" => self.location = Some(text),
            "errorId" => self.error_id = Uuid::try_parse(&text).ok(),
            other => drop(self.others.insert(other.to_owned(), Value::String(text))),
        }
    }

    fn report(self, component: &'static str, place: Option<String>) -> Report {
        let detail = self.panic.as_ref().or(self.error.as_ref());
        Report {
            error_id: self.error_id.unwrap_or_else(Uuid::now_v7),
            kind: match self.cause {
                _ if self.panic.is_some() => Cow::Borrowed("panic"),
                Some(cause) => Cow::Owned(cause),
                None => Cow::Borrowed(component),
            },
            message: detail.map_or_else(|| self.message.clone(), |detail| format!("{}: {detail}", self.message)),
            location: self.location.or(place),
            component,
            extra: self.others,
            ..Report::default()
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(fields: &[(&str, &str)]) -> Report {
        let mut read = Fields::default();
        fields.iter().for_each(|(name, text)| read.put(name, (*text).to_owned()));
        read.report("backend", Some("server/src/backend/error.rs:15".to_owned()))
    }

    #[test]
    fn the_id_is_the_log_lines() {
        let id = Uuid::from_u128(0xe001);
        let read = report(&[("message", "x"), ("errorId", &id.to_string())]);
        assert_eq!((read.error_id, read.extra.len()), (id, 0));
    }

    #[test]
    fn what_one_line_tells_of_is_told_apart_by_its_cause_and_by_nothing_else() {
        let of = |cause, error| report(&[("message", "a request failed"), ("cause", cause), ("error", error)]);
        let (read, write) = (of("store_read", "first"), of("store_write", "first"));
        assert_eq!((&*read.kind, &*write.kind), ("store_read", "store_write"));
        assert_ne!(read.key(), write.key());
        assert_eq!(read.key(), of("store_read", "second").key());
        assert!(read.whose().is_none() && read.extra.is_empty());
        assert_eq!(report(&[("message", "x")]).kind, "backend");
        assert_eq!(report(&[("cause", "store_read"), ("panic", "x")]).kind, "panic");
    }
}
