//! The table of keys, and what can be done with each.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::edit_form::KeyEditor;
use super::list::Actions;
use super::view_model::masked;
use crate::contract::{KeyRow, RouteRow};
use crate::routes::reach;
use crate::ui::{
    ActionError, Button, ButtonKind, Card, Cell, ConfirmDialog, KeptForm, LinkButton, PillState, Row, StatusPill, Table, Time, error_of,
};

/// The table, and below it the form that `?edit=` opens; `page` is this page's address without a query.
#[component]
pub fn KeyTable(slug: String, page: String, rows: Vec<KeyRow>, routes: Vec<RouteRow>, may_write: bool, actions: Actions) -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.read().get("edit"));
    let (form_slug, form_page, known) = (slug.clone(), page.clone(), rows.clone());
    let edited = move || {
        let found = asked.get().and_then(|id| known.iter().find(|row| row.id.to_string() == id).cloned());
        found.filter(|_| may_write)
    };
    // A form of its own for each: what was typed for one is not for another.
    let editor = view! {
        <For each=edited key=|row| row.id let:row>
            <KeyEditor slug=form_slug.clone() page=form_page.clone() row routes=routes.clone() actions/>
        </For>
    };
    let mut headers = vec!["Name", "Key", "Routes", "State", "Created"];
    headers.extend(may_write.then_some(""));
    view! {
        <Card>
        <Table caption="API keys" headers>
            <For
                each=move || rows.clone()
                key=|row| (row.id, row.name.clone(), row.enabled, row.routes.clone())
                let:row
            >
                <OneRow slug=slug.clone() page=page.clone() row may_write actions/>
            </For>
        </Table>
        {editor}
        </Card>
    }
}

#[component]
fn OneRow(slug: String, page: String, row: KeyRow, may_write: bool, actions: Actions) -> impl IntoView {
    let id = row.id.to_string();
    let (state, word) = if row.enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
    let (row_name, enabled) = (row.name.clone(), row.enabled);
    let buttons = may_write.then(move || {
        view! { <Cell actions=true><RowButtons slug page id name=row_name enabled actions/></Cell> }
    });
    view! {
        <Row>
            <Cell>
                <span class="font-medium [overflow-wrap:anywhere] text-ink wide:inline-block wide:min-w-24">{row.name}</span>
            </Cell>
            <Cell label="Key">
                <span class="font-mono text-small">{masked(&row.prefix)}</span>
            </Cell>
            <Cell label="Routes">
                <span class="[overflow-wrap:anywhere] wide:inline-block wide:min-w-20">{reach(&row.routes)}</span>
            </Cell>
            <Cell label="State">
                <StatusPill state word/>
            </Cell>
            <Cell label="Created">
                <div class="min-w-0 wide:min-w-32">
                    <Time at=row.created_at/>
                    <span class="block text-small [overflow-wrap:anywhere] text-muted">{row.created_by}</span>
                </div>
            </Cell>
            {buttons}
        </Row>
    }
}

#[component]
fn RowButtons(slug: String, page: String, id: String, name: String, enabled: bool, actions: Actions) -> impl IntoView {
    let edit = format!("{page}?edit={id}");
    let object = name.clone();
    let enable = view! { <Enable slug=slug.clone() id=id.clone() name=name.clone() enabled actions/> };
    view! {
        <div>
            <LinkButton href=edit kind=ButtonKind::Quiet>
                "Edit" <span class="sr-only">" " {object}</span>
            </LinkButton>
            {enable} <Delete slug id name actions/>
        </div>
    }
}

#[component]
fn Enable(slug: String, id: String, name: String, enabled: bool, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm action=actions.enable about=vec![("workspace", slug), ("id", id), ("enabled", (!enabled).to_string())]>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.enable.pending()>
                {if enabled { "Disable" } else { "Enable" }} <span class="sr-only">" " {name}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn Delete(slug: String, id: String, name: String, actions: Actions) -> impl IntoView {
    view! {
        <ConfirmDialog
            id=format!("delete-key-{id}")
            trigger_label="Delete"
            trigger_object=name.clone()
            title=format!("Delete the key {name}")
            kind=ButtonKind::Quiet
        >
            <p>"Whoever still uses it is refused with 401 at once. This can't be undone; to stop it for a while, disable it instead."</p>
            <KeptForm action=actions.delete about=vec![("workspace", slug), ("id", id)]>
                <div class="space-y-4">
                    <ActionError error=error_of(actions.delete.value())/>
                    <Button kind=ButtonKind::Danger submit=true pending=actions.delete.pending()>
                        "Delete key"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
