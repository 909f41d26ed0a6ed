//! Whether something is being pressed. What appears or goes between pressing and letting go moves a button away under the pointer, and
//! the press is lost.
//!
//! Only the pointer says so: which element gets the focus does not, because in Safari, and in Firefox on some systems, a button that is
//! pressed gets none.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;

type Waiting = Vec<Box<dyn FnOnce()>>;

thread_local! {
    static PRESSED: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Waiting> = const { RefCell::new(Vec::new()) };
}

/// Begins to watch the pointer, once for the life of the page.
pub fn watch() {
    drop(window_event_listener(ev::pointerdown, |_| PRESSED.set(true)));
    drop(window_event_listener(ev::pointerup, |_| let_go()));
    // It scrolls, or something is dragged.
    drop(window_event_listener(ev::pointercancel, |_| let_go()));
}

/// Does this soon: once what is being pressed, if anything is, was let go and that press has had its effect.
pub(super) fn afterwards(then: impl FnOnce() + 'static) {
    if PRESSED.get() {
        WAITING.with_borrow_mut(|waiting| waiting.push(Box::new(then)));
    } else {
        set_timeout(then, Duration::ZERO);
    }
}

fn let_go() {
    PRESSED.set(false);
    for then in WAITING.take() {
        // The click comes after this event.
        set_timeout(then, Duration::ZERO);
    }
}
