//! One workspace's endpoints, as they are delivered to.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::SecretPlace;
use super::routing::header_map;
use crate::capture::Wanted;
use crate::live::{self, SigningSecret, TenantWebhooks};
use crate::settings::secret::{self, Place};
use crate::settings::webhooks::{AUTH_SECRET, HEADERS, PREVIOUS, SIGNING};
use crate::store::Webhook;
use crate::values::{DEFAULT_DELIVERY_TIMEOUT_S, DEFAULT_RETRIES, WebhookAuth};
use crate::vault::Vault;

/// Those that are on. One of which something does not open is left out: it must not be called without its credential.
pub(super) fn build(vault: &Vault, stored: &[Webhook], broken: &mut Vec<SecretPlace>) -> Option<Arc<TenantWebhooks>> {
    let mut endpoints = Vec::new();
    for webhook in stored.iter().filter(|webhook| webhook.enabled) {
        match unsealed_webhook(vault, webhook) {
            Some(endpoint) => endpoints.push(Arc::new(endpoint)),
            None => broken.push(SecretPlace::Webhook { workspace: webhook.workspace, name: webhook.name.as_str().to_owned() }),
        }
    }
    if endpoints.is_empty() { None } else { Some(Arc::new(TenantWebhooks::new(endpoints))) }
}

/// The endpoint with its secrets; `None` when one of them does not open.
pub(in crate::settings) fn unsealed_webhook(vault: &Vault, webhook: &Webhook) -> Option<live::Webhook> {
    let place = |field| Place::webhook(webhook.workspace, webhook.id, field);
    let mut headers = header_map(&secret::open(vault, &place(HEADERS), webhook.headers.as_ref()).ok()?)?;
    if let Some((name, mut value)) = credential(vault, webhook)? {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let newest = SigningSecret { text: secret::open_text(vault, &place(SIGNING), &webhook.signing).ok()?, until: None };
    let previous = webhook.previous.as_ref().and_then(|previous| {
        let text = secret::open_text(vault, &place(PREVIOUS), &previous.secret).ok()?;
        Some(SigningSecret { text, until: Some(previous.until) })
    });
    let signing = if webhook.auth == WebhookAuth::None { Vec::new() } else { std::iter::once(newest).chain(previous).collect() };
    Some(live::Webhook {
        id: webhook.id,
        workspace: webhook.workspace,
        generation: webhook.generation,
        name: webhook.name.as_str().into(),
        url: webhook.url.clone(),
        events: webhook.event_types.iter().copied().collect(),
        method: webhook.method,
        headers,
        signing,
        routes: webhook.routes.clone(),
        include: Wanted { headers: webhook.include_headers, bodies: webhook.include_bodies },
        timeout: Duration::from_secs(webhook.timeout_s.unwrap_or(DEFAULT_DELIVERY_TIMEOUT_S).into()),
        retries: webhook.retries.unwrap_or(DEFAULT_RETRIES),
        enabled_at: webhook.enabled_at,
    })
}

/// The header that carries the credential, if there is one; `None` outside when it should be there and is not.
fn credential(vault: &Vault, webhook: &Webhook) -> Option<Option<(HeaderName, HeaderValue)>> {
    let secret = || {
        let place = Place::webhook(webhook.workspace, webhook.id, AUTH_SECRET);
        secret::open_text(vault, &place, webhook.auth_secret.as_ref()?).ok()
    };
    let (name, text) = match webhook.auth {
        WebhookAuth::None | WebhookAuth::Hmac => return Some(None),
        WebhookAuth::Basic => {
            let pair = Zeroizing::new(format!("{}:{}", webhook.auth_user, *secret()?));
            (AUTHORIZATION, Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
        }
        WebhookAuth::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", *secret()?))),
        WebhookAuth::Header => (HeaderName::from_bytes(webhook.auth_header.as_bytes()).ok()?, secret()?),
    };
    Some(Some((name, HeaderValue::from_str(&text).ok()?)))
}
