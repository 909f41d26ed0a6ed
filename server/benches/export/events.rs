//! The requests that are told of: as a gateway with some routes and callers sees them.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use server::event::sample::TENANT;
use server::event::{Event, Proxied, Request, TraceContext, sample};
use uuid::Uuid;

use crate::{Cost, cpu_micros};

/// Makes events that differ as requests do.
pub struct Events {
    /// What does not differ. What does is empty, so that copying this costs no more than making the rest.
    alike: Request,
    routes: Vec<[Arc<str>; 3]>,
    made: u64,
}

impl Events {
    pub fn new() -> Self {
        let route = |n: u32| [format!("route-{n}").into(), format!("Route {n}").into(), format!("api-{n}.upstream.test").into()];
        let user_agent = Some("shop-backend/4.2 (linux)".to_owned());
        let alike = Request { path: String::new(), user_agent, proxied: None, ..sample::request() };
        Self { alike, routes: (0..8).map(route).collect(), made: 0 }
    }
}

impl Iterator for Events {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let n = self.made;
        self.made += 1;
        let id = Uuid::new_v4();
        let mut span_id = [0; 8];
        span_id.copy_from_slice(&id.as_bytes()[8..]);
        let [slug, name, host] = &self.routes[(n % 8) as usize];
        Some(Request {
            started: SystemTime::now(),
            duration: Duration::from_micros(700 + n % 5_000),
            request_id: id,
            path: format!("/v1/invoices/{n}/lines"),
            client_address: Some([192, 0, 2, (n % 200) as u8].into()),
            status: Some(if n.is_multiple_of(50) { 404 } else { 200 }),
            proxied: Some(Proxied {
                route_id: None,
                route_name: Arc::clone(name),
                route: Arc::clone(slug),
                environment: "production".into(),
                upstream_host: Some(Arc::clone(host)),
                upstream_address: Some(Arc::clone(host)),
            }),
            trace: TraceContext { trace_id: *id.as_bytes(), span_id, ..sample::trace() },
            ..self.alike.clone()
        })
    }
}

/// What making the events costs, which is not the export's.
pub fn cost(requests: u64) -> Result<Cost, Box<dyn Error>> {
    let before = cpu_micros().ok_or("no /proc")?;
    for request in Events::new().take(requests.try_into()?) {
        black_box(Arc::new(Event::Request(request)));
    }
    Ok(Cost { records: 0, cpu_micros: cpu_micros().ok_or("no /proc")? - before })
}
