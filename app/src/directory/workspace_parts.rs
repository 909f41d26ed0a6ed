//! The parts of the list of workspaces: the form that makes one, the table, and what a row offers.

use leptos::prelude::*;

use super::api::{CreateWorkspace, DeleteWorkspace, EnableWorkspace};
use super::workspaces::Actions;
use crate::contract::values::{DisplayName, Slug};
use crate::contract::{Field, WorkspaceRow};
use crate::ui::{
    ActionError, Button, ButtonKind, Card, CardHeader, Cell, ConfirmDialog, KeptForm, PillState, Row, StatusPill, Table, TextField, Time,
    error_of, field_error, form_reset_by, held, thousands,
};

/// Name and slug of a new workspace.
#[component]
pub(super) fn CreateForm(create: ServerAction<CreateWorkspace>, created: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(created);
    let pending = held(create.pending(), created);
    view! {
        <Card>
            <CardHeader title="Create workspace"/>
            <KeptForm action=create node_ref=form>
                <div class="px-5 pt-5 empty:hidden">
                    <ActionError error=error_of(create.value())/>
                </div>
                <div class="grid gap-x-4 gap-y-4 p-5 wide:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto]">
                    <TextField
                        label="Name"
                        name="name"
                        required=true
                        validate=|text| DisplayName::parse(text).map(drop)
                        error=field_error(create.value(), Field::Name)
                    />
                    <TextField
                        label="Slug"
                        name="slug"
                        required=true
                        mono=true
                        help="Stands in addresses and can't be changed later."
                        validate=|text| Slug::parse(text).map(drop)
                        error=field_error(create.value(), Field::Slug)
                    />
                    <div class="wide:pt-[26px]">
                        <Button kind=ButtonKind::Primary submit=true pending>
                            "Create workspace"
                        </Button>
                    </div>
                </div>
            </KeptForm>
        </Card>
    }
}

/// The workspaces of one page.
#[component]
pub(super) fn WorkspaceTable(rows: Vec<WorkspaceRow>, actions: Actions) -> impl IntoView {
    view! {
        <Table caption="Workspaces" headers=vec!["Name", "State", "Routes", "Members", "Created", ""]>
            <For each=move || rows.clone() key=|row| format!("{row:?}") let:row>
                <WorkspaceLine row actions/>
            </For>
        </Table>
    }
}

#[component]
fn WorkspaceLine(row: WorkspaceRow, actions: Actions) -> impl IntoView {
    let Actions { enable, disable, delete } = actions;
    let (state, word) = if row.enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
    let (slug, name, enabled) = (row.slug.clone(), row.name.clone(), row.enabled);
    view! {
        <Row>
            <Cell>
                <span class="block min-w-0">
                    <a class="block font-medium [overflow-wrap:anywhere] text-ink hover:underline wide:min-w-32" href=format!("/w/{}", row.slug)>{row.name}</a>
                    <span class="block font-mono text-xs break-all text-muted">{row.slug}</span>
                </span>
            </Cell>
            <Cell label="State"><StatusPill state word=word/></Cell>
            <Cell label="Routes" numeric=true>{thousands(u64::from(row.routes))}</Cell>
            <Cell label="Members" numeric=true>{thousands(u64::from(row.members))}</Cell>
            <Cell label="Created"><Time at=row.created_at day=true/></Cell>
            <Cell actions=true>
                <div>
                    {if enabled {
                        view! { <Disable slug=slug.clone() name=name.clone() disable/> }.into_any()
                    } else {
                        view! { <EnableForm slug=slug.clone() object=name.clone() enable on=true/> }.into_any()
                    }}
                    <Delete slug name delete/>
                </div>
            </Cell>
        </Row>
    }
}

#[component]
fn EnableForm(
    slug: String,
    /// Read after "Enable" where a list repeats it.
    #[prop(optional, into)]
    object: String,
    enable: ServerAction<EnableWorkspace>,
    on: bool,
) -> impl IntoView {
    let object = (!object.is_empty()).then(|| view! { <span class="sr-only">" " {object}</span> });
    view! {
        <KeptForm action=enable about=vec![("workspace", slug), ("enabled", on.to_string())]>
            <Button kind=if on { ButtonKind::Secondary } else { ButtonKind::Danger } submit=true pending=enable.pending()>
                {if on { "Enable" } else { "Disable workspace" }} {object}
            </Button>
        </KeptForm>
    }
}

#[component]
fn Disable(slug: String, name: String, disable: ServerAction<EnableWorkspace>) -> impl IntoView {
    view! {
        <ConfirmDialog
            id=format!("disable-{slug}")
            trigger_label="Disable"
            trigger_object=name.clone()
            title=format!("Disable {name}")
            kind=ButtonKind::Quiet
            lazy=true
        >
            <p>"Requests with its keys are refused with 401, and it exports nothing. Its data stays, and you can enable it again."</p>
            <ActionError error=error_of(disable.value())/>
            <EnableForm slug enable=disable on=false/>
        </ConfirmDialog>
    }
}

#[component]
fn Delete(slug: String, name: String, delete: ServerAction<DeleteWorkspace>) -> impl IntoView {
    view! {
        <ConfirmDialog
            id=format!("delete-{slug}")
            trigger_label="Delete"
            trigger_object=name.clone()
            title=format!("Delete {name}")
            kind=ButtonKind::Quiet
            lazy=true
        >
            <p>"Its routes, API keys, members, webhooks, AI agents and export settings are deleted with it. This can't be undone."</p>
            <KeptForm action=delete about=vec![("workspace", slug.clone())]>
                <div class="space-y-4">
                    <ActionError error=error_of(delete.value())/>
                    <p>"Type " <code class="font-mono font-medium break-words text-ink">{slug.clone()}</code> " to confirm."</p>
                    <TextField
                        id=format!("confirmation-{slug}")
                        label="Confirmation"
                        name="confirmation"
                        required=true
                        mono=true
                        error=field_error(delete.value(), Field::Confirmation)
                    />
                    <Button kind=ButtonKind::Danger submit=true pending=delete.pending()>
                        "Delete workspace"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
