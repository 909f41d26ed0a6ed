//! `/w/{slug}/members`: who may do what in a workspace.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use uuid::Uuid;

use super::api::{AddMember, EnableMember, RemoveMember, RenewInvitation, SetMemberRole, load_members, take_invitation};
use super::member_parts::{AddForm, Invitation, MemberList};
use crate::layout::{access_to, use_slug, use_viewer};
use crate::ui::{ActionError, ErrorView, PageHeader, Skeleton, error_of, on_new_query, successes, together};

/// Everything that a row of the list can do.
#[derive(Clone, Copy)]
pub(super) struct Actions {
    pub set_role: ServerAction<SetMemberRole>,
    pub enable: ServerAction<EnableMember>,
    pub renew: ServerAction<RenewInvitation>,
    pub remove: ServerAction<RemoveMember>,
}

/// Whose link the address asks for, and a stamp that tells one request for it from the next.
pub(super) fn use_added() -> Memo<Option<(Uuid, Option<String>)>> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| Some((query.get_str("added")?.parse::<Uuid>().ok()?, query.get_str("at").map(str::to_owned)))))
}

/// The members, and for admins the ways to change them.
#[component]
pub fn Members() -> impl IntoView {
    let slug = use_slug();
    let viewer = use_viewer();
    let add = ServerAction::<AddMember>::new();
    let actions =
        Actions { set_role: ServerAction::new(), enable: ServerAction::new(), renew: ServerAction::new(), remove: ServerAction::new() };
    let added = use_added();
    on_new_query(move || {
        actions.set_role.clear();
        actions.enable.clear();
        actions.renew.clear();
    });
    let added_now = successes(add);
    let changes = [added_now, successes(actions.set_role), successes(actions.enable), successes(actions.remove)];
    let rows = Resource::new_blocking(move || (slug.get(), changes.map(|count| count.get())), |(slug, _)| load_members(slug));
    let invitation = Resource::new_blocking(
        move || (slug.get_untracked(), added.get()),
        |(slug, added)| async move {
            match added {
                Some((id, _)) => take_invitation(slug, id).await.ok().flatten(),
                None => None,
            }
        },
    );
    let whole = together(move || async move { (invitation.await, viewer.await, rows.await) });
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                let slug = slug.get_untracked();
                let (invitation, viewer, rows) = whole.await;
                match (viewer, rows) {
                    (Ok(viewer), Ok(rows)) => {
                        let add_form_slug = slug.clone();
                        let may_write = access_to(&viewer, &slug).is_some_and(|access| access.may_write());
                        view! {
                            <PageHeader title="Members" subtitle="Admins change the workspace's routes, keys and export; viewers only look."/>
                            <div class="space-y-6">
                                {may_write.then(|| view! { <AddForm slug=add_form_slug add added=added_now/> })}
                                {invitation.map(|shown| view! { <Invitation shown/> })}
                                <ActionError error=error_of(actions.set_role.value())/>
                                <ActionError error=error_of(actions.enable.value())/>
                                <ActionError error=error_of(actions.renew.value())/>
                                <MemberList rows slug may_write actions/>
                            </div>
                        }
                        .into_any()
                    }
                    (Err(error), _) | (_, Err(error)) => view! { <ErrorView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}
