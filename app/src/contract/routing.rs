//! A workspace's routes, their environments, and its API keys.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::values::{DEFAULT_BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RESPONSE_TIMEOUT_MS};
#[cfg(feature = "ssr")]
use super::{ApiError, ShownOnce};
use super::{SecretView, UnixMillis};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRow {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub enabled: bool,
    /// The default environment's target, or `None` while the route has no environment.
    pub target: Option<String>,
    pub environments: Vec<EnvironmentRef>,
}

/// An environment as the list of routes names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRef {
    pub name: String,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteDetail {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub enabled: bool,
    pub settings: RouteSettings,
    pub environments: Vec<EnvironmentRow>,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
    /// `host:port` on which this gateway listens, for the `curl` line.
    pub gateway_url: String,
}

/// What a route allows. Empty text means the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSettings {
    /// Methods in capitals separated by commas; empty allows all.
    pub methods: String,
    /// Milliseconds, 1 to 120 000; default 5 000.
    pub connect_timeout_ms: u32,
    /// Milliseconds until the upstream's response headers, 1 to 3 600 000; default 60 000.
    pub response_timeout_ms: u32,
    /// Bytes, 0 to 10 GiB; default 100 MiB.
    pub body_limit_bytes: u64,
    /// Requests per second over the whole route; 0 means unlimited.
    pub rate_limit_per_s: u32,
}

impl Default for RouteSettings {
    fn default() -> Self {
        Self {
            methods: String::new(),
            connect_timeout_ms: DEFAULT_CONNECT_TIMEOUT_MS,
            response_timeout_ms: DEFAULT_RESPONSE_TIMEOUT_MS,
            body_limit_bytes: DEFAULT_BODY_LIMIT,
            rate_limit_per_s: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRow {
    pub name: String,
    pub default: bool,
    /// Requests for a disabled one get a 404, as do those that name none while the default is disabled.
    pub enabled: bool,
    pub target_base_url: String,
    pub inject_headers: SecretView,
}

/// The form of one environment. `original_name` empty means a new one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentForm {
    #[serde(default)]
    pub original_name: String,
    pub name: String,
    pub target_base_url: String,
    /// `k=v` pairs; blank keeps what is stored.
    #[serde(default)]
    pub inject_headers: String,
    /// Present when the stored headers are to be removed.
    #[serde(default)]
    pub clear_headers: Option<String>,
    /// Present when this becomes the default environment.
    #[serde(default)]
    pub default: Option<String>,
}

impl std::fmt::Debug for EnvironmentForm {
    /// Without the headers, which are credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvironmentForm").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    pub id: Uuid,
    pub name: String,
    /// The first characters, enough to recognise it.
    pub prefix: String,
    pub enabled: bool,
    /// Slugs of the routes it may use, or the id of one that is gone; empty means all.
    pub routes: Vec<String>,
    pub created_at: UnixMillis,
    pub created_by: String,
}

/// Routes, environments and API keys. Reading takes any membership, writing takes the operator or a workspace's admin.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Routing: Send + Sync {
    async fn routes(&self, workspace: &str) -> Result<Vec<RouteRow>, ApiError>;
    async fn route(&self, workspace: &str, route: &str) -> Result<RouteDetail, ApiError>;
    /// Makes a route with one default environment called `production`. Returns its slug.
    async fn create_route(&self, workspace: &str, slug: &str, name: &str, target_base_url: &str) -> Result<String, ApiError>;
    async fn update_route(&self, workspace: &str, route: &str, name: &str, settings: RouteSettings) -> Result<(), ApiError>;
    async fn enable_route(&self, workspace: &str, route: &str, enabled: bool) -> Result<(), ApiError>;
    async fn delete_route(&self, workspace: &str, route: &str, confirmation: &str) -> Result<(), ApiError>;
    async fn save_environment(&self, workspace: &str, route: &str, form: EnvironmentForm) -> Result<(), ApiError>;
    async fn enable_environment(&self, workspace: &str, route: &str, name: &str, enabled: bool) -> Result<(), ApiError>;
    async fn delete_environment(&self, workspace: &str, route: &str, name: &str) -> Result<(), ApiError>;

    async fn keys(&self, workspace: &str) -> Result<Vec<KeyRow>, ApiError>;
    /// `routes`: slugs separated by commas; empty allows all. Returns the key's id; [`Routing::take_key`] shows it once.
    async fn create_key(&self, workspace: &str, name: &str, routes: &str) -> Result<Uuid, ApiError>;
    async fn take_key(&self, workspace: &str, id: Uuid) -> Result<Option<ShownOnce>, ApiError>;
    async fn enable_key(&self, workspace: &str, id: Uuid, enabled: bool) -> Result<(), ApiError>;
    /// `routes` as for [`Routing::create_key`]; a route that is gone stays if its id is named and the key has it.
    async fn update_key(&self, workspace: &str, id: Uuid, name: &str, routes: &str) -> Result<(), ApiError>;
    async fn delete_key(&self, workspace: &str, id: Uuid) -> Result<(), ApiError>;
}
