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
            "panic" => self.panic = Some(text),
            "location" => self.location = Some(text),
            "error_id" => self.error_id = Uuid::try_parse(&text).ok(),
            other => drop(self.others.insert(other.to_owned(), Value::String(text))),
        }
    }

    fn report(self, component: &'static str, place: Option<String>) -> Report {
        let detail = self.panic.as_ref().or(self.error.as_ref());
        Report {
            error_id: self.error_id.unwrap_or_else(Uuid::now_v7),
            kind: Cow::Borrowed(if self.panic.is_some() { "panic" } else { component }),
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
