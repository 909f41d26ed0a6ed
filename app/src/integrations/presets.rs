//! Filling the form in for a known backend. The choice is in the address, so that it works without scripts and can be sent
//! to somebody; nothing is saved by it.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::contract::values::Preset;
use crate::ui::{Button, Icon, IconName, QueryForm, form_reset_for};

/// The backend that the address names.
#[must_use]
pub fn asked_preset() -> Memo<Option<Preset>> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get_str("preset").and_then(|slug| Preset::parse(slug).ok())))
}

/// The choice, and what the chosen backend's documentation says.
#[component]
pub fn PresetPicker(current: Option<Preset>) -> impl IntoView {
    let shown = current.unwrap_or(Preset::Generic);
    let part = form_reset_for(shown.slug().to_owned());
    let options = Preset::ALL
        .into_iter()
        .map(|preset| {
            let selected = preset == shown;
            view! {
                <option value=preset.slug() selected=selected>
                    {preset.template().name}
                </option>
            }
        })
        .collect_view();
    let about = current.map(|preset| {
        let template = preset.template();
        view! {
            <p class="mt-2 text-small text-muted">
                {template.hint} " "
                <a class="link inline-flex items-center gap-1 whitespace-nowrap" href=template.docs target="_blank" rel="noreferrer">
                    {format!("{} documentation", template.name)} <Icon name=IconName::External/>
                </a>
            </p>
        }
    });
    view! {
        <div class="border-b border-line px-5 py-4">
            <QueryForm action="">
                <label for="preset" class="text-sm font-medium text-ink">"Backend"</label>
                <div class="mt-1.5 flex gap-2" node_ref=part>
                    <select
                        id="preset"
                        name="preset"
                        class="select-chevron block h-8 w-full min-w-0 rounded-md border border-line-strong bg-field pr-8 pl-2.5 text-sm text-ink shadow-xs transition-colors hover:border-line-heavy"
                    >
                        {options}
                    </select>
                    <Button submit=true>"Fill in"</Button>
                </div>
            </QueryForm>
            {about}
        </div>
    }
}
