//! Accounts, by id and by e-mail address.

use uuid::Uuid;

use crate::store::record::Unique;
use crate::store::{ReadError, Record, Store, User};
use crate::values::Email;

impl Record for User {
    const TREE: &'static str = "users";
    const VERSION: u16 = 1;
    const UNIQUE: Option<fn(&Self) -> Unique> = Some(|user| vec![("email", user.email.as_str().as_bytes().to_vec())]);

    fn key(&self) -> Vec<u8> {
        Self::key_of(self.id)
    }
}

impl User {
    #[must_use]
    pub fn key_of(id: Uuid) -> Vec<u8> {
        id.as_bytes().to_vec()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Users<'a>(pub(in crate::store) &'a Store);

impl Users<'_> {
    /// # Errors
    /// The record or the store can't be read.
    pub fn get(&self, id: Uuid) -> Result<Option<User>, ReadError> {
        self.0.get(&User::key_of(id))
    }

    /// # Errors
    /// The record or the store can't be read.
    pub fn by_email(&self, email: &Email) -> Result<Option<User>, ReadError> {
        self.0.by_unique("email", email.as_str().as_bytes())
    }

    /// # Errors
    /// The store can't be read.
    pub fn all(&self) -> Result<Vec<User>, ReadError> {
        self.0.scan(&[])
    }

    /// Every account with an operator's rights, disabled ones too.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn operators(&self) -> Result<Vec<User>, ReadError> {
        Ok(self.all()?.into_iter().filter(|user| user.operator).collect())
    }

    /// Operators who can sign in: not disabled, and with a password.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn active_operators(&self) -> Result<Vec<User>, ReadError> {
        Ok(self.operators()?.into_iter().filter(|user| !user.disabled && user.password_hash.is_some()).collect())
    }
}
