//! Takes events off the bus, for workspaces that have an endpoint for them, and nothing else: on the request path.

use std::sync::Arc;

use arc_swap::ArcSwap;
use uuid::Uuid;

use super::classify;
use super::lines::Lines;
use super::losses::Losses;
use super::maker::Progress;
use crate::bus::{Interest, Listener};
use crate::capture::{Exchange, Wanted};
use crate::event::Event;
use crate::live::{Webhook, Webhooks};
use crate::values::{EventType, TenantId};

pub struct WebhookListener {
    pub in_force: Arc<ArcSwap<Webhooks>>,
    /// Events that wait for the disk.
    pub lines: Arc<Lines<Heard>>,
    pub losses: Arc<Losses>,
}

/// An event that some endpoint wants, and what was copied for it.
#[derive(Debug)]
pub struct Heard {
    pub event: Arc<Event>,
    /// Only where an endpoint that wants the event includes it, and until the secrets are out of it.
    pub copies: Option<Arc<Exchange>>,
    pub progress: Progress,
}

impl Listener for WebhookListener {
    fn interest(&self, tenant: Option<TenantId>) -> Interest {
        let Some(tenant) = tenant else { return Interest::default() };
        let in_force = self.in_force.load();
        let Some(own) = in_force.tenants.get(&tenant) else { return Interest::default() };
        let more = own.included.any() || own.wanted.contains(EventType::RequestReceived);
        Interest { events: true, traces: false, more }
    }

    fn wants_received(&self, tenant: TenantId) -> bool {
        let in_force = self.in_force.load();
        in_force.tenants.get(&tenant).is_some_and(|own| own.wanted.contains(EventType::RequestReceived))
    }

    fn wants_copies(&self, tenant: TenantId, route: Option<Uuid>) -> Wanted {
        let in_force = self.in_force.load();
        match in_force.tenants.get(&tenant) {
            Some(own) if own.included.any() => own.included(route),
            _ => Wanted::default(),
        }
    }

    fn accept(&self, event: &Arc<Event>) {
        self.hear(event, None);
    }

    fn accept_copied(&self, event: &Arc<Event>, copies: &Arc<Exchange>) {
        self.hear(event, Some(copies));
    }
}

impl WebhookListener {
    fn hear(&self, event: &Arc<Event>, copies: Option<&Arc<Exchange>>) {
        let Some(tenant) = event.tenant() else { return };
        let in_force = self.in_force.load();
        let Some(own) = in_force.tenants.get(&tenant) else { return };
        let types = classify::types(event);
        if !own.wanted.intersects(types) {
            return;
        }
        let includes = |endpoint: &Arc<Webhook>| endpoint.includes().any() && endpoint.events.intersects(types);
        let copies = copies.filter(|_| own.endpoints.iter().any(includes)).cloned();
        let heard = Heard { event: Arc::clone(event), copies, progress: Progress::default() };
        if !self.lines.push(tenant, heard) {
            self.losses.lost(tenant, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::fixtures::{request, webhook};
    use super::*;
    use crate::live::TenantWebhooks;

    const BOTH: Wanted = Wanted { headers: true, bodies: true };

    fn listener(endpoints: Vec<Webhook>, room: usize) -> WebhookListener {
        let own = TenantWebhooks::new(endpoints.into_iter().map(Arc::new).collect());
        let all = Webhooks { tenants: HashMap::from([(webhook().workspace, Arc::new(own))]) };
        let lines = Arc::new(Lines::new(room, room / 2));
        WebhookListener { in_force: Arc::new(ArcSwap::from_pointee(all)), lines, losses: Arc::default() }
    }

    fn ended(status: u16) -> Arc<Event> {
        Arc::new(Event::Request(crate::event::Request { status: Some(status), ..request() }))
    }

    #[test]
    fn what_finds_the_way_full_is_counted_for_its_workspace() {
        let listener = listener(vec![webhook()], 4);
        for status in [500, 200, 501, 502, 503] {
            listener.accept(&ended(status));
        }
        let tenant = webhook().workspace;
        assert_eq!(listener.losses.of(tenant).events, 2, "two fit, and nobody wants the 200");
        assert_eq!(listener.losses.of(TenantId(Uuid::from_u128(77))).events, 0);
        let (whose, taken) = listener.lines.turn().unwrap();
        assert_eq!((whose, taken.len()), (tenant, 2));
        listener.accept(&ended(504));
        assert_eq!(listener.losses.of(tenant).events, 2, "there is room again");
    }

    #[test]
    fn more_than_the_event_is_wanted_where_an_endpoint_is_told_of_it() {
        let interest = |endpoint: Webhook, tenant| listener(vec![endpoint], 4).interest(tenant);
        let (tenant, route) = (Some(webhook().workspace), Uuid::from_u128(7));
        let told = |more| Interest { events: true, traces: false, more };
        assert_eq!(interest(webhook(), tenant), told(false));
        for other in [None, Some(TenantId(Uuid::from_u128(77)))] {
            assert_eq!(interest(Webhook { include: BOTH, ..webhook() }, other), Interest::default());
        }
        let received = Webhook { events: [EventType::RequestReceived].into_iter().collect(), ..webhook() };
        assert_eq!(interest(received, tenant), told(true));
        for include in [Wanted { headers: true, bodies: false }, Wanted { headers: false, bodies: true }] {
            assert_eq!(interest(Webhook { include, routes: vec![route], ..webhook() }, tenant), told(true), "of one route at least");
        }
        let audit = Webhook { events: [EventType::AuditEvent].into_iter().collect(), include: BOTH, ..webhook() };
        assert_eq!(interest(audit, tenant), told(false), "no request is told of");
    }

    #[test]
    fn what_comes_when_the_endpoints_are_gone_is_let_go() {
        let listener = listener(vec![Webhook { include: BOTH, ..webhook() }], 4);
        listener.in_force.store(Arc::default());
        listener.accept(&ended(500));
        listener.accept_copied(&ended(500), &Arc::default());
        assert!(listener.lines.turn().is_none());
        assert_eq!(listener.losses.of(webhook().workspace).events, 0);
    }

    #[test]
    fn copies_are_asked_for_and_kept_where_they_are_told() {
        let route = request().proxied.unwrap().route_id.unwrap();
        let plain = listener(vec![webhook()], 4);
        assert_eq!(plain.wants_copies(webhook().workspace, Some(route)), Wanted::default());
        let audit = Webhook { events: [EventType::AuditEvent].into_iter().collect(), include: BOTH, ..webhook() };
        assert_eq!(listener(vec![audit], 4).wants_copies(webhook().workspace, Some(route)), Wanted::default(), "no request is told of");
        let filtered = Webhook { routes: vec![route], include: Wanted { headers: true, bodies: false }, ..webhook() };
        let other = Webhook { events: [EventType::RequestSuccess].into_iter().collect(), ..webhook() };
        let listener = listener(vec![filtered, other], 4);
        assert_eq!(listener.wants_copies(webhook().workspace, Some(route)), Wanted { headers: true, bodies: false });
        assert_eq!(listener.wants_copies(webhook().workspace, None), Wanted::default());
        assert_eq!(listener.wants_copies(TenantId(Uuid::from_u128(77)), Some(route)), Wanted::default());
        let copies = Arc::default();
        for status in [500, 200] {
            listener.accept_copied(&ended(status), &copies);
        }
        let (_, taken) = listener.lines.turn().unwrap();
        assert!(taken[0].copies.is_some() && taken[1].copies.is_none(), "the 200 is told without");
    }
}
