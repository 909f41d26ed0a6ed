//! A workspace's webhook endpoints and what was delivered to them.

use app::contract::{
    ApiError, Deliveries, DeliveryAttempt, DeliveryRow, DeliveryState, ShownOnce, UnixMillis, WebhookForm, WebhookLosses, WebhookRow,
    WebhookState, WebhookView, Webhooks,
};
use async_trait::async_trait;
use uuid::Uuid;

use super::error::{internal, unsaved};
use super::health::throttled;
use super::{Bound, secret_view};
use crate::cause::Cause;
use crate::event::SecurityKind;
use crate::settings::{NewSigningSecret, WebhookChange, WebhookEntry};
use crate::store::{self, StopReason};
use crate::values::WebhookUrl;
use crate::webhooks;

#[async_trait]
impl Webhooks for Bound {
    async fn webhooks(&self, workspace: &str) -> Result<Vec<WebhookRow>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let whole = member.admin().is_some();
        Ok(self.settings().webhooks(&member)?.into_iter().map(|entry| self.row(entry, whole)).collect())
    }

    async fn losses(&self, workspace: &str) -> Result<WebhookLosses, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        let webhooks::Lost { events, without_copies, no_room } = self.parts.webhooks.lost(&member);
        Ok(WebhookLosses { events, without_copies, no_room })
    }

    async fn webhook(&self, workspace: &str, id: Uuid) -> Result<WebhookView, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        Ok(view(self.settings().webhook(&member, id)?, member.admin().is_some()))
    }

    async fn create_webhook(&self, workspace: &str, form: WebhookForm) -> Result<Uuid, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let made = self.settings().create_webhook(&admin, &change(form)).await?;
        self.keep_to_show(made)
    }

    async fn save_webhook(&self, workspace: &str, id: Uuid, form: WebhookForm) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().save_webhook(&admin, id, &change(form)).await?)
    }

    async fn enable_webhook(&self, workspace: &str, id: Uuid, enabled: bool) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().enable_webhook(&admin, id, enabled).await?)
    }

    async fn delete_webhook(&self, workspace: &str, id: Uuid, confirmation: &str) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.settings().delete_webhook(&admin, id, confirmation).await?)
    }

    async fn rotate_secret(&self, workspace: &str, id: Uuid) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        let made = self.settings().rotate_webhook_secret(&admin, id).await?;
        self.visitor.security(SecurityKind::WebhookSecretRotated, Some(admin.workspace()));
        self.keep_to_show(made).map(drop)
    }

    async fn take_secret(&self, workspace: &str, id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        self.settings().webhook(&member, id)?;
        if member.admin().is_some() { self.take(id) } else { Ok(None) }
    }

    async fn test_webhook(&self, workspace: &str, id: Uuid) -> Result<DeliveryAttempt, ApiError> {
        let (workspace, admin) = self.visitor.admin_of(workspace)?;
        if !workspace.enabled && !admin.is_operator() {
            return Err(ApiError::WorkspaceDisabled);
        }
        let target = self.settings().webhook_target(&admin, id)?;
        Ok(attempt(self.parts.webhooks.test(&target).await?))
    }

    async fn deliveries(&self, workspace: &str, id: Uuid, before: Option<Uuid>, failed: bool) -> Result<Deliveries, ApiError> {
        let (_, member) = self.visitor.member_of(workspace)?;
        self.settings().webhook(&member, id)?;
        let page = self.parts.webhooks.deliveries(&member, id, before, failed).await?;
        Ok(Deliveries { rows: page.rows.into_iter().map(delivery).collect(), next: page.next })
    }

    async fn redeliver(&self, workspace: &str, id: Uuid, delivery: Uuid) -> Result<(), ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.parts.webhooks.redeliver(&admin, id, delivery).await?)
    }

    async fn redeliver_failed(&self, workspace: &str, id: Uuid, since: UnixMillis) -> Result<u64, ApiError> {
        let (_, admin) = self.visitor.admin_of(workspace)?;
        Ok(self.parts.webhooks.redeliver_failed(&admin, id, since).await?)
    }
}

impl Bound {
    fn keep_to_show(&self, made: NewSigningSecret) -> Result<Uuid, ApiError> {
        let viewer = self.visitor.user()?.id;
        self.visitor.auth().reveal().put(viewer, made.id, made.name.into(), made.secret.to_string());
        Ok(made.id)
    }

    fn row(&self, entry: WebhookEntry, whole: bool) -> WebhookRow {
        let state = state(&entry);
        let (delivered, failed) = entry.health.last_day(store::now());
        let webhook = entry.webhook;
        WebhookRow {
            waiting: self.parts.webhooks.waiting(webhook.id) as u64,
            id: webhook.id,
            name: webhook.name.into(),
            url: shown(webhook.url, whole),
            state,
            event_types: webhook.event_types,
            delivered,
            failed,
        }
    }
}

/// A switch of a form is there when it is on.
fn change(form: WebhookForm) -> WebhookChange {
    WebhookChange {
        name: form.name,
        url: form.url,
        event_types: form.event_types,
        method: form.method,
        auth: form.auth,
        auth_user: form.auth_user,
        auth_header: form.auth_header,
        auth_secret: form.auth_secret,
        headers: form.headers,
        clear_headers: form.clear_headers.is_some(),
        routes: form.routes,
        include_headers: form.include_headers.is_some(),
        include_bodies: form.include_bodies.is_some(),
        timeout_s: form.timeout_s,
        retries: form.retries,
        generation: form.generation,
    }
}

fn state(entry: &WebhookEntry) -> WebhookState {
    let webhook = &entry.webhook;
    match webhook.stopped {
        Some(stopped) if stopped.why == StopReason::Gone => WebhookState::Gone { since: stopped.since },
        Some(stopped) => WebhookState::GaveUp { since: stopped.since },
        None if !webhook.enabled => WebhookState::Disabled,
        None if entry.is_broken() => WebhookState::Broken,
        None => match entry.health.failing_since {
            Some(since) => WebhookState::Failing { since: since.max(webhook.enabled_at) },
            None => WebhookState::Active,
        },
    }
}

/// Path and query often are a secret: only for whoever may change them.
fn shown(url: WebhookUrl, whole: bool) -> String {
    if whole { url.into() } else { url.origin().as_str().to_owned() }
}

fn view(entry: WebhookEntry, whole: bool) -> WebhookView {
    let state = state(&entry);
    let WebhookEntry { webhook, routes, auth_secret, headers, signing, health } = entry;
    let now = store::now();
    WebhookView {
        id: webhook.id,
        name: webhook.name.into(),
        url: shown(webhook.url, whole),
        event_types: webhook.event_types,
        method: webhook.method,
        auth: webhook.auth,
        auth_user: webhook.auth_user,
        auth_header: webhook.auth_header,
        auth_secret: secret_view(auth_secret),
        headers: secret_view(headers),
        routes,
        include_headers: webhook.include_headers,
        include_bodies: webhook.include_bodies,
        timeout_s: webhook.timeout_s,
        retries: webhook.retries,
        enabled: webhook.enabled,
        state,
        dropped: health.dropped,
        signing_secret: secret_view(signing),
        overlap_until: webhook.previous.map(|previous| previous.until).filter(|until| *until > now),
        generation: webhook.generation,
        saved_at: webhook.saved_at,
        saved_by: webhook.saved_by.map(String::from),
    }
}

fn delivery(of: store::Delivery) -> DeliveryRow {
    DeliveryRow {
        id: of.id,
        event: of.event,
        created_at: of.created_at,
        state: match of.state {
            store::DeliveryState::Waiting { next_at } => DeliveryState::Waiting { next_at },
            store::DeliveryState::Delivered { .. } => DeliveryState::Delivered,
            store::DeliveryState::Failed { .. } => DeliveryState::Failed,
        },
        attempts: of.attempts.into_iter().rev().map(attempt).collect(),
    }
}

fn attempt(of: store::Attempt) -> DeliveryAttempt {
    DeliveryAttempt { at: of.at, number: of.number, status: of.status, latency_ms: of.latency_ms, failure: of.failure }
}

impl From<webhooks::Error> for ApiError {
    fn from(error: webhooks::Error) -> Self {
        /// How soon there may be room again, when too many wait.
        const FULL_S: u32 = 60;
        match error {
            webhooks::Error::NotFound => Self::NotFound,
            webhooks::Error::Full => Self::Throttled { retry_after_s: FULL_S },
            webhooks::Error::TooMany(too_many) => throttled(too_many),
            webhooks::Error::Stale => Self::Stale,
            webhooks::Error::Body => internal(Cause::WebhookBody, &error),
            webhooks::Error::Read(ref read) => internal(read.cause(), &error),
            webhooks::Error::Commit(ref commit) => unsaved(commit, &error),
        }
    }
}
