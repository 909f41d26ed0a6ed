//! Why a request got no response, told from the errors of the libraries below in this one place.

use std::error::Error as StdError;
use std::io;

use super::connect::Failure;
use crate::values::{EgressRule, FailureKind};

/// Closed, so that callers decide what to answer, whether to retry, and what to count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Whoever it is sent for may not go there; nothing was connected to. Names the rule and no address.
    #[error("blocked by the egress rule {}", rule.name())]
    Blocked { rule: EgressRule },
    #[error("name not found: {0}")]
    NameNotFound(String),
    #[error("connection refused: {0}")]
    Refused(String),
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No trust, a wrong name, no common version, or not TLS at all.
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("no connection in time: {0}")]
    ConnectTimeout(String),
    /// The connection was closed or broke before the response's headers.
    #[error("connection closed: {0}")]
    Closed(String),
    /// Anything else, such as an answer that is not HTTP.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Low-cardinality, for `error.type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "egress_blocked",
            Self::NameNotFound(_) => "name_not_found",
            Self::Refused(_) => "connection_refused",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(_) => "tls",
            Self::ConnectTimeout(_) => "timeout",
            Self::Closed(_) => "connection_closed",
            Self::Other(_) => "other",
        }
    }

    /// As it may be shown to whoever owns the destination.
    #[must_use]
    pub const fn failure(&self) -> FailureKind {
        match self {
            Self::Blocked { rule } => FailureKind::Blocked { rule: *rule },
            Self::NameNotFound(_) => FailureKind::NameNotFound,
            Self::Refused(_) => FailureKind::Refused,
            Self::Unreachable(_) => FailureKind::Unreachable,
            Self::Tls(_) => FailureKind::Tls,
            Self::ConnectTimeout(_) => FailureKind::Timeout,
            Self::Closed(_) => FailureKind::Closed,
            Self::Other(_) => FailureKind::BadAnswer,
        }
    }

    pub(super) fn classify(error: &(dyn StdError + 'static)) -> Self {
        let mut fallback = None;
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(known) = Self::of_one(error) {
                return known;
            }
            if let Some(http) = error.downcast_ref::<hyper::Error>()
                && (http.is_incomplete_message() || http.is_closed() || http.is_canceled())
            {
                fallback = Some(Self::Closed(http.to_string()));
            }
            // An io::Error's source is its payload's source: the payload itself has to be asked for.
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        fallback.unwrap_or_else(|| Self::Other(chain(error)))
    }

    fn of_one(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(match failure {
                Failure::NoHost => Self::Other(failure.to_string()),
                Failure::Blocked(rule) => Self::Blocked { rule: *rule },
                Failure::Name { .. } => Self::NameNotFound(failure.to_string()),
                Failure::Timeout(_) => Self::ConnectTimeout(failure.to_string()),
                Failure::Connect { address, source } => Self::of_connect(&address.to_string(), source),
            });
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::Tls(tls.to_string()));
        }
        let io = error.downcast_ref::<io::Error>()?;
        if io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>() || inner.is::<io::Error>()) {
            return None;
        }
        match io.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Closed(io.to_string())),
            _ => None,
        }
    }

    fn of_connect(address: &str, source: &io::Error) -> Self {
        let text = format!("{address}: {source}");
        match source.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused(text),
            io::ErrorKind::TimedOut => Self::ConnectTimeout(text),
            _ => Self::Unreachable(text),
        }
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
