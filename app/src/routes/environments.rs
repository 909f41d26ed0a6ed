//! A route's environments: the table, and the form that `?edit=` in the address opens below it, so that editing works
//! without scripts and "back" closes it.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::environment_form::EnvironmentEditor;
use super::page::Actions;
use super::view_model::query_value;
use crate::contract::{EnvironmentRow, SecretView};
use crate::ui::{
    ActionError, Badge, Button, ButtonKind, Card, CardHeader, Cell, ConfirmDialog, Icon, IconName, KeptForm, LinkButton, PillState, Row,
    StatusPill, Table, error_of, on_new_query,
};

/// The card.
#[component]
pub fn Environments(slug: String, route: String, environments: Vec<EnvironmentRow>, may_write: bool, actions: Actions) -> impl IntoView {
    let query = use_query_map();
    let asked = Memo::new(move |_| {
        let query = query.read();
        (query.get("edit"), query.get("add").is_some())
    });
    on_new_query(move || {
        actions.save_environment.clear();
        actions.enable_environment.clear();
        actions.delete_environment.clear();
    });
    let page = format!("/w/{slug}/routes/{route}");
    let add = format!("{page}?add=environment");
    let (form_slug, form_route, form_page) = (slug.clone(), route.clone(), page.clone());
    let known = environments.clone();
    // The environment in the form, or none for a new one; nothing where no form is open.
    let edited = Memo::new(move |_| {
        let (edit, add) = asked.get();
        let found = edit.and_then(|name| known.iter().find(|environment| environment.name == name).cloned());
        (may_write && (add || found.is_some())).then_some(found)
    });
    // A form of its own for each: what was typed for one is not for another.
    let editor = view! {
        <For each=move || edited.get() key=|environment| environment.as_ref().map(|row| row.name.clone()) let:environment>
            <EnvironmentEditor slug=form_slug.clone() route=form_route.clone() page=form_page.clone() environment actions/>
        </For>
        // "Make default" has no form of its own to say it in.
        <Show when=move || edited.with(Option::is_none)>
            <div class="border-t border-line p-5 empty:hidden">
                <ActionError error=error_of(actions.save_environment.value())/>
            </div>
        </Show>
    };
    let rows = environments;
    let mut headers = vec!["Name", "Target base URL", "Injected headers"];
    headers.extend(may_write.then_some(""));
    view! {
        <Card>
            <CardHeader
                title="Environments"
                subtitle="The same route at several places. A caller chooses with the header x-knoxcall-environment."
                actions=move || {
                    may_write.then(|| view! { <LinkButton href=add.clone()><Icon name=IconName::Plus/> "Add environment"</LinkButton> })
                }
            />
            <div class="px-5 pt-4 empty:hidden">
                <ActionError error=error_of(actions.enable_environment.value())/>
            </div>
            {if rows.is_empty() {
                view! { <p class="px-5 py-4 text-sm text-muted">"Without an environment this route answers with 404."</p> }.into_any()
            } else {
                view! {
                    <Table caption="Environments" headers>
                        <For each=move || rows.clone() key=|row| (row.name.clone(), row.default, row.enabled, row.target_base_url.clone()) let:row>
                            <OneRow slug=slug.clone() route=route.clone() page=page.clone() row may_write actions/>
                        </For>
                    </Table>
                }
                .into_any()
            }}
            {editor}
        </Card>
    }
}

#[component]
fn OneRow(slug: String, route: String, page: String, row: EnvironmentRow, may_write: bool, actions: Actions) -> impl IntoView {
    let (name, target, headers) = (row.name.clone(), row.target_base_url.clone(), row.inject_headers.clone());
    let (full_target, default, enabled) = (target.clone(), row.default, row.enabled);
    let buttons = may_write.then(move || {
        view! { <Cell actions=true><RowButtons slug route page row actions/></Cell> }
    });
    view! {
        <Row>
            <Cell>
                <div class="min-w-0 space-y-1">
                    <span class="flex flex-wrap items-center gap-2 font-medium text-ink">
                        <span class="[overflow-wrap:anywhere]">{name}</span> {default.then(|| view! { <Badge>"Default"</Badge> })} {(!enabled).then(|| view! { <DisabledPill/> })}
                    </span>
                    {(default && !enabled).then(|| view! {
                        <span class="block text-small text-muted">"Requests that name no environment get a 404."</span>
                    })}
                </div>
            </Cell>
            <Cell label="Target base URL">
                <span class="font-mono text-small break-all wide:block wide:max-w-40 wide:truncate xl:max-w-80" title=full_target>{target}</span>
            </Cell>
            <Cell label="Injected headers">
                <HeaderNames headers/>
            </Cell>
            {buttons}
        </Row>
    }
}

/// What can be done with an environment; the default one stays until another takes its place.
#[component]
fn RowButtons(slug: String, route: String, page: String, row: EnvironmentRow, actions: Actions) -> impl IntoView {
    let edit = format!("{page}?edit={}", query_value(&row.name));
    let name = row.name.clone();
    let object = name.clone();
    let make_default = (!row.default).then({
        let (slug, route) = (slug.clone(), route.clone());
        let row = row.clone();
        move || view! { <MakeDefault slug route row actions/> }
    });
    let enable = view! { <Enable slug=slug.clone() route=route.clone() name=name.clone() enabled=row.enabled actions/> };
    let delete = (!row.default).then(move || view! { <Delete slug route name actions/> });
    view! {
        <div>
            {make_default}
            {enable}
            <LinkButton href=edit kind=ButtonKind::Quiet>
                "Edit" <span class="sr-only">" " {object}</span>
            </LinkButton>
            {delete}
        </div>
    }
}

/// The names of headers that are sent, which may be shown.
#[component]
fn HeaderNames(headers: SecretView) -> impl IntoView {
    if headers.unreadable {
        return view! { <span class="text-bad">"Unreadable; enter them again"</span> }.into_any();
    }
    if !headers.set || headers.names.is_empty() {
        return view! { <span class="text-faint">"None"</span> }.into_any();
    }
    view! { <span class="font-mono text-small [overflow-wrap:anywhere]">{headers.names.join(", ")}</span> }.into_any()
}

/// Said of what answers as if it were not there.
#[component]
pub(super) fn DisabledPill() -> impl IntoView {
    view! { <StatusPill state=PillState::Off word="Disabled"/> }
}

#[component]
fn Enable(slug: String, route: String, name: String, enabled: bool, actions: Actions) -> impl IntoView {
    view! {
        <KeptForm
            action=actions.enable_environment
            about=vec![("workspace", slug), ("route", route), ("name", name.clone()), ("enabled", (!enabled).to_string())]
        >
            <Button kind=ButtonKind::Quiet submit=true pending=actions.enable_environment.pending()>
                {if enabled { "Disable" } else { "Enable" }} <span class="sr-only">" " {name}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn MakeDefault(slug: String, route: String, row: EnvironmentRow, actions: Actions) -> impl IntoView {
    let about = vec![
        ("workspace", slug),
        ("route", route),
        ("form[original_name]", row.name.clone()),
        ("form[name]", row.name.clone()),
        ("form[target_base_url]", row.target_base_url),
        ("form[default]", "on".to_owned()),
    ];
    view! {
        <KeptForm action=actions.save_environment about>
            <Button kind=ButtonKind::Quiet submit=true pending=actions.save_environment.pending()>
                "Make default" <span class="sr-only">" " {row.name}</span>
            </Button>
        </KeptForm>
    }
}

#[component]
fn Delete(slug: String, route: String, name: String, actions: Actions) -> impl IntoView {
    let id = format!("delete-environment-{}", query_value(&name));
    view! {
        <ConfirmDialog
            id
            trigger_label="Delete"
            trigger_object=name.clone()
            title=format!("Delete the environment {name}")
            kind=ButtonKind::Quiet
        >
            <p>"Requests that name it get a 404, and its injected headers are removed. This can't be undone."</p>
            <KeptForm action=actions.delete_environment about=vec![("workspace", slug), ("route", route), ("name", name)]>
                <div class="space-y-4">
                    <ActionError error=error_of(actions.delete_environment.value())/>
                    <Button kind=ButtonKind::Danger submit=true pending=actions.delete_environment.pending()>
                        "Delete environment"
                    </Button>
                </div>
            </KeptForm>
        </ConfirmDialog>
    }
}
