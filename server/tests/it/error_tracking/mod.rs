//! Errors on their way to Sentry: a recording server, and one that others wrote.

mod bugsink;
mod console;
mod delivery;
mod panics;
mod reload;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use server::bus::Bus;
use server::error_tracking::{ErrorTracking, Status};
use server::event::{Event, Failure, Proxied, Request, sample};
use server::live::ServerTracking;
use server::values::{Dsn, TenantId};
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::network::outbound;

/// Error tracking that follows a channel, and a bus to feed it.
pub struct Rig {
    pub targets: watch::Sender<Option<Arc<ServerTracking>>>,
    pub errors: ErrorTracking,
    pub bus: Bus,
}

impl Rig {
    pub fn start(dsn: Option<&str>) -> Self {
        let (targets, bus, errors) = (watch::Sender::new(dsn.map(target)), Bus::default(), ErrorTracking::new().unwrap());
        errors.start(targets.subscribe(), &bus, outbound());
        Self { targets, errors, bus }
    }

    pub fn emit(&self, request: Request) {
        self.bus.emit(request.tenant, || Event::Request(request));
    }

    /// Waits until the status is as expected.
    pub async fn status(&self, expected: impl Fn(&Status) -> bool) -> Status {
        let waiting = async {
            loop {
                match self.errors.status() {
                    Some(status) if expected(&status) => return status,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), waiting).await {
            Ok(status) => status,
            Err(_) => panic!("not what was expected: {:?}", self.errors.status()),
        }
    }
}

pub fn target(dsn: &str) -> Arc<ServerTracking> {
    Arc::new(ServerTracking { dsn: Dsn::parse(dsn).unwrap(), environment: Some("staging".to_owned()), release: "knoxcall@9.9".to_owned() })
}

pub fn tenant() -> TenantId {
    TenantId(Uuid::from_u128(0x7e_0000))
}

/// A request that the gateway answered with 502; `n` makes its route, and so its kind.
pub fn failed(n: u128, message: &str) -> Request {
    Request {
        started: SystemTime::now(),
        request_id: Uuid::from_u128(n),
        tenant: Some(tenant()),
        method: http::Method::POST,
        path: "/v1/orders".to_owned(),
        server_address: "gateway.internal".to_owned(),
        client_address: Some([203, 0, 113, 9].into()),
        user_agent: Some("canary-agent".to_owned()),
        status: Some(502),
        proxied: Some(Proxied {
            route: format!("route-{n}").into(),
            upstream_host: Some("up.internal".into()),
            upstream_address: Some("up.internal:443".into()),
            ..sample::proxied()
        }),
        failure: Some(Failure { error_id: Some(Uuid::from_u128(0xe000 + n)), ..Failure::new("connection_refused", message.to_owned()) }),
        ..sample::request()
    }
}

/// The same in a workspace of its own.
pub fn failed_apart(n: u128, message: &str) -> Request {
    Request { tenant: Some(TenantId(Uuid::from_u128(n))), ..failed(n, message) }
}
