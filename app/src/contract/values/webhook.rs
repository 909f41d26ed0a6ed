//! What a webhook endpoint can be told and how it is spoken to.

use serde::{Deserialize, Serialize};

/// What a webhook can tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "request.received")]
    RequestReceived,
    #[serde(rename = "request.success")]
    RequestSuccess,
    #[serde(rename = "request.redirect")]
    RequestRedirect,
    #[serde(rename = "request.client_error")]
    RequestClientError,
    #[serde(rename = "request.server_error")]
    RequestServerError,
    #[serde(rename = "request.timeout")]
    RequestTimeout,
    #[serde(rename = "request.error")]
    RequestError,
    #[serde(rename = "request.completed")]
    RequestCompleted,
    #[serde(rename = "audit.event")]
    AuditEvent,
    /// Only ever sent by "Send test delivery".
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventType {
    /// Those that an endpoint can ask for, in the order of the form.
    pub const SELECTABLE: [Self; 9] = [
        Self::RequestReceived,
        Self::RequestSuccess,
        Self::RequestRedirect,
        Self::RequestClientError,
        Self::RequestServerError,
        Self::RequestTimeout,
        Self::RequestError,
        Self::RequestCompleted,
        Self::AuditEvent,
    ];

    /// As it stands in the body's `event`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestReceived => "request.received",
            Self::RequestSuccess => "request.success",
            Self::RequestRedirect => "request.redirect",
            Self::RequestClientError => "request.client_error",
            Self::RequestServerError => "request.server_error",
            Self::RequestTimeout => "request.timeout",
            Self::RequestError => "request.error",
            Self::RequestCompleted => "request.completed",
            Self::AuditEvent => "audit.event",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// One that an endpoint can ask for.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::SELECTABLE.into_iter().find(|event| event.name() == name)
    }

    /// When it is sent, in words for the form.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::RequestReceived => "A request with a valid key came in.",
            Self::RequestSuccess => "The answer was 2xx.",
            Self::RequestRedirect => "The answer was 3xx.",
            Self::RequestClientError => "The answer was 4xx.",
            Self::RequestServerError => "The answer was 5xx.",
            Self::RequestTimeout => "The upstream did not answer in time.",
            Self::RequestError => "The answer was anything but 2xx.",
            Self::RequestCompleted => "Any request ended.",
            Self::AuditEvent => "Somebody changed something in this workspace.",
            Self::WebhookTest => "Somebody sent a test delivery.",
        }
    }
}

/// The HTTP method of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryMethod {
    #[default]
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "PUT")]
    Put,
    #[serde(rename = "PATCH")]
    Patch,
}

impl DeliveryMethod {
    pub const ALL: [Self; 3] = [Self::Post, Self::Put, Self::Patch];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }

    /// Blank is POST.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self::Post) } else { Self::ALL.into_iter().find(|method| method.name() == text) }
    }
}

/// How a delivery proves where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookAuth {
    /// No credential and no signature.
    None,
    /// A user name and a password, besides the signature.
    Basic,
    /// A bearer token, besides the signature.
    Bearer,
    /// A header of one's own, besides the signature.
    Header,
    /// The signature alone.
    #[default]
    Hmac,
}

impl WebhookAuth {
    pub const ALL: [Self; 5] = [Self::Hmac, Self::Basic, Self::Bearer, Self::Header, Self::None];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Header => "header",
            Self::Hmac => "hmac",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Basic => "Basic (user name and password)",
            Self::Bearer => "Bearer token",
            Self::Header => "Header of your own",
            Self::Hmac => "Signature (HMAC-SHA256)",
        }
    }

    /// Blank is the signature.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self::Hmac) } else { Self::ALL.into_iter().find(|auth| auth.name() == text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for event in EventType::SELECTABLE {
            assert_eq!(EventType::parse(event.name()), Some(event));
        }
        assert_eq!(EventType::parse("webhook.test"), None, "nobody asks for tests");
        for auth in WebhookAuth::ALL {
            assert_eq!(WebhookAuth::parse(auth.name()), Some(auth));
        }
        for method in DeliveryMethod::ALL {
            assert_eq!(DeliveryMethod::parse(method.name()), Some(method));
        }
        assert_eq!((DeliveryMethod::parse(""), DeliveryMethod::parse("GET")), (Some(DeliveryMethod::Post), None));
    }
}
