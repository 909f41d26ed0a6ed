//! Server functions of the tests' own: they reach the contract exactly as the console's do, whatever its forms look like.

use app::Services;
use app::contract::{ApiError, SetupLink, WorkspaceRef};
use http::request::Parts;
use leptos::prelude::*;
use leptos::server_fn;
use server::auth::Visitor;
use server::cause::Cause;
use server::store::{Changes, Session};

use super::events::Garbled;

fn services() -> Result<Services, ApiError> {
    use_context::<Services>().ok_or(ApiError::Malformed)
}

#[server(prefix = "/api", endpoint = "probe/sign_in")]
pub async fn probe_sign_in(email: String, password: String) -> Result<(), ApiError> {
    services()?.accounts.sign_in(&email, &password).await
}

#[server(prefix = "/api", endpoint = "probe/sign_out")]
pub async fn probe_sign_out() -> Result<(), ApiError> {
    services()?.accounts.sign_out().await
}

#[server(prefix = "/api", endpoint = "probe/viewer")]
pub async fn probe_viewer() -> Result<Option<String>, ApiError> {
    Ok(services()?.accounts.viewer().await?.map(|viewer| viewer.email))
}

#[server(prefix = "/api", endpoint = "probe/change_password")]
pub async fn probe_change_password(current: String, new: String) -> Result<(), ApiError> {
    services()?.accounts.change_password(&current, &new).await
}

#[server(prefix = "/api", endpoint = "probe/setup_link")]
pub async fn probe_setup_link(token: String) -> Result<SetupLink, ApiError> {
    services()?.accounts.setup_link(&token).await
}

#[server(prefix = "/api", endpoint = "probe/setup")]
pub async fn probe_setup(token: String, email: String, password: String) -> Result<(), ApiError> {
    services()?.accounts.complete_setup(&token, &email, &password).await
}

#[server(prefix = "/api", endpoint = "probe/workspace")]
pub async fn probe_workspace(workspace: String) -> Result<WorkspaceRef, ApiError> {
    services()?.directory.workspace(&workspace).await
}

#[server(prefix = "/api", endpoint = "probe/panic")]
pub async fn probe_panic() -> Result<(), ApiError> {
    panic!("a probe panics on purpose")
}

#[server(prefix = "/api", endpoint = "probe/internal")]
pub async fn probe_internal(#[server(default)] reading: bool) -> Result<(), ApiError> {
    let (cause, text) = if reading { (Cause::StoreRead, "the disk is gone") } else { (Cause::StoreWrite, "the disk is full") };
    Err(server::backend::to_api(server::settings::Error::Store { cause, text: text.to_owned() }))
}

/// Makes what lies where the session with this hash is one that nobody can read, while a request uses it.
#[server(prefix = "/api", endpoint = "probe/garble_session")]
pub async fn probe_garble_session(hash: String) -> Result<(), ApiError> {
    let store = {
        let parts = use_context::<Parts>().ok_or(ApiError::Malformed)?;
        parts.extensions.get::<Visitor>().ok_or(ApiError::Malformed)?.auth().store().clone()
    };
    let garbled = Garbled::<true> { key: Session::key_of(&hash) };
    store.commit(Changes::new().put(&garbled)).await.map_err(|_| ApiError::Malformed)
}

/// The linker may drop what `inventory` collects from a test binary.
pub fn register() {
    use server_fn::axum::register_explicit;
    register_explicit::<ProbeSignIn>();
    register_explicit::<ProbeSignOut>();
    register_explicit::<ProbeViewer>();
    register_explicit::<ProbeChangePassword>();
    register_explicit::<ProbeSetupLink>();
    register_explicit::<ProbeSetup>();
    register_explicit::<ProbeWorkspace>();
    register_explicit::<ProbePanic>();
    register_explicit::<ProbeInternal>();
    register_explicit::<ProbeGarbleSession>();
}
