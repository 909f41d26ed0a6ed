//! Signing secrets, as Standard Webhooks writes them: `whsec_` and the base64 of 24 to 64 bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{PREVIOUS, SIGNING, told};
use crate::auth::{Actor, WorkspaceAdmin};
use crate::cause::Cause;
use crate::secrets::SIGNING_SECRET_PREFIX;
use crate::settings::publish::Scope;
use crate::settings::secret::{self, Place};
use crate::settings::{Error, Settings};
use crate::store::{Changes, PreviousSecret, SecretRecord, UnixMillis, Webhook, now};
use crate::values::DisplayName;

const RANDOM_BYTES: usize = 24;
/// How long the secret before the newest signs too.
const OVERLAP_MS: UnixMillis = 24 * 60 * 60 * 1000;

/// A secret that was just made: the only time it can be shown.
#[derive(Clone)]
pub struct NewSigningSecret {
    /// The endpoint's.
    pub id: Uuid,
    pub name: DisplayName,
    pub secret: Zeroizing<String>,
}

impl std::fmt::Debug for NewSigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSigningSecret").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) fn generate() -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0_u8; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|_| Error::store(Cause::Random, "the system gives no random numbers"))?;
    Ok(Zeroizing::new(format!("{SIGNING_SECRET_PREFIX}{}", STANDARD.encode(bytes.as_ref()))))
}

impl Settings {
    /// Makes a new signing secret. The old one signs too for a day, if it can be read.
    ///
    /// # Errors
    /// There is no such endpoint.
    pub async fn rotate_webhook_secret(&self, witness: &WorkspaceAdmin, id: Uuid) -> Result<NewSigningSecret, Error> {
        let secret = generate()?;
        let guard = self.writing().await;
        let old = self.find_webhook(witness.workspace(), id)?;
        let new = self.with_secret(&old, &secret, witness.actor())?;
        let changes = Changes::new().expect_unchanged(&old).put(&new);
        self.save(guard, changes, Scope::Workspace(old.workspace), told::rotated(witness.who(), &old)).await?;
        Ok(NewSigningSecret { id, name: new.name, secret })
    }

    /// The endpoint with another signing secret; the old one becomes the one before.
    pub(super) fn with_secret(&self, old: &Webhook, secret: &str, actor: &Actor) -> Result<Webhook, Error> {
        let before = secret::open_text(self.vault(), &Place::webhook(old.workspace, old.id, SIGNING), &old.signing).ok();
        let previous = match before {
            None => None,
            Some(text) => {
                let place = Place::webhook(old.workspace, old.id, PREVIOUS);
                let moved = secret::seal_text(self.vault(), &place, &text, None, actor)?;
                let secret = SecretRecord { set_at: old.signing.set_at, set_by: old.signing.set_by.clone(), ..moved };
                Some(PreviousSecret { secret, until: now() + OVERLAP_MS })
            }
        };
        Ok(Webhook { signing: self.sealed_signing(old.workspace, old.id, secret, actor)?, previous, ..old.clone() })
    }

    pub(super) fn sealed_signing(
        &self,
        workspace: crate::values::TenantId,
        id: Uuid,
        secret: &str,
        actor: &Actor,
    ) -> Result<SecretRecord, Error> {
        secret::seal_text(self.vault(), &Place::webhook(workspace, id, SIGNING), secret, None, actor)
    }

    /// Whether this is the endpoint's signing secret already.
    pub(super) fn signs_with(&self, webhook: &Webhook, secret: &str) -> bool {
        let place = Place::webhook(webhook.workspace, webhook.id, SIGNING);
        secret::open_text(self.vault(), &place, &webhook.signing).is_ok_and(|text| *text == *secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::is_signing_secret;

    #[test]
    fn secrets_are_random_and_as_the_standard_writes_them() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(one, other);
        assert!(is_signing_secret(&one) && one.len() == 38, "{}", *one);
    }
}
