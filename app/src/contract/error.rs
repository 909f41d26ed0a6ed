//! The one error that crosses to the browser.
//!
//! It is closed on purpose: without JavaScript an error comes back in the page's address, where anyone can craft one and
//! where it lands in histories and logs. So it holds no free text and no secret, only cases, and the words are made here.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::Variable;
use super::values::EgressRule;

/// What is said where nothing can be saved.
pub const NO_ROOM: &str =
    "The disk of KnoxCall's data folder is nearly full, so nothing is saved until there is room. Free space there, then try again.";

/// What is said where the disk takes nothing.
pub const DISK: &str = "The disk of KnoxCall's data folder refuses or does not answer, so nothing is saved. Once the disk is well, \
                        KnoxCall has to be restarted.";

/// Why a request of the console was not done. Nothing was changed when one of these comes back, unless its words leave that open.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum ApiError {
    #[error("Your session has ended. Sign in again; what you typed here is still on the page.")]
    SignedOut,
    #[error("There is nothing here, or you may not see it.")]
    NotFound,
    #[error("Your role may look at this but not change it. Ask an admin of the workspace.")]
    Forbidden,
    #[error("{}: {rule}", field.label())]
    Invalid { field: Field, rule: Rule },
    #[error("{} is managed by the environment variable {}. Change it there and restart, or unset it to edit it here.", field.label(), variable.name())]
    Managed { field: Field, variable: Variable },
    #[error("The e-mail address or the password is wrong.")]
    SignInFailed,
    #[error("Too many attempts. Try again in {retry_after_s} s.")]
    Throttled { retry_after_s: u32 },
    #[error("This log is being verified already. Wait until that has ended and try again.")]
    Verifying,
    #[error("This link has been used, has expired, or was never valid. Ask for a new one.")]
    LinkInvalid,
    #[error("This workspace is disabled, so nothing is sent for it. Ask the operator to enable it.")]
    WorkspaceDisabled,
    #[error("This would leave nobody who may administer it.")]
    LastAdmin,
    #[error("Someone else changed this meanwhile. Reload the page and apply your change again.")]
    Stale,
    #[error("{} Error {error_id} in the server's log says more.", NO_ROOM)]
    NoRoom { error_id: Uuid },
    #[error("{} See then whether your change is there. Error {error_id} in the server's log says more.", DISK)]
    Disk { error_id: Uuid },
    #[error("The server did not answer. If you changed something, see in another tab whether it was saved before you try again.")]
    Unreachable,
    /// Something in between answered, such as a proxy whose patience was over.
    #[error("The answer could not be understood. If you changed something, see in another tab whether it was saved before you try again.")]
    Unintelligible,
    #[error("The request could not be understood. Reload the page and try again.")]
    Malformed,
    /// What was asked for may be done all the same: a session is saved behind it.
    #[error(
        "Your session could not be saved. If you changed something, see in another tab whether it was saved before you try again. Error {error_id} in the server's log says more."
    )]
    SessionUnsaved { error_id: Uuid },
    #[error("Something went wrong on the server; nothing was changed. Error {error_id} in the server's log says more.")]
    Internal { error_id: Uuid },
}

/// The form field an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Field {
    Email,
    Password,
    Slug,
    Name,
    Role,
    Confirmation,
    Endpoint,
    ServiceName,
    Headers,
    Traces,
    Logs,
    Metrics,
    Compression,
    Timeout,
    Temporality,
    Preset,
    TargetBaseUrl,
    InjectHeaders,
    Methods,
    ConnectTimeout,
    ResponseTimeout,
    BodyLimit,
    RateLimit,
    KeyRoutes,
    SentryDsnBrowser,
    SentryDsnServer,
    SentryEnvironment,
    WebhookUrl,
    EventTypes,
    DeliveryMethod,
    WebhookAuth,
    AuthUser,
    AuthHeader,
    AuthSecret,
    ExtraHeaders,
    WebhookRoutes,
    IncludeHeaders,
    IncludeBodies,
    DeliveryTimeout,
    Retries,
    Provider,
    BaseUrl,
    Credential,
    Models,
    MaxOutputTokens,
    TokensPerMinute,
    Date,
}

impl Field {
    /// The label as the form shows it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::Password => "Password",
            Self::Slug => "Slug",
            Self::Name => "Name",
            Self::Role => "Role",
            Self::Confirmation => "Confirmation",
            Self::Endpoint => "OTLP HTTP endpoint",
            Self::ServiceName => "Service name",
            Self::Headers => "Auth headers",
            Self::Traces => "Export traces",
            Self::Logs => "Export logs",
            Self::Metrics => "Export metrics",
            Self::Compression => "Compression",
            Self::Timeout => "Timeout",
            Self::Temporality => "Metric temporality",
            Self::Preset => "Backend",
            Self::TargetBaseUrl => "Target base URL",
            Self::InjectHeaders => "Injected headers",
            Self::Methods => "Allowed methods",
            Self::ConnectTimeout => "Connect timeout",
            Self::ResponseTimeout => "Response timeout",
            Self::BodyLimit => "Body limit",
            Self::RateLimit => "Rate limit",
            Self::KeyRoutes => "Routes",
            Self::SentryDsnBrowser => "Sentry DSN — browser (admin UI errors)",
            Self::SentryDsnServer => "Sentry DSN — server (backend errors)",
            Self::SentryEnvironment => "Environment",
            Self::WebhookUrl => "URL",
            Self::EventTypes => "Events",
            Self::DeliveryMethod => "Method",
            Self::WebhookAuth => "Authentication",
            Self::AuthUser => "User name",
            Self::AuthHeader => "Header name",
            Self::AuthSecret => "Credential",
            Self::ExtraHeaders => "Extra headers",
            Self::WebhookRoutes => "Routes",
            Self::DeliveryTimeout => "Timeout",
            Self::Retries => "Retries",
            Self::IncludeHeaders => "Include headers",
            Self::IncludeBodies => "Include bodies",
            Self::Provider => "Provider",
            Self::BaseUrl => "Base URL",
            Self::Credential => "Credential",
            Self::Models => "Allowed models",
            Self::MaxOutputTokens => "Output tokens per request",
            Self::TokensPerMinute => "Tokens per minute",
            Self::Date => "Date",
        }
    }
}

/// The rule a field's text breaks, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Rule {
    #[error("fill this in.")]
    Required,
    #[error("use at most {max} characters.")]
    TooLong { max: usize },
    #[error("use at least {min} characters.")]
    TooShort { min: usize },
    #[error("give at most {max} entries.")]
    TooMany { max: usize },
    #[error("remove control characters and line breaks.")]
    ControlCharacter,
    #[error("start with http:// or https://.")]
    UrlScheme,
    #[error("the host is not a valid name or address. Use ASCII (punycode for other scripts), and brackets around IPv6.")]
    UrlHost,
    #[error("the port is not a number from 1 to 65535.")]
    UrlPort,
    #[error("leave out the user name and password; use headers for credentials.")]
    UrlCredentials,
    #[error("leave out the query and fragment (everything from ? or # on).")]
    UrlQuery,
    #[error("leave out the fragment (everything from # on).")]
    UrlFragment,
    #[error("the query holds characters that are not allowed; percent-encode them.")]
    UrlQueryCharacters,
    #[error("the path holds characters or segments that are not allowed; percent-encode them.")]
    UrlPath,
    #[error("this DSN lacks its public key. Copy it whole, such as https://key@host/1.")]
    DsnKey,
    #[error("remove the secret key (the part from : to @). It is no longer needed, and a DSN is shown to whoever opens the console.")]
    DsnSecret,
    #[error("this DSN lacks its project, the last part of its path. Copy it whole, such as https://key@host/1.")]
    DsnProject,
    #[error("leave out spaces and slashes; \"None\" can't be used.")]
    SentryEnvironment,
    #[error("leave out slashes and control characters; \".\" and \"..\" can't be used.")]
    SentryRelease,
    #[error("this is {}, which KnoxCall doesn't connect to. {}", rule.phrase(), rule.advice())]
    EgressBlocked { rule: EgressRule },
    #[error("entry {position} is not name=value. Separate entries by commas, and write a comma inside a value as %2C.")]
    HeaderSyntax { position: usize },
    #[error("the name of entry {position} is not a valid HTTP header name.")]
    HeaderName { position: usize },
    #[error("the value of entry {position} holds characters that a header can't carry.")]
    HeaderValue { position: usize },
    #[error("entry {position} names a header that KnoxCall sets itself.")]
    HeaderReserved { position: usize },
    #[error("entry {position} names a header that an earlier entry has already.")]
    HeaderDuplicate { position: usize },
    #[error("enter the headers again, or clear them: saved headers are never sent to another origin than the one they were saved for.")]
    OriginChanged,
    #[error("enter it again, or clear it: a saved credential is never sent to another origin than the one it was saved for.")]
    CredentialOrigin,
    #[error("name models as their provider does, without spaces or quotation marks, separated by commas or lines.")]
    ModelName,
    #[error("enter them again: the headers of that time were cleared since.")]
    HeadersCleared,
    #[error("enter it again: a saved credential is never sent to another origin, or in another way, than the one it was saved for.")]
    CredentialMoved,
    #[error("leave out colons and control characters.")]
    BasicUser,
    #[error("use 1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit.")]
    Slug,
    #[error("this is not an e-mail address.")]
    Email,
    #[error("choose admin or viewer.")]
    Role,
    #[error("this is taken already; choose another.")]
    Taken,
    #[error("another workspace made an account for this address, so nobody here can know whose it is. Ask the operator to add it.")]
    AccountElsewhere,
    #[error("give a whole number from {min} to {max}.")]
    NumberRange { min: u64, max: u64 },
    #[error("give a date and a time, such as 2026-11-22T14:30.")]
    DateTime,
    #[error("name HTTP methods in capitals, separated by commas, such as GET, POST.")]
    Methods,
    #[error("type {expected} to confirm.", expected = "the name shown")]
    ConfirmationMismatch,
    #[error("this names something that does not exist.")]
    Unknown,
    #[error("write a day as YYYY-MM-DD, such as 2026-11-22.")]
    Date,
    #[error("the default environment can't be removed; make another one the default first.")]
    DefaultEnvironment,
}
