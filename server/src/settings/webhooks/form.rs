//! From an endpoint's form to the record it makes.

use uuid::Uuid;

use super::{AUTH_SECRET, HEADERS};
use crate::auth::Actor;
use crate::egress::Scope as Reach;
use crate::settings::secret::{self, HeaderChange, Place};
use crate::settings::{Error, Settings};
use crate::store::{SecretRecord, Webhook, now};
use crate::values::{
    DeliveryMethod, DisplayName, EventType, Field, Rule, TenantId, WebhookAuth, WebhookUrl, parse_auth_header, parse_auth_secret,
    parse_basic_user, parse_delivery_headers, parse_delivery_timeout, parse_retries,
};

/// The form as text.
#[derive(Clone, Default)]
pub struct WebhookChange {
    pub name: String,
    pub url: String,
    /// By name.
    pub event_types: Vec<String>,
    /// Blank is POST.
    pub method: String,
    /// Blank is the signature alone.
    pub auth: String,
    pub auth_user: String,
    pub auth_header: String,
    /// These two: blank keeps what is stored.
    pub auth_secret: String,
    pub headers: String,
    pub clear_headers: bool,
    /// Slugs; empty means all.
    pub routes: Vec<String>,
    pub include_headers: bool,
    pub include_bodies: bool,
    /// These two: blank is the default.
    pub timeout_s: String,
    pub retries: String,
    /// As it was when the form was loaded; 0 for a new one.
    pub generation: u64,
}

impl std::fmt::Debug for WebhookChange {
    /// Without secrets, and without the URL, which may hold one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookChange").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A form whose every field was understood.
pub(super) struct Parsed {
    pub(super) name: DisplayName,
    url: WebhookUrl,
    event_types: Vec<EventType>,
    method: DeliveryMethod,
    auth: WebhookAuth,
    auth_user: String,
    auth_header: String,
    timeout_s: Option<u32>,
    retries: Option<u32>,
}

impl Parsed {
    pub(super) fn from(change: &WebhookChange, actor: &Actor) -> Result<Self, Error> {
        let unknown = |field| Error::Invalid { field, rule: Rule::Unknown };
        let auth = WebhookAuth::parse(change.auth.trim()).ok_or_else(|| unknown(Field::WebhookAuth))?;
        let parsed = Self {
            name: DisplayName::parse(&change.name).map_err(Error::invalid(Field::Name))?,
            url: WebhookUrl::parse(&change.url).map_err(Error::invalid(Field::WebhookUrl))?,
            event_types: event_types(&change.event_types, actor)?,
            method: DeliveryMethod::parse(change.method.trim()).ok_or_else(|| unknown(Field::DeliveryMethod))?,
            auth,
            auth_user: match auth {
                WebhookAuth::Basic => parse_basic_user(&change.auth_user).map_err(Error::invalid(Field::AuthUser))?,
                _ => String::new(),
            },
            auth_header: match auth {
                WebhookAuth::Header => parse_auth_header(&change.auth_header).map_err(Error::invalid(Field::AuthHeader))?,
                _ => String::new(),
            },
            timeout_s: parse_delivery_timeout(&change.timeout_s).map_err(Error::invalid(Field::DeliveryTimeout))?,
            retries: parse_retries(&change.retries).map_err(Error::invalid(Field::Retries))?,
        };
        parse_delivery_headers(&change.headers).map_err(Error::invalid(Field::ExtraHeaders))?;
        Ok(parsed)
    }
}

/// In the form's order, each once. The bootstrap file may ask for tests alone, which every endpoint gets: that leaves none.
fn event_types(names: &[String], actor: &Actor) -> Result<Vec<EventType>, Error> {
    let wrong = |rule| Error::Invalid { field: Field::EventTypes, rule };
    let mut wanted = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        wanted.push(EventType::parse(name).ok_or_else(|| wrong(Rule::Unknown))?);
    }
    let wanted: Vec<EventType> = EventType::SELECTABLE.into_iter().filter(|event| wanted.contains(event)).collect();
    if wanted.is_empty() && *actor != Actor::Bootstrap { Err(wrong(Rule::Required)) } else { Ok(wanted) }
}

/// Whose record is made, and what it was.
pub(super) struct Before<'a> {
    pub(super) workspace: TenantId,
    pub(super) id: Uuid,
    pub(super) old: Option<&'a Webhook>,
    pub(super) actor: &'a Actor,
}

impl Settings {
    /// The record that the form makes, secrets sealed. `signing` is the newest signing secret.
    pub(super) fn changed_webhook(
        &self,
        before: &Before<'_>,
        parsed: Parsed,
        change: &WebhookChange,
        signing: SecretRecord,
    ) -> Result<Webhook, Error> {
        let Before { workspace, id, old, actor } = *before;
        self.check_egress(actor, Reach::Tenant, Field::WebhookUrl, parsed.url.origin())?;
        let headers = HeaderChange {
            text: &change.headers,
            clear: change.clear_headers,
            field: Field::ExtraHeaders,
            endpoint: Some(parsed.url.origin()),
        };
        let stored = old.and_then(|old| old.headers.as_ref());
        let headers = secret::change(self.vault(), &Place::webhook(workspace, id, HEADERS), stored, &headers, actor)?;
        let kept_routes = old.map_or(&[][..], |old| &old.routes);
        let now = now();
        Ok(Webhook {
            id,
            workspace,
            event_types: parsed.event_types.clone(),
            routes: self.route_ids(workspace, Field::WebhookRoutes, change.routes.iter().map(String::as_str), kept_routes)?,
            auth_secret: self.changed_credential(before, &parsed, &change.auth_secret)?,
            headers,
            name: parsed.name,
            url: parsed.url,
            method: parsed.method,
            auth: parsed.auth,
            auth_user: parsed.auth_user,
            auth_header: parsed.auth_header,
            timeout_s: parsed.timeout_s,
            retries: parsed.retries,
            include_headers: change.include_headers,
            include_bodies: change.include_bodies,
            enabled: old.is_none_or(|old| old.enabled),
            enabled_at: old.map_or(now, |old| old.enabled_at),
            stopped: old.and_then(|old| old.stopped),
            signing,
            previous: old.and_then(|old| old.previous.clone()),
            generation: old.map_or(0, |old| old.generation) + 1,
            saved_at: now,
            saved_by: actor.email().cloned(),
        })
    }

    /// Blank keeps what is stored, for the same origin and the same way of sending it alone.
    fn changed_credential(&self, before: &Before<'_>, parsed: &Parsed, given: &str) -> Result<Option<SecretRecord>, Error> {
        let wrong = |rule| Error::Invalid { field: Field::AuthSecret, rule };
        let in_header = match parsed.auth {
            WebhookAuth::None | WebhookAuth::Hmac => return Ok(None),
            WebhookAuth::Basic => false,
            WebhookAuth::Bearer | WebhookAuth::Header => true,
        };
        let given = parse_auth_secret(given, in_header).map_err(wrong)?;
        if given.is_empty() {
            let stored = before.old.and_then(|old| old.auth_secret.as_ref().map(|secret| (old.auth, secret)));
            let Some((auth, secret)) = stored else { return Err(wrong(Rule::Required)) };
            if auth != parsed.auth || secret.origin.as_deref() != Some(parsed.url.origin().origin()) {
                return Err(wrong(Rule::CredentialMoved));
            }
            return Ok(Some(secret.clone()));
        }
        let place = Place::webhook(before.workspace, before.id, AUTH_SECRET);
        secret::seal_text(self.vault(), &place, given, Some(parsed.url.origin()), before.actor).map(Some)
    }
}
