//! A page that lists things of one kind: its head, the way to another one for whoever may make it, and what the kind is for
//! while there is none.

use leptos::prelude::*;

use super::{ButtonKind, EmptyState, Icon, IconName, LinkButton, PageHeader};

/// What the page says of the kind.
#[derive(Clone, Copy, Debug)]
pub struct CollectionWords {
    pub title: &'static str,
    pub subtitle: &'static str,
    /// On the link to a new one.
    pub create: &'static str,
    /// While there is none: that there is none, and what one is for.
    pub none: &'static str,
    pub purpose: &'static str,
}

/// The page. Its children, the table, are built only if there is something in it.
#[component]
pub fn Collection(
    words: CollectionWords,
    /// Where a new one is made.
    new: String,
    may_write: bool,
    empty: bool,
    children: Children,
) -> impl IntoView {
    let CollectionWords { title, subtitle, create, none, purpose } = words;
    let button = move || {
        let href = new.clone();
        may_write.then(|| view! { <LinkButton href kind=ButtonKind::Primary><Icon name=IconName::Plus/> {create}</LinkButton> })
    };
    let head = button.clone();
    view! {
        <PageHeader title subtitle actions=move || (!empty).then(&head)/>
        {if empty { view! { <EmptyState title=none text=purpose>{button()}</EmptyState> }.into_any() } else { children().into_any() }}
    }
}
