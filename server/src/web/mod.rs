//! The console's face to HTTP: router, middleware, files, health.
//!
//! It knows how a request comes in and how an answer goes out; what a request may do is [`crate::auth`]'s to say, and
//! what it does is behind [`crate::backend`].

mod answer;
mod assets;
mod audit;
mod context;
mod csrf;
mod drafts;
mod forms;
mod headers;
mod health;
mod limits;
mod middleware;
mod panics;
mod request;
mod router;
mod serve;
mod tasks;
mod visitor;

use std::sync::Arc;

use axum::extract::FromRef;
use leptos::config::{Env, LeptosOptions, ReloadWSProtocol};

pub use assets::Assets;
pub use router::router;
pub use serve::serve;

use crate::auth::{Auth, Origin};
use crate::backend::Backend;
use crate::bus::Bus;
use crate::event::SecurityKind;
use crate::peers::Proxies;
use crate::store::Store;
use crate::values::Endpoint;

/// What the console needs to answer requests. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Inner>);

struct Inner {
    auth: Auth,
    bus: Bus,
    backend: Backend,
    assets: Assets,
    public_url: Option<Endpoint>,
    proxies: Proxies,
    leptos: LeptosOptions,
    drafts: drafts::Drafts,
}

impl Console {
    /// `public_url` is how browsers reach the console, where that is configured; with `https` in it cookies are Secure. What
    /// `proxies` say of where a request comes from is believed.
    #[must_use]
    pub fn new(backend: Backend, bus: Bus, assets: Assets, public_url: Option<Endpoint>, proxies: Proxies) -> Self {
        let (auth, drafts) = (backend.auth().clone(), drafts::Drafts::default());
        Self(Arc::new(Inner { auth, bus, backend, assets, public_url, proxies, leptos: leptos_options(), drafts }))
    }

    fn auth(&self) -> &Auth {
        &self.0.auth
    }

    fn bus(&self) -> &Bus {
        &self.0.bus
    }

    fn backend(&self) -> &Backend {
        &self.0.backend
    }

    fn store(&self) -> &Store {
        self.0.auth.store()
    }

    fn assets(&self) -> &Assets {
        &self.0.assets
    }

    fn drafts(&self) -> &drafts::Drafts {
        &self.0.drafts
    }

    fn proxies(&self) -> &Proxies {
        &self.0.proxies
    }

    fn is_https(&self) -> bool {
        self.0.public_url.as_ref().is_some_and(Endpoint::is_https)
    }

    fn origin(&self) -> Option<&str> {
        self.0.public_url.as_ref().map(Endpoint::origin)
    }

    fn security(&self, kind: SecurityKind, facts: Option<&request::Facts>) {
        let origin = facts.map_or_else(Origin::default, request::Facts::origin);
        self.0.auth.security(kind, None, &origin);
    }
}

impl FromRef<Console> for LeptosOptions {
    fn from_ref(console: &Console) -> Self {
        console.0.leptos.clone()
    }
}

impl FromRef<Console> for Assets {
    fn from_ref(console: &Console) -> Self {
        console.0.assets.clone()
    }
}

/// All of it said here: nothing comes from `LEPTOS_*` variables, and no file is served by Leptos.
fn leptos_options() -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("knoxcall")
        .site_root("site")
        .site_pkg_dir("pkg")
        .env(Env::PROD)
        .site_addr(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))
        .reload_port(0)
        .reload_ws_protocol(ReloadWSProtocol::WS)
        .not_found_path("/404".into())
        .hash_file("".into())
        .hash_files(false)
        .build()
}
