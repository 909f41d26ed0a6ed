//! Implements [`app::contract`] for one request: take the right from the caller, call the service, map the answer.
//!
//! No logic of its own: rules are in `settings` and `auth`, words in `app::contract`.

mod accounts;
mod agents;
mod audit;
mod directory;
mod error;
mod error_tracking;
mod health;
mod integrations;
mod operators;
mod routing;
mod traffic;
mod webhooks;

use std::sync::{Arc, OnceLock};

use app::contract::{
    Accounts, Agents, ApiError, Audit, Directory, ErrorTracking, Integrations, Operators, Routing, SecretView, Traffic, Viewer, Webhooks,
};

pub use error::to_api;

use crate::auth::{Auth, Visitor};
use crate::live::BrowserTracking;
use crate::outbound::Outbound;
use crate::settings::{SecretState, Settings};
use crate::telemetry::Telemetry;

/// What the services behind the console stand on.
pub struct Parts {
    pub auth: Auth,
    pub settings: Settings,
    pub telemetry: Telemetry,
    pub errors: crate::error_tracking::ErrorTracking,
    pub webhooks: crate::webhooks::Webhooks,
    pub traffic: crate::traffic::Traffic,
    /// For tests of what is not in force yet.
    pub outbound: Outbound,
    /// How browsers reach the console, without a trailing slash; invitations start with it.
    pub console_url: String,
    /// How callers reach the gateway, for the `curl` line.
    pub gateway_url: String,
}

/// The services behind the console. Cheap to clone.
#[derive(Clone)]
pub struct Backend(Arc<Parts>);

/// The services as one request sees them.
struct Bound {
    visitor: Visitor,
    parts: Arc<Parts>,
    /// Several parts of one page ask who is looking, and to list an operator's workspaces is the longest that a page does.
    viewer: OnceLock<Viewer>,
}

impl Backend {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// Where browsers report errors at this moment.
    #[must_use]
    pub fn browser_tracking(&self) -> Option<Arc<BrowserTracking>> {
        self.0.settings.browser_tracking().load_full()
    }

    /// The services bound to whoever makes the request at hand.
    #[must_use]
    pub fn services(&self, visitor: Visitor) -> app::Services {
        let bound = Arc::new(Bound { visitor, parts: Arc::clone(&self.0), viewer: OnceLock::new() });
        app::Services {
            accounts: Arc::clone(&bound) as Arc<dyn Accounts>,
            audit: Arc::clone(&bound) as Arc<dyn Audit>,
            directory: Arc::clone(&bound) as Arc<dyn Directory>,
            operators: Arc::clone(&bound) as Arc<dyn Operators>,
            routing: Arc::clone(&bound) as Arc<dyn Routing>,
            error_tracking: Arc::clone(&bound) as Arc<dyn ErrorTracking>,
            webhooks: Arc::clone(&bound) as Arc<dyn Webhooks>,
            agents: Arc::clone(&bound) as Arc<dyn Agents>,
            traffic: Arc::clone(&bound) as Arc<dyn Traffic>,
            integrations: bound as Arc<dyn Integrations>,
        }
    }
}

impl Bound {
    fn settings(&self) -> &Settings {
        &self.parts.settings
    }
}

/// A handle in an address comes back in redirects, so it is not trimmed as a form's field is.
fn exact(slug: &str) -> Result<&str, ApiError> {
    if slug == slug.trim() { Ok(slug) } else { Err(ApiError::NotFound) }
}

fn secret_view(state: SecretState) -> SecretView {
    SecretView {
        set: state.set,
        names: state.names,
        set_at: state.set_at,
        set_by: state.set_by.map(String::from),
        unreadable: state.unreadable,
    }
}
