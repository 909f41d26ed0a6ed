//! Console sessions, by the hash of their id.

use crate::store::{Changes, CommitError, ReadError, Record, Session, Store, UnixMillis};

impl Record for Session {
    const TREE: &'static str = "sessions";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.hash)
    }
}

impl Session {
    #[must_use]
    pub fn key_of(hash: &str) -> Vec<u8> {
        hash.as_bytes().to_vec()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Sessions<'a>(pub(in crate::store) &'a Store);

impl Sessions<'_> {
    /// By the lower-case hex of the id's SHA-256; expired ones too, until they are removed.
    ///
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, hash: &str) -> Result<Option<Session>, ReadError> {
        self.0.get(&Session::key_of(hash))
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<Session>, ReadError> {
        self.0.scan(&[])
    }

    /// Returns how many there were.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn remove_expired(&self, now: UnixMillis) -> Result<usize, CommitError> {
        let expired: Vec<_> = self.all()?.into_iter().filter(|session| session.expires_at <= now).collect();
        let changes = expired.iter().fold(Changes::new(), |changes, session| changes.delete::<Session>(&session.key()));
        self.0.commit(changes).await?;
        Ok(expired.len())
    }
}
