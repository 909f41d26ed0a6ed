//! Routes and their environments.

use uuid::Uuid;

use super::limits::{MAX_ENVIRONMENTS, MAX_ROUTES, room_for_one};
use super::publish::Scope;
use super::secret::{self, HeaderChange, Place, SecretState};
use super::told::{self, Step};
use super::workspaces::confirm;
use super::{Error, Settings};
use crate::auth::{WorkspaceAdmin, WorkspaceMember};
use crate::egress::Scope as Reach;
use crate::store::{Changes, Environment, Route, RouteLimits, StoredEndpoint, now};
use crate::values::{
    DEFAULT_BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RESPONSE_TIMEOUT_MS, DisplayName, Endpoint, Field, MAX_BODY_LIMIT,
    MAX_CONNECT_TIMEOUT_MS, MAX_RESPONSE_TIMEOUT_MS, Rule, Slug, TenantId, is_injected, parse_injected_headers, parse_methods,
};

/// The environment that a new route has.
const FIRST_ENVIRONMENT: &str = "production";

/// A route with what may be shown of its environments' secrets, in the same order.
#[derive(Clone, Debug)]
pub struct RouteEntry {
    pub route: Route,
    pub inject_headers: Vec<SecretState>,
}

/// What a route allows.
#[derive(Clone, Debug)]
pub struct RouteChange {
    pub name: String,
    /// In capitals, separated by commas; empty allows all.
    pub methods: String,
    pub connect_timeout_ms: u32,
    pub response_timeout_ms: u32,
    pub body_limit_bytes: u64,
    /// 0 means unlimited.
    pub rate_limit_per_s: u32,
}

/// The form of one environment.
#[derive(Clone, Default)]
pub struct EnvironmentChange {
    /// Empty makes a new one.
    pub original_name: String,
    pub name: String,
    pub target_base_url: String,
    /// Blank keeps what is stored.
    pub inject_headers: String,
    pub clear_headers: bool,
    /// Makes it the default; the default stays it until another one becomes it.
    pub default: bool,
    /// `None` leaves it as it is; a new one is enabled.
    pub enabled: Option<bool>,
}

impl std::fmt::Debug for EnvironmentChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentChange").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Settings {
    /// By slug.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn routes(&self, witness: &WorkspaceMember) -> Result<Vec<RouteEntry>, Error> {
        let mut routes = self.store().routes().of_workspace(witness.workspace())?;
        routes.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(routes.into_iter().map(|route| self.entry(route)).collect())
    }

    /// # Errors
    /// There is no such route.
    pub fn route(&self, witness: &WorkspaceMember, slug: &str) -> Result<RouteEntry, Error> {
        self.find_route(witness.workspace(), slug).map(|route| self.entry(route))
    }

    /// Makes a route with one default environment, `production`.
    ///
    /// # Errors
    /// A field breaks a rule, or the slug is taken.
    pub async fn create_route(&self, witness: &WorkspaceAdmin, slug: &str, name: &str, target_base_url: &str) -> Result<Route, Error> {
        let slug = addressable(slug)?;
        let name = DisplayName::parse(name).map_err(Error::invalid(Field::Name))?;
        let target = Endpoint::parse_exact(target_base_url).map_err(Error::invalid(Field::TargetBaseUrl))?;
        self.check_egress(witness.actor(), Reach::Tenant, Field::TargetBaseUrl, &target)?;
        let environment = Environment {
            id: Uuid::now_v7(),
            name: Slug::parse(FIRST_ENVIRONMENT).map_err(Error::invalid(Field::Name))?,
            default: true,
            enabled: true,
            target_base_url: StoredEndpoint(target),
            inject_headers: None,
        };
        let mut route = new_route(witness.workspace(), slug, name);
        route.environments.push(environment);
        self.insert_route(witness, &route).await?;
        Ok(route)
    }

    pub(super) async fn insert_route(&self, witness: &WorkspaceAdmin, route: &Route) -> Result<(), Error> {
        let guard = self.writing().await;
        self.store().workspaces().get(witness.workspace())?.ok_or(Error::NotFound)?;
        room_for_one(self.store().routes().of_workspace(witness.workspace())?.len(), MAX_ROUTES, Field::Slug)?;
        let told = told::route(witness.who(), &Step::Made(route));
        self.save(guard, Changes::new().put(route), Scope::Workspace(witness.workspace()), told).await
    }

    /// # Errors
    /// A field breaks a rule, or there is no such route.
    pub async fn update_route(&self, witness: &WorkspaceAdmin, slug: &str, change: &RouteChange) -> Result<(), Error> {
        let name = DisplayName::parse(&change.name).map_err(Error::invalid(Field::Name))?;
        let range = |field, value: u64, min, max| {
            if (min..=max).contains(&value) { Ok(()) } else { Err(Error::Invalid { field, rule: Rule::NumberRange { min, max } }) }
        };
        range(Field::ConnectTimeout, change.connect_timeout_ms.into(), 1, MAX_CONNECT_TIMEOUT_MS.into())?;
        range(Field::ResponseTimeout, change.response_timeout_ms.into(), 1, MAX_RESPONSE_TIMEOUT_MS.into())?;
        range(Field::BodyLimit, change.body_limit_bytes, 0, MAX_BODY_LIMIT)?;
        let limits = RouteLimits {
            methods: parse_methods(&change.methods).map_err(Error::invalid(Field::Methods))?,
            connect_timeout_ms: change.connect_timeout_ms,
            response_timeout_ms: change.response_timeout_ms,
            body_limit_bytes: change.body_limit_bytes,
            rate_limit_per_s: change.rate_limit_per_s,
        };
        self.change_route(witness, slug, |route| {
            route.name = name;
            route.limits = limits;
            Ok(true)
        })
        .await
        .map(drop)
    }

    /// A disabled route answers as one that is not there.
    ///
    /// # Errors
    /// There is no such route.
    pub async fn enable_route(&self, witness: &WorkspaceAdmin, slug: &str, enabled: bool) -> Result<(), Error> {
        self.change_route(witness, slug, |route| Ok(std::mem::replace(&mut route.enabled, enabled) != enabled)).await.map(drop)
    }

    /// API keys that were limited to it stay limited to what is not there. `confirmation` must be its slug.
    ///
    /// # Errors
    /// The confirmation is wrong, or there is no such route.
    pub async fn delete_route(&self, witness: &WorkspaceAdmin, slug: &str, confirmation: &str) -> Result<(), Error> {
        let guard = self.writing().await;
        let route = self.find_route(witness.workspace(), slug)?;
        confirm(confirmation, route.slug.as_str())?;
        let changes = Changes::new().delete::<Route>(&Route::key_of(route.workspace, route.id));
        self.save(guard, changes, Scope::Workspace(route.workspace), told::route(witness.who(), &Step::Gone(&route))).await
    }

    /// # Errors
    /// A field breaks a rule, the name is taken, or there is no such route or environment.
    pub async fn save_environment(&self, witness: &WorkspaceAdmin, slug: &str, change: &EnvironmentChange) -> Result<(), Error> {
        self.put_environment(witness, slug, change).await.map(drop)
    }

    /// Returns whether anything changed.
    pub(super) async fn put_environment(&self, witness: &WorkspaceAdmin, slug: &str, change: &EnvironmentChange) -> Result<bool, Error> {
        let name = Slug::parse(&change.name).map_err(Error::invalid(Field::Name))?;
        let target = Endpoint::parse_exact(&change.target_base_url).map_err(Error::invalid(Field::TargetBaseUrl))?;
        parse_injected_headers(&change.inject_headers).map_err(Error::invalid(Field::InjectHeaders))?;
        self.change_route(witness, slug, |route| {
            let original = change.original_name.trim();
            let at = match route.environments.iter().position(|environment| environment.name.as_str() == original) {
                None if !original.is_empty() => return Err(Error::NotFound),
                at => at,
            };
            if route.environments.iter().enumerate().any(|(other, environment)| Some(other) != at && environment.name == name) {
                return Err(Error::Taken(Field::Name));
            }
            if at.is_none() {
                room_for_one(route.environments.len(), MAX_ENVIRONMENTS, Field::Name)?;
            }
            let old = at.and_then(|at| route.environments.get(at)).cloned();
            self.check_egress(witness.actor(), Reach::Tenant, Field::TargetBaseUrl, &target)?;
            let id = old.as_ref().map_or_else(Uuid::now_v7, |old| old.id);
            let place = Place::environment(route.workspace, route.id, id);
            let stored = old.as_ref().and_then(|old| old.inject_headers.as_ref());
            let headers = HeaderChange {
                text: &change.inject_headers,
                clear: change.clear_headers,
                field: Field::InjectHeaders,
                endpoint: Some(&target),
            };
            let inject_headers = secret::change(self.vault(), &place, stored, &headers, witness.actor())?;
            let default = change.default || old.as_ref().is_some_and(|old| old.default) || route.environments.is_empty();
            let enabled = change.enabled.unwrap_or_else(|| old.as_ref().is_none_or(|old| old.enabled));
            let new = Environment { id, name, default, enabled, target_base_url: StoredEndpoint(target), inject_headers };
            if old.as_ref().is_some_and(|old| same_environment(old, &new)) {
                return Ok(false);
            }
            if default {
                route.environments.iter_mut().for_each(|environment| environment.default = false);
            }
            match at.and_then(|at| route.environments.get_mut(at)) {
                Some(slot) => *slot = new,
                None => route.environments.push(new),
            }
            Ok(true)
        })
        .await
    }

    /// A disabled environment answers as one that is not there. The default one may be disabled too: then requests that
    /// name none are refused, because another upstream is not what their caller meant.
    ///
    /// # Errors
    /// There is no such route or environment.
    pub async fn enable_environment(&self, witness: &WorkspaceAdmin, slug: &str, name: &str, enabled: bool) -> Result<(), Error> {
        self.change_route(witness, slug, |route| {
            let found = route.environments.iter_mut().find(|environment| environment.name.as_str() == name.trim());
            let environment = found.ok_or(Error::NotFound)?;
            Ok(std::mem::replace(&mut environment.enabled, enabled) != enabled)
        })
        .await
        .map(drop)
    }

    /// # Errors
    /// It is the default, or there is no such route or environment.
    pub async fn delete_environment(&self, witness: &WorkspaceAdmin, slug: &str, name: &str) -> Result<(), Error> {
        self.change_route(witness, slug, |route| {
            let at = route.environments.iter().position(|environment| environment.name.as_str() == name.trim());
            match at.and_then(|at| route.environments.get(at).map(|environment| (at, environment.default))) {
                None => Err(Error::NotFound),
                Some((_, true)) => Err(Error::Invalid { field: Field::Name, rule: Rule::DefaultEnvironment }),
                Some((at, false)) => {
                    route.environments.remove(at);
                    Ok(true)
                }
            }
        })
        .await
        .map(drop)
    }

    /// `change` says whether it changed anything.
    pub(super) async fn change_route(
        &self,
        witness: &WorkspaceAdmin,
        slug: &str,
        change: impl FnOnce(&mut Route) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let guard = self.writing().await;
        let old = self.find_route(witness.workspace(), slug)?;
        let mut new = old.clone();
        if !change(&mut new)? {
            return Ok(false);
        }
        let told = told::route(witness.who(), &Step::Changed(&old, &new));
        if told.is_empty() {
            return Ok(false);
        }
        new.updated_at = now();
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), Scope::Workspace(old.workspace), told).await?;
        Ok(true)
    }

    fn find_route(&self, workspace: TenantId, slug: &str) -> Result<Route, Error> {
        let slug = Slug::parse(slug).map_err(|_| Error::NotFound)?;
        self.store().routes().by_slug(workspace, &slug)?.ok_or(Error::NotFound)
    }

    fn entry(&self, route: Route) -> RouteEntry {
        let state = |environment: &Environment| {
            let place = Place::environment(route.workspace, route.id, environment.id);
            let mut state = secret::state(self.vault(), &place, environment.inject_headers.as_ref());
            // What is not sent is not shown as if it were.
            state.names.retain(|name| is_injected(name));
            state
        };
        RouteEntry { inject_headers: route.environments.iter().map(state).collect(), route }
    }
}

/// A slug for something with a page of its own, beside the page where one is made.
pub(super) fn addressable(slug: &str) -> Result<Slug, Error> {
    let slug = Slug::parse(slug).map_err(Error::invalid(Field::Slug))?;
    if slug.as_str() == "new" { Err(Error::Taken(Field::Slug)) } else { Ok(slug) }
}

/// A route without environments and with the default limits.
pub(super) fn new_route(workspace: TenantId, slug: Slug, name: DisplayName) -> Route {
    let now = now();
    let limits = RouteLimits {
        methods: Vec::new(),
        connect_timeout_ms: DEFAULT_CONNECT_TIMEOUT_MS,
        response_timeout_ms: DEFAULT_RESPONSE_TIMEOUT_MS,
        body_limit_bytes: DEFAULT_BODY_LIMIT,
        rate_limit_per_s: 0,
    };
    Route { id: Uuid::now_v7(), workspace, slug, name, enabled: true, limits, environments: Vec::new(), created_at: now, updated_at: now }
}

fn same_environment(old: &Environment, new: &Environment) -> bool {
    let plain = |environment: &Environment| {
        (environment.name.clone(), environment.default, environment.enabled, environment.target_base_url.clone())
    };
    plain(old) == plain(new) && secret::ciphertext(old.inject_headers.as_ref()) == secret::ciphertext(new.inject_headers.as_ref())
}
