//! The moment, for "3 min ago": read anew as long as the page is open, so that what was a moment ago does not stay so.
//!
//! Points in time come from the server, and the browser's clock may be minutes away from the server's. So the page brings the
//! server's clock along, once, and what the browser's differs by is taken off for as long as the page is open.

use std::time::Duration;

use leptos::prelude::*;

use crate::contract::UnixMillis;

const EVERY: Duration = Duration::from_secs(10);

/// Ticks in the browser only.
#[derive(Clone, Copy)]
pub struct Clock {
    tick: Trigger,
    /// Of the server's clock before the browser's, in milliseconds.
    ahead: i64,
}

/// Gives all of the console one clock, which starts with the scripts.
pub fn provide_clock() {
    let rendered = SharedValue::new(server_now).into_inner();
    let (asked, taken_over) = page_times();
    let tick = Trigger::new();
    provide_context(Clock { tick, ahead: ahead(rendered, asked, taken_over) });
    Effect::new(move |_| set_interval(move || tick.notify(), EVERY));
}

impl Clock {
    /// The server's clock, as far as the browser can know it; whoever asks in an effect is asked again. Effects don't run while the
    /// server renders.
    pub fn now(self) -> UnixMillis {
        self.tick.track();
        browser_now() + self.ahead
    }
}

/// By how much the server's clock, which said `rendered` when it made the page, is ahead of the browser's, which said `asked`
/// when the page was asked for and `taken_over` when its scripts ran. As little as explains these: where `rendered` is between
/// the two, the clocks agree, however slow the line.
const fn ahead(rendered: Option<UnixMillis>, asked: UnixMillis, taken_over: UnixMillis) -> i64 {
    match rendered {
        Some(rendered) if rendered > taken_over => rendered - taken_over,
        Some(rendered) if rendered < asked => rendered - asked,
        _ => 0,
    }
}

/// On the server; the browser finds the value in the page.
fn server_now() -> Option<UnixMillis> {
    #[cfg(feature = "ssr")]
    let now = {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.ok().and_then(|since| since.as_millis().try_into().ok())
    };
    #[cfg(not(feature = "ssr"))]
    let now = None;
    now
}

/// When the page was asked for and what the time is now, by the browser's clock. The first is counted back from now, because a
/// clock that was put right in between would have said something else then.
fn page_times() -> (UnixMillis, UnixMillis) {
    let now = browser_now();
    #[cfg(feature = "hydrate")]
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the page was asked for fit by far")]
    let age = window().performance().map_or(0, |performance| performance.now() as i64);
    #[cfg(not(feature = "hydrate"))]
    let age = 0;
    (now - age, now)
}

fn browser_now() -> UnixMillis {
    #[cfg(feature = "hydrate")]
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit by far")]
    let now = js_sys::Date::now() as i64;
    #[cfg(not(feature = "hydrate"))]
    let now = 0;
    now
}

#[cfg(test)]
mod tests {
    use super::ahead;

    #[test]
    fn a_clock_is_put_right_by_as_little_as_is_known() {
        let minute = 60_000;
        for (rendered, asked, taken_over, expected) in [
            // They agree, however long the page was on its way.
            (1_000 * minute, 1_000 * minute - 50, 1_000 * minute + 300, 0),
            (1_000 * minute, 999 * minute, 1_001 * minute, 0),
            // Ten minutes slow, and ten minutes fast.
            (1_000 * minute, 990 * minute - 50, 990 * minute + 300, 10 * minute - 300),
            (1_000 * minute, 1_010 * minute - 50, 1_010 * minute + 300, 50 - 10 * minute),
        ] {
            assert_eq!(ahead(Some(rendered), asked, taken_over), expected);
        }
        assert_eq!(ahead(None, 5, 6), 0);
    }
}
