//! Sessions that the disk does not take: in memory, so many, until the process ends; and those in the store that have ended while
//! it could not be told. By the hash of their ids, as in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{Changes, CommitError, Session, Store, UnixMillis};

/// How many there may be of each.
const MOST: usize = 1_000;

/// Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    sessions: HashMap<String, Session>,
    /// With when they would have ended by themselves.
    ended: HashMap<String, UnixMillis>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a session. When there are too many, the one that would end first makes room.
    pub(super) fn put(&self, session: Session) {
        let sessions = &mut self.lock().sessions;
        if sessions.len() >= MOST
            && let Some(first) = sessions.values().min_by_key(|session| session.expires_at).map(|session| session.hash.clone())
        {
            sessions.remove(&first);
        }
        sessions.insert(session.hash.clone(), session);
    }

    pub(super) fn get(&self, hash: &str) -> Option<Session> {
        self.lock().sessions.get(hash).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Session> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Answers whether there is such a session here.
    pub(super) fn replace(&self, session: &Session) -> bool {
        let mut inner = self.lock();
        let Some(kept) = inner.sessions.get_mut(&session.hash) else { return false };
        *kept = session.clone();
        true
    }

    pub(super) fn remove(&self, hash: &str) {
        self.lock().sessions.remove(hash);
    }

    /// A session of the store has ended. Answers whether that is remembered: it is not when there are too many.
    pub(super) fn end(&self, hash: &str, would_end: UnixMillis) -> bool {
        let ended = &mut self.lock().ended;
        let room = ended.len() < MOST;
        if room {
            ended.insert(hash.to_owned(), would_end);
        }
        room
    }

    pub(super) fn has_ended(&self, hash: &str) -> bool {
        self.lock().ended.contains_key(hash)
    }

    /// Tells the store of what has ended, and forgets what is over.
    pub(super) async fn settle(&self, store: &Store, now: UnixMillis) -> Result<(), CommitError> {
        let ended: Vec<String> = {
            let mut inner = self.lock();
            inner.sessions.retain(|_, session| session.expires_at > now);
            inner.ended.retain(|_, would_end| *would_end > now);
            inner.ended.keys().cloned().collect()
        };
        if ended.is_empty() {
            return Ok(());
        }
        let changes = ended.iter().fold(Changes::new(), |changes, hash| changes.delete::<Session>(&Session::key_of(hash)));
        store.commit(changes).await?;
        let mut inner = self.lock();
        for hash in &ended {
            inner.ended.remove(hash);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(hash: usize, expires_at: UnixMillis) -> Session {
        Session { hash: hash.to_string(), data: String::new(), expires_at }
    }

    #[test]
    fn there_are_only_so_many() {
        let kept = Kept::default();
        kept.put(session(0, 5));
        for n in 1..MOST {
            kept.put(session(n, 100));
        }
        assert!(kept.replace(&session(0, 200)) && kept.replace(&session(1, 50)) && !kept.replace(&session(MOST, 1)));
        kept.put(session(MOST, 100));
        assert_eq!([0, 1, MOST].map(|n| kept.get(&n.to_string()).is_some()), [true, false, true], "the one that would end first is gone");
        assert!((0..MOST).all(|n| kept.end(&n.to_string(), 100)) && !kept.end("one more", 100));
        assert!(kept.has_ended("0") && !kept.has_ended("one more"));
    }
}
