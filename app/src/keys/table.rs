//! The table of keys, and what can be done with each.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::list::Actions;
use super::view_model::{check_name, masked, reach};
use crate::contract::{Field, KeyRow};
use crate::ui::{
    ActionError, Button, ButtonKind, Card, Cell, ConfirmDialog, KeptForm, LinkButton, PillState, Row, StatusPill, Table, TextField, Time,
    error_of, field_error,
};

/// The table; `page` is this page's address without a query.
#[component]
pub fn KeyTable(slug: String, page: String, rows: Vec<KeyRow>, may_write: bool, actions: Actions) -> impl IntoView {
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
        </Card>
    }
}

#[component]
fn OneRow(slug: String, page: String, row: KeyRow, may_write: bool, actions: Actions) -> impl IntoView {
    let query = use_query_map();
    let id = row.id.to_string();
    let asked = id.clone();
    let renaming = Memo::new(move |_| may_write && query.read().get_str("rename") == Some(asked.as_str()));
    let (state, word) = if row.enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
    let (name, rename_slug, rename_id, rename_page) = (row.name.clone(), slug.clone(), id.clone(), page.clone());
    let name_cell = move || {
        if renaming.get() {
            view! { <Rename slug=rename_slug.clone() page=rename_page.clone() id=rename_id.clone() name=name.clone() actions/> }.into_any()
        } else {
            view! { <span class="font-medium text-ink">{name.clone()}</span> }.into_any()
        }
    };
    let (row_name, enabled) = (row.name.clone(), row.enabled);
    let buttons = may_write.then(move || {
        view! { <Cell actions=true><RowButtons slug page id name=row_name enabled actions/></Cell> }
    });
    view! {
        <Row>
            <Cell>{name_cell}</Cell>
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
    let rename = format!("{page}?rename={id}");
    let object = name.clone();
    let enable = view! { <Enable slug=slug.clone() id=id.clone() name=name.clone() enabled actions/> };
    view! {
        <div>
            <LinkButton href=rename kind=ButtonKind::Quiet>
                "Rename" <span class="sr-only">" " {object}</span>
            </LinkButton>
            {enable} <Delete slug id name actions/>
        </div>
    }
}

#[component]
fn Rename(slug: String, page: String, id: String, name: String, actions: Actions) -> impl IntoView {
    let value = actions.rename.value();
    view! {
        <KeptForm action=actions.rename about=vec![("workspace", slug), ("id", id)]>
            <div class="w-full max-w-72 space-y-2">
                <ActionError error=error_of(value)/>
                <TextField
                    id="rename-key"
                    label=Field::Name.label()
                    name="name"
                    value=name
                    required=true
                    error=field_error(value, Field::Name)
                    validate=check_name
                />
                <div class="flex gap-1">
                    <Button kind=ButtonKind::Primary submit=true pending=actions.rename.pending()>
                        "Rename key"
                    </Button>
                    <LinkButton href=page kind=ButtonKind::Quiet>
                        "Cancel"
                    </LinkButton>
                </div>
            </div>
        </KeptForm>
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
