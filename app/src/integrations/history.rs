//! Who changed this export, when and what, and the way back to an earlier generation.

use leptos::prelude::*;

use super::api::RevertExport;
use super::view_model::{cause_words, change_words};
use crate::contract::ExportRevision;
use crate::ui::{ActionError, Button, ButtonKind, Card, CardHeader, ConfirmDialog, KeptForm, Time, error_of};

/// How many are shown before the rest is folded.
const SHOWN: usize = 5;

/// The card; nothing before the first save.
#[component]
pub fn History(
    workspace: String,
    revisions: Vec<ExportRevision>,
    generation: u64,
    revert: ServerAction<RevertExport>,
    may_write: bool,
) -> impl IntoView {
    if revisions.is_empty() {
        return ().into_any();
    }
    let mut newest = revisions;
    let rest = newest.split_off(newest.len().min(SHOWN));
    let more = (!rest.is_empty()).then(|| {
        let workspace = workspace.clone();
        view! {
            <details class="border-t border-line">
                <summary class="cursor-pointer px-5 py-3 text-small text-muted hover:text-ink">"Earlier changes"</summary>
                <div class="border-t border-line">
                    <Entries workspace revisions=rest generation revert may_write/>
                </div>
            </details>
        }
    });
    view! {
        <Card>
            <CardHeader title="History" subtitle=format!("Generation {generation} is in effect.")/>
            <Entries workspace revisions=newest generation revert may_write/>
            {more}
        </Card>
    }
    .into_any()
}

/// Keyed: a question that is open must not come to ask about another generation when one more is there.
#[component]
fn Entries(
    workspace: String,
    revisions: Vec<ExportRevision>,
    generation: u64,
    revert: ServerAction<RevertExport>,
    may_write: bool,
) -> impl IntoView {
    view! {
        <ol class="divide-y divide-line">
            <For each=move || revisions.clone() key=|revision| revision.generation let:revision>
                <Entry workspace=workspace.clone() revision generation revert may_write/>
            </For>
        </ol>
    }
}

#[component]
fn Entry(
    workspace: String,
    revision: ExportRevision,
    generation: u64,
    revert: ServerAction<RevertExport>,
    may_write: bool,
) -> impl IntoView {
    let number = revision.generation;
    let by = revision.by.map(|by| format!(" by {by}")).unwrap_or_default();
    let changes = revision.changes.iter().map(|change| view! { <li>{change_words(change)}</li> }).collect_view();
    let way_back = (may_write && revision.can_revert).then(|| {
        view! {
            <ConfirmDialog
                id=format!("revert-{number}")
                trigger_label="Revert"
                trigger_object=format!("to generation {number}")
                title=format!("Revert to generation {number}?")
                kind=ButtonKind::Quiet
            >
                <p>"Its settings become the newest generation, auth headers included. Nothing of the history is lost."</p>
                <ActionError error=error_of(revert.value())/>
                <KeptForm
                    action=revert
                    about=vec![("workspace", workspace), ("to", number.to_string()), ("generation", generation.to_string())]
                >
                    <Button kind=ButtonKind::Primary submit=true pending=revert.pending()>
                        "Revert export"
                    </Button>
                </KeptForm>
            </ConfirmDialog>
        }
    });
    view! {
        <li class="flex items-start justify-between gap-3 px-5 py-3 text-small">
            <div class="min-w-0 break-words">
                <p class="text-ink">
                    <span class="text-faint tabular-nums">{format!("{number} ")}</span>
                    {cause_words(&revision.cause)}
                    {by}
                </p>
                <ul class="mt-0.5 text-muted">{changes}</ul>
                <p class="mt-0.5 text-faint"><Time at=revision.at/></p>
            </div>
            {way_back}
        </li>
    }
}
