//! What signing in and out leaves in the audit logs: in the Global one, and in that of each workspace the account is a member
//! of. An operator who is a member nowhere is in the Global one alone.

use tokio::time::Instant;

use super::account::Visitor;
use super::error::AuthError;
use crate::audit::{Action, Actor, Log, Resource, Told, Who};
use crate::store::{Changes, ReadError, Store, User};
use crate::values::Email;

impl Visitor {
    /// On disk before it returns, unless that takes nothing: then a line of the log is all that tells of it, and nobody is kept from seeing
    /// what is wrong.
    pub(super) async fn tell(&self, action: Action, user: &User) -> Result<(), AuthError> {
        match self.write(action, user, &self.who(user)).await {
            Err(AuthError::Commit(error)) if error.is_of_the_disk() => {
                tracing::warn!(user = %user.id, ?action, %error, "the audit log is not told");
                Ok(())
            }
            told => told,
        }
    }

    /// A lock, by KnoxCall itself, at most once a minute of each account: whoever guesses may not fill the disk. Nobody waits for
    /// it, since how long an answer takes may not tell whether there is such an account.
    pub(super) fn tell_locked(&self, email: &Email) {
        let user = match self.auth().store().users().by_email(email) {
            Ok(Some(user)) => user,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "a lock of signing in could not be told of"),
        };
        if self.auth().locks_told().admit(&user.id, Instant::now()).is_err() {
            return;
        }
        let (visitor, who) = (self.clone(), Who { actor: Actor::System, ..self.who(&user) });
        tokio::spawn(async move {
            if let Err(error) = visitor.write(Action::AuthLocked, &user, &who).await {
                tracing::error!(%error, "a lock of signing in could not be told of");
            }
        });
    }

    async fn write(&self, action: Action, user: &User, who: &Who) -> Result<(), AuthError> {
        let store = self.auth().store();
        let told = of_account(store, action, user, who)?;
        // One transaction, however many workspaces there are.
        Ok(store.commit_all_told(Changes::new(), told).await?)
    }
}

/// What all the logs that hear of the account are told.
pub(super) fn of_account(store: &Store, action: Action, user: &User, who: &Who) -> Result<Vec<Told>, ReadError> {
    let members = store.members().of_user(user.id)?.into_iter().filter(|member| !member.disabled);
    let logs = [Log::Global].into_iter().chain(members.map(|member| Log::Workspace(member.workspace)));
    let account = Resource::new("account", &user.email, Some(user.id));
    Ok(logs.map(|log| Told::new(who, log, action, account.clone())).collect())
}
