//! Tables with a caption. Under 1060 px each row becomes a block of labelled lines; the roles are written out because
//! browsers forget a table's meaning with its layout.

use leptos::prelude::*;

/// A table; `children` are [`Row`]s. The caption is read, not shown. An empty header heads a column of buttons.
///
/// Build rows with a keyed `<For>` where they hold forms or dialogs, so that an open one stays with its row.
#[component]
pub fn Table(caption: &'static str, headers: Vec<&'static str>, children: Children) -> impl IntoView {
    let heads = headers
        .into_iter()
        .map(|head| match head {
            "" => view! { <th scope="col" role="columnheader"><span class="sr-only">"Actions"</span></th> }.into_any(),
            head => view! { <th scope="col" role="columnheader">{head}</th> }.into_any(),
        })
        .collect_view();
    view! {
        <table class="data-table" role="table">
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
