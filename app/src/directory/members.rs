//! `/w/{slug}/members`: who may do what in a workspace.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use uuid::Uuid;

use super::api::{AddMember, RemoveMember, SetMemberRole, load_members, take_invitation};
use super::member_parts::{AddForm, Invitation, MemberTable};
use crate::layout::{access_to, use_slug, use_viewer};
use crate::routes::successes;
use crate::ui::{ActionError, Card, ErrorView, PageHeader, Skeleton, error_of};

/// The members, and for admins the ways to change them.
#[component]
pub fn Members() -> impl IntoView {
    let slug = use_slug();
    let viewer = use_viewer();
    let add = ServerAction::<AddMember>::new();
    let set_role = ServerAction::<SetMemberRole>::new();
    let remove = ServerAction::<RemoveMember>::new();
    let added_now = successes(add);
    let changes = [added_now, successes(set_role), successes(remove)];
    let query = use_query_map();
    let added = Memo::new(move |_| query.with(|query| query.get_str("added").and_then(|id| id.parse::<Uuid>().ok())));
    let rows = Resource::new_blocking(move || (slug.get(), changes.map(|count| count.get())), |(slug, _)| load_members(slug));
    let invitation = Resource::new_blocking(
        move || (slug.get_untracked(), added.get()),
        |(slug, added)| async move {
            match added {
                Some(id) => take_invitation(slug, id).await.ok().flatten(),
                None => None,
            }
        },
    );
    view! {
        <Transition fallback=|| view! { <Skeleton lines=6/> }>
            {move || Suspend::new(async move {
                let slug = slug.get_untracked();
                let invitation = invitation.await;
                match (viewer.await, rows.await) {
                    (Ok(viewer), Ok(rows)) => {
                        let add_form_slug = slug.clone();
                        let may_write = access_to(&viewer, &slug).is_some_and(|access| access.may_write());
                        view! {
                            <PageHeader title="Members" subtitle="Admins change the workspace's routes, keys and export; viewers only look."/>
                            <div class="space-y-6">
                                {may_write.then(|| view! { <AddForm slug=add_form_slug add added=added_now/> })}
                                {invitation.map(|shown| view! { <Invitation shown/> })}
                                <ActionError error=error_of(set_role.value())/>
                                <Card>
                                    <MemberTable rows slug may_write set_role remove/>
                                </Card>
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
