//! Who may call what through the gateway, and where it goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::values::{DEFAULT_BODY_LIMIT, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_RESPONSE_TIMEOUT_MS, Endpoint, Provider, TenantId};

/// SHA-256 of an API key. Keys carry at least 128 random bits, so a plain hash is enough and costs little.
pub type KeyHash = [u8; 32];

#[must_use]
pub fn hash_key(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// The routing table. A change publishes a new one; requests under way keep theirs.
#[derive(Debug, Default)]
pub struct Routing {
    /// Enabled keys of enabled workspaces only.
    pub keys: HashMap<KeyHash, ApiKey>,
}

#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: Uuid,
    pub workspace: Arc<Workspace>,
    /// Ids of the routes it may use; empty allows all.
    pub routes: Vec<Uuid>,
}

#[derive(Debug)]
pub struct Workspace {
    pub id: TenantId,
    pub slug: Arc<str>,
    /// By slug, by id and by name (case-sensitive); where they collide the slug wins, then the id. Enabled routes only.
    pub routes: HashMap<Arc<str>, Arc<Route>>,
    /// By slug. Enabled ones whose credential can be read.
    pub agents: HashMap<Arc<str>, Arc<Agent>>,
}

/// An AI provider and what may be asked of it.
#[derive(Debug)]
pub struct Agent {
    pub id: Uuid,
    pub slug: Arc<str>,
    /// `ai/{slug}`: what stands for a route in telemetry, where no route's slug can be the same.
    pub handle: Arc<str>,
    pub provider: Provider,
    pub upstream: Upstream,
    /// The credential's header, marked sensitive.
    pub inject: HeaderMap,
    /// Empty allows all.
    pub models: Vec<Box<str>>,
    pub max_output_tokens: Option<std::num::NonZeroU32>,
    pub tokens_per_minute: Option<std::num::NonZeroU32>,
}

#[derive(Debug)]
pub struct Route {
    pub id: Uuid,
    pub slug: Arc<str>,
    pub name: Arc<str>,
    /// Empty allows all.
    pub methods: Vec<Method>,
    pub limits: Limits,
    /// Enabled ones only, by name.
    pub environments: HashMap<Arc<str>, Arc<Environment>>,
    /// `None` where it is disabled too: another one never stands in for it.
    pub default_environment: Option<Arc<Environment>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connect_timeout: Duration,
    /// Until the upstream's response headers.
    pub response_timeout: Duration,
    /// Of the request, in bytes.
    pub body_limit: u64,
    pub requests_per_second: Option<std::num::NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(DEFAULT_CONNECT_TIMEOUT_MS.into()),
            response_timeout: Duration::from_millis(DEFAULT_RESPONSE_TIMEOUT_MS.into()),
            body_limit: DEFAULT_BODY_LIMIT,
            requests_per_second: None,
        }
    }
}

#[derive(Debug)]
pub struct Environment {
    pub name: Arc<str>,
    pub upstream: Upstream,
    /// Set last on every request, over whatever the client sent. Values are marked sensitive.
    pub inject: HeaderMap,
}

/// A target base URL taken apart once, so that no request parses it.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub scheme: http::uri::Scheme,
    pub authority: http::uri::Authority,
    /// Without a trailing slash; empty when there is none.
    pub base_path: Arc<str>,
    pub host: Arc<str>,
    /// Host and port, always with the port.
    pub address: Arc<str>,
    pub port: u16,
}

impl Upstream {
    /// `None` where the HTTP library does not take the authority, which [`Endpoint`]'s narrower grammar excludes.
    #[must_use]
    pub fn new(base: &Endpoint) -> Option<Self> {
        let host = base.host();
        let address = if host.contains(':') { format!("[{host}]:{}", base.port()) } else { format!("{host}:{}", base.port()) };
        Some(Self {
            scheme: if base.is_https() { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP },
            authority: base.authority().parse().ok()?,
            base_path: base.path().into(),
            host: host.into(),
            address: address.into(),
            port: base.port(),
        })
    }
}
