//! An audit log as a file: `/settings/audit/export` and `/w/{slug}/audit/export`, with the filter of the page in the query
//! and `format=csv` or `format=jsonl`. Whoever may not see the page gets what the page gives them.

use app::contract::{ApiError, AuditFilter};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Request};

use super::{Console, answer, router};
use crate::audit::Format;
use crate::auth::Visitor;

pub(super) async fn of_global(State(console): State<Console>, request: Request<Body>) -> Response {
    file(console, "", request).await
}

pub(super) async fn of_workspace(State(console): State<Console>, Path(slug): Path<String>, request: Request<Body>) -> Response {
    file(console, &slug, request).await
}

/// `workspace` is empty for the Global log.
async fn file(console: Console, workspace: &str, request: Request<Body>) -> Response {
    let Some(visitor) = request.extensions().get::<Visitor>() else { return answer::api_error(&ApiError::Malformed) };
    let (filter, format) = asked(request.uri().query().unwrap_or_default());
    let Some(format) = format else { return answer::api_error(&ApiError::Malformed) };
    let pieces = match console.backend().audit_file(visitor, workspace, filter, format) {
        Ok(pieces) => pieces,
        Err(ApiError::NotFound) => return router::not_found(State(console), request).await,
        Err(error) => return answer::api_error(&error),
    };
    let whose = if workspace.is_empty() { "global" } else { workspace };
    let disposition = format!("attachment; filename=\"audit-{whose}.{}\"", format.extension());
    // Only a workspace that is there comes so far, and a slug has nothing that would have to be quoted.
    let disposition = HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

/// Unknown names are left alone, as on the page.
fn asked(query: &str) -> (AuditFilter, Option<Format>) {
    let mut filter = AuditFilter::default();
    let mut format = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "actor" => filter.actor = value.into_owned(),
            "action" => filter.action = value.into_owned(),
            "resource" => filter.resource = value.into_owned(),
            "from" => filter.from = value.into_owned(),
            "to" => filter.to = value.into_owned(),
            "format" => format = Format::parse(&value),
            _ => {}
        }
    }
    (filter, format)
}
