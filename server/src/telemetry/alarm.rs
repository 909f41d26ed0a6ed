//! Tells the bus that an export was kept from leaving. Exports are tried over and over, so it tells each thing once a minute:
//! a workspace can't fill the operator's traces with it.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::time::Instant;

use crate::bus::Emitter;
use crate::event::{Event, Security, SecurityKind};
use crate::live::Owner;
use crate::per_minute::PerMinute;
use crate::values::EgressRule;

#[derive(Debug)]
pub struct Alarm {
    emitter: Emitter,
    told: Mutex<PerMinute<(Owner, EgressRule)>>,
}

impl Alarm {
    #[must_use]
    pub fn new(emitter: Emitter) -> Self {
        Self { emitter, told: Mutex::new(PerMinute::new(1)) }
    }

    /// An export was refused by the outbound guard.
    pub fn blocked(&self, owner: Owner, rule: EgressRule) {
        let news = self.told.lock().unwrap_or_else(PoisonError::into_inner).admit(&(owner, rule), Instant::now());
        if news.is_err() {
            return;
        }
        tracing::warn!(?owner, rule = rule.name(), "an export leads where it may not go; its records are dropped");
        // The operator's own would be a span for the very destination that can't be reached.
        if let Owner::Tenant(tenant) = owner {
            let kind = SecurityKind::EgressBlocked { rule };
            let event = || Security { at: SystemTime::now(), kind, tenant: Some(tenant), client_address: None, trace: None, count: 1 };
            self.emitter.emit(Some(tenant), || Event::Security(event()));
        }
    }
}
