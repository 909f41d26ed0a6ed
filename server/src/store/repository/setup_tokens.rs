//! One-time links, by the hash of their token.

use uuid::Uuid;

use crate::store::{Changes, CommitError, ReadError, Record, SetupToken, Store, UnixMillis};

impl Record for SetupToken {
    const TREE: &'static str = "setup_tokens";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::key_of(&self.hash)
    }
}

impl SetupToken {
    #[must_use]
    pub fn key_of(hash: &str) -> Vec<u8> {
        hash.as_bytes().to_vec()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct SetupTokens<'a>(pub(in crate::store) &'a Store);

impl SetupTokens<'_> {
    /// By the lower-case hex of the token's SHA-256; expired ones too, until they are removed.
    ///
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, hash: &str) -> Result<Option<SetupToken>, ReadError> {
        self.0.get(&SetupToken::key_of(hash))
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<SetupToken>, ReadError> {
        self.0.scan(&[])
    }

    /// Those of one account; `None` for those that make the first operator.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn of_user(&self, user: Option<Uuid>) -> Result<Vec<SetupToken>, ReadError> {
        Ok(self.all()?.into_iter().filter(|token| token.user == user).collect())
    }

    /// Returns how many there were.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn remove_expired(&self, now: UnixMillis) -> Result<usize, CommitError> {
        let expired: Vec<_> = self.all()?.into_iter().filter(|token| token.expires_at <= now).collect();
        let changes = expired.iter().fold(Changes::new(), |changes, token| changes.delete::<SetupToken>(&token.key()));
        self.0.commit(changes).await?;
        Ok(expired.len())
    }
}
