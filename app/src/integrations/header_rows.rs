//! Headers as rows of name and value: another way to fill the text field, for browsers with scripts. What is stored is
//! the same either way, because the rows only write the field's text.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::view_model::{header_rows, header_text};
use crate::ui::{Icon, IconName};

const LINK: &str = "inline-flex items-center gap-1 rounded-sm text-small font-medium text-link hover:underline";
const CELL: &str = "block h-8 w-full min-w-0 rounded-md border border-line-strong bg-field px-2.5 font-mono text-sm text-ink shadow-xs hover:border-line-heavy";

/// One row; its number stays while others come and go.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RowOf {
    number: usize,
    name: RwSignal<String>,
    value: RwSignal<String>,
}

/// The rows, folded until asked for. `input` is the id of the text field that they fill.
#[component]
pub fn HeaderRows(
    input: &'static str,
    /// Of the field, with "as rows": "Auth headers as rows".
    label: &'static str,
) -> impl IntoView {
    let running = RwSignal::new(false);
    let open = RwSignal::new(false);
    let rows = RwSignal::new(Vec::<RowOf>::new());
    let next = StoredValue::new(0_usize);
    Effect::new(move |_| running.set(true));
    let add = move |name: String, value: String| {
        let number = next.get_value();
        next.set_value(number + 1);
        rows.update(|rows| rows.push(RowOf { number, name: RwSignal::new(name), value: RwSignal::new(value) }));
    };
    let toggle = move |_| {
        if !open.get_untracked() {
            rows.set(Vec::new());
            let present = field(input).and_then(|field| header_rows(&field.value())).unwrap_or_default();
            for (name, value) in present {
                add(name, value);
            }
            add(String::new(), String::new());
        }
        open.update(|open| *open = !*open);
    };
    let write = move || {
        let pairs: Vec<_> =
            rows.with_untracked(|rows| rows.iter().map(|row| (row.name.get_untracked(), row.value.get_untracked())).collect());
        if let Some(field) = field(input) {
            field.set_value(&header_text(&pairs));
        }
    };
    let remove = move |number: usize| {
        rows.update(|rows| rows.retain(|row| row.number != number));
        write();
    };
    view! {
        // Folded together with the text field, while the stored headers are kept.
        <div class="space-y-2 group-has-[[hidden]>input.font-mono]/headers:hidden group-has-[.hidden>input.font-mono]/headers:hidden" class:hidden=move || !running.get()>
            <button type="button" class=LINK aria-expanded=move || open.get().to_string() on:click=toggle>
                {move || if open.get() { "Close the rows" } else { "Edit as rows" }}
            </button>
            <Show when=move || open.get()>
                <div class="space-y-2 rounded-md border border-line p-3" role="group" aria-label=label>
                    <For each=move || rows.get() key=|row| row.number let:row>
                        <OneRow row write=Callback::new(move |()| write()) remove=Callback::new(remove)/>
                    </For>
                    <button type="button" class=LINK on:click=move |_| add(String::new(), String::new())>
                        <Icon name=IconName::Plus/>
                        "Add header"
                    </button>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn OneRow(row: RowOf, write: Callback<()>, remove: Callback<usize>) -> impl IntoView {
    let typed = move |text: RwSignal<String>, event: &leptos::ev::Event| {
        text.set(event_target_value(event));
        write.run(());
    };
    view! {
        <div class="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto] items-center gap-2">
            <input
                class=CELL
                aria-label="Header name"
                placeholder="Name"
                autocomplete="off"
                spellcheck="false"
                prop:value=row.name
                on:input=move |event| typed(row.name, &event)
            />
            <input
                class=CELL
                aria-label="Header value"
                placeholder="Value"
                autocomplete="off"
                spellcheck="false"
                prop:value=row.value
                on:input=move |event| typed(row.value, &event)
            />
            <button
                type="button"
                class="rounded-md p-1.5 text-muted hover:bg-hover hover:text-ink"
                aria-label="Remove header"
                on:click=move |_| remove.run(row.number)
            >
                <Icon name=IconName::Close/>
            </button>
        </div>
    }
}

/// The text field, in the browser.
fn field(id: &str) -> Option<HtmlInputElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}
