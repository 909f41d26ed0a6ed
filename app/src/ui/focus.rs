//! Where the focus goes: to where somebody goes on typing after a form was opened, and back to what opened something.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Puts the focus onto an element, in the browser, unless somebody types already.
pub fn focus(id: &str) {
    if document().active_element().is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")) {
        return;
    }
    if let Some(element) = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        drop(element.focus());
    }
}

/// Gives the focus to the button that was pressed, before it opens what returns the focus once it is closed. In Safari, and in Firefox
/// on some systems, a press gives a button none, and it would be returned to whatever had it before.
pub fn focus_pressed(event: &MouseEvent) {
    if let Some(button) = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
        drop(button.focus());
    }
}
