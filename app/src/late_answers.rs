//! An answer may take long, and whoever sent a form may have gone on to another page meanwhile. The framework follows an answer's
//! redirect wherever the person is by then; here it is followed only on the page whose form was sent.

use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::*;
use leptos::server_fn::redirect::set_redirect_hook;
use leptos_router::hooks::use_location;
use leptos_router::location::{BrowserUrl, LocationProvider as _};

/// Has to come before the router, whose own way to follow them is then not taken.
pub fn stay_on_the_next_page() {
    let owner = Owner::current();
    // The page of the form that was sent last.
    let sent_from = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&sent_from);
    drop(set_redirect_hook(move |target| {
        if let Some(owner) = &owner {
            owner.with(|| {
                let here = use_location().pathname.get_untracked();
                if here == *sent_from.lock().unwrap_or_else(PoisonError::into_inner) {
                    BrowserUrl::redirect(target);
                }
            });
        }
    }));
    // As long as the app runs.
    let _ = window_event_listener(leptos::ev::submit, move |_| {
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = window().location().pathname().unwrap_or_default();
    });
}
