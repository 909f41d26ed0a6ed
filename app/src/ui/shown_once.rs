//! The one time that a secret is seen.

use leptos::prelude::*;

use super::code::CodeBlock;
use super::notice::{Notice, NoticeKind};
use crate::contract::{ApiError, ShownOnce};

/// The secret with a button to copy it, or that it was shown already.
#[component]
pub fn ShownOnceNotice(
    taken: Result<Option<ShownOnce>, ApiError>,
    /// What stands before and after the name of what it belongs to: "Key ", " created.".
    words: (&'static str, &'static str),
    /// "Copy key".
    copy: &'static str,
    /// What to do when it was shown already.
    gone: &'static str,
) -> impl IntoView {
    match taken {
        Ok(Some(ShownOnce { label, secret })) => view! {
            <Notice kind=NoticeKind::Success>
                <div class="space-y-2">
                    <p class="text-ink">
                        <strong class="font-semibold">{words.0} {label} {words.1}</strong>
                        " Copy it now: you will not see it again."
                    </p>
                    <CodeBlock text=secret label=copy/>
                </div>
            </Notice>
        }
        .into_any(),
        Ok(None) => view! { <Notice kind=NoticeKind::Info>{gone}</Notice> }.into_any(),
        Err(error) => view! { <Notice kind=NoticeKind::Error>{error.to_string()}</Notice> }.into_any(),
    }
}
