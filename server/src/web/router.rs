//! Every route in one list.

use std::sync::OnceLock;

use app::App;
use app::contract::ApiError;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{Request, StatusCode};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list, render_app_async_stream_with_context};

use super::{Console, answer, assets, audit, context, health, middleware, tasks, visitor};

/// The console as a service. Call it inside the runtime: Leptos takes hold of it.
pub fn router(console: &Console) -> Router {
    tasks::carry_requests();
    let open =
        Router::new().route("/healthz", get(health::live)).route("/readyz", get(health::ready)).route("/pkg/{*file}", get(assets::package));
    let pages = Router::new()
        // Server functions at `/api/…` and the pages of `app`'s route table.
        .leptos_routes_with_context(console, pages_of_the_app(), context::provider(console.clone()), {
            let options = console.0.leptos.clone();
            move || app::shell(options.clone())
        })
        .route("/settings/audit/export", get(audit::of_global))
        .route("/w/{slug}/audit/export", get(audit::of_workspace))
        .fallback(not_found);
    middleware::stack(open, pages, console).with_state(console.clone())
}

/// The same for every console of a process, and found out once: while the framework looks for routes, no page of the whole
/// process loads any data, and one that is asked for at that moment waits for ever.
fn pages_of_the_app() -> Vec<AxumRouteListing> {
    static PAGES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    PAGES.get_or_init(|| generate_route_list(App)).clone()
}

/// The app's own page for what is not there; for whoever asks for no page, the bare answer.
pub(super) async fn not_found(State(console): State<Console>, request: Request<Body>) -> Response {
    if !visitor::is_page(&request) {
        return answer::api_error(&ApiError::NotFound);
    }
    let options = console.0.leptos.clone();
    let render = render_app_async_stream_with_context(context::provider(console), move || app::shell(options.clone()));
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}
