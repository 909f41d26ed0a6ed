//! Putting a text into the clipboard. Browsers give scripts the clipboard itself only where the page came over HTTPS or from the
//! same machine; a console that is reached over plain HTTP copies what is selected, as scripts did before.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys::js_sys::Reflect;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Whether the text is in the clipboard now. `beside` is an element in front of the reader, such as the pressed button.
pub(super) async fn copy(text: &str, beside: Option<&HtmlElement>) -> bool {
    if let Some(clipboard) = clipboard()
        && JsFuture::from(clipboard.write_text(text)).await.is_ok()
    {
        return true;
    }
    beside.and_then(|beside| copy_selected(text, beside)).unwrap_or(false)
}

/// `None` where the browser keeps it from this page.
fn clipboard() -> Option<Clipboard> {
    let clipboard = Reflect::get(&window().navigator(), &JsValue::from_str("clipboard")).ok()?;
    clipboard.is_truthy().then(|| clipboard.unchecked_into())
}

/// Selects the text in a field that nobody sees, within the same dialog if there is one: elsewhere it could not be selected.
fn copy_selected(text: &str, beside: &HtmlElement) -> Option<bool> {
    let document = document().dyn_into::<HtmlDocument>().ok()?;
    let field = document.create_element("textarea").ok()?.dyn_into::<HtmlTextAreaElement>().ok()?;
    // WebKit copies as it shows: indentation too.
    field.set_class_name("sr-only whitespace-pre");
    field.set_value(text);
    beside.after_with_node_1(&field).ok()?;
    field.select();
    let copied = document.exec_command("copy").ok();
    field.remove();
    drop(beside.focus());
    copied
}
