//! Making, changing, switching and removing endpoints.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::form::{Before, Parsed, WebhookChange};
use super::signing::{self, NewSigningSecret};
use super::told;
use crate::auth::WorkspaceAdmin;
use crate::settings::limits::{MAX_WEBHOOKS, room_for_one};
use crate::settings::publish::Scope;
use crate::settings::secret::ciphertext;
use crate::settings::told::Step;
use crate::settings::workspaces::confirm;
use crate::settings::{Error, Settings};
use crate::store::{Changes, StopReason, Stopped, Webhook, now};
use crate::values::{Field, TenantId};

/// What became of an endpoint that the bootstrap file names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::settings) struct Put {
    /// Anything, the signing secret included.
    pub changed: bool,
    /// Another secret signs.
    pub rotated: bool,
}

impl Settings {
    /// Makes an endpoint with a signing secret of its own, which is returned to be shown once.
    ///
    /// # Errors
    /// A field breaks a rule, or there are too many endpoints already.
    pub async fn create_webhook(&self, witness: &WorkspaceAdmin, change: &WebhookChange) -> Result<NewSigningSecret, Error> {
        self.add_webhook(witness, change, signing::generate()?).await
    }

    /// As [`Settings::create_webhook`], with a secret that somebody brings along.
    pub(in crate::settings) async fn add_webhook(
        &self,
        witness: &WorkspaceAdmin,
        change: &WebhookChange,
        secret: Zeroizing<String>,
    ) -> Result<NewSigningSecret, Error> {
        let parsed = Parsed::from(change, witness.actor())?;
        let (workspace, id) = (witness.workspace(), Uuid::now_v7());
        let guard = self.writing().await;
        self.store().workspaces().get(workspace)?.ok_or(Error::NotFound)?;
        room_for_one(self.store().webhooks().of_workspace(workspace)?.len(), MAX_WEBHOOKS, Field::Name)?;
        let before = Before { workspace, id, old: None, actor: witness.actor() };
        let signing = self.sealed_signing(workspace, id, &secret, witness.actor())?;
        let webhook = self.changed_webhook(&before, parsed, change, signing)?;
        let changes = Changes::new().expect_absent::<Webhook>(&Webhook::key_of(workspace, id)).put(&webhook);
        let told = self.webhook_told(witness.who(), &Step::Made(&webhook))?;
        self.save(guard, changes, scope(&webhook), told).await?;
        Ok(NewSigningSecret { id, name: webhook.name, secret })
    }

    /// # Errors
    /// A field breaks a rule, somebody saved meanwhile, or there is no such endpoint.
    pub async fn save_webhook(&self, witness: &WorkspaceAdmin, id: Uuid, change: &WebhookChange) -> Result<(), Error> {
        let parsed = Parsed::from(change, witness.actor())?;
        let guard = self.writing().await;
        let old = self.find_webhook(witness.workspace(), id)?;
        if change.generation != old.generation {
            return Err(Error::Stale);
        }
        let before = Before { workspace: old.workspace, id, old: Some(&old), actor: witness.actor() };
        let new = self.changed_webhook(&before, parsed, change, old.signing.clone())?;
        let told = self.webhook_told(witness.who(), &Step::Changed(&old, &new))?;
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), scope(&old), told).await
    }

    /// As the bootstrap file has it: `secret` replaces the one that signs, if it is another.
    pub(in crate::settings) async fn put_webhook(
        &self,
        witness: &WorkspaceAdmin,
        id: Uuid,
        change: &WebhookChange,
        secret: Option<&str>,
    ) -> Result<Put, Error> {
        let parsed = Parsed::from(change, witness.actor())?;
        let guard = self.writing().await;
        let old = self.find_webhook(witness.workspace(), id)?;
        let secret = secret.filter(|secret| !self.signs_with(&old, secret));
        let signed = match secret {
            Some(secret) => self.with_secret(&old, secret, witness.actor())?,
            None => old.clone(),
        };
        let before = Before { workspace: old.workspace, id, old: Some(&signed), actor: witness.actor() };
        let new = self.changed_webhook(&before, parsed, change, signed.signing.clone())?;
        if same(&old, &new) {
            return Ok(Put::default());
        }
        // Another secret is told as when it is rotated in the console; what else differs has an entry of its own.
        let mut told: Vec<_> = secret.map(|_| told::rotated(witness.who(), &old)).into_iter().collect();
        let changed = self.webhook_told(witness.who(), &Step::Changed(&signed, &new))?;
        if told.is_empty() || !changed.is_empty() {
            told.push(changed);
        }
        self.save_all_told(guard, Changes::new().expect_unchanged(&old).put(&new), scope(&old), told).await?;
        Ok(Put { changed: true, rotated: secret.is_some() })
    }

    /// Switching on one that KnoxCall had switched off gives it its time anew; what waits for it is delivered.
    ///
    /// # Errors
    /// There is no such endpoint.
    pub async fn enable_webhook(&self, witness: &WorkspaceAdmin, id: Uuid, enabled: bool) -> Result<(), Error> {
        let guard = self.writing().await;
        let old = self.find_webhook(witness.workspace(), id)?;
        let enabled_at = if enabled && !old.enabled { now() } else { old.enabled_at };
        let new = Webhook { enabled, enabled_at, stopped: None, ..old.clone() };
        let told = self.webhook_told(witness.who(), &Step::Changed(&old, &new))?;
        self.save(guard, Changes::new().expect_unchanged(&old).put(&new), scope(&old), told).await
    }

    /// Switches off one that can't be delivered to. Does nothing if it was saved, switched or removed meanwhile.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn stop_webhook(&self, workspace: TenantId, id: Uuid, generation: u64, why: StopReason) -> Result<bool, Error> {
        let guard = self.writing().await;
        let Some(old) = self.store().webhooks().get(workspace, id)? else { return Ok(false) };
        if !old.enabled || old.generation != generation {
            return Ok(false);
        }
        let new = Webhook { enabled: false, stopped: Some(Stopped { why, since: now() }), ..old.clone() };
        let changes = Changes::new().expect_unchanged(&old).put(&new);
        self.save(guard, changes, scope(&old), told::stopped(&old, why)).await?;
        Ok(true)
    }

    /// With everything that was or is to be delivered to it. `confirmation` must be its name.
    ///
    /// # Errors
    /// The confirmation is wrong, or there is no such endpoint.
    pub async fn delete_webhook(&self, witness: &WorkspaceAdmin, id: Uuid, confirmation: &str) -> Result<(), Error> {
        let guard = self.writing().await;
        let webhook = self.find_webhook(witness.workspace(), id)?;
        confirm(confirmation, webhook.name.as_str())?;
        let changes = self.store().webhooks().deletion(webhook.workspace, id)?;
        let told = self.webhook_told(witness.who(), &Step::Gone(&webhook))?;
        self.save(guard, changes, scope(&webhook), told).await
    }
}

const fn scope(webhook: &Webhook) -> Scope {
    Scope::Workspace(webhook.workspace)
}

fn same(old: &Webhook, new: &Webhook) -> bool {
    (&old.name, &old.url, &old.event_types, old.method, old.auth) == (&new.name, &new.url, &new.event_types, new.method, new.auth)
        && (&old.auth_user, &old.auth_header, &old.routes) == (&new.auth_user, &new.auth_header, &new.routes)
        && (old.timeout_s, old.retries) == (new.timeout_s, new.retries)
        && (old.include_headers, old.include_bodies) == (new.include_headers, new.include_bodies)
        && ciphertexts(old) == ciphertexts(new)
}

fn ciphertexts(webhook: &Webhook) -> [Option<&str>; 3] {
    [webhook.auth_secret.as_ref(), webhook.headers.as_ref(), Some(&webhook.signing)].map(ciphertext)
}
