//! Tables with a caption. Under 1060 px each row becomes a block of labelled lines; the roles are written out because
//! browsers forget a table's meaning with its layout.

use leptos::prelude::*;

/// A table; `children` are [`Row`]s. The caption is read, not shown. An empty header heads a column of buttons.
///
/// Build rows with a keyed `<For>` where they hold forms or dialogs. While the list changes by itself, what is open stays with its
/// row. A page that is built anew from what the server says makes a `<For>` and all its rows anew: what was open is closed, what
/// was typed is gone. Other rows it keeps by their place, and what is open or typed in one is then in another's.
#[component]
pub fn Table(
    caption: &'static str,
    headers: Vec<&'static str>,
    /// Stacked, a row takes two lines: the first three cells, then the others, which have to say by themselves what they are.
    #[prop(optional)]
    compact: bool,
    children: Children,
) -> impl IntoView {
    let heads = headers
        .into_iter()
        .map(|head| match head {
            "" => view! { <th scope="col" role="columnheader"><span class="sr-only">"Actions"</span></th> }.into_any(),
            head => view! { <th scope="col" role="columnheader">{head}</th> }.into_any(),
        })
        .collect_view();
    view! {
        <table class="data-table" class:compact=compact role="table">
            <caption class="sr-only">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">{heads}</tr>
            </thead>
            <tbody role="rowgroup">{children()}</tbody>
        </table>
    }
}

/// One row; `children` are [`Cell`]s.
#[component]
pub fn Row(children: Children) -> impl IntoView {
    view! { <tr role="row">{children()}</tr> }
}

/// One cell. `label` repeats the column's header for the stacked form; empty for the leading cell and for buttons.
#[component]
pub fn Cell(
    #[prop(optional)] label: &'static str,
    /// Figures: right-aligned, with digits of equal width.
    #[prop(optional)]
    numeric: bool,
    /// Buttons at the row's end.
    #[prop(optional)]
    actions: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <td role="cell" data-label=(!label.is_empty()).then_some(label) class:numeric=numeric class:actions=actions>
            {children()}
        </td>
    }
}
