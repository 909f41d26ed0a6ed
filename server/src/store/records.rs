//! What is kept, one type per kind. Secrets are [`Sealed`] already when they come here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::{Compression, DisplayName, Dsn, Email, Endpoint, Preset, Provider, Role, Slug, Temporality, TenantId};
use crate::vault::Sealed;

/// Milliseconds since the Unix epoch.
pub type UnixMillis = i64;

/// Somebody who can sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: Uuid,
    pub email: Email,
    /// Argon2id in PHC form; `None` until an invitation is taken up.
    pub password_hash: Option<String>,
    pub operator: bool,
    pub disabled: bool,
    pub created_at: UnixMillis,
    /// Changing the password raises it; sessions that carry an older one are over.
    pub session_epoch: u64,
    /// The workspace whose admin made the account. Only that one's admins may invite it, and no other workspace's admin may
    /// add it: they can't know who answers to the address. `None`: the operator stands for it.
    #[serde(default)]
    pub vouched_by: Option<TenantId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workspace {
    pub id: TenantId,
    pub slug: Slug,
    pub name: DisplayName,
    pub enabled: bool,
    pub created_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Member {
    pub workspace: TenantId,
    pub user: Uuid,
    pub role: Role,
    pub added_at: UnixMillis,
    /// As if the workspace were not there for this member; what the member may do elsewhere stays.
    #[serde(default)]
    pub disabled: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub id: Uuid,
    pub workspace: TenantId,
    pub slug: Slug,
    pub name: DisplayName,
    pub enabled: bool,
    pub limits: RouteLimits,
    /// In the order they were made; exactly one is the default once there is one.
    pub environments: Vec<Environment>,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteLimits {
    /// In capitals; empty allows all.
    pub methods: Vec<String>,
    pub connect_timeout_ms: u32,
    pub response_timeout_ms: u32,
    pub body_limit_bytes: u64,
    /// 0 means unlimited.
    pub rate_limit_per_s: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    /// Names the environment for good, also when it is renamed: sealed headers are bound to it.
    pub id: Uuid,
    /// 1 to 63 of `a-z`, `0-9`, `-`.
    pub name: Slug,
    pub default: bool,
    /// Requests for a disabled one are answered as if it were not there.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// An [`Endpoint`]'s text.
    pub target_base_url: StoredEndpoint,
    pub inject_headers: Option<SecretRecord>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: Uuid,
    pub workspace: TenantId,
    pub name: DisplayName,
    /// Lower-case hex of the key's SHA-256; the key itself is not kept.
    pub hash: String,
    pub prefix: String,
    pub enabled: bool,
    /// Empty allows all.
    pub routes: Vec<Uuid>,
    pub created_at: UnixMillis,
    /// `None` when the bootstrap file made it.
    pub created_by: Option<Email>,
}

/// An AI provider that callers reach through the gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agent {
    pub id: Uuid,
    pub workspace: TenantId,
    /// Callers name it, so it stays.
    pub slug: Slug,
    pub provider: Provider,
    pub base_url: StoredEndpoint,
    pub credential: Option<SecretRecord>,
    /// Empty allows all.
    pub models: Vec<String>,
    /// Of one request; `None` is no limit.
    pub max_output_tokens: Option<u32>,
    pub tokens_per_minute: Option<u32>,
    pub enabled: bool,
    /// Counts saves of the form.
    pub generation: u64,
    pub saved_at: UnixMillis,
    /// `None` when the bootstrap file wrote it.
    pub saved_by: Option<Email>,
}

/// A destination's settings: the operator's (`workspace` is `None`) or a workspace's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportSettings {
    pub workspace: Option<TenantId>,
    /// `None` is off; the other fields are kept.
    pub endpoint: Option<StoredEndpoint>,
    pub service_name: Option<DisplayName>,
    pub headers: Option<SecretRecord>,
    /// Means the operator's destination only: workspaces get no traces.
    pub traces: bool,
    pub logs: bool,
    pub metrics: bool,
    /// These three: `None` is the product's default.
    #[serde(default)]
    pub compression: Option<Compression>,
    #[serde(default)]
    pub timeout_s: Option<u32>,
    #[serde(default)]
    pub temporality: Option<Temporality>,
    /// The backend that the form was filled in for.
    #[serde(default)]
    pub preset: Option<Preset>,
    #[serde(default)]
    pub paused: Option<Pause>,
    pub generation: u64,
    pub saved_at: UnixMillis,
    /// `None` when the bootstrap file wrote it, or the export paused itself.
    pub saved_by: Option<Email>,
}

/// Since when an export is paused, and by whom: `None` when it paused itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub at: UnixMillis,
    pub by: Option<Email>,
}

/// One generation of a destination's settings, as it was, and what brought it about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportRevision {
    /// Its secrets only open at their own place, so a copy is as safe as the original.
    pub settings: ExportSettings,
    pub cause: RevisionCause,
    /// It had headers, and somebody cleared them since: they are gone from here too.
    #[serde(default)]
    pub headers_cleared: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionCause {
    Saved,
    Bootstrap,
    Reverted { to: u64 },
    Paused,
    Resumed,
    PausedItself { failing_since: UnixMillis, attempts: u64 },
}

/// A sealed header list or credential, with what may be shown of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretRecord {
    pub sealed: Sealed,
    /// Of the headers; a credential has none.
    pub names: Vec<String>,
    /// Scheme, host and port they were saved for; they are never sent anywhere else. `None` until there is an endpoint.
    #[serde(default)]
    pub origin: Option<String>,
    pub set_at: UnixMillis,
    pub set_by: Option<Email>,
}

/// A one-time link: only the hash of its token is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetupToken {
    /// Lower-case hex of the token's SHA-256.
    pub hash: String,
    /// `None` makes the first operator.
    pub user: Option<Uuid>,
    /// The account's `session_epoch` when the link was allowed; another one makes the link void.
    #[serde(default)]
    pub epoch: u64,
    pub expires_at: UnixMillis,
}

/// Where errors are reported. A DSN is parsed again when it is read, so that a record can't carry what a form refuses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorTracking {
    /// For errors in the console's pages; `None` is off.
    pub dsn_browser: Option<Dsn>,
    pub dsn_server: Option<Dsn>,
    pub environment: Option<String>,
    /// Counts saves.
    pub generation: u64,
    pub saved_at: UnixMillis,
    pub saved_by: Option<Email>,
}

impl ErrorTracking {
    /// Off, and never saved.
    #[must_use]
    pub const fn empty() -> Self {
        Self { dsn_browser: None, dsn_server: None, environment: None, generation: 0, saved_at: 0, saved_by: None }
    }
}

/// A console session: only the hash of its id is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Lower-case hex of the id's SHA-256.
    pub hash: String,
    /// What the session layer keeps, as JSON.
    pub data: String,
    pub expires_at: UnixMillis,
}

/// What records from before the switch are.
const fn enabled() -> bool {
    true
}

/// An endpoint as text in the store; parsed again when it is read, so that a record can't carry what a form refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoredEndpoint(pub Endpoint);

impl TryFrom<String> for StoredEndpoint {
    type Error = crate::values::Rule;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Endpoint::parse_exact(&text).map(Self)
    }
}

impl From<StoredEndpoint> for String {
    fn from(value: StoredEndpoint) -> Self {
        value.0.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::record::{self, Record};

    /// What was written before a field came reads as it was meant then.
    fn without<R: Record>(record: &R, remove: impl FnOnce(&mut Value)) -> R {
        let mut value: Value = serde_json::from_slice(&record::encode(record).unwrap()).unwrap();
        remove(&mut value["data"]);
        record::decode(&record.key(), value.to_string().as_bytes()).unwrap().record
    }

    #[test]
    fn records_without_a_switch_are_enabled() {
        let (workspace, id) = (TenantId(Uuid::from_u128(1)), Uuid::from_u128(2));
        let member = Member { workspace, user: id, role: Role::Admin, added_at: 0, disabled: true };
        let old = without(&member, |data| drop(data.as_object_mut().unwrap().remove("disabled").unwrap()));
        assert!(!old.disabled);

        let environment = Environment {
            id,
            name: Slug::parse("production").unwrap(),
            default: true,
            enabled: false,
            target_base_url: StoredEndpoint(Endpoint::parse_exact("http://up").unwrap()),
            inject_headers: None,
        };
        let limits: RouteLimits = serde_json::from_value(json!({
            "methods": [], "connect_timeout_ms": 1, "response_timeout_ms": 1, "body_limit_bytes": 1, "rate_limit_per_s": 0,
        }))
        .unwrap();
        let route = Route {
            id,
            workspace,
            slug: Slug::parse("r").unwrap(),
            name: DisplayName::parse("R").unwrap(),
            enabled: true,
            limits,
            environments: vec![environment],
            created_at: 0,
            updated_at: 0,
        };
        let old = without(&route, |data| drop(data["environments"][0].as_object_mut().unwrap().remove("enabled").unwrap()));
        assert!(old.environments[0].enabled);
        assert!(!without(&route, |_| {}).environments[0].enabled, "and what is written is read");
    }
}
