//! Lists the requests of a workspace while somebody looks at them.
//!
//! ```text
//! Event ─► TrafficListener (one lookup) ─► the workspace's Watch (bounded, in memory) ─► whoever looks
//! ```
//! Nothing is kept, and nothing asked of the gateway, for a workspace that nobody looks at. It consumes only: it calls nobody
//! back, writes nothing to disk, and keeps of a request no more than the page shows. There is a task only while something is
//! watched: it lets go of what nobody looks at any more.

mod entry;
#[cfg(test)]
mod fixtures;
mod listener;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

pub use entry::Entry;
pub use watch::{Page, Wanted};

use crate::auth::WorkspaceMember;
use crate::bus::{Bus, Listener};
use crate::values::REQUESTS_KEPT_MIN;
use listener::TrafficListener;

/// How long requests are kept after the last look.
const KEPT_FOR: Duration = Duration::from_secs(REQUESTS_KEPT_MIN * 60);

/// The requests of the workspaces that are looked at. Cheap to clone.
#[derive(Clone)]
pub struct Traffic {
    listener: Arc<TrafficListener>,
}

impl Traffic {
    /// Listens from now on, and keeps nothing until somebody looks.
    #[must_use]
    pub fn start(bus: &Bus) -> Self {
        let listener = Arc::new(TrafficListener::new(KEPT_FOR));
        bus.listen(&(Arc::clone(&listener) as Arc<dyn Listener>));
        Self { listener }
    }

    /// Has the workspace's requests kept from now on, as if somebody looked. Has to be called within a runtime.
    pub fn keep(&self, member: &WorkspaceMember) {
        let _ = self.listener.watch(member.workspace(), Instant::now());
    }

    /// At most `limit` of the requests that are kept, the newest first, from the one before `before` on. Looking makes them
    /// kept, from the first time on. `None`: too many workspaces are looked at just now. Has to be called within a runtime.
    #[must_use]
    pub fn look(&self, member: &WorkspaceMember, wanted: &Wanted, before: Option<Uuid>, limit: usize) -> Option<Page> {
        Some(self.listener.watch(member.workspace(), Instant::now())?.page(wanted, before, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Actor;
    use crate::event::Event;
    use crate::values::{Role, TenantId};

    #[tokio::test]
    async fn a_member_sees_their_own_workspaces_requests_from_the_first_look_on() {
        let bus = Bus::default();
        let traffic = Traffic::start(&bus);
        let (one, other) = (fixtures::TENANT, TenantId(Uuid::from_u128(77)));
        let end = |tenant, path: &str| {
            let request = crate::event::Request { tenant: Some(tenant), path: path.to_owned(), ..fixtures::request() };
            bus.emit(Some(tenant), || Event::Request(request));
        };
        let member = |tenant| WorkspaceMember::for_test(Actor::System, tenant, Role::Viewer);
        let paths = |tenant| {
            let page = traffic.look(&member(tenant), &Wanted::default(), None, 10).unwrap();
            page.entries.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>()
        };
        end(one, "/before");
        assert!(!bus.interest(Some(one)).events, "nobody looks");
        assert!(paths(one).is_empty());
        assert!(bus.interest(Some(one)).events && !bus.interest(Some(one)).traces);
        assert!(!bus.interest(Some(other)).events && !bus.interest(None).events);
        end(one, "/a");
        end(other, "/not-looked-at");
        assert!(paths(other).is_empty());
        end(other, "/b");
        end(one, "/c");
        assert_eq!((paths(one), paths(other)), (vec!["/c".to_owned(), "/a".to_owned()], vec!["/b".to_owned()]));
    }
}
