//! Buttons, and links that look like them. A button's words are a verb and its object: "Create route".

use leptos::prelude::*;

/// How much a button stands out. A page has one primary button at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    Primary,
    #[default]
    Secondary,
    Danger,
    Quiet,
}

impl ButtonKind {
    pub(crate) const fn classes(self) -> &'static str {
        match self {
            Self::Primary => {
                "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border border-transparent bg-accent px-3 text-sm font-medium whitespace-nowrap text-on-accent shadow-xs transition-colors hover:bg-accent-hover aria-disabled:cursor-default aria-disabled:opacity-60"
            }
            Self::Secondary => {
                "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border border-line-strong bg-surface px-3 text-sm font-medium whitespace-nowrap text-ink shadow-xs transition-colors hover:bg-hover aria-disabled:cursor-default aria-disabled:opacity-60"
            }
            Self::Danger => {
                "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border border-line-strong bg-surface px-3 text-sm font-medium whitespace-nowrap text-bad shadow-xs transition-colors hover:border-bad hover:bg-bad-soft aria-disabled:cursor-default aria-disabled:opacity-60"
            }
            Self::Quiet => {
                "inline-flex h-8 items-center justify-center gap-1.5 rounded-md border border-transparent px-2 text-sm font-medium whitespace-nowrap text-muted transition-colors hover:bg-hover hover:text-ink aria-disabled:cursor-default aria-disabled:opacity-60"
            }
        }
    }
}

/// A button. While `pending` it says that it is busy and takes no second press, but keeps the focus.
#[component]
pub fn Button(
    #[prop(optional)] kind: ButtonKind,
    /// Sends the form it stands in; otherwise it does nothing by itself.
    #[prop(optional)]
    submit: bool,
    #[prop(optional, into)] pending: Signal<bool>,
    #[prop(optional)] name: Option<&'static str>,
    #[prop(optional, into)] value: Option<String>,
    children: Children,
) -> impl IntoView {
    let kind_attribute = if submit { "submit" } else { "button" };
    let hold = move |event: leptos::ev::MouseEvent| {
        if pending.get_untracked() {
            event.prevent_default();
        }
    };
    view! {
        <button
            type=kind_attribute
            class=kind.classes()
            name=name
            value=value
            aria-disabled=move || pending.get().then_some("true")
            aria-busy=move || pending.get().then_some("true")
            on:click=hold
        >
            {children()}
        </button>
    }
}

/// A link that looks like a button: for going somewhere, never for changing something.
#[component]
pub fn LinkButton(#[prop(into)] href: String, #[prop(optional)] kind: ButtonKind, children: Children) -> impl IntoView {
    view! {
        <a href=href class=kind.classes()>
            {children()}
        </a>
    }
}
