//! How a server function reaches the server: services come out of the request's context as a `Result`, never by panic,
//! and always before the first `await`.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::contract::ApiError;

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// The framework's own failures, reduced to our closed set: their texts may quote what was sent.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unreachable,
            ServerFnErrorErr::Deserialization(_) => Self::Unintelligible,
            _ => Self::Malformed,
        }
    }
}

/// Everything a request of the console may ask of the server, bound to that request's session.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct Services {
    pub accounts: std::sync::Arc<dyn crate::contract::Accounts>,
    pub audit: std::sync::Arc<dyn crate::contract::Audit>,
    pub directory: std::sync::Arc<dyn crate::contract::Directory>,
    pub operators: std::sync::Arc<dyn crate::contract::Operators>,
    pub routing: std::sync::Arc<dyn crate::contract::Routing>,
    pub webhooks: std::sync::Arc<dyn crate::contract::Webhooks>,
    pub agents: std::sync::Arc<dyn crate::contract::Agents>,
    pub traffic: std::sync::Arc<dyn crate::contract::Traffic>,
    pub integrations: std::sync::Arc<dyn crate::contract::Integrations>,
    pub error_tracking: std::sync::Arc<dyn crate::contract::ErrorTracking>,
}

/// The services of the request at hand.
///
/// # Errors
/// [`ApiError::Malformed`] outside a request of the console.
#[cfg(feature = "ssr")]
pub fn services() -> Result<Services, ApiError> {
    leptos::prelude::use_context::<Services>().ok_or(ApiError::Malformed)
}

/// Sends the browser to `path` after a change, with and without JavaScript. Say what was done by `?saved=`.
///
/// `path` may hold what somebody typed: anything that is not a path of this console becomes `/`.
#[cfg(feature = "ssr")]
pub fn go_to(path: &str) {
    leptos_axum::redirect(if is_own_path(path) { path } else { "/" });
}

/// For the address of a page that shows something once: makes it a new one each time, so that a page that is open already
/// asks again, and asks once.
#[cfg(feature = "ssr")]
pub fn stamp() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// Whether this is an address of this console: an absolute path, and no way to mean another host.
#[cfg(feature = "ssr")]
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::is_own_path;

    #[test]
    fn only_paths_of_this_console() {
        for own in ["/", "/w/acme?saved=route", "/w/acme/settings/integrations"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in ["", "//evil.example", "https://evil.example", "/\\evil.example", "w/acme", "/a\r\nb", "/ä"] {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
