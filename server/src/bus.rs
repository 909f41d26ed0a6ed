//! Hands events to whoever listens. Never blocks, never waits, and costs one load when nobody does.
//!
//! The bus itself holds nothing back: each [`Listener`] owns its bounded queues and counts what they drop, so that one
//! listener can neither delay another nor the request that emitted the event.

mod flood;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::capture::{Exchange, Wanted};
use crate::event::Event;
use crate::values::TenantId;
use flood::{Flood, Key, Verdict};

/// What listeners want of a request, asked once when the request begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Somebody takes events of this workspace (or, without one, of the platform).
    pub events: bool,
    /// Spans are recorded: new traces are started and outbound calls carry a new parent. Without it an inbound trace
    /// context passes through unchanged.
    pub traces: bool,
}

/// Takes events in. All its calls are on the request path: they must return at once.
pub trait Listener: Send + Sync {
    fn interest(&self, tenant: Option<TenantId>) -> Interest;
    fn accept(&self, event: &Arc<Event>);
    /// Whether requests of this workspace are to be told of when they come in too ([`Event::Received`]).
    fn wants_received(&self, tenant: TenantId) -> bool {
        let _ = tenant;
        false
    }
    /// What is to be copied of a request of this workspace to this route, and of its answer.
    fn wants_copies(&self, tenant: TenantId, route: Option<Uuid>) -> Wanted {
        let _ = (tenant, route);
        Wanted::default()
    }
    /// As [`Listener::accept`], with what was copied. Whoever did not ask for copies has no use for them and lets go of them.
    fn accept_copied(&self, event: &Arc<Event>, copies: &Arc<Exchange>) {
        let _ = copies;
        self.accept(event);
    }
}

/// The one way from whatever happens to whoever listens.
#[derive(Clone, Default)]
pub struct Bus {
    listeners: Arc<ArcSwap<Vec<Arc<dyn Listener>>>>,
    flood: Arc<Flood>,
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

    /// What somebody wants copied of a request of this workspace to this route.
    #[must_use]
    pub fn wants_copies(&self, tenant: TenantId, route: Option<Uuid>) -> Wanted {
        self.listeners.load().iter().fold(Wanted::default(), |all, listener| all.union(listener.wants_copies(tenant, route)))
    }

    /// As [`Bus::emit`] for a request, with what was copied of it.
    pub fn emit_copied(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event, copies: Exchange) {
        if !self.interest(tenant).events {
            return;
        }
        let (event, copies) = (Arc::new(event()), Arc::new(copies));
        for listener in self.listeners.load().iter() {
            listener.accept_copied(&event, &copies);
        }
    }

    /// Builds the event only if somebody wants it. A flood of security events goes out as a few and their number.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if !self.interest(tenant).events {
            return;
        }
        let event = event();
        if let Event::Security(security) = &event {
            match self.flood.admit(security, Instant::now()) {
                Verdict::Pass => {}
                Verdict::Held => return,
                Verdict::FirstHeld { key, ends } => return self.summarise(key, ends),
            }
        }
        self.hand_out(event);
    }

    /// Tells of what is held back, without waiting for its time. For the end of the process.
    pub fn flush(&self) {
        for summary in self.flood.all() {
            self.hand_out(Event::Security(summary));
        }
    }

    fn hand_out(&self, event: Event) {
        let event = Arc::new(event);
        for listener in self.listeners.load().iter() {
            listener.accept(&event);
        }
    }

    /// Without a runtime [`Bus::flush`] tells of it.
    fn summarise(&self, key: Key, ends: Instant) {
        let Ok(runtime) = Handle::try_current() else { return };
        let emitter = self.emitter();
        runtime.spawn(async move {
            sleep_until(ends).await;
            if let Some(bus) = emitter.bus()
                && let Some(summary) = bus.flood.summary(key)
            {
                bus.hand_out(Event::Security(summary));
            }
        });
    }
}

impl Bus {
    /// For a listener that has something to tell itself: emitting through it keeps no listener alive.
    #[must_use]
    pub fn emitter(&self) -> Emitter {
        Emitter { listeners: Arc::downgrade(&self.listeners), flood: Arc::downgrade(&self.flood) }
    }
}

/// A way to the bus that ends with it.
#[derive(Clone)]
pub struct Emitter {
    listeners: Weak<ArcSwap<Vec<Arc<dyn Listener>>>>,
    flood: Weak<Flood>,
}

impl Emitter {
    /// As [`Bus::emit`]; nothing happens once the bus is gone.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if let Some(bus) = self.bus() {
            bus.emit(tenant, event);
        }
    }

    fn bus(&self) -> Option<Bus> {
        Some(Bus { listeners: self.listeners.upgrade()?, flood: self.flood.upgrade()? })
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
