//! An answer may take long, and whoever sent a form may have gone on to another page meanwhile. The framework follows an answer's
//! redirect wherever the person is by then; here it is followed only on the page whose form was sent, and told on any other.

use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::*;
use leptos::server_fn::redirect::set_redirect_hook;
use leptos::wasm_bindgen::JsCast as _;
use leptos::web_sys::HtmlFormElement;
use leptos_router::hooks::use_location;
use leptos_router::location::{BrowserUrl, LocationProvider as _};

use crate::ui::{LateAnswer, SentFrom, provide_late_answers};

/// Where whoever has signed out is sent. Followed from everywhere: no page works any more.
const SIGNED_OUT: &str = "/sign-in";

/// Has to come before the router, whose own way to follow them is then not taken.
pub fn stay_on_the_next_page() {
    let (owner, answers) = (Owner::current(), provide_late_answers());
    // The page of the form that was sent last and changes something.
    let sent_from = Arc::new(Mutex::new(SentFrom::default()));
    let noted = Arc::clone(&sent_from);
    drop(set_redirect_hook(move |target| {
        let from = sent_from.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(owner), Some(answers)) = (&owner, &answers) {
            owner.with(|| {
                if use_location().pathname.get_untracked() == from.path || target.starts_with(SIGNED_OUT) {
                    BrowserUrl::redirect(target);
                } else {
                    answers.tell(LateAnswer::done(&from, target));
                }
            });
        }
    }));
    // As long as the app runs.
    let _ = window_event_listener(leptos::ev::submit, move |event| {
        // A filter is no change: nobody waits for its answer.
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        if form.is_some_and(|form| form.method() == "get") {
            return;
        }
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = SentFrom::here();
    });
}
