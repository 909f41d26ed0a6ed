//! What `--demo` adds so that the quick start needs nothing else: an operator, a workspace, a route to an upstream on
//! loopback that answers with what it received, and an API key. Password and key are made anew at each start, so that a
//! demo's folder that is served later has no account that anybody knows.

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::auth::Operator;
use crate::config::bootstrap::{Account as FileAccount, Bootstrap, Environment, Route, Workspace};
use crate::settings::Settings;
use crate::values::{DisplayName, Email, Endpoint, Password, Slug};

const EMAIL: &str = "demo@example.com";
const WORKSPACE: &str = "demo";
const ROUTE: &str = "echo";
const KEY: &str = "demo";

/// What a demo's workspaces may reach besides the public internet: the loopback addresses.
pub const ALLOWED_EGRESS: &[IpNet] =
    &[IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)), IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))];

/// What the demo prints.
pub struct Account {
    pub password: String,
    pub key: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account([redacted])")
    }
}

/// Where to click and what to type.
#[must_use]
pub fn introduction(account: &Account, console: &str, gateway: &str) -> String {
    let Account { password, key } = account;
    format!(
        "\nDemo: sign in at {console}/sign-in\n  Email     {EMAIL}\n  Password  {password}\n\n\
         Send a request through the gateway (add ?status=503 to see an error):\n  \
         curl '{gateway}/hello?name=you' -H 'x-knoxcall-key: {key}' -H 'x-knoxcall-route: {ROUTE}'\n\n\
         Password and key are new at each start. The route leads to a built-in echo on loopback.\n\
         Because this is a demo, workspaces may reach loopback addresses (as with --allow-egress {}).",
        ALLOWED_EGRESS.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",")
    )
}

/// The demo as a bootstrap file, and the operator's password in it.
///
/// # Errors
/// When the system has no randomness.
pub fn bootstrap(echo: SocketAddr) -> Result<(String, Bootstrap)> {
    let mut random = [0_u8; 12];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness from the system: {error}"))?;
    let password = hex::encode(random);
    let rule = |rule| anyhow!("the demo's settings: {rule}");
    let environment = Environment {
        name: Slug::parse("production").map_err(rule)?,
        default: true,
        enabled: Some(true),
        target_base_url: Endpoint::parse_exact(&format!("http://{echo}")).map_err(rule)?,
        inject_headers: None,
    };
    let route = Route {
        slug: Slug::parse(ROUTE).map_err(rule)?,
        name: Some(DisplayName::parse("Echo").map_err(rule)?),
        enabled: Some(true),
        environments: vec![environment],
    };
    let workspace = Workspace {
        slug: Slug::parse(WORKSPACE).map_err(rule)?,
        name: Some(DisplayName::parse("Demo").map_err(rule)?),
        telemetry: None,
        members: Vec::new(),
        api_keys: Vec::new(),
        routes: vec![route],
        agents: Vec::new(),
        webhooks: Vec::new(),
    };
    let operator = FileAccount { email: Email::parse(EMAIL).map_err(rule)?, password: Some(Password::parse(&password).map_err(rule)?) };
    Ok((password, Bootstrap { operator: Some(operator), otlp: None, sentry: None, workspaces: vec![workspace] }))
}

/// Replaces the demo's key by a new one.
///
/// # Errors
/// When it can't be saved.
pub async fn fresh_key(settings: &Settings, operator: &Operator) -> Result<String> {
    let slug = Slug::parse(WORKSPACE).map_err(|rule| anyhow!("{rule}"))?;
    let workspace = settings.store().workspaces().by_slug(&slug)?.context("the demo's workspace is not there")?;
    let admin = operator.admin_of(workspace.id);
    for key in settings.store().api_keys().of_workspace(workspace.id)? {
        if key.name.as_str() == KEY {
            settings.delete_key(&admin, key.id).await?;
        }
    }
    Ok(settings.create_key(&admin, KEY, "").await?.secret.to_string())
}

/// The echo answers with at most this much of a body; larger ones get 413.
const BODY_LIMIT: usize = 1024 * 1024;

/// Starts the echo upstream on a free loopback port; it ends with the token.
///
/// # Errors
/// When no loopback port can be had.
pub async fn echo_upstream(shutdown: CancellationToken) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service_fn(echo));
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    _ = connection => {}
                }
            });
        }
    });
    Ok(address)
}

/// `?status=503` chooses the answer's status, so that errors can be seen in the telemetry too.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let wanted = parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("status=")));
    let status = wanted.and_then(|status| status.parse().ok()).filter(|status: &u16| (200..600).contains(status)).unwrap_or(200);
    let headers: serde_json::Map<String, serde_json::Value> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into()))
        .collect();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(json(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!({ "error": "the echo takes at most 1 MiB" })));
    };
    let answer = serde_json::json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body.to_bytes()),
    });
    Ok(json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), &answer))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{value:#}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
