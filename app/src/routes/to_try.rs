//! A request to try, for whoever has a route and a key and has sent nothing yet. On the server only: the page gets the line.

use super::view_model::curl_command;
use crate::contract::{ApiError, KeyRow, RouteRow};
use crate::service::Services;

/// The command that sends it, where there is a route and a key for it.
///
/// # Errors
/// As the contract's.
pub async fn request_to_try(
    services: &Services,
    workspace: &str,
    routes: &[RouteRow],
    keys: &[KeyRow],
) -> Result<Option<String>, ApiError> {
    let Some(route) = route_to_try(routes, keys) else { return Ok(None) };
    let detail = services.routing.route(workspace, &route.slug).await?;
    Ok(Some(curl_command(&detail.gateway_url, &detail.slug, None, &detail.settings.methods)))
}

/// The first route that is enabled, if there is a key that may use it.
fn route_to_try<'a>(routes: &'a [RouteRow], keys: &[KeyRow]) -> Option<&'a RouteRow> {
    let route = routes.iter().find(|route| route.enabled && route.target.is_some())?;
    let may_use = |key: &KeyRow| key.enabled && (key.routes.is_empty() || key.routes.contains(&route.slug));
    keys.iter().any(may_use).then_some(route)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::contract::EnvironmentRef;

    #[test]
    fn a_request_to_try_needs_a_route_and_a_key_that_may_use_it() {
        let route = |slug: &str, enabled| RouteRow {
            id: Uuid::nil(),
            slug: slug.into(),
            name: slug.into(),
            enabled,
            target: Some("http://127.0.0.1:1".into()),
            environments: vec![EnvironmentRef { name: "production".into(), enabled: true }],
        };
        let key = |routes: &[&str]| KeyRow {
            id: Uuid::nil(),
            name: "ci".into(),
            prefix: "tk_abc".into(),
            enabled: true,
            routes: routes.iter().map(|&slug| slug.to_owned()).collect(),
            created_at: 0,
            created_by: String::new(),
        };
        let routes = [route("old", false), route("billing", true)];
        assert_eq!(route_to_try(&routes, &[key(&[])]), Some(&routes[1]));
        assert_eq!(route_to_try(&routes, &[key(&["other"])]), None);
        assert_eq!(route_to_try(&routes, &[]), None);
        assert_eq!(route_to_try(&routes[..1], &[key(&[])]), None);
    }
}
