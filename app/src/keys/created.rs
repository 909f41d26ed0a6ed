//! The one time that a key's secret is seen.

use leptos::prelude::*;

use crate::contract::{ApiError, ShownOnce};
use crate::ui::{CodeBlock, Notice, NoticeKind};

/// The secret, or that it was shown already.
#[component]
pub fn Created(taken: Result<Option<ShownOnce>, ApiError>) -> impl IntoView {
    match taken {
        Ok(Some(ShownOnce { label, secret })) => view! {
            <Notice kind=NoticeKind::Success>
                <div class="space-y-2">
                    <p class="text-ink">
                        <strong class="font-semibold">"Key " {label} " created."</strong>
                        " Copy it now: you will not see it again."
                    </p>
                    <CodeBlock text=secret label="Copy key"/>
                </div>
            </Notice>
        }
        .into_any(),
        Ok(None) => view! {
            <Notice kind=NoticeKind::Info>
                "This key was shown once already. If nobody kept it, delete it and create another one."
            </Notice>
        }
        .into_any(),
        Err(error) => view! { <Notice kind=NoticeKind::Error>{error.to_string()}</Notice> }.into_any(),
    }
}
