//! `/settings/operators`: who may do everything, for those who may.

use leptos::prelude::*;

use super::api::{AddOperator, EnableOperator, RemoveOperator, RenewOperatorInvitation, load_operators, take_operator_invitation};
use super::member_parts::Invitation;
use super::members::use_added;
use super::operator_parts::{AddForm, OperatorTable};
use crate::ui::{ActionError, Card, ErrorView, PageHeader, Skeleton, error_of, on_new_query, successes, together};

/// Everything that a row of the list can do.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub enable: ServerAction<EnableOperator>,
    pub renew: ServerAction<RenewOperatorInvitation>,
    pub remove: ServerAction<RemoveOperator>,
}

/// The operators, and the ways to change them.
#[component]
pub fn Operators() -> impl IntoView {
    let add = ServerAction::<AddOperator>::new();
    let actions = Actions { enable: ServerAction::new(), renew: ServerAction::new(), remove: ServerAction::new() };
    let added = use_added();
    on_new_query(move || {
        actions.enable.clear();
        actions.renew.clear();
    });
    let added_now = successes(add);
    let changes = [added_now, successes(actions.enable), successes(actions.remove)];
    let rows = Resource::new_blocking(move || changes.map(|count| count.get()), |_| load_operators());
    let invitation = Resource::new_blocking(
        move || added.get(),
        |added| async move {
            match added {
                Some((id, _)) => take_operator_invitation(id).await.ok().flatten(),
                None => None,
            }
        },
    );
    let whole = together(move || async move { (invitation.await, rows.await) });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                let (invitation, rows) = whole.await;
                match rows {
                    Ok(rows) => view! {
                        <PageHeader title="Operators" subtitle="They see and change everything: the Global scope, and every workspace."/>
                        <div class="space-y-6">
                            <AddForm add added=added_now/>
                            {invitation.map(|shown| view! { <Invitation shown/> })}
                            <ActionError error=error_of(actions.enable.value())/>
                            <ActionError error=error_of(actions.renew.value())/>
                            <Card>
                                <OperatorTable rows actions/>
                            </Card>
                        </div>
                    }
                    .into_any(),
                    Err(error) => view! { <ErrorView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}
