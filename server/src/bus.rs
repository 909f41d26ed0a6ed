//! Hands events to whoever listens. Never blocks, never waits, and costs one load when nobody does.
//!
//! The bus itself holds nothing back: each [`Listener`] owns its bounded queues and counts what they drop, so that one
//! listener can neither delay another nor the request that emitted the event.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;

use crate::event::Event;
use crate::values::TenantId;

/// What listeners want of a request, asked once when the request begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Somebody takes events of this workspace (or, without one, of the platform).
    pub events: bool,
    /// Spans are recorded: new traces are started and outbound calls carry a new parent. Without it an inbound trace
    /// context passes through unchanged.
    pub traces: bool,
}

/// Takes events in. Both calls are on the request path: they must return at once.
pub trait Listener: Send + Sync {
    fn interest(&self, tenant: Option<TenantId>) -> Interest;
    fn accept(&self, event: &Arc<Event>);
    /// Whether requests of this workspace are to be told of when they come in too ([`Event::Received`]).
    fn wants_received(&self, tenant: TenantId) -> bool {
        let _ = tenant;
        false
    }
}

/// The one way from whatever happens to whoever listens.
#[derive(Clone, Default)]
pub struct Bus {
    listeners: Arc<ArcSwap<Vec<Arc<dyn Listener>>>>,
}

impl Bus {
    pub fn listen(&self, listener: &Arc<dyn Listener>) {
        self.listeners.rcu(|current| {
            let mut next = Vec::clone(current);
            next.push(Arc::clone(listener));
            next
        });
    }

    #[must_use]
    pub fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let mut all = Interest::default();
        for listener in self.listeners.load().iter() {
            let one = listener.interest(tenant);
            all.events |= one.events;
            all.traces |= one.traces;
        }
        all
    }

    /// Whether somebody wants [`Event::Received`] of this workspace.
    #[must_use]
    pub fn wants_received(&self, tenant: TenantId) -> bool {
        self.listeners.load().iter().any(|listener| listener.wants_received(tenant))
    }

    /// Builds the event only if somebody wants it.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if self.interest(tenant).events {
            let event = Arc::new(event());
            for listener in self.listeners.load().iter() {
                listener.accept(&event);
            }
        }
    }
}

impl Bus {
    /// For a listener that has something to tell itself: emitting through it keeps no listener alive.
    #[must_use]
    pub fn emitter(&self) -> Emitter {
        Emitter { listeners: Arc::downgrade(&self.listeners) }
    }
}

/// A way to the bus that ends with it.
#[derive(Clone)]
pub struct Emitter {
    listeners: Weak<ArcSwap<Vec<Arc<dyn Listener>>>>,
}

impl Emitter {
    /// As [`Bus::interest`]; nobody is interested once the bus is gone.
    #[must_use]
    pub fn interest(&self, tenant: Option<TenantId>) -> Interest {
        self.listeners.upgrade().map_or_else(Interest::default, |listeners| Bus { listeners }.interest(tenant))
    }

    /// As [`Bus::emit`]; nothing happens once the bus is gone.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if let Some(listeners) = self.listeners.upgrade() {
            Bus { listeners }.emit(tenant, event);
        }
    }
}

impl std::fmt::Debug for Emitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emitter")
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bus({} listeners)", self.listeners.load().len())
    }
}
