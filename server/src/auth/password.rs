//! Passwords: Argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane).
//!
//! Hashing costs tens of milliseconds and 19 MiB, so it runs on blocking threads, few at a time, with a bounded line of
//! waiting requests. An account that does not exist costs the same as one that does.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use thiserror::Error;
use tokio::sync::{Semaphore, TryAcquireError};
use zeroize::Zeroizing;

use crate::values::Password;

#[derive(Debug, Error)]
pub enum PasswordError {
    /// Too many sign-ins wait already.
    #[error("too many passwords are being checked at once")]
    Busy,
    #[error("hashing failed: {0}")]
    Hash(String),
}

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const AT_ONCE: usize = 2;
const WAITING: usize = 64;

/// Longer input can't be anyone's password ([`Password::MAX`] characters of at most 4 bytes).
const MAX_BYTES: usize = Password::MAX * 4;

/// A well-formed hash with our parameters that no password yields; verified against when there is no account.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords. Cheap to clone; clones share the limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    at_once: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { at_once: Arc::new(Semaphore::new(AT_ONCE)), line: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }
}

impl Passwords {
    /// The PHC string to store, with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError`]
    pub async fn hash(&self, password: &Password) -> Result<String, PasswordError> {
        let password = Zeroizing::new(password.expose().to_owned());
        self.run(move || {
            let hash = argon2()?.hash_password(password.as_bytes()).map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `given` is the password behind `stored`. With nothing stored the answer is no, after the same work.
    ///
    /// # Errors
    /// [`PasswordError`]
    pub async fn verify(&self, given: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
        let possible = stored.is_some() && given.len() <= MAX_BYTES;
        let given = Zeroizing::new(if given.len() <= MAX_BYTES { given.to_owned() } else { String::new() });
        let stored = stored.unwrap_or(NOBODY).to_owned();
        self.run(move || {
            let hash = PasswordHash::new(&stored).map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(argon2()?.verify_password(given.as_bytes(), &hash).is_ok() && possible)
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.line).try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => PasswordError::Busy,
            TryAcquireError::Closed => PasswordError::Hash("shutting down".to_owned()),
        })?;
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| PasswordError::Hash("shutting down".to_owned()))?;
        // The permits go with the work: a request that is given up does not make room before its hash is done.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        })
        .await
        .map_err(|error| PasswordError::Hash(error.to_string()))?
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_has_our_parameters_and_verifies_only_its_password() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&Password::parse("correct horse battery").unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse batterz", Some(&hash)).await.unwrap());
        let other = passwords.hash(&Password::parse("correct horse battery").unwrap()).await.unwrap();
        assert_ne!(hash, other, "every hash has its own salt");
    }

    #[tokio::test]
    async fn nobody_is_checked_with_the_same_work_and_never_accepted() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert!(!Passwords::default().verify("anything at all", None).await.unwrap());
        assert!(!Passwords::default().verify(&"x".repeat(MAX_BYTES + 1), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_line_is_bounded() {
        let passwords = Passwords::default();
        let _all = Arc::clone(&passwords.line).acquire_many_owned(u32::try_from(AT_ONCE + WAITING).unwrap()).await.unwrap();
        assert!(matches!(passwords.verify("x", None).await, Err(PasswordError::Busy)));
    }
}
