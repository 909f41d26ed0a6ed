//! The parts of the list of operators: the form that adds one, and the table.

use leptos::prelude::*;

use super::api::AddOperator;
use super::operators::Actions;
use crate::contract::values::Email;
use crate::contract::{Field, OperatorRow};
use crate::ui::{
    ActionError, Badge, Button, ButtonKind, Card, CardHeader, Cell, ConfirmDialog, KeptForm, PillState, Row, StatusPill, Table, TextField,
    Time, error_of, field_error, form_reset_by, held,
};

/// E-mail address of a new operator.
#[component]
pub(super) fn AddForm(add: ServerAction<AddOperator>, added: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(added);
    let pending = held(add.pending(), added);
    view! {
        <Card>
            <CardHeader title="Add operator"/>
            <KeptForm action=add node_ref=form>
                <div class="px-5 pt-5 empty:hidden">
                    <ActionError error=error_of(add.value())/>
                </div>
                <div class="grid gap-x-4 gap-y-4 p-5 wide:grid-cols-[minmax(0,1fr)_auto]">
                    <TextField
                        label="Email"
                        name="email"
                        kind="email"
                        required=true
                        help="Whoever has no account yet gets one, and you a link to pass on. An account that a workspace made loses its password and gets a link too."
                        validate=|text| Email::parse(text).map(drop)
                        error=field_error(add.value(), Field::Email)
                    />
                    <div class="wide:pt-[26px]">
                        <Button kind=ButtonKind::Primary submit=true pending>
                            "Add operator"
                        </Button>
                    </div>
                </div>
            </KeptForm>
        </Card>
    }
}

/// The operators.
#[component]
pub(super) fn OperatorTable(rows: Vec<OperatorRow>, actions: Actions) -> impl IntoView {
    view! {
        <Table caption="Operators" headers=vec!["Email", "State", "Account since", ""]>
            <For each=move || rows.clone() key=|row| format!("{row:?}") let:row>
                <OperatorLine row actions/>
            </For>
        </Table>
    }
}

#[component]
fn OperatorLine(row: OperatorRow, actions: Actions) -> impl IntoView {
    let (state, word) = if row.enabled { (PillState::Active, "Enabled") } else { (PillState::Off, "Disabled") };
    let changes = (!row.is_self).then(|| {
        view! {
            {(!row.active && row.enabled).then(|| view! { <NewLink row=row.clone() actions/> })}
            <Enable row=row.clone() actions/>
            <Remove row=row.clone() actions/>
        }
    });
    view! {
        <Row>
            <Cell>
                <span class="inline-flex min-w-0 flex-wrap items-center gap-2">
                    <span class="font-medium break-all text-ink">{row.email}</span>
                    {row.is_self.then(|| view! { <Badge>"You"</Badge> })}
                    {(!row.active).then(|| view! { <Badge>"Invited"</Badge> })}
                </span>
            </Cell>
            <Cell label="State"><StatusPill state word/></Cell>
            <Cell label="Account since"><Time at=row.created_at day=true/></Cell>
            <Cell actions=true><div>{changes}</div></Cell>
        </Row>
    }
}

#[component]
fn Enable(row: OperatorRow, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm action=actions.enable about=vec![("user_id", row.user_id.to_string()), ("enabled", (!row.enabled).to_string())]>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.enable.pending()>
                {if row.enabled { "Disable" } else { "Enable" }} <span class="sr-only">" " {row.email}</span>
            </Button>
        </KeptForm>
    }
}

/// For an account without a password, whose link was lost or has expired.
#[component]
fn NewLink(row: OperatorRow, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm action=actions.renew about=vec![("user_id", row.user_id.to_string())]>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.renew.pending()>
                "New link" <span class="sr-only">{format!(" for {}", row.email)}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn Remove(row: OperatorRow, actions: Actions) -> impl IntoView {
    let email = row.email;
    view! {
        <ConfirmDialog
            id=format!("remove-{}", row.user_id)
            trigger_label="Remove"
            trigger_object=email.clone()
            title="Remove operator"
            kind=ButtonKind::Quiet
        >
            <p>
                <strong class="font-medium break-words text-ink">{email}</strong>
                " is no operator any more. The account stays, and so does what it may do as a member of workspaces."
            </p>
            <KeptForm action=actions.remove about=vec![("user_id", row.user_id.to_string())]>
                <div class="space-y-4">
                    <ActionError error=error_of(actions.remove.value())/>
                    <Button kind=ButtonKind::Danger submit=true pending=actions.remove.pending()>
                        "Remove operator"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
