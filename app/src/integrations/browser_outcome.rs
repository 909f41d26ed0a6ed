//! What the browser's test error came to, in words. No views here.

/// A test error on its way; ids are UUIDs, an event's id without the dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowserTest {
    /// This page was loaded without a DSN.
    NotTracked,
    Thrown,
    Sent {
        id: String,
    },
    /// The tracking server answered with another status than success.
    Refused {
        id: String,
        status: u16,
    },
    /// The tracking server had asked for a pause.
    Limited {
        id: String,
    },
    /// The page's policy, or an extension of the browser, does not let it out.
    Blocked {
        id: String,
    },
    Unreachable {
        id: String,
    },
}

impl BrowserTest {
    /// From what the page's script says (`style/errors/report.ts`).
    #[must_use]
    pub fn ended(id: String, outcome: &str, status: Option<u16>) -> Self {
        match (outcome, status) {
            ("sent", _) => Self::Sent { id },
            ("refused", Some(status)) => Self::Refused { id, status },
            ("limited", _) => Self::Limited { id },
            ("blocked", _) => Self::Blocked { id },
            _ => Self::Unreachable { id },
        }
    }

    /// The event's id, to look for in the tracking server or the browser's console.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::NotTracked | Self::Thrown => None,
            Self::Sent { id } | Self::Refused { id, .. } | Self::Limited { id } | Self::Blocked { id } | Self::Unreachable { id } => {
                Some(id)
            }
        }
    }

    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NotTracked => {
                "Not sent: this page was loaded without a browser DSN. Save one, reload the page, then send the test error again.".to_owned()
            }
            Self::Thrown => "Thrown. Waiting for the tracking server's answer.".to_owned(),
            Self::Sent { .. } => "Sent. The tracking server took the error.".to_owned(),
            Self::Refused { status: status @ (401 | 403), .. } => {
                format!("The tracking server answered {status}: it doesn't accept the DSN's key. Check the DSN.")
            }
            Self::Refused { status: 404, .. } => {
                "The tracking server answered 404: there is no such project. Check the DSN's host and project.".to_owned()
            }
            Self::Refused { status, .. } => format!("The tracking server answered {status} and did not take the error."),
            Self::Limited { .. } => {
                "Not sent: the tracking server asked for a pause (rate limit or quota). Try again in a minute.".to_owned()
            }
            Self::Blocked { .. } => {
                "Not sent: the page's security policy doesn't allow this host. Reload the page; the policy follows the saved DSN.".to_owned()
            }
            Self::Unreachable { .. } => {
                "Not sent: this browser couldn't reach the tracking server. Check the DSN's host, the network, TLS, and extensions that block trackers.".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_words_and_its_id() {
        let of = |outcome: &str, status| BrowserTest::ended("7d1c".into(), outcome, status);
        assert!(of("sent", Some(200)).words().starts_with("Sent."));
        assert!(of("refused", Some(403)).words().contains("403: it doesn't accept the DSN's key"));
        assert!(of("refused", Some(404)).words().contains("no such project"));
        assert!(of("refused", Some(500)).words().contains("500"));
        assert!(of("limited", None).words().contains("pause"));
        assert!(of("blocked", None).words().contains("policy"));
        assert!(of("unreachable", None).words().contains("couldn't reach"));
        assert_eq!(of("anything else", None), BrowserTest::Unreachable { id: "7d1c".into() });
        assert_eq!(of("sent", None).id(), Some("7d1c"));
        assert_eq!(BrowserTest::NotTracked.id(), None);
    }
}
