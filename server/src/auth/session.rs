//! Sessions: the cookie, what a session holds, how long it lasts, and how it lies in the store.
//!
//! The store keeps the SHA-256 of a session's id, so that whoever reads the database can't take a session over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tower_sessions::session::{Id, Record as SessionRecord};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use uuid::Uuid;

use super::clock::{Clock, millis};
use super::told;
use crate::audit::{Action, Actor, Told};
use crate::store::{Changes, CommitError, ReadError, Session as Stored, Store, UnixMillis};

/// A session that is not used for this long is over.
pub const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// Used or not, a session is over this long after sign-in.
pub const ABSOLUTE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Of one account; one more ends the one that was used longest ago.
pub const MOST_SESSIONS: usize = 20;
/// The time of the last use is written down at most this often.
pub const BUMP_AFTER: Duration = Duration::from_secs(5 * 60);

const KEY: &str = "account";

/// The session part of the console's middleware.
pub type SessionLayer = SessionManagerLayer<Sessions>;

/// What a session holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignedIn {
    pub(super) user: Uuid,
    /// The account's `session_epoch` at sign-in; a later one ends the session.
    pub(super) epoch: u64,
    pub(super) created_at: UnixMillis,
    pub(super) seen_at: UnixMillis,
}

impl SignedIn {
    fn expires_at(&self) -> UnixMillis {
        self.seen_at.saturating_add(millis(IDLE)).min(self.created_at.saturating_add(millis(ABSOLUTE)))
    }

    pub(super) fn wants_bump(&self, now: UnixMillis) -> bool {
        now - self.seen_at > millis(BUMP_AFTER)
    }
}

pub(super) async fn read(session: &Session) -> std::result::Result<Option<SignedIn>, tower_sessions::session::Error> {
    session.get(KEY).await
}

pub(super) async fn write(session: &Session, value: &SignedIn) -> std::result::Result<(), tower_sessions::session::Error> {
    session.insert(KEY, value).await
}

/// The cookie is `__Host-knoxcall` (Secure) where browsers reach the console by https, else `knoxcall`; both HttpOnly,
/// SameSite=Strict, Path=/.
pub(super) fn layer(store: Store, clock: Clock, https: bool) -> SessionLayer {
    SessionManagerLayer::new(Sessions { store, clock, beginning: Arc::default() })
        .with_name(cookie_name(https))
        .with_secure(https)
        .with_http_only(true)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::try_from(IDLE).unwrap_or(time::Duration::HOUR)))
}

pub(super) const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-knoxcall" } else { "knoxcall" }
}

/// Sessions in the store. Only signed-in ones are ever written.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    clock: Clock,
    /// They begin one after another, so that nobody counts them while another one begins.
    beginning: Arc<Mutex<()>>,
}

impl Sessions {
    fn to_stored(&self, record: &SessionRecord) -> Result<Stored> {
        let account = account_in(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        Ok(Stored {
            hash: hash(&record.id),
            data: serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?,
            expires_at: account.map_or_else(|| self.clock.now_ms(), |account| account.expires_at()),
        })
    }

    /// Makes room for one more session of its account: which ones are to end, and what the audit logs are told of it.
    async fn make_room(&self, record: &SessionRecord) -> Result<(Vec<Stored>, Vec<Told>)> {
        let account = account_in(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let Some(account) = account else { return Ok((Vec::new(), Vec::new())) };
        let (store, now) = (self.store.clone(), self.clock.now_ms());
        // All accounts' sessions are looked through, which must hold up nobody else.
        let found = tokio::task::spawn_blocking(move || -> std::result::Result<_, ReadError> {
            let surplus = surplus(store.sessions().all()?, &account, now);
            let user = if surplus.is_empty() { None } else { store.users().get(account.user)? };
            let told = match user {
                Some(user) => told::of_account(&store, Action::AuthSignedOut, &user, &Actor::System.into())?,
                None => Vec::new(),
            };
            Ok((surplus, told))
        });
        found.await.map_err(|error| backend(&error))?.map_err(|error| backend(&error))
    }
}

/// Those of the account that have to end before one more begins: the ones used longest ago. What is over or from before a new
/// password does not count.
fn surplus(all: Vec<Stored>, account: &SignedIn, now: UnixMillis) -> Vec<Stored> {
    let user = account.user.to_string();
    let live = all.into_iter().filter(|stored| stored.expires_at > now && stored.data.contains(&user)).filter_map(|stored| {
        let data: HashMap<String, serde_json::Value> = serde_json::from_str(&stored.data).ok()?;
        let other = account_in(&data).ok()??;
        (other.user == account.user && other.epoch == account.epoch).then_some((other.seen_at, other.created_at, stored))
    });
    let mut live: Vec<(UnixMillis, UnixMillis, Stored)> = live.collect();
    live.sort_unstable_by_key(|(seen_at, created_at, _)| (*seen_at, *created_at));
    live.truncate((live.len() + 1).saturating_sub(MOST_SESSIONS));
    live.into_iter().map(|(_, _, stored)| stored).collect()
}

fn account_in(data: &HashMap<String, serde_json::Value>) -> serde_json::Result<Option<SignedIn>> {
    data.get(KEY).cloned().map(serde_json::from_value).transpose()
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut SessionRecord) -> Result<()> {
        let _turn = self.beginning.lock().await;
        let (surplus, told) = self.make_room(record).await?;
        loop {
            let stored = self.to_stored(record)?;
            let changes = Changes::new().expect_absent::<Stored>(&Stored::key_of(&stored.hash)).put(&stored);
            let changes = surplus.iter().fold(changes, |changes, old| changes.delete::<Stored>(&Stored::key_of(&old.hash)));
            match self.store.commit_all_told(changes, told.clone()).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Stale { .. }) => record.id = Id::default(),
                Err(error) => return Err(backend(&error)),
            }
        }
    }

    async fn save(&self, record: &SessionRecord) -> Result<()> {
        let stored = self.to_stored(record)?;
        // One that was ended by another request meanwhile must not come back.
        let Some(current) = self.store.sessions().get(&stored.hash).map_err(|error| backend(&error))? else { return Ok(()) };
        match self.store.commit_relaxed(Changes::new().expect_unchanged(&current).put(&stored)).await {
            Ok(()) | Err(CommitError::Stale { .. }) => Ok(()),
            Err(error) => Err(backend(&error)),
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<SessionRecord>> {
        let Some(stored) = self.store.sessions().get(&hash(id)).map_err(|error| backend(&error))? else { return Ok(None) };
        if stored.expires_at <= self.clock.now_ms() {
            return Ok(None);
        }
        let data: HashMap<String, serde_json::Value> =
            serde_json::from_str(&stored.data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(stored.expires_at) * 1_000_000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(SessionRecord { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let hash = hash(id);
        // A session that begins has its first id taken away before that was ever written: that costs no flush.
        if matches!(self.store.sessions().get(&hash), Ok(None)) {
            return Ok(());
        }
        self.store.commit(Changes::new().delete::<Stored>(&Stored::key_of(&hash))).await.map_err(|error| backend(&error))
    }
}

fn hash(id: &Id) -> String {
    hex::encode(Sha256::digest(id.to_string().as_bytes()))
}

fn backend(error: &dyn std::error::Error) -> Error {
    Error::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_of_idle_and_absolute_ends_a_session() {
        let account = SignedIn { user: Uuid::nil(), epoch: 0, created_at: 1_000, seen_at: 1_000 };
        assert_eq!(account.expires_at(), 1_000 + millis(IDLE));
        let late = SignedIn { seen_at: 1_000 + millis(ABSOLUTE) - 5, ..account };
        assert_eq!(late.expires_at(), 1_000 + millis(ABSOLUTE));
    }

    #[test]
    fn what_is_used_longest_ago_makes_room_and_only_what_is_live_takes_any() {
        let account = SignedIn { user: Uuid::from_u128(1), epoch: 3, created_at: 500, seen_at: 500 };
        let stored = |account: &SignedIn, hash: i64| Stored {
            hash: hash.to_string(),
            data: serde_json::json!({ KEY: account }).to_string(),
            expires_at: account.expires_at(),
        };
        // The earlier it began, the later it was used.
        let live = |count: i64| -> Vec<Stored> {
            (0..count).map(|n| stored(&SignedIn { created_at: n, seen_at: 400 - n, ..account.clone() }, n)).collect()
        };
        let most = i64::try_from(MOST_SESSIONS).unwrap();
        let ends = |all: Vec<Stored>| surplus(all, &account, 500).into_iter().map(|one| one.hash).collect::<Vec<_>>();
        assert_eq!(ends(live(most - 1)), [""; 0]);
        assert_eq!(ends(live(most)), ["19"]);
        assert_eq!(ends(live(most + 2)), ["21", "20", "19"], "as many as it takes");
        let others = [
            SignedIn { user: Uuid::from_u128(2), ..account.clone() },
            SignedIn { epoch: 2, ..account.clone() },
            SignedIn { seen_at: 400 - millis(IDLE), created_at: 0, ..account.clone() },
        ];
        let others = others.iter().map(|other| stored(other, 99));
        assert_eq!(ends(live(most - 1).into_iter().chain(others).collect()), [""; 0]);
    }
}
