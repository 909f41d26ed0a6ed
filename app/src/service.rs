//! How a server function reaches the server: services come out of the request's context as a `Result`, never by panic,
//! and always before the first `await`.

use leptos::prelude::*;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

use crate::contract::ApiError;

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    /// The framework's own failures, reduced to our closed set: their texts may quote what was sent.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Response(_) => Self::Unreachable,
            _ => Self::Malformed,
        }
    }
}

/// Everything a request of the console may ask of the server, bound to that request's session.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct Services {
    pub accounts: std::sync::Arc<dyn crate::contract::Accounts>,
    pub directory: std::sync::Arc<dyn crate::contract::Directory>,
    pub routing: std::sync::Arc<dyn crate::contract::Routing>,
    pub integrations: std::sync::Arc<dyn crate::contract::Integrations>,
}

/// The services of the request at hand.
///
/// # Errors
/// [`ApiError::Malformed`] outside a request of the console.
#[cfg(feature = "ssr")]
pub fn services() -> Result<Services, ApiError> {
    use_context::<Services>().ok_or(ApiError::Malformed)
}
