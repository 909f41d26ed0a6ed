//! Plain facts about what happened. Whoever emits one does not know who listens; nothing here knows any other room.

#[doc(hidden)]
pub mod sample;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::values::{DeliveryMethod, EgressRule, EventType, TenantId};

/// Something that happened in the gateway or the console.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request with a valid key that has just come in: as [`Event::Request`] will tell of it, as far as it is known. Only
    /// for whoever asked for it.
    Received(Request),
    Request(Request),
    Security(Security),
    Webhook(Webhook),
    Ai(Ai),
    Audit(Audit),
}

impl Event {
    /// The workspace it belongs to, if it is known.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Received(request) | Self::Request(request) => request.tenant,
            Self::Security(security) => security.tenant,
            Self::Webhook(webhook) => Some(webhook.tenant),
            Self::Ai(ai) => Some(ai.tenant),
            Self::Audit(audit) => audit.tenant,
        }
    }

    /// About how much memory it holds, in bytes; queues are bounded by this.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Received(r) | Self::Request(r) => {
                let texts = r.method.as_str().len()
                    + r.failure.as_ref().map_or(0, |failure| failure.message.len())
                    + r.path.len()
                    + r.server_address.len()
                    + r.user_agent.as_ref().map_or(0, String::len)
                    + r.trace.size();
                size_of::<Self>() + texts + 64
            }
            Self::Security(_) => size_of::<Self>() + 64,
            Self::Webhook(webhook) => {
                size_of::<Self>() + webhook.failure.as_ref().map_or(0, |failure| failure.message.len()) + webhook.trace.size() + 64
            }
            Self::Ai(ai) => {
                let texts = [&ai.request_model, &ai.response_model, &ai.response_id].into_iter().flatten().map(String::len).sum::<usize>();
                let reasons = ai.finish_reasons.iter().map(|reason| reason.len() + size_of::<String>()).sum::<usize>();
                size_of::<Self>() + texts + reasons + ai.failure.as_ref().map_or(0, |failure| failure.message.len()) + ai.trace.size() + 64
            }
            Self::Audit(audit) => size_of::<Self>() + audit.entry.len() + 64,
        }
    }
}

/// Which face of the product a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    Gateway,
    Console,
}

impl Component {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Console => "console",
        }
    }
}

/// One HTTP request that has ended, whatever became of it. Holds no query, no header with a credential and no body.
#[derive(Clone, Debug)]
pub struct Request {
    pub component: Component,
    pub started: SystemTime,
    /// Measured on the monotonic clock, until the last byte of the response was passed on.
    pub duration: Duration,
    pub request_id: Uuid,
    pub tenant: Option<TenantId>,
    /// As it came, such as `GET` or `PURGE`.
    pub method: http::Method,
    /// Without the query.
    pub path: String,
    /// `http` or `https`, as the client spoke to us.
    pub scheme: &'static str,
    /// What the client addressed: `:authority` or `Host`.
    pub server_address: String,
    pub server_port: Option<u16>,
    pub client_address: Option<std::net::IpAddr>,
    pub user_agent: Option<String>,
    /// `1.0`, `1.1` or `2`.
    pub protocol_version: &'static str,
    /// The console's route pattern, such as `/w/{slug}/routes`.
    pub http_route: Option<Arc<str>>,
    /// `None` when the client went away before there was one.
    pub status: Option<u16>,
    /// Set for a proxied request: one that came with a valid key, whatever became of it.
    pub proxied: Option<Proxied>,
    pub failure: Option<Failure>,
    /// Who is signed in at the console.
    pub user: Option<Uuid>,
    /// The client went away; not an error.
    pub cancelled: bool,
    pub trace: TraceContext,
}

/// What the gateway knows of a request that had a valid key.
#[derive(Clone, Debug)]
pub struct Proxied {
    /// `None` when the request named no route that exists.
    pub route_id: Option<Uuid>,
    /// What people call the route, or `ai/{slug}` of an AI agent; empty when there is neither.
    pub route_name: Arc<str>,
    /// The route's slug, or `ai/{slug}` of an AI agent; empty when the request named none that exists.
    pub route: Arc<str>,
    /// The environment's name; empty when there is none.
    pub environment: Arc<str>,
    /// The upstream's host, when one was chosen.
    pub upstream_host: Option<Arc<str>>,
    /// The upstream's host and port.
    pub upstream_address: Option<Arc<str>>,
}

/// Why a request ended as a failure of this platform or of the way to the upstream.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Low-cardinality, for `error.type`: such as `timeout`, `connection_refused`, `name_not_found`, `tls`, `connection_closed`, `panic`.
    pub kind: &'static str,
    /// For the operator; no secret, no query.
    pub message: String,
    /// Of a 5xx that this platform made itself: also in the answer and in the log.
    pub error_id: Option<Uuid>,
    /// File and line of a panic.
    pub location: Option<String>,
}

impl Failure {
    /// One without an error id: not this platform's own, or told by nobody else.
    #[must_use]
    pub const fn new(kind: &'static str, message: String) -> Self {
        Self { kind, message, error_id: None, location: None }
    }

    /// One whose reason stands in the log line with this id, and nowhere else.
    #[must_use]
    pub fn logged(error_id: Uuid) -> Self {
        Self { error_id: Some(error_id), ..Self::new("internal", format!("error {error_id}")) }
    }
}

/// The request's place in a trace (W3C Trace Context). Always present, so that logs can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: [u8; 16],
    /// This request's own span; it is the parent of every call the request makes.
    pub span_id: [u8; 8],
    /// The caller's span, when a valid context came in.
    pub parent_span_id: Option<[u8; 8]>,
    /// Trace flags; bit 0 is `sampled`.
    pub flags: u8,
    /// `tracestate` as it came in, when it was valid.
    pub state: Option<String>,
    /// Made up for the logs alone: none came in, and no spans are recorded. No call carries it.
    pub invented: bool,
}

impl TraceContext {
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// What it holds on the heap, in bytes.
    fn size(&self) -> usize {
        self.state.as_ref().map_or(0, String::len)
    }
}

/// Something an operator should know about who tries to get in.
#[derive(Clone, Debug)]
pub struct Security {
    pub at: SystemTime,
    pub kind: SecurityKind,
    pub tenant: Option<TenantId>,
    pub client_address: Option<std::net::IpAddr>,
    /// The request it happened in, when there was one.
    pub trace: Option<TraceContext>,
    /// How often it happened: more than once where a flood is told by its number.
    pub count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityKind {
    LoginFailed,
    LoginLocked,
    ApiKeyRejected,
    AuthzDenied,
    CsrfRejected,
    /// A workspace's route or export leads where it may not go.
    EgressBlocked {
        rule: EgressRule,
    },
    SettingsDecryptFailed,
    WebhookSecretRotated,
}

impl SecurityKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoginFailed => "auth.login_failed",
            Self::LoginLocked => "auth.login_locked",
            Self::ApiKeyRejected => "api_key.rejected",
            Self::AuthzDenied => "authz.denied",
            Self::CsrfRejected => "csrf.rejected",
            Self::EgressBlocked { .. } => "egress.blocked",
            Self::SettingsDecryptFailed => "settings.decrypt_failed",
            Self::WebhookSecretRotated => "webhook.secret_rotated",
        }
    }

    /// `low`, `medium` or `high`.
    #[must_use]
    pub const fn severity(self) -> &'static str {
        match self {
            Self::LoginFailed | Self::ApiKeyRejected | Self::WebhookSecretRotated => "low",
            Self::EgressBlocked { rule: EgressRule::CloudMetadata } | Self::LoginLocked | Self::SettingsDecryptFailed => "high",
            Self::AuthzDenied | Self::CsrfRejected | Self::EgressBlocked { .. } => "medium",
        }
    }
}

/// One attempt to deliver a webhook. Holds no body, no header and, of the URL, only where it leads.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub started: SystemTime,
    /// Until the answer's head was there, or the attempt failed.
    pub duration: Duration,
    pub tenant: TenantId,
    /// The endpoint's id.
    pub endpoint: Uuid,
    /// The same in every attempt: `webhook-id`.
    pub delivery: Uuid,
    /// Such as `request.server_error`.
    pub event_type: EventType,
    pub method: DeliveryMethod,
    /// The receiver's.
    pub server_address: Arc<str>,
    pub server_port: u16,
    pub status: Option<u16>,
    /// 0 for the first attempt.
    pub retry_count: u32,
    pub failure: Option<Failure>,
    /// Of the request that caused it, when one did.
    pub request_id: Option<Uuid>,
    /// The attempt's own span, in the trace of what caused it.
    pub trace: TraceContext,
}

impl Webhook {
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.failure.is_none() && self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// One call of an AI provider. Never a prompt or a completion.
#[derive(Clone, Debug)]
pub struct Ai {
    pub started: SystemTime,
    /// Until the last byte of the answer was passed on.
    pub duration: Duration,
    /// Of a streamed answer: from the call to its first chunk.
    pub time_to_first_chunk: Option<Duration>,
    pub tenant: TenantId,
    /// The agent's slug.
    pub agent: Arc<str>,
    /// `gen_ai.operation.name`: `chat`, `embeddings`, `text_completion`, …
    pub operation: &'static str,
    /// `gen_ai.provider.name`: `openai`, `anthropic`, …
    pub provider: &'static str,
    pub request_model: Option<String>,
    /// The agent allows certain models only, and that is one of them: of such names there are not many.
    pub model_listed: bool,
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    /// The caller asked for a stream.
    pub stream: bool,
    pub response_model: Option<String>,
    pub response_id: Option<String>,
    pub finish_reasons: Vec<String>,
    /// As the provider reported them; `None` where it did not.
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    /// The provider's.
    pub server_address: Arc<str>,
    pub server_port: u16,
    pub status: Option<u16>,
    pub failure: Option<Failure>,
    /// The caller went away before the answer's end; not an error.
    pub cancelled: bool,
    pub request_id: Uuid,
    /// The call's own span; its parent is the request's.
    pub trace: TraceContext,
}

/// An entry of the audit log, once it is stored.
#[derive(Clone, Debug)]
pub struct Audit {
    pub at: SystemTime,
    /// `None` is the Global scope.
    pub tenant: Option<TenantId>,
    /// JSON, as a webhook tells it: secrets are only said to have changed.
    pub entry: Arc<str>,
    /// The request that made the change, when one did.
    pub request_id: Option<Uuid>,
    pub trace: Option<TraceContext>,
}
