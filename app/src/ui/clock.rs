//! The moment, for "3 min ago": read anew as long as the page is open, so that what was a moment ago does not stay so.

use std::time::Duration;

use leptos::prelude::*;

use crate::contract::UnixMillis;

const EVERY: Duration = Duration::from_secs(10);

/// Ticks in the browser only.
#[derive(Clone, Copy)]
pub struct Clock(Trigger);

/// Gives all of the console one clock, which starts with the scripts.
pub fn provide_clock() {
    let tick = Trigger::new();
    provide_context(Clock(tick));
    Effect::new(move |_| set_interval(move || tick.notify(), EVERY));
}

impl Clock {
    /// The browser's clock; whoever asks in an effect is asked again. Effects don't run while the server renders.
    pub fn now(self) -> UnixMillis {
        self.0.track();
        #[cfg(feature = "hydrate")]
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit by far")]
        let now = js_sys::Date::now() as i64;
        #[cfg(not(feature = "hydrate"))]
        let now = 0;
        now
    }
}
