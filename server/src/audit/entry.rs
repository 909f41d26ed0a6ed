//! What an entry holds, and its canonical bytes: the compact JSON that is stored, exactly as it was written then. It is
//! never written anew, so that fields which come later change no hash of what is there.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Action, Hash};
use crate::values::{Email, TenantId};

/// On whose behalf something is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The address is the account's at that time.
    User { id: Uuid, email: Email },
    /// The bootstrap file or `--demo`, at start-up.
    Bootstrap,
    /// KnoxCall itself, such as an export that pauses itself.
    System,
}

impl Actor {
    #[must_use]
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::User { email, .. } => Some(email),
            Self::Bootstrap | Self::System => None,
        }
    }
}

/// Who changes something, and in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    pub actor: Actor,
    /// These three: `None` for what nobody asked for over the network. The trace is there when one came in or spans are recorded.
    pub address: Option<IpAddr>,
    pub request_id: Option<Uuid>,
    pub trace: Option<Trace>,
}

impl From<Actor> for Who {
    fn from(actor: Actor) -> Self {
        Self { actor, address: None, request_id: None, trace: None }
    }
}

/// A log: the Global scope's, or a workspace's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    Global,
    Workspace(TenantId),
}

impl Log {
    /// The workspace's, or the nil UUID.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Global => Uuid::nil(),
            Self::Workspace(workspace) => workspace.0,
        }
    }

    #[must_use]
    pub const fn of(id: Uuid) -> Self {
        if id.is_nil() { Self::Global } else { Self::Workspace(TenantId(id)) }
    }
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Such as `route`.
    pub kind: Cow<'static, str>,
    /// As people call it, such as its slug.
    pub handle: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl Resource {
    #[must_use]
    pub fn new(kind: &'static str, handle: &(impl ToString + ?Sized), id: Option<Uuid>) -> Self {
        Self { kind: Cow::Borrowed(kind), handle: handle.to_string(), id }
    }
}

/// A field before and after. Without values it is a secret, of which nothing more is told than that it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// As its form names it.
    pub field: Cow<'static, str>,
    #[serde(flatten)]
    pub values: Option<Values>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    pub before: String,
    pub after: String,
}

/// One entry. Its JSON is what the hash covers, what a webhook tells, and (with the hash) a line of the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub log: Uuid,
    /// From 1 without gaps.
    pub sequence: u64,
    /// In whole milliseconds.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub actor: Actor,
    pub action: Action,
    pub resource: Resource,
    #[serde(default)]
    pub changes: Vec<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// An entry in its place: what it says, its canonical text, and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub entry: Entry,
    pub text: String,
    pub hash: Hash,
}

impl Written {
    /// The entry's JSON with the hash as its last member.
    #[must_use]
    pub fn to_json(&self) -> String {
        let open = self.text.strip_suffix('}').unwrap_or(&self.text);
        format!("{open},\"hash\":\"{}\"}}", self.hash)
    }
}

/// The request's place in a trace, as a W3C `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Trace {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub flags: u8,
}

impl From<Trace> for String {
    fn from(trace: Trace) -> Self {
        format!("00-{}-{}-{:02x}", hex::encode(trace.trace_id), hex::encode(trace.span_id), trace.flags)
    }
}

impl TryFrom<String> for Trace {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.split('-').skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (mut trace_id, mut span_id, mut flags) = ([0; 16], [0; 8], [0; 1]);
        hex::decode_to_slice(next(), &mut trace_id)?;
        hex::decode_to_slice(next(), &mut span_id)?;
        hex::decode_to_slice(next(), &mut flags)?;
        Ok(Self { trace_id, span_id, flags: flags[0] })
    }
}
