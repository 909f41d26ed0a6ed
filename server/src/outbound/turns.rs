//! How many names are looked up at once. The system's resolver takes a thread for each, for as long as the name's server keeps
//! it waiting, and cannot be stopped: what nobody waits for any more still counts, until it is over. So a name that is answered
//! late, or never, is its owner's trouble alone, and threads are left for the disk.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::kept::Kept;
use super::network::Network;
use crate::values::TenantId;

/// Of all workspaces together, below the threads that there are for what blocks.
const WORKSPACES: usize = 256;
/// Different names; all who want the same wait for one lookup of it.
const ONE_WORKSPACE: usize = 8;
const OPERATOR: usize = 32;

/// What all of one process share.
#[derive(Clone)]
pub(super) struct Waits {
    /// Of all workspaces together.
    all: Arc<Semaphore>,
    workspaces: Arc<Kept<Turns>>,
    /// Of whoever made this: a lookup is waited for by others than who began it, whose own runtime may end before.
    runtime: Option<Handle>,
    operator: Turns,
}

impl Default for Waits {
    fn default() -> Self {
        let runtime = Handle::try_current().ok();
        let bounds = [Some(Arc::new(Semaphore::new(OPERATOR))), None];
        let operator = Turns { bounds, runtime: runtime.clone(), under_way: Arc::default() };
        Self { all: Arc::new(Semaphore::new(WORKSPACES)), workspaces: Arc::default(), runtime, operator }
    }
}

impl Waits {
    pub(super) fn operator(&self) -> Turns {
        self.operator.clone()
    }

    /// The same ones whatever it connects for.
    pub(super) fn workspace(&self, workspace: TenantId) -> Turns {
        self.workspaces.of(workspace, || {
            let bounds = [Some(Arc::new(Semaphore::new(ONE_WORKSPACE))), Some(Arc::clone(&self.all))];
            Turns { bounds, runtime: self.runtime.clone(), under_way: Arc::default() }
        })
    }
}

type Place = (String, u16);
/// [`io::Error`] cannot be given to more than one.
type Found = Result<Vec<SocketAddr>, (ErrorKind, String)>;
type UnderWay = Mutex<HashMap<Place, Shared<BoxFuture<'static, Found>>>>;

/// The turns of whoever connects, of which each lookup takes one of all. Clones share them; the default knows no bound.
#[derive(Clone, Default)]
pub(super) struct Turns {
    bounds: [Option<Arc<Semaphore>>; 2],
    /// Of the process; without one, lookups run where they are begun.
    runtime: Option<Handle>,
    under_way: Arc<UnderWay>,
}

/// The right to look one name up. Goes with the lookup and is dropped when that is over, not when nobody waits any more.
/// The default counts for nobody.
#[derive(Debug, Default)]
pub struct Turn {
    permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Turns {
    /// The addresses of a name, from the lookup of it that is under way if there is one. Nothing is kept: the next one asks anew.
    pub(super) async fn look_up(&self, network: &Arc<dyn Network>, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let place = (name.to_owned(), port);
        let known = lock(&self.under_way).get(&place).cloned();
        let found = match known {
            Some(looking) => looking.await,
            None => {
                let turn = self.take().await;
                self.begin(network, place, turn).await
            }
        };
        found.map_err(|(kind, text)| io::Error::new(kind, text))
    }

    async fn take(&self) -> Turn {
        let mut turn = Turn::default();
        for (permit, bound) in turn.permits.iter_mut().zip(&self.bounds) {
            if let Some(bound) = bound {
                // None is ever closed.
                *permit = Arc::clone(bound).acquire_owned().await.ok();
            }
        }
        turn
    }

    /// In a task of its own, so that it goes on for whoever comes next when nobody waits.
    fn begin(&self, network: &Arc<dyn Network>, place: Place, turn: Turn) -> Shared<BoxFuture<'static, Found>> {
        let (network, under_way) = (Arc::clone(network), Arc::clone(&self.under_way));
        let entry = place.clone();
        // While the turn was waited for, somebody else may have begun with the same name.
        let begin = || {
            let looking = async move {
                let over = Over { under_way, place };
                let (name, port) = &over.place;
                let found = network.resolve(name, *port, turn).await;
                found.map_err(|error| (error.kind(), error.to_string()))
            };
            let looking = match &self.runtime {
                Some(runtime) => runtime.spawn(looking),
                None => tokio::spawn(looking),
            };
            async move { looking.await.unwrap_or_else(|error| Err((ErrorKind::Other, error.to_string()))) }.boxed().shared()
        };
        lock(&self.under_way).entry(entry).or_insert_with(begin).clone()
    }
}

fn lock(under_way: &UnderWay) -> MutexGuard<'_, HashMap<Place, Shared<BoxFuture<'static, Found>>>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whatever becomes of a lookup, the next one asks anew.
struct Over {
    under_way: Arc<UnderWay>,
    place: Place,
}

impl Drop for Over {
    fn drop(&mut self) {
        lock(&self.under_way).remove(&self.place);
    }
}
