//! The parts of the list of members: the form that adds one, the invitation link that is shown once, and the table.

use leptos::prelude::*;

use super::api::AddMember;
use super::members::Actions;
use crate::contract::values::{Email, Role};
use crate::contract::{Field, MemberRow, ShownOnce};
use crate::ui::{
    ActionError, Badge, Button, ButtonKind, Card, CardHeader, Cell, CodeBlock, ConfirmDialog, EmptyState, KeptForm, Notice, NoticeKind,
    PillState, Row, Select, StatusPill, Table, TextField, Time, error_of, field_error, form_reset_by, held,
};

const PURPOSE: &str = "Members sign in and work in this workspace. As long as it has none, operators alone can open it.";

const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Admin => "Admin",
        Role::Viewer => "Viewer",
    }
}

/// E-mail address and role of a new member.
#[component]
pub(super) fn AddForm(slug: String, add: ServerAction<AddMember>, added: Memo<usize>) -> impl IntoView {
    let form = form_reset_by(added);
    let pending = held(add.pending(), added);
    let roles = [Role::Viewer, Role::Admin].map(|role| (role.name().to_owned(), role_words(role).to_owned())).to_vec();
    view! {
        <Card>
            <CardHeader title="Add member"/>
            <KeptForm action=add about=vec![("workspace", slug)] node_ref=form>
                <div class="px-5 pt-5 empty:hidden">
                    <ActionError error=error_of(add.value())/>
                </div>
                <div class="grid gap-x-4 gap-y-4 p-5 wide:grid-cols-[minmax(0,1fr)_160px_auto]">
                    <TextField
                        label="Email"
                        name="email"
                        kind="email"
                        required=true
                        help="Whoever has no account yet gets one, and you a link to pass on."
                        validate=|text| Email::parse(text).map(drop)
                        error=field_error(add.value(), Field::Email)
                    />
                    <Select label="Role" name="role" options=roles value="viewer" error=field_error(add.value(), Field::Role)/>
                    <div class="wide:pt-[26px]">
                        <Button kind=ButtonKind::Primary submit=true pending>
                            "Add member"
                        </Button>
                    </div>
                </div>
            </KeptForm>
        </Card>
    }
}

/// The link with which a new member chooses a password.
#[component]
pub(super) fn Invitation(shown: ShownOnce) -> impl IntoView {
    view! {
        <Notice kind=NoticeKind::Warning>
            <p class="font-medium">{format!("Pass this link on to {}", shown.label)}</p>
            <p class="mt-0.5 mb-2.5 text-small text-muted">"It is shown this once, works once, and lets its holder choose the account's password."</p>
            <CodeBlock text=shown.secret label="Copy link"/>
        </Notice>
    }
}

/// The members of one workspace, or what they are for while there is none.
#[component]
pub(super) fn MemberList(rows: Vec<MemberRow>, slug: String, may_write: bool, actions: Actions) -> impl IntoView {
    if rows.is_empty() {
        let text = if may_write { format!("{PURPOSE} Add the first one above, by e-mail address.") } else { PURPOSE.to_owned() };
        return view! { <EmptyState title="No members yet" text/> }.into_any();
    }
    view! {
        <Card>
            <MemberTable rows slug may_write actions/>
        </Card>
    }
    .into_any()
}

#[component]
fn MemberTable(rows: Vec<MemberRow>, slug: String, may_write: bool, actions: Actions) -> impl IntoView {
    let headers = if may_write { vec!["Email", "Role", "Added", ""] } else { vec!["Email", "Role", "Added"] };
    view! {
        <Table caption="Members" headers>
            <For each=move || rows.clone() key=|row| format!("{row:?}") let:row>
                <MemberLine row slug=slug.clone() may_write actions/>
            </For>
        </Table>
    }
}

#[component]
fn MemberLine(row: MemberRow, slug: String, may_write: bool, actions: Actions) -> impl IntoView {
    let buttons = may_write.then(|| {
        let changes = (!row.is_self).then(|| {
            view! {
                {row.may_invite.then(|| view! { <NewLink row=row.clone() slug=slug.clone() actions/> })}
                <RoleForm row=row.clone() slug=slug.clone() actions/>
                <Enable row=row.clone() slug=slug.clone() actions/>
                <Remove row=row.clone() slug=slug.clone() actions/>
            }
        });
        view! { <Cell actions=true><div>{changes}</div></Cell> }
    });
    let state = if !row.enabled {
        Some("Disabled")
    } else if !row.account_enabled {
        Some("Account disabled")
    } else {
        None
    };
    view! {
        <Row>
            <Cell>
                <span class="inline-flex min-w-0 flex-wrap items-center gap-2">
                    <span class="font-medium break-all text-ink">{row.email.clone()}</span>
                    {row.is_self.then(|| view! { <Badge>"You"</Badge> })}
                    {(!row.active).then(|| view! { <Badge>"Invited"</Badge> })}
                    {state.map(|word| view! { <StatusPill state=PillState::Off word/> })}
                </span>
            </Cell>
            <Cell label="Role">{role_words(row.role)}</Cell>
            <Cell label="Added"><Time at=row.added_at day=true/></Cell>
            {buttons}
        </Row>
    }
}

/// Two roles: so one button, to the other one.
#[component]
fn RoleForm(row: MemberRow, slug: String, actions: Actions) -> impl IntoView {
    let (other, words) = match row.role {
        Role::Admin => (Role::Viewer, "Make viewer"),
        Role::Viewer => (Role::Admin, "Make admin"),
    };
    view! {
        <KeptForm
            action=actions.set_role
            about=vec![("workspace", slug), ("user_id", row.user_id.to_string()), ("role", other.name().to_owned())]
        >
            <Button kind=ButtonKind::Quiet submit=true pending=actions.set_role.pending()>
                {words}
                <span class="sr-only">{format!(" of {}", row.email)}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn Enable(row: MemberRow, slug: String, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm action=actions.enable about=vec![("workspace", slug), ("user_id", row.user_id.to_string()), ("enabled", (!row.enabled).to_string())]>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.enable.pending()>
                {if row.enabled { "Disable" } else { "Enable" }} <span class="sr-only">" " {row.email}</span>
            </Button>
        </KeptForm>
    }
}

/// For an account without a password, whose link was lost or has expired.
#[component]
fn NewLink(row: MemberRow, slug: String, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm action=actions.renew about=vec![("workspace", slug), ("user_id", row.user_id.to_string())]>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.renew.pending()>
                "New link" <span class="sr-only">{format!(" for {}", row.email)}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn Remove(row: MemberRow, slug: String, actions: Actions) -> impl IntoView {
    let (email, remove) = (row.email, actions.remove);
    view! {
        <ConfirmDialog
            id=format!("remove-{}", row.user_id)
            trigger_label="Remove"
            trigger_object=email.clone()
            title="Remove member"
            kind=ButtonKind::Quiet
        >
            <p>
                <strong class="font-medium break-words text-ink">{email}</strong>
                " can no longer open this workspace. The account stays."
            </p>
            <KeptForm action=remove about=vec![("workspace", slug), ("user_id", row.user_id.to_string())]>
                <div class="space-y-4">
                    <ActionError error=error_of(remove.value())/>
                    <Button kind=ButtonKind::Danger submit=true pending=remove.pending()>
                        "Remove member"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
