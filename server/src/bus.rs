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
    /// Somebody who takes events may want more of a request than the one at its end: to hear of it when it comes in, or copies.
    /// Without it neither [`Listener::wants_received`] nor [`Listener::wants_copies`] is asked.
    pub more: bool,
}

/// Takes events in. All its calls are on the request path: they must return at once.
pub trait Listener: Send + Sync {
    fn interest(&self, tenant: Option<TenantId>) -> Interest;
    /// Comes to everybody as soon as one is interested, and of a request if somebody was when it began: whoever has no use for
    /// it, or none any more, lets go of it.
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

/// The one way from whatever happens to whoever listens. Cheap to clone: each request holds one.
#[derive(Clone, Default)]
pub struct Bus {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    listeners: ArcSwap<Vec<Arc<dyn Listener>>>,
    flood: Flood,
}

impl Bus {
    pub fn listen(&self, listener: &Arc<dyn Listener>) {
        self.shared.listeners.rcu(|current| {
            let mut next = Vec::clone(current);
            next.push(Arc::clone(listener));
            next
        });
    }

    #[must_use]
    pub fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let mut all = Interest::default();
        for listener in self.shared.listeners.load().iter() {
            let one = listener.interest(tenant);
            all.events |= one.events;
            all.traces |= one.traces;
            all.more |= one.more;
        }
        all
    }

    /// Whether somebody wants [`Event::Received`] of this workspace.
    #[must_use]
    pub fn wants_received(&self, tenant: TenantId) -> bool {
        self.shared.listeners.load().iter().any(|listener| listener.wants_received(tenant))
    }

    /// What somebody wants copied of a request of this workspace to this route.
    #[must_use]
    pub fn wants_copies(&self, tenant: TenantId, route: Option<Uuid>) -> Wanted {
        self.shared.listeners.load().iter().fold(Wanted::default(), |all, listener| all.union(listener.wants_copies(tenant, route)))
    }

    /// Builds the event only if somebody wants it. A flood of security events goes out as a few and their number.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if !self.interest(tenant).events {
            return;
        }
        let event = event();
        if self.passes(&event) {
            self.hand_out(&Arc::new(event));
        }
    }

    /// As [`Bus::emit`], for whoever has asked for the interest before and built the event: nobody is asked again.
    pub fn hand_over(&self, event: &Arc<Event>) {
        if self.passes(event) {
            self.hand_out(event);
        }
    }

    /// As [`Bus::hand_over`] for a request, with what was copied of it.
    pub fn hand_over_copied(&self, event: &Arc<Event>, copies: Exchange) {
        let copies = Arc::new(copies);
        for listener in self.shared.listeners.load().iter() {
            listener.accept_copied(event, &copies);
        }
    }

    /// Tells of what is held back, without waiting for its time. For the end of the process.
    pub fn flush(&self) {
        for summary in self.shared.flood.all() {
            self.hand_out(&Arc::new(Event::Security(summary)));
        }
    }

    /// Whether it goes out now, and by itself: of a flood it may be one that is only counted.
    fn passes(&self, event: &Event) -> bool {
        let Event::Security(security) = event else { return true };
        match self.shared.flood.admit(security, Instant::now()) {
            Verdict::Pass => true,
            Verdict::Held => false,
            Verdict::FirstHeld { key, ends } => {
                self.summarise(key, ends);
                false
            }
        }
    }

    fn hand_out(&self, event: &Arc<Event>) {
        for listener in self.shared.listeners.load().iter() {
            listener.accept(event);
        }
    }

    /// Without a runtime [`Bus::flush`] tells of it.
    fn summarise(&self, key: Key, ends: Instant) {
        let Ok(runtime) = Handle::try_current() else { return };
        let emitter = self.emitter();
        runtime.spawn(async move {
            sleep_until(ends).await;
            if let Some(bus) = emitter.bus()
                && let Some(summary) = bus.shared.flood.summary(key)
            {
                bus.hand_out(&Arc::new(Event::Security(summary)));
            }
        });
    }
}

impl Bus {
    /// For a listener that has something to tell itself: emitting through it keeps no listener alive.
    #[must_use]
    pub fn emitter(&self) -> Emitter {
        Emitter { shared: Arc::downgrade(&self.shared) }
    }
}

/// A way to the bus that ends with it.
#[derive(Clone)]
pub struct Emitter {
    shared: Weak<Shared>,
}

impl Emitter {
    /// As [`Bus::emit`]; nothing happens once the bus is gone.
    pub fn emit(&self, tenant: Option<TenantId>, event: impl FnOnce() -> Event) {
        if let Some(bus) = self.bus() {
            bus.emit(tenant, event);
        }
    }

    fn bus(&self) -> Option<Bus> {
        Some(Bus { shared: self.shared.upgrade()? })
    }
}

impl std::fmt::Debug for Emitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Emitter")
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bus({} listeners)", self.shared.listeners.load().len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::SystemTime;

    use super::*;
    use crate::event::{Security, SecurityKind};

    #[derive(Default)]
    struct Counts {
        interest: Interest,
        asked: AtomicUsize,
        accepted: AtomicUsize,
    }

    impl Counts {
        fn listening(interest: Interest) -> (Bus, Arc<Self>) {
            let (bus, counts) = (Bus::default(), Arc::new(Self { interest, ..Self::default() }));
            bus.listen(&(Arc::clone(&counts) as Arc<dyn Listener>));
            (bus, counts)
        }

        /// How often it was asked for its interest, and how many events it got.
        fn seen(&self) -> (usize, usize) {
            (self.asked.load(Ordering::SeqCst), self.accepted.load(Ordering::SeqCst))
        }
    }

    impl Listener for Counts {
        fn interest(&self, _: Option<TenantId>) -> Interest {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.interest
        }
        fn accept(&self, _: &Arc<Event>) {
            self.accepted.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn rejected() -> Event {
        let kind = SecurityKind::ApiKeyRejected;
        Event::Security(Security { at: SystemTime::UNIX_EPOCH, kind, tenant: None, client_address: None, trace: None, count: 1 })
    }

    #[test]
    fn what_is_handed_over_is_not_asked_for_again() {
        let (bus, counts) = Counts::listening(Interest::default());
        bus.emit(None, || unreachable!("nobody wants it"));
        assert_eq!(counts.seen(), (1, 0));
        bus.hand_over(&Arc::new(rejected()));
        bus.hand_over_copied(&Arc::new(rejected()), Exchange::default());
        assert_eq!(counts.seen(), (1, 2));
    }

    #[test]
    fn a_flood_is_one_whichever_way_it_comes() {
        let (bus, counts) = Counts::listening(Interest { events: true, ..Interest::default() });
        for _ in 0..10 {
            bus.emit(None, rejected);
            bus.hand_over(&Arc::new(rejected()));
        }
        assert_eq!(counts.seen(), (10, 10), "the others are counted");
        bus.flush();
        assert_eq!(counts.seen(), (10, 11));
    }

    #[test]
    fn what_anybody_wants_is_wanted() {
        let (bus, _) = Counts::listening(Interest { events: true, traces: false, more: true });
        let other = Counts { interest: Interest { traces: true, ..Interest::default() }, ..Counts::default() };
        bus.listen(&(Arc::new(other) as Arc<dyn Listener>));
        assert_eq!(bus.interest(None), Interest { events: true, traces: true, more: true });
    }
}
