//! The way to the first telemetry, as a list of steps that are done or not.

use leptos::prelude::*;

use crate::ui::{Icon, IconName, LinkButton};

/// One step: whether it is done, what it is, why, and where to do it.
pub struct Step {
    pub done: bool,
    pub title: &'static str,
    pub text: &'static str,
    /// `None` where the viewer may not do it.
    pub action: Option<(String, &'static str)>,
}

const DONE: &str = "flex size-5 shrink-0 items-center justify-center rounded-full bg-ok-soft text-ok [&>svg]:size-3.5";
const TO_DO: &str = "flex size-5 shrink-0 items-center justify-center rounded-full bg-sunken text-xs font-medium text-muted tabular-nums";

/// The steps, in their order; only what is not done offers its button.
#[component]
pub fn Steps(steps: Vec<Step>) -> impl IntoView {
    let items = steps
        .into_iter()
        .enumerate()
        .map(|(at, Step { done, title, text, action })| {
            let (tone, state) = if done { (DONE, "Done: ") } else { (TO_DO, "To do: ") };
            let mark = if done { view! { <Icon name=IconName::Check/> }.into_any() } else { (at + 1).into_any() };
            let action = action.filter(|_| !done).map(|(href, words)| view! { <span class="basis-full pl-8 wide:basis-auto wide:pl-0"><LinkButton href>{words}</LinkButton></span> });
            view! {
                <li class="flex flex-wrap items-start gap-x-3 gap-y-2 px-5 py-3.5 wide:items-center">
                    <span class=tone aria-hidden="true">
                        {mark}
                    </span>
                    <div class="min-w-0 flex-1 basis-56">
                        <p class="text-sm font-medium text-ink">
                            <span class="sr-only">{state}</span>
                            {title}
                        </p>
                        {(!done).then(|| view! { <p class="text-small text-muted">{text}</p> })}
                    </div>
                    {action}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="divide-y divide-line">{items}</ol> }
}
