//! What the page of requests says, and its addresses, as pure functions. No views here.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::contract::{StatusClass, TrafficFilter, TrafficRow};
use crate::ui::thousands;

/// What a page's address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub filter: TrafficFilter,
    /// Requests that ended before this one.
    pub before: Option<Uuid>,
}

impl Asked {
    /// From the query, by name.
    pub fn from_query(get: impl Fn(&str) -> Option<String>) -> Self {
        let class = get("status").and_then(|name| StatusClass::parse(&name));
        let filter = TrafficFilter { class, route: get("route").unwrap_or_default() };
        Self { filter, before: get("before").and_then(|id| id.parse().ok()) }
    }

    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.filter != TrafficFilter::default()
    }

    /// The page that begins before a request; without one the newest.
    #[must_use]
    pub fn at(&self, base: &str, before: Option<Uuid>) -> String {
        let TrafficFilter { class, route } = &self.filter;
        let class = class.map(|class| format!("status={}", class.name()));
        let route = (!route.is_empty()).then(|| format!("route={}", utf8_percent_encode(route, NON_ALPHANUMERIC)));
        let before = before.map(|before| format!("before={before}"));
        let query: Vec<String> = [class, route, before].into_iter().flatten().collect();
        if query.is_empty() { base.to_owned() } else { format!("{base}?{}", query.join("&")) }
    }
}

/// The choices of the filter by status.
#[must_use]
pub fn class_choices() -> Vec<(String, String)> {
    let any = ("", "Any status");
    let classes = StatusClass::ALL.map(|class| {
        let words = match class {
            StatusClass::Success => "2xx: success",
            StatusClass::Redirect => "3xx: redirect",
            StatusClass::ClientError => "4xx: client error",
            StatusClass::Failed => "5xx or no answer",
        };
        (class.name(), words)
    });
    [any].into_iter().chain(classes).map(|(value, words)| (value.to_owned(), words.to_owned())).collect()
}

/// The choices of the filter by route. What is asked for stays a choice.
#[must_use]
pub fn route_choices(routes: Vec<String>, asked: &str) -> Vec<(String, String)> {
    let gone = (!asked.is_empty() && routes.iter().all(|route| route != asked)).then(|| asked.to_owned());
    let any = (String::new(), "Any route".to_owned());
    [any].into_iter().chain(routes.into_iter().chain(gone).map(|route| (route.clone(), route))).collect()
}

/// The status, or why there is none.
#[must_use]
pub fn status_words(row: &TrafficRow) -> String {
    match row.status {
        Some(status) => status.to_string(),
        None if row.cancelled => "Cancelled".to_owned(),
        None => "No answer".to_owned(),
    }
}

/// What the status does not say: the kind of a failure, or that the caller went away before the answer's end.
#[must_use]
pub fn status_note(row: &TrafficRow) -> Option<String> {
    let told = row.status.map(|status| status.to_string());
    match &row.error_type {
        Some(kind) if told.as_ref() != Some(kind) => Some(kind.clone()),
        None if row.cancelled && told.is_some() => Some("cancelled".to_owned()),
        _ => None,
    }
}

/// "0.04 ms", "0.4 ms", "42 ms", "1,204 ms".
#[must_use]
pub fn latency_words(micros: u64) -> String {
    match micros {
        0..100 => format!("0.{:02} ms", micros / 10),
        100..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{} ms", thousands(micros / 1_000)),
    }
}

/// "billing · production"; an agent has no environment, and an unknown route neither name.
#[must_use]
pub fn route_words(row: &TrafficRow) -> String {
    match (row.route.as_str(), row.environment.as_str()) {
        ("", _) => "Unknown route".to_owned(),
        (route, "") => route.to_owned(),
        (route, environment) => format!("{route} · {environment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Asked {
        Asked::from_query(|name| query.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    fn row(status: Option<u16>, error_type: Option<&str>, cancelled: bool) -> TrafficRow {
        TrafficRow {
            request_id: Uuid::nil(),
            at: 0,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            status,
            class: StatusClass::of(status, error_type.is_some()),
            cancelled,
            latency_us: 0,
            route: "billing".to_owned(),
            environment: "production".to_owned(),
            upstream: None,
            error_type: error_type.map(str::to_owned),
            error_id: None,
            trace_id: String::new(),
        }
    }

    #[test]
    fn addresses_keep_the_filter() {
        let plain = asked(&[]);
        assert!(!plain.is_filtered());
        assert_eq!(plain.at("/w/acme/logs", None), "/w/acme/logs");
        assert_eq!(plain.at("/a", Some(Uuid::nil())), "/a?before=00000000-0000-0000-0000-000000000000");
        let some = asked(&[("status", "failed"), ("route", "ai/bot"), ("before", "00000000-0000-0000-0000-000000000000")]);
        assert!(some.is_filtered() && some.before == Some(Uuid::nil()));
        assert_eq!(some.at("/a", None), "/a?status=failed&route=ai%2Fbot");
        assert_eq!(some.filter, TrafficFilter { class: Some(StatusClass::Failed), route: "ai/bot".to_owned() });
        assert_eq!(asked(&[("status", "5xx"), ("before", "x")]), Asked::default(), "anyone can write an address");
    }

    #[test]
    fn what_is_asked_for_is_a_choice() {
        let values = |routes: &[&str], asked: &str| {
            let routes = routes.iter().map(|&route| route.to_owned()).collect();
            route_choices(routes, asked).into_iter().map(|(value, _)| value).collect::<Vec<_>>()
        };
        assert_eq!(values(&["billing", "ai/bot"], "billing"), ["", "billing", "ai/bot"]);
        assert_eq!(values(&["billing"], "gone"), ["", "billing", "gone"]);
        assert_eq!(class_choices().into_iter().map(|(value, _)| value).collect::<Vec<_>>(), ["", "2xx", "3xx", "4xx", "failed"]);
    }

    #[test]
    fn ends_in_words() {
        for (status, error, cancelled, words, note) in [
            (Some(200), None, false, "200", None),
            (Some(503), Some("503"), false, "503", None),
            (Some(504), Some("timeout"), false, "504", Some("timeout")),
            (Some(200), Some("connection_closed"), false, "200", Some("connection_closed")),
            (None, Some("timeout"), false, "No answer", Some("timeout")),
            (None, None, true, "Cancelled", None),
            (Some(200), None, true, "200", Some("cancelled")),
        ] {
            let row = row(status, error, cancelled);
            assert_eq!((status_words(&row).as_str(), status_note(&row).as_deref()), (words, note), "{status:?} {error:?}");
        }
    }

    #[test]
    fn figures_and_places_in_words() {
        for (micros, words) in
            [(0, "0.00 ms"), (42, "0.04 ms"), (420, "0.4 ms"), (9_999, "9.9 ms"), (42_100, "42 ms"), (1_204_000, "1,204 ms")]
        {
            assert_eq!(latency_words(micros), words);
        }
        let place = |route: &str, environment: &str| {
            route_words(&TrafficRow { route: route.to_owned(), environment: environment.to_owned(), ..row(None, None, true) })
        };
        assert_eq!(place("billing", "production"), "billing · production");
        assert_eq!(place("ai/bot", ""), "ai/bot");
        assert_eq!(place("", ""), "Unknown route");
    }
}
