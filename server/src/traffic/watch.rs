//! What is kept of one workspace: the newest requests, bounded in number and in bytes. Knows no clock and no workspace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use uuid::Uuid;

use super::entry::Entry;
use crate::values::{MAX_REQUESTS_KEPT, StatusClass};

/// What the requests of a workspace may hold together, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// Which requests somebody wants to see; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub class: Option<StatusClass>,
    /// The route's slug; empty for any.
    pub route: String,
}

impl Wanted {
    fn takes(&self, entry: &Entry) -> bool {
        (self.class.is_none() || self.class == entry.class()) && (self.route.is_empty() || self.route == *entry.route)
    }
}

/// Some of the requests, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<Arc<Entry>>,
    /// The request before which there are more.
    pub next: Option<Uuid>,
}

#[derive(Debug)]
pub struct Watch(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    /// The last look.
    looked: Instant,
    /// The oldest first.
    kept: VecDeque<Arc<Entry>>,
    bytes: usize,
}

impl Watch {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Seen { looked: now, kept: VecDeque::new(), bytes: 0 }))
    }

    pub fn looked_at(&self, now: Instant) {
        self.seen().looked = now;
    }

    /// When somebody looked last.
    pub fn looked(&self) -> Instant {
        self.seen().looked
    }

    /// Keeps one more; the oldest make room.
    pub fn push(&self, entry: Entry) {
        let entry = Arc::new(entry);
        let mut seen = self.seen();
        seen.bytes += entry.size();
        seen.kept.push_back(entry);
        while seen.kept.len() > MAX_REQUESTS_KEPT || seen.bytes > MOST_BYTES {
            let Some(oldest) = seen.kept.pop_front() else { return };
            seen.bytes -= oldest.size();
        }
    }

    /// At most `limit` of those that are wanted, from the one before `before` on: none, where that one is not kept any more.
    pub fn page(&self, wanted: &Wanted, before: Option<Uuid>, limit: usize) -> Page {
        let seen = self.seen();
        let mut newest_first = seen.kept.iter().rev();
        if let Some(before) = before {
            // Up to that one, itself included.
            let _ = newest_first.find(|entry| entry.request_id == before);
        }
        let mut found = newest_first.filter(|entry| wanted.takes(entry));
        let entries: Vec<Arc<Entry>> = found.by_ref().take(limit).cloned().collect();
        let more = found.next().is_some();
        let next = if more { entries.last().map(|entry| entry.request_id) } else { None };
        Page { entries, next }
    }

    /// Held for a moment only: requests come by here.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{entry, request};
    use super::*;
    use crate::event::Request;

    fn watch() -> Watch {
        Watch::new(Instant::now())
    }

    fn numbered(number: usize, status: u16) -> Request {
        Request { request_id: Uuid::from_u128(number as u128), status: Some(status), ..request() }
    }

    fn numbers(page: &Page) -> Vec<u128> {
        page.entries.iter().map(|entry| entry.request_id.as_u128()).collect()
    }

    #[test]
    fn the_newest_stay_in_number() {
        let watch = watch();
        for number in 1..=MAX_REQUESTS_KEPT + 20 {
            watch.push(entry(&numbered(number, 200)));
        }
        let all = numbers(&watch.page(&Wanted::default(), None, 10_000));
        assert_eq!((all.len(), all[0], all[MAX_REQUESTS_KEPT - 1]), (MAX_REQUESTS_KEPT, 520, 21));
    }

    #[test]
    fn the_newest_stay_in_bytes() {
        let watch = watch();
        for number in 1..=MAX_REQUESTS_KEPT {
            watch.push(entry(&Request { path: "/".repeat(10_000), ..numbered(number, 200) }));
        }
        let seen = watch.seen();
        let held: usize = seen.kept.iter().map(|entry| entry.size()).sum();
        assert_eq!(seen.bytes, held);
        assert!(held <= MOST_BYTES && held > MOST_BYTES - 4096, "{held}");
        assert!(seen.kept.len() < MAX_REQUESTS_KEPT && seen.kept.back().unwrap().request_id == Uuid::from_u128(500), "{}", seen.kept.len());
    }

    #[test]
    fn what_is_wanted_comes_page_by_page() {
        let watch = watch();
        for number in 1..=9_usize {
            watch.push(entry(&numbered(number, if number.is_multiple_of(3) { 404 } else { 200 })));
        }
        let all = Wanted::default();
        let first = watch.page(&all, None, 4);
        assert_eq!((numbers(&first), first.next), (vec![9, 8, 7, 6], Some(Uuid::from_u128(6))));
        // What comes meanwhile moves nothing.
        watch.push(entry(&numbered(10, 200)));
        let second = watch.page(&all, first.next, 5);
        assert_eq!((numbers(&second), second.next), (vec![5, 4, 3, 2, 1], None));
        let refused = Wanted { class: Some(StatusClass::ClientError), ..Wanted::default() };
        let first = watch.page(&refused, None, 2);
        assert_eq!((numbers(&first), first.next), (vec![9, 6], Some(Uuid::from_u128(6))));
        assert_eq!(numbers(&watch.page(&refused, first.next, 2)), [3]);
        let route = |route: &str| Wanted { route: route.to_owned(), ..Wanted::default() };
        assert_eq!(numbers(&watch.page(&route("billing"), None, 100)).len(), 10);
        assert!(numbers(&watch.page(&route("bill"), None, 100)).is_empty());
        assert_eq!(watch.page(&all, Some(Uuid::from_u128(99)), 5), Page::default(), "it is not kept any more");
    }
}
