//! Tells the bus that an export was kept from leaving. Exports are tried over and over, so it tells each thing once a minute:
//! a workspace can't fill the operator's traces with it.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::bus::Emitter;
use crate::event::{Event, Security, SecurityKind};
use crate::live::Owner;
use crate::per_minute::PerMinute;
use crate::values::EgressRule;

#[derive(Debug)]
pub struct Alarm {
    emitter: Emitter,
    /// Of the process: what the bus tells later, such as how many more there were, is not to end with the thread of exports.
    runtime: Option<Handle>,
    told: Mutex<PerMinute<(Owner, EgressRule)>>,
}

impl Alarm {
    /// To be called within the runtime that lives as long as the process.
    #[must_use]
    pub fn new(emitter: Emitter) -> Self {
        Self { emitter, runtime: Handle::try_current().ok(), told: Mutex::new(PerMinute::new(1)) }
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
            let _there = self.runtime.as_ref().map(Handle::enter);
            self.emitter.emit(Some(tenant), || Event::Security(event()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::runtime::{Builder, Runtime};
    use uuid::Uuid;

    use super::*;
    use crate::bus::{Bus, Interest, Listener};
    use crate::values::TenantId;

    struct All;

    impl Listener for All {
        fn interest(&self, _: Option<TenantId>) -> Interest {
            Interest { events: true, ..Interest::default() }
        }
        fn accept(&self, _: &Arc<Event>) {}
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// A minute later the bus tells how many more there were: by a task that must not end with the thread of exports.
    #[test]
    fn what_the_bus_tells_later_is_a_task_of_the_process() {
        let (process, exports) = (runtime(), runtime());
        let bus = Bus::default();
        bus.listen(&(Arc::new(All) as Arc<dyn Listener>));
        let alarm = {
            let _here = process.enter();
            Alarm::new(bus.emitter())
        };
        let (tenant, rule) = (TenantId(Uuid::from_u128(1)), EgressRule::Loopback);
        let kind = SecurityKind::EgressBlocked { rule };
        let blocked = || Security { at: SystemTime::now(), kind, tenant: Some(tenant), client_address: None, trace: None, count: 1 };
        (0..10).for_each(|_| bus.emit(Some(tenant), || Event::Security(blocked())));
        exports.block_on(async { alarm.blocked(Owner::Tenant(tenant), rule) });
        let tasks = |runtime: &Runtime| runtime.metrics().num_alive_tasks();
        assert_eq!((tasks(&process), tasks(&exports)), (1, 0));
    }
}
