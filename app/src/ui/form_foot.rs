//! The end of a form: its button, and the way out without saving.

use leptos::prelude::*;

use super::button::{Button, ButtonKind, LinkButton};

/// Below the fields, with a line above it. Children stand beside the buttons, such as when it was last saved.
#[component]
pub fn FormFoot(
    /// The button's words: "Create route".
    label: &'static str,
    #[prop(into)] pending: Signal<bool>,
    #[prop(default = ButtonKind::Primary)] kind: ButtonKind,
    /// Where "Cancel" leads; without it there is none.
    #[prop(optional, into)]
    cancel: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="flex flex-wrap items-center gap-2 border-t border-line px-5 py-3.5">
            <Button kind submit=true pending>
                {label}
            </Button>
            {cancel.map(|href| view! { <LinkButton href kind=ButtonKind::Quiet>"Cancel"</LinkButton> })}
            {children.map(|children| children())}
        </div>
    }
}
