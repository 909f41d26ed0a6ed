//! Tells the bus that an export was kept from leaving. Exports are tried over and over, so it tells each thing seldom:
//! a workspace can't fill the operator's traces with it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::bus::Emitter;
use crate::event::{Event, Security, SecurityKind};
use crate::live::Owner;
use crate::values::EgressRule;

/// What has been told is not told again within this time.
const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Alarm {
    emitter: Emitter,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    since: Option<Instant>,
    what: HashSet<(Owner, EgressRule)>,
}

impl Told {
    /// Whether it is time to tell; then it counts as told.
    fn is_news(&mut self, owner: Owner, rule: EgressRule, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            self.since = Some(now);
            self.what.clear();
        }
        self.what.insert((owner, rule))
    }
}

impl Alarm {
    #[must_use]
    pub fn new(emitter: Emitter) -> Self {
        Self { emitter, told: Mutex::default() }
    }

    /// An export was refused by the outbound guard.
    pub fn blocked(&self, owner: Owner, rule: EgressRule) {
        let news = self.told.lock().unwrap_or_else(PoisonError::into_inner).is_news(owner, rule, Instant::now());
        if !news {
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::values::TenantId;

    #[test]
    fn each_owner_and_rule_once_a_minute() {
        let [a, b] = [1, 2].map(|n| Owner::Tenant(TenantId(Uuid::from_u128(n))));
        let mut told = Told::default();
        let start = Instant::now();
        for (owner, rule, seconds, news) in [
            (a, EgressRule::Private, 0, true),
            (a, EgressRule::Private, 1, false),
            (a, EgressRule::Loopback, 1, true),
            (b, EgressRule::Private, 2, true),
            (b, EgressRule::Private, 59, false),
            (b, EgressRule::Private, 60, true),
            (a, EgressRule::Private, 61, true),
            (a, EgressRule::Private, 119, false),
        ] {
            assert_eq!(told.is_news(owner, rule, start + Duration::from_secs(seconds)), news, "{owner:?} {rule:?} {seconds}");
        }
        assert_eq!(told.what.len(), 2, "what was told before is forgotten");
    }
}
