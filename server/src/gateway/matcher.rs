//! Whose request it is and where it goes, by the routing table in force.

use std::sync::Arc;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use http::request::Parts;

use super::ai::Operation;
use super::headers::{X_KNOXCALL_ENVIRONMENT, X_KNOXCALL_KEY, X_KNOXCALL_ROUTE};
use super::refusal::Refusal;
use crate::live::{Agent, Environment, Route, Routing, hash_key};
use crate::values::TenantId;

/// As much as could be found; telemetry names it also where the request is refused.
#[derive(Default)]
pub(super) struct Found {
    /// Known once the key was.
    pub(super) tenant: Option<TenantId>,
    pub(super) route: Option<Arc<Route>>,
    pub(super) environment: Option<Arc<Environment>>,
    /// In place of a route.
    pub(super) agent: Option<Arc<Agent>>,
    /// What the agent is asked for.
    pub(super) operation: Option<Operation>,
    /// No valid key came.
    pub(super) key_rejected: bool,
    pub(super) refusal: Option<Refusal>,
}

impl Found {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }

    /// Refused for its form: whose it is is known by its key, and what it asks for is not believed.
    pub(super) fn refused_as(self, refusal: Refusal) -> Self {
        Self { tenant: self.tenant, key_rejected: self.key_rejected, ..Self::refused(refusal) }
    }
}

pub(super) fn find(routing: &Routing, parts: &Parts) -> Found {
    let mut found = Found::default();
    found.refusal = walk(routing, parts, &mut found).err();
    found
}

fn walk(routing: &Routing, parts: &Parts, found: &mut Found) -> Result<(), Refusal> {
    let key = match text(&parts.headers, &X_KNOXCALL_KEY) {
        Some(key) if !key.is_empty() => routing.keys.get(&hash_key(key)).ok_or("Invalid API key"),
        _ => Err("Missing x-knoxcall-key header"),
    };
    let key = key.map_err(|message| {
        found.key_rejected = true;
        Refusal::new(StatusCode::UNAUTHORIZED, message)
    })?;
    found.tenant = Some(key.workspace.id);

    let Some(wanted) = text(&parts.headers, &X_KNOXCALL_ROUTE).filter(|name| !name.is_empty()) else {
        return Err(Refusal::unknown("Missing x-knoxcall-route header", ""));
    };
    let route = key.workspace.routes.get(wanted).ok_or_else(|| Refusal::unknown("Unknown route", wanted))?;
    // A key that may not use a route learns no more of it than its name, which it gave.
    if !key.routes.is_empty() && !key.routes.contains(&route.id) {
        found.route = Some(Arc::clone(route));
        return Err(Refusal::new(StatusCode::FORBIDDEN, "This API key is not allowed to use this route"));
    }
    found.route = Some(Arc::clone(route));

    let environment = match text(&parts.headers, &X_KNOXCALL_ENVIRONMENT).filter(|name| !name.is_empty()) {
        Some(name) => route.environments.get(name).ok_or("Unknown environment"),
        None => route.default_environment.as_ref().ok_or("The route's default environment is missing or disabled"),
    };
    found.environment = Some(Arc::clone(environment.map_err(|message| Refusal::unknown(message, wanted))?));

    if !route.methods.is_empty() && !route.methods.contains(&parts.method) {
        return Err(Refusal::method(&route.methods));
    }
    Ok(())
}

/// `None` also for bytes that no slug, id or name can hold.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}
