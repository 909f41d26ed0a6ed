//! Sessions: the cookie, what a session holds, how long it lasts, and how it lies in the store.
//!
//! The store keeps the SHA-256 of a session's id, so that whoever reads the database can't take a session over. While the disk has no
//! room for one it is in memory alone.

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
use super::kept::Kept;
use super::told;
use super::unsaved::Unsaved;
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
pub(super) fn layer(store: Store, kept: Kept, clock: Clock, https: bool) -> SessionLayer {
    SessionManagerLayer::new(Sessions { store, kept, clock, beginning: Arc::default() })
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
    kept: Kept,
    clock: Clock,
    /// They begin one after another, so that nobody counts them while another one begins.
    beginning: Arc<Mutex<()>>,
}

impl Sessions {
    fn to_stored(&self, record: &SessionRecord) -> serde_json::Result<Stored> {
        let account = account_in(&record.data)?;
        Ok(Stored {
            hash: hash(&record.id),
            data: serde_json::to_string(&record.data)?,
            expires_at: account.map_or_else(|| self.clock.now_ms(), |account| account.expires_at()),
        })
    }

    /// Makes room for one more session of its account: which ones are to end, and what the audit logs are told of it.
    async fn make_room(&self, record: &SessionRecord) -> std::result::Result<(Vec<Stored>, Vec<Told>), Unsaved> {
        let Some(account) = account_in(&record.data)? else { return Ok((Vec::new(), Vec::new())) };
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
        Ok(found.await??)
    }

    /// Writes a session that begins, under an id that no other one has.
    async fn begin(&self, record: &mut SessionRecord) -> std::result::Result<(), Unsaved> {
        let _turn = self.beginning.lock().await;
        let (surplus, told) = self.make_room(record).await?;
        loop {
            let stored = self.to_stored(record)?;
            let changes = Changes::new().expect_absent::<Stored>(&Stored::key_of(&stored.hash)).put(&stored);
            let changes = surplus.iter().fold(changes, |changes, old| changes.delete::<Stored>(&Stored::key_of(&old.hash)));
            match self.store.commit_all_told(changes, told.clone()).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Stale { .. }) => record.id = Id::default(),
                Err(error) if error.is_of_the_disk() => {
                    tracing::warn!(%error, "a session is kept in memory and ends with the process");
                    if let Ok(Some(account)) = account_in(&record.data) {
                        for old in self::surplus(self.kept.all(), &account, self.clock.now_ms()) {
                            self.kept.remove(&old.hash);
                            self.kept.end(&old.hash, old.expires_at);
                        }
                    }
                    self.kept.put(stored);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes that a session is in use.
    async fn go_on(&self, record: &SessionRecord) -> std::result::Result<(), Unsaved> {
        let stored = self.to_stored(record)?;
        if self.kept.replace(&stored) {
            return Ok(());
        }
        // One that was ended by another request meanwhile must not come back.
        let Some(current) = self.store.sessions().get(&stored.hash)? else { return Ok(()) };
        match self.store.commit_relaxed(Changes::new().expect_unchanged(&current).put(&stored)).await {
            Ok(()) | Err(CommitError::Stale { .. }) => Ok(()),
            // Nobody is turned away because the time of its last use is not written.
            Err(error) if error.is_of_the_disk() => Ok(()),
            Err(error) => Err(error.into()),
        }
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
        self.begin(record).await.map_err(Unsaved::lay_down)
    }

    async fn save(&self, record: &SessionRecord) -> Result<()> {
        self.go_on(record).await.map_err(Unsaved::lay_down)
    }

    async fn load(&self, id: &Id) -> Result<Option<SessionRecord>> {
        let hash = hash(id);
        if self.kept.has_ended(&hash) {
            return Ok(None);
        }
        let stored = match self.kept.get(&hash) {
            None => self.store.sessions().get(&hash).map_err(|error| backend(&error))?,
            kept => kept,
        };
        let Some(stored) = stored else { return Ok(None) };
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
        let stored = self.store.sessions().get(&hash);
        self.kept.remove(&hash);
        // A session that begins has its first id taken away before that was ever written: that costs no flush.
        if matches!(stored, Ok(None)) {
            return Ok(());
        }
        let would_end = stored.ok().flatten().map_or(UnixMillis::MAX, |stored| stored.expires_at);
        match self.store.commit(Changes::new().delete::<Stored>(&Stored::key_of(&hash))).await {
            Err(error) if error.is_of_the_disk() && self.kept.end(&hash, would_end) => Ok(()),
            done => done.map_err(|error| backend(&error)),
        }
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
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::auth::saving;
    use crate::store::User;
    use crate::values::Email;

    fn record(seen_at: UnixMillis) -> SessionRecord {
        let account = SignedIn { user: Uuid::nil(), epoch: 0, created_at: 1_000, seen_at };
        let data = HashMap::from([(KEY.to_owned(), serde_json::to_value(account).unwrap())]);
        SessionRecord { id: Id::default(), data, expiry_date: OffsetDateTime::UNIX_EPOCH }
    }

    #[tokio::test]
    async fn without_room_on_the_disk_a_session_is_in_memory_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let time = Arc::new(AtomicU64::new(1_000));
        let now = Arc::clone(&time);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_millis(now.load(Ordering::Relaxed)));
        let roomy = Sessions { store: store.clone(), kept: Kept::default(), clock, beginning: Arc::default() };
        let full = Sessions { store: store.with_little_room(), ..roomy.clone() };
        let (mut earlier, mut one, mut unused) = (record(1_000), record(1_000), record(1_000));
        roomy.create(&mut earlier).await.unwrap();
        full.create(&mut one).await.unwrap();
        full.create(&mut unused).await.unwrap();
        assert_eq!(full.load(&one.id).await.unwrap().unwrap().data, one.data);
        assert_eq!(store.sessions().all().unwrap().len(), 1, "nothing is written");
        // One that is used goes on, of the other's use nothing can be written.
        time.store(u64::try_from(IDLE.as_millis()).unwrap(), Ordering::Relaxed);
        let used_at = millis(IDLE);
        let used = SessionRecord { id: one.id, ..record(used_at) };
        full.save(&used).await.unwrap();
        full.save(&SessionRecord { id: earlier.id, ..used.clone() }).await.unwrap();
        time.fetch_add(2_000, Ordering::Relaxed);
        let there = async |id: &Id| full.load(id).await.unwrap().is_some();
        assert_eq!([there(&one.id).await, there(&unused.id).await, there(&earlier.id).await], [true, false, false]);
        full.delete(&one.id).await.unwrap();
        assert!(!there(&one.id).await);
        // Nor may one account have all there may be.
        for _ in 0..MOST_SESSIONS + 5 {
            full.create(&mut record(used_at)).await.unwrap();
        }
        assert_eq!(full.kept.all().iter().filter(|kept| kept.expires_at > millis(IDLE) + 2_000).count(), MOST_SESSIONS);
    }

    #[tokio::test]
    async fn without_room_on_the_disk_a_session_ends_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let clock = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(1));
        let roomy = Sessions { store: store.clone(), kept: Kept::default(), clock, beginning: Arc::default() };
        let full = Sessions { store: store.with_little_room(), ..roomy.clone() };
        let mut one = record(1_000);
        roomy.create(&mut one).await.unwrap();
        full.delete(&one.id).await.unwrap();
        assert!(roomy.load(&one.id).await.unwrap().is_none());
        assert!(full.kept.settle(&full.store, 1_000).await.is_err());
        assert_eq!(store.sessions().all().unwrap().len(), 1);
        // Once there is room it is gone for good.
        full.kept.settle(&store, 1_000).await.unwrap();
        assert!(store.sessions().all().unwrap().is_empty() && !full.kept.has_ended(&hash(&one.id)));
    }

    /// A second after the beginning of all time.
    fn over(store: &Store) -> Sessions {
        let clock = Clock::from_fn(|| UNIX_EPOCH + Duration::from_secs(1));
        Sessions { store: store.clone(), kept: Kept::default(), clock, beginning: Arc::default() }
    }

    /// It was kept in memory because the disk refused, and is on the disk all the same.
    #[tokio::test]
    async fn one_that_is_in_memory_and_on_disk_ends_in_both() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let sessions = over(&store);
        let mut one = record(1_000);
        sessions.create(&mut one).await.unwrap();
        sessions.kept.put(sessions.to_stored(&one).unwrap());
        store.refuse();
        assert!(sessions.load(&one.id).await.unwrap().is_some());
        sessions.delete(&one.id).await.unwrap();
        assert!(sessions.load(&one.id).await.unwrap().is_none());
        // One that begins now is in memory alone.
        let mut other = record(1_000);
        sessions.create(&mut other).await.unwrap();
        assert!(sessions.load(&other.id).await.unwrap().is_some());
        sessions.delete(&other.id).await.unwrap();
        assert!(sessions.load(&other.id).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn whoever_asks_hears_why_a_session_could_not_be_saved() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let sessions = over(&store);
        let mut one = record(1_000);
        saving(sessions.create(&mut one)).await.unwrap().unwrap();
        store.damage::<Stored>(&Stored::key_of(&hash(&one.id)));
        let unsaved = saving(sessions.save(&one)).await.unwrap_err();
        assert_eq!(unsaved.cause().name(), "sessions_unreadable");
        assert!(sessions.save(&one).await.is_err(), "where nobody asks, too");
        // Nor is one that begins, where it can't be said whose session makes room for it.
        let user = User {
            id: Uuid::nil(),
            email: Email::parse("ana@example.com").unwrap(),
            password_hash: None,
            operator: false,
            disabled: false,
            created_at: 0,
            session_epoch: 0,
            vouched_by: None,
        };
        store.commit(Changes::new().put(&user)).await.unwrap();
        store.damage::<User>(&User::key_of(user.id));
        for _ in 0..MOST_SESSIONS {
            saving(sessions.create(&mut record(1_000))).await.unwrap().unwrap();
        }
        let unsaved = saving(sessions.create(&mut record(1_000))).await.unwrap_err();
        assert_eq!(unsaved.cause().name(), "users_unreadable");
        // What went wrong with one request is not the next one's.
        assert_eq!(saving(async { 7 }).await.unwrap(), 7);
    }

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
