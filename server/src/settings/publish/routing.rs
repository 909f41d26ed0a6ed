//! One workspace's part of the routing table.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{SecretPlace, Stored};
use crate::live::{self, KeyHash, Limits, Upstream};
use crate::settings::secret::{self, Place};
use crate::store;
use crate::values::{HeaderList, NEVER_INJECTED};
use crate::vault::Vault;

/// The workspace's enabled keys, each with the workspace's enabled routes.
pub(super) fn build(vault: &Vault, stored: &Stored, broken: &mut Vec<SecretPlace>) -> Vec<(KeyHash, live::ApiKey)> {
    let routes: Vec<Arc<live::Route>> =
        stored.routes.iter().filter(|route| route.enabled).map(|route| Arc::new(build_route(vault, route, broken))).collect();
    let mut by_handle: HashMap<Arc<str>, Arc<live::Route>> = HashMap::with_capacity(routes.len() * 3);
    // Later insertions win: slugs over ids over names, and among equal names the route that was made first.
    for route in routes.iter().rev() {
        by_handle.insert(Arc::clone(&route.name), Arc::clone(route));
    }
    for route in &routes {
        by_handle.insert(route.id.to_string().into(), Arc::clone(route));
    }
    for route in &routes {
        by_handle.insert(Arc::clone(&route.slug), Arc::clone(route));
    }
    let agents = super::agents::build(vault, &stored.agents, broken);
    let slug = stored.workspace.slug.as_str().into();
    let workspace = Arc::new(live::Workspace { id: stored.workspace.id, slug, routes: by_handle, agents });
    let enabled = stored.keys.iter().filter(|key| key.enabled);
    enabled
        .filter_map(|key| {
            let mut hash = KeyHash::default();
            hex::decode_to_slice(&key.hash, &mut hash).ok()?;
            Some((hash, live::ApiKey { id: key.id, workspace: Arc::clone(&workspace), routes: key.routes.clone() }))
        })
        .collect()
}

/// Disabled environments are left out. So is one whose injected headers do not open: it must not be called without them.
fn build_route(vault: &Vault, route: &store::Route, broken: &mut Vec<SecretPlace>) -> live::Route {
    let mut environments = HashMap::with_capacity(route.environments.len());
    let mut default_environment = None;
    for environment in route.environments.iter().filter(|environment| environment.enabled) {
        let place = Place::environment(route.workspace, route.id, environment.id);
        let inject = secret::open(vault, &place, environment.inject_headers.as_ref()).ok().as_ref().and_then(injected);
        let Some(inject) = inject else {
            let place = SecretPlace::InjectedHeaders {
                workspace: route.workspace,
                route: route.slug.clone(),
                environment: environment.name.clone(),
            };
            broken.push(place);
            continue;
        };
        let Some(upstream) = Upstream::new(&environment.target_base_url.0) else { continue };
        let name: Arc<str> = environment.name.as_str().into();
        let built = Arc::new(live::Environment { name: Arc::clone(&name), upstream, inject });
        if environment.default {
            default_environment = Some(Arc::clone(&built));
        }
        environments.insert(name, built);
    }
    live::Route {
        id: route.id,
        slug: route.slug.as_str().into(),
        name: route.name.as_str().into(),
        methods: route.limits.methods.iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect(),
        limits: limits(&route.limits),
        environments,
        default_environment,
    }
}

/// What was stored before the gateway alone set the trace context is left out.
fn injected(headers: &HeaderList) -> Option<HeaderMap> {
    let mut map = header_map(headers)?;
    for name in NEVER_INJECTED {
        map.remove(name);
    }
    Some(map)
}

pub(super) fn header_map(headers: &HeaderList) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        map.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(map)
}

fn limits(limits: &store::RouteLimits) -> Limits {
    Limits {
        connect_timeout: Duration::from_millis(limits.connect_timeout_ms.into()),
        response_timeout: Duration::from_millis(limits.response_timeout_ms.into()),
        body_limit: limits.body_limit_bytes,
        requests_per_second: NonZeroU32::new(limits.rate_limit_per_s),
    }
}
