//! What the audit log is told of each kind of record: the fields that differ, as their forms name them. A record that is
//! not there has no fields. Of secrets only that they changed.

use uuid::Uuid;

use super::secret::ciphertext;
use crate::audit::{Action, Log, Resource, Told, Who};
use crate::store::{Agent, ApiKey, Environment, ErrorTracking, ExportSettings, Member, Route, User, Workspace};
use crate::values::{Field, TenantId};

const ENABLED: &str = "Enabled";
const DEFAULT: &str = "Default environment";
const OPERATOR: &str = "Operator";
const PAUSED: &str = "Paused";

/// A field as text.
pub(super) type Show<T> = fn(&T) -> String;

/// What becomes of a record.
pub(super) enum Step<'a, T> {
    Made(&'a T),
    Changed(&'a T, &'a T),
    Gone(&'a T),
}

impl<'a, T> Step<'a, T> {
    pub(super) const fn before(&self) -> Option<&'a T> {
        match self {
            Self::Made(_) => None,
            Self::Changed(before, _) | Self::Gone(before) => Some(before),
        }
    }

    pub(super) const fn after(&self) -> Option<&'a T> {
        match self {
            Self::Made(after) | Self::Changed(_, after) => Some(after),
            Self::Gone(_) => None,
        }
    }

    /// As it is now, or was last.
    pub(super) const fn one(&self) -> &'a T {
        match self {
            Self::Made(one) | Self::Changed(_, one) | Self::Gone(one) => one,
        }
    }

    pub(super) const fn action(&self, made: Action, changed: Action, gone: Action) -> Action {
        match self {
            Self::Made(_) => made,
            Self::Changed(..) => changed,
            Self::Gone(_) => gone,
        }
    }

    /// The fields that differ.
    pub(super) fn compared(&self, told: Told, fields: &[(&'static str, Show<T>)]) -> Told {
        let shown = |record: Option<&T>, show: &Show<T>| record.map(show).unwrap_or_default();
        fields.iter().fold(told, |told, (field, show)| told.change(*field, &shown(self.before(), show), &shown(self.after(), show)))
    }
}

/// As the form has it: in MiB where it comes out even.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

fn rate(per_second: u32) -> String {
    if per_second == 0 { "none".to_owned() } else { format!("{per_second} per second") }
}

pub(super) fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// Making and deleting one is told in the Global log, which outlives it; the rest in its own.
pub(super) fn workspace(who: &Who, step: &Step<'_, Workspace>) -> Told {
    let one = step.one();
    let log = if matches!(step, Step::Changed(..)) { Log::Workspace(one.id) } else { Log::Global };
    let action = step.action(Action::WorkspaceCreated, Action::WorkspaceChanged, Action::WorkspaceDeleted);
    let told = Told::new(who, log, action, Resource::new("workspace", &one.slug, Some(one.id.0)));
    let fields: &[(_, Show<Workspace>)] =
        &[(Field::Name.label(), |workspace| workspace.name.to_string()), (ENABLED, |workspace| on_off(workspace.enabled))];
    step.compared(told, fields)
}

/// A route, or what was done to one of its environments.
pub(super) fn route(who: &Who, step: &Step<'_, Route>) -> Told {
    if let Step::Changed(before, after) = step
        && let Some(told) = environment(who, before, after)
    {
        return told;
    }
    let one = step.one();
    let action = step.action(Action::RouteCreated, Action::RouteChanged, Action::RouteDeleted);
    let told = Told::new(who, Log::Workspace(one.workspace), action, Resource::new("route", &one.slug, Some(one.id)));
    let targets = |route: &Route| {
        let one = |environment: &Environment| format!("{}: {}", environment.name, environment.target_base_url.0.as_str());
        route.environments.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let fields: &[(_, Show<Route>)] = &[
        (Field::Name.label(), |route| route.name.to_string()),
        (ENABLED, |route| on_off(route.enabled)),
        (Field::TargetBaseUrl.label(), targets),
        (Field::Methods.label(), |route| route.limits.methods.join(", ")),
        (Field::ConnectTimeout.label(), |route| format!("{} ms", route.limits.connect_timeout_ms)),
        (Field::ResponseTimeout.label(), |route| format!("{} ms", route.limits.response_timeout_ms)),
        (Field::BodyLimit.label(), |route| size(route.limits.body_limit_bytes)),
        (Field::RateLimit.label(), |route| rate(route.limits.rate_limit_per_s)),
    ];
    step.compared(told, fields)
}

/// What was done to an environment: one change of a route is about one.
fn environment(who: &Who, before: &Route, after: &Route) -> Option<Told> {
    let of = |route: &Route, id: Uuid| route.environments.iter().find(|one| one.id == id).cloned();
    let default = |route: &Route| route.environments.iter().find(|one| one.default).cloned();
    let all = after.environments.iter().chain(&before.environments).map(|one| one.id);
    let differs = |id: &Uuid| !same(of(before, *id).as_ref(), of(after, *id).as_ref());
    // Where only the default is another one, it is about that which became it.
    let became = || default(after).map(|one| one.id).filter(|id| default(before).is_none_or(|before| before.id != *id));
    let id = all.into_iter().find(differs).or_else(became)?;
    let (old, new) = (of(before, id), of(after, id));
    let step = match (&old, &new) {
        (Some(old), Some(new)) => Step::Changed(old, new),
        (None, Some(new)) => Step::Made(new),
        (Some(old), None) => Step::Gone(old),
        (None, None) => return None,
    };
    let action = step.action(Action::EnvironmentCreated, Action::EnvironmentChanged, Action::EnvironmentDeleted);
    let resource = Resource::new("environment", &format!("{}/{}", after.slug, step.one().name), Some(id));
    let told = Told::new(who, Log::Workspace(after.workspace), action, resource);
    let fields: &[(_, Show<Environment>)] = &[
        (Field::Name.label(), |one| one.name.to_string()),
        (ENABLED, |one| on_off(one.enabled)),
        (Field::TargetBaseUrl.label(), |one| one.target_base_url.0.as_str().to_owned()),
    ];
    let name = |environment: Option<Environment>| environment.map(|one| one.name.to_string()).unwrap_or_default();
    Some(
        step.compared(told, fields)
            .change(DEFAULT, &name(default(before)), &name(default(after)))
            .secret(Field::InjectHeaders.label(), old.as_ref().and_then(injected) != new.as_ref().and_then(injected)),
    )
}

/// But for which one is the default: that is told with the one that became it.
fn same(before: Option<&Environment>, after: Option<&Environment>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.name == after.name
                && before.enabled == after.enabled
                && before.target_base_url == after.target_base_url
                && injected(before) == injected(after)
        }
        (before, after) => before.is_none() && after.is_none(),
    }
}

fn injected(environment: &Environment) -> Option<&str> {
    ciphertext(environment.inject_headers.as_ref())
}

/// `account` is whose membership it is; its id stands in where the account can't be read.
pub(super) fn member(who: &Who, account: Option<&User>, step: &Step<'_, Member>) -> Told {
    let one = step.one();
    let action = step.action(Action::MemberAdded, Action::MemberChanged, Action::MemberRemoved);
    let handle = account.map_or_else(|| one.user.to_string(), |user| user.email.to_string());
    let told = Told::new(who, Log::Workspace(one.workspace), action, Resource::new("member", &handle, Some(one.user)));
    let fields: &[(_, Show<Member>)] =
        &[(Field::Role.label(), |member| member.role.name().to_owned()), (ENABLED, |member| on_off(!member.disabled))];
    step.compared(told, fields)
}

/// An account as an operator, in the list of operators.
pub(super) fn operator(who: &Who, action: Action, step: &Step<'_, User>) -> Told {
    account_as(who, action, "operator", step)
}

/// An account, as the bootstrap file makes or changes it.
pub(super) fn account(who: &Who, step: &Step<'_, User>) -> Told {
    account_as(who, step.action(Action::AccountCreated, Action::AccountChanged, Action::AccountChanged), "account", step)
}

fn account_as(who: &Who, action: Action, kind: &'static str, step: &Step<'_, User>) -> Told {
    let one = step.one();
    let told = Told::new(who, Log::Global, action, Resource::new(kind, &one.email, Some(one.id)));
    let fields: &[(_, Show<User>)] = &[(OPERATOR, |user| on_off(user.operator)), (ENABLED, |user| on_off(!user.disabled))];
    step.compared(told, fields).secret(Field::Password.label(), new_password(step))
}

/// It was set, replaced or taken away.
pub(super) fn new_password(step: &Step<'_, User>) -> bool {
    let password = |user: Option<&User>| user.and_then(|user| user.password_hash.clone());
    password(step.before()) != password(step.after())
}

/// The routes are given as people call them.
pub(super) fn api_key(who: &Who, step: &Step<'_, ApiKey>, routes: [&str; 2]) -> Told {
    let one = step.one();
    let action = step.action(Action::ApiKeyCreated, Action::ApiKeyChanged, Action::ApiKeyDeleted);
    let told = Told::new(who, Log::Workspace(one.workspace), action, Resource::new("api_key", &one.name, Some(one.id)));
    let fields: &[(_, Show<ApiKey>)] = &[(Field::Name.label(), |key| key.name.to_string()), (ENABLED, |key| on_off(key.enabled))];
    step.compared(told, fields).change(Field::KeyRoutes.label(), routes[0], routes[1])
}

pub(super) fn agent(who: &Who, step: &Step<'_, Agent>) -> Told {
    let one = step.one();
    let action = step.action(Action::AgentCreated, Action::AgentChanged, Action::AgentDeleted);
    let told = Told::new(who, Log::Workspace(one.workspace), action, Resource::new("agent", &one.slug, Some(one.id)));
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let fields: &[(_, Show<Agent>)] = &[
        (Field::Provider.label(), |agent| agent.provider.label().to_owned()),
        (Field::BaseUrl.label(), |agent| agent.base_url.0.as_str().to_owned()),
        (Field::Models.label(), |agent| agent.models.join(", ")),
        (ENABLED, |agent| on_off(agent.enabled)),
    ];
    let (before, after) = (step.before(), step.after());
    let limits = |agent: Option<&Agent>| {
        agent.map_or_else(<[String; 2]>::default, |agent| [number(agent.max_output_tokens), number(agent.tokens_per_minute)])
    };
    let ([old_max, old_rate], [max, rate]) = (limits(before), limits(after));
    step.compared(told, fields)
        .change(Field::MaxOutputTokens.label(), &old_max, &max)
        .change(Field::TokensPerMinute.label(), &old_rate, &rate)
        .secret(Field::Credential.label(), before.and_then(credential) != after.and_then(credential))
}

fn credential(agent: &Agent) -> Option<&str> {
    ciphertext(agent.credential.as_ref())
}

/// A new link for an account, in the log of whoever may give it.
pub(super) fn invitation(who: &Who, log: Log, user: &User) -> Told {
    Told::new(who, log, Action::InvitationRenewed, Resource::new("account", &user.email, Some(user.id)))
}

pub(super) fn export(
    who: &Who,
    action: Action,
    workspace: Option<TenantId>,
    before: Option<&ExportSettings>,
    after: &ExportSettings,
) -> Told {
    let (log, handle) = workspace.map_or((Log::Global, "otlp"), |workspace| (Log::Workspace(workspace), "telemetry"));
    let paused = |settings: Option<&ExportSettings>| settings.is_some_and(|settings| settings.paused.is_some());
    Told::new(who, log, action, Resource::new("export", handle, None)).switch(PAUSED, paused(before), paused(Some(after)))
}

pub(super) fn error_tracking(who: &Who, step: &Step<'_, ErrorTracking>) -> Told {
    let told = Told::new(who, Log::Global, Action::ErrorTrackingSaved, Resource::new("error_tracking", "sentry", None));
    let fields: &[(_, Show<ErrorTracking>)] = &[
        (Field::SentryDsnBrowser.label(), |one| one.dsn_browser.as_ref().map(ToString::to_string).unwrap_or_default()),
        (Field::SentryDsnServer.label(), |one| one.dsn_server.as_ref().map(ToString::to_string).unwrap_or_default()),
        (Field::SentryEnvironment.label(), |one| one.environment.clone().unwrap_or_default()),
    ];
    step.compared(told, fields)
}
