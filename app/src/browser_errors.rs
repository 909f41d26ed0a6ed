//! Tells the page's scripts what goes wrong on this side. They give it an id, report it where error tracking is on, and show
//! the page's end after a panic; names are theirs (`style/errors/report.ts`). For the browser alone: call it from effects.

use leptos::wasm_bindgen::JsValue;
use leptos::web_sys::js_sys::{Object, Reflect};
use leptos::web_sys::{CustomEvent, CustomEventInit, Event};

/// One of ours failed.
const FAILED: &str = "knoxcall:error";
/// A test error is wanted.
const TEST: &str = "knoxcall:test";
/// What became of a report.
pub(crate) const SENT: &str = "knoxcall:sent";

/// Names the page's component, for errors that name none.
pub(crate) fn on_page(component: &str) {
    if let Some(root) = document_element() {
        drop(root.set_attribute("data-component", component));
    }
}

/// Hands over an error that a boundary caught. Returns the id to show, if the scripts are there.
pub(crate) fn caught(component: &str, message: &str) -> Option<String> {
    let failure = Object::new();
    set(&failure, "kind", "boundary");
    set(&failure, "component", component);
    set(&failure, "message", message);
    dispatch(FAILED, &failure);
    get(&failure, "id")
}

/// Keeps the console's message, and hands over what happened. The app does not run any more after this.
#[cfg(feature = "hydrate")]
pub(crate) fn panicked(info: &std::panic::PanicHookInfo<'_>) {
    console_error_panic_hook::hook(info);
    let failure = Object::new();
    set(&failure, "kind", "panic");
    set(&failure, "message", info.payload_as_str().unwrap_or("panic"));
    if let Some(location) = info.location() {
        set(&failure, "location", &place(location.file(), location.line(), location.column()));
    }
    dispatch(FAILED, &failure);
}

/// Has the browser throw an error that nobody catches.
pub(crate) fn throw_test_error() {
    dispatch(TEST, &Object::new());
}

/// Whether this page reports errors.
pub(crate) fn is_tracked() -> bool {
    leptos::prelude::document().get_element_by_id("error-tracking").is_some()
}

/// What became of a test error: its id, outcome and status; `None` for another event.
pub(crate) fn test_outcome(event: &Event) -> Option<(String, String, Option<u16>)> {
    let detail = Reflect::get(event, &JsValue::from_str("detail")).ok()?;
    let field = |name: &str| Reflect::get(&detail, &JsValue::from_str(name)).ok();
    if !field("test")?.is_truthy() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a status of HTTP")]
    let status = field("status").and_then(|status| status.as_f64()).map(|status| status as u16);
    Some((field("id")?.as_string()?, field("outcome")?.as_string()?, status))
}

/// Where in the sources; of another crate's, without the folder of whoever built it.
#[cfg(any(feature = "hydrate", test))]
fn place(file: &str, line: u32, column: u32) -> String {
    let file = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map_or(file, |(_, rest)| rest);
    format!("{file}:{line}:{column}")
}

fn document_element() -> Option<leptos::web_sys::Element> {
    leptos::prelude::document().document_element()
}

fn dispatch(name: &str, detail: &Object) {
    let options = CustomEventInit::new();
    options.set_detail(detail);
    if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &options) {
        drop(leptos::prelude::window().dispatch_event(&event));
    }
}

fn set(object: &Object, name: &str, value: &str) {
    drop(Reflect::set(object, &JsValue::from_str(name), &JsValue::from_str(value)));
}

fn get(object: &Object, name: &str) -> Option<String> {
    Reflect::get(object, &JsValue::from_str(name)).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_says_nothing_of_the_machine_that_built_it() {
        assert_eq!(place("app/src/keys/list.rs", 12, 3), "app/src/keys/list.rs:12:3");
        let foreign = "/home/ana/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/tachys-0.2.19/src/hydration.rs";
        assert_eq!(place(foreign, 163, 9), "tachys-0.2.19/src/hydration.rs:163:9");
    }
}
