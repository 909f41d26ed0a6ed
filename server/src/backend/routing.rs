//! A workspace's routes, environments and API keys.

use app::contract::{
    ApiError, EnvironmentForm, EnvironmentRef, EnvironmentRow, KeyRow, RouteDetail, RouteRow, RouteSettings, Routing, ShownOnce,
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{Bound, exact, secret_view};
use crate::settings::{EnvironmentChange, KeyEntry, RouteChange, RouteEntry};
use crate::store::{Environment, Route, RouteLimits};

/// Who made what came with the bootstrap file or `--demo`.
const AT_STARTUP: &str = "bootstrap";

#[async_trait]
impl Routing for Bound {
    async fn routes(&self, workspace: &str) -> Result<Vec<RouteRow>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(self.settings().routes(&member)?.into_iter().map(|entry| route_row(entry.route)).collect())
    }

    async fn route(&self, workspace: &str, route: &str) -> Result<RouteDetail, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let entry = self.settings().route(&member, exact(route)?)?;
        Ok(route_detail(entry, self.parts.gateway_url.clone()))
    }

    async fn create_route(&self, workspace: &str, slug: &str, name: &str, target_base_url: &str) -> Result<String, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().create_route(&admin, slug, name, target_base_url).await?.slug.into())
    }

    async fn update_route(&self, workspace: &str, route: &str, name: &str, settings: RouteSettings) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let change = RouteChange {
            name: name.to_owned(),
            methods: settings.methods,
            connect_timeout_ms: settings.connect_timeout_ms,
            response_timeout_ms: settings.response_timeout_ms,
            body_limit_bytes: settings.body_limit_bytes,
            rate_limit_per_s: settings.rate_limit_per_s,
        };
        Ok(self.settings().update_route(&admin, exact(route)?, &change).await?)
    }

    async fn enable_route(&self, workspace: &str, route: &str, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_route(&admin, exact(route)?, enabled).await?)
    }

    async fn delete_route(&self, workspace: &str, route: &str, confirmation: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().delete_route(&admin, exact(route)?, confirmation).await?)
    }

    async fn save_environment(&self, workspace: &str, route: &str, form: EnvironmentForm) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let change = EnvironmentChange {
            original_name: form.original_name,
            name: form.name,
            target_base_url: form.target_base_url,
            inject_headers: form.inject_headers,
            clear_headers: form.clear_headers.is_some(),
            default: form.default.is_some(),
            enabled: None,
        };
        Ok(self.settings().save_environment(&admin, exact(route)?, &change).await?)
    }

    async fn enable_environment(&self, workspace: &str, route: &str, name: &str, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_environment(&admin, exact(route)?, name, enabled).await?)
    }

    async fn delete_environment(&self, workspace: &str, route: &str, name: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().delete_environment(&admin, exact(route)?, name).await?)
    }

    async fn keys(&self, workspace: &str) -> Result<Vec<KeyRow>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(self.settings().keys(&member)?.into_iter().map(key_row).collect())
    }

    async fn create_key(&self, workspace: &str, name: &str, routes: &str) -> Result<Uuid, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let made = self.settings().create_key(&admin, name, routes).await?;
        let viewer = self.visitor.user()?.id;
        self.visitor.auth().reveal().put(viewer, made.id, made.name.into(), made.secret.to_string());
        Ok(made.id)
    }

    async fn take_key(&self, workspace: &str, id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let here = self.settings().keys(&member)?.iter().any(|entry| entry.key.id == id);
        if here && member.admin().is_some() { self.take(id) } else { Ok(None) }
    }

    async fn enable_key(&self, workspace: &str, id: Uuid, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_key(&admin, id, enabled).await?)
    }

    async fn update_key(&self, workspace: &str, id: Uuid, name: &str, routes: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().update_key(&admin, id, name, routes).await?)
    }

    async fn delete_key(&self, workspace: &str, id: Uuid) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().delete_key(&admin, id).await?)
    }
}

fn route_row(route: Route) -> RouteRow {
    let default = route.environments.iter().find(|environment| environment.default);
    RouteRow {
        target: default.map(|environment| environment.target_base_url.0.as_str().to_owned()),
        environments: route.environments.iter().map(environment_ref).collect(),
        id: route.id,
        slug: route.slug.into(),
        name: route.name.into(),
        enabled: route.enabled,
    }
}

fn environment_ref(environment: &Environment) -> EnvironmentRef {
    EnvironmentRef { name: environment.name.to_string(), enabled: environment.enabled }
}

fn route_detail(entry: RouteEntry, gateway_url: String) -> RouteDetail {
    let RouteEntry { route, inject_headers } = entry;
    let rows = route.environments.into_iter().zip(inject_headers);
    RouteDetail {
        id: route.id,
        slug: route.slug.into(),
        name: route.name.into(),
        enabled: route.enabled,
        settings: route_settings(&route.limits),
        environments: rows.map(|(environment, headers)| environment_row(environment, secret_view(headers))).collect(),
        created_at: route.created_at,
        updated_at: route.updated_at,
        gateway_url,
    }
}

fn route_settings(limits: &RouteLimits) -> RouteSettings {
    RouteSettings {
        methods: limits.methods.join(", "),
        connect_timeout_ms: limits.connect_timeout_ms,
        response_timeout_ms: limits.response_timeout_ms,
        body_limit_bytes: limits.body_limit_bytes,
        rate_limit_per_s: limits.rate_limit_per_s,
    }
}

fn environment_row(environment: Environment, inject_headers: app::contract::SecretView) -> EnvironmentRow {
    EnvironmentRow {
        name: environment.name.into(),
        default: environment.default,
        enabled: environment.enabled,
        target_base_url: environment.target_base_url.into(),
        inject_headers,
    }
}

fn key_row(entry: KeyEntry) -> KeyRow {
    let key = entry.key;
    KeyRow {
        id: key.id,
        name: key.name.into(),
        prefix: key.prefix,
        enabled: key.enabled,
        routes: entry.routes,
        created_at: key.created_at,
        created_by: key.created_by.map_or_else(|| AT_STARTUP.to_owned(), String::from),
    }
}
