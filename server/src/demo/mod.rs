//! What `--demo` adds so that the quick start needs nothing else: an operator, a workspace with a route, an AI agent and a
//! webhook that lead to a server on loopback, and an API key. Password and key are made anew at each start, so that a
//! demo's folder that is served later has no account that anybody knows. A few requests are sent at once, so that there is
//! something to look at.

mod echo;
mod provider;
mod upstream;
mod visit;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result, anyhow};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use upstream::start as upstream;
pub use visit::visit;

use crate::auth::Operator;
use crate::config::bootstrap::{Account as FileAccount, Agent, Bootstrap, Environment, Route, Webhook, Workspace};
use crate::settings::Settings;
use crate::values::{DisplayName, Email, Endpoint, EventType, Password, Provider, Slug, TenantId, WebhookUrl};

const EMAIL: &str = "demo@example.com";
const WORKSPACE: &str = "demo";
const ROUTE: &str = "echo";
const AGENT: &str = "assistant";
const KEY: &str = "demo";

/// What a demo's workspaces may reach besides the public internet: the loopback addresses.
pub const ALLOWED_EGRESS: &[IpNet] =
    &[IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)), IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))];

/// What the demo prints.
#[derive(Clone)]
pub struct Account {
    pub workspace: TenantId,
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
    let Account { password, key, .. } = account;
    let model = provider::MODEL;
    format!(
        "\nDemo: sign in at {console}/sign-in\n  Email     {EMAIL}\n  Password  {password}\n\n\
         Send a request through the gateway (add ?status=503 to see an error):\n  \
         curl '{gateway}/hello?name=you' -H 'x-knoxcall-key: {key}' -H 'x-knoxcall-route: {ROUTE}'\n\n\
         Call the AI agent (add \"stream\":true to see it stream):\n  \
         curl '{gateway}/v1/ai/{AGENT}/chat/completions' -H 'x-knoxcall-key: {key}' -H 'content-type: application/json' \
         -d '{{\"model\":\"{model}\",\"messages\":[]}}'\n\n\
         A webhook tells a built-in receiver of each request: see Webhooks in the console. A few requests were sent already.\n\
         Password and key are new at each start. Route and agent lead to a built-in echo and provider on loopback.\n\
         Because this is a demo, workspaces may reach loopback addresses (as with --allow-egress {}).",
        ALLOWED_EGRESS.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",")
    )
}

/// The demo as a bootstrap file, and the operator's password in it.
///
/// # Errors
/// When the system has no randomness.
pub fn bootstrap(upstream: SocketAddr) -> Result<(String, Bootstrap)> {
    let mut random = [0_u8; 12];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness from the system: {error}"))?;
    let password = hex::encode(random);
    let rule = |rule| anyhow!("the demo's settings: {rule}");
    let environment = Environment {
        name: Slug::parse("production").map_err(rule)?,
        default: true,
        enabled: Some(true),
        target_base_url: Endpoint::parse_exact(&format!("http://{upstream}")).map_err(rule)?,
        inject_headers: None,
    };
    let route = Route {
        slug: Slug::parse(ROUTE).map_err(rule)?,
        name: Some(DisplayName::parse("Echo").map_err(rule)?),
        enabled: Some(true),
        environments: vec![environment],
    };
    let agent = Agent {
        slug: Slug::parse(AGENT).map_err(rule)?,
        provider: Provider::OpenAiCompatible,
        base_url: Some(Endpoint::parse_exact(&format!("http://{upstream}{}", upstream::AI)).map_err(rule)?),
        credential: None,
        models: Some(vec![provider::MODEL.into()]),
        max_output_tokens: None,
        tokens_per_minute: None,
        enabled: None,
    };
    let webhook = Webhook {
        name: DisplayName::parse("Built-in receiver").map_err(rule)?,
        url: WebhookUrl::parse(&format!("http://{upstream}{}", upstream::HOOK)).map_err(rule)?,
        event_types: vec![EventType::RequestCompleted],
        include_headers: None,
        include_bodies: None,
        secret: None,
    };
    let workspace = Workspace {
        slug: Slug::parse(WORKSPACE).map_err(rule)?,
        name: Some(DisplayName::parse("Demo").map_err(rule)?),
        telemetry: None,
        members: Vec::new(),
        api_keys: Vec::new(),
        routes: vec![route],
        webhooks: vec![webhook],
        agents: vec![agent],
    };
    let operator = FileAccount { email: Email::parse(EMAIL).map_err(rule)?, password: Some(Password::parse(&password).map_err(rule)?) };
    Ok((password, Bootstrap { operator: Some(operator), otlp: None, sentry: None, workspaces: vec![workspace] }))
}

/// Replaces the key of the demo's workspace by a new one.
///
/// # Errors
/// When it can't be saved.
pub async fn fresh_key(settings: &Settings, operator: &Operator) -> Result<(TenantId, String)> {
    let slug = Slug::parse(WORKSPACE).map_err(|rule| anyhow!("{rule}"))?;
    let workspace = settings.store().workspaces().by_slug(&slug)?.context("the demo's workspace is not there")?;
    let admin = operator.admin_of(workspace.id);
    for key in settings.store().api_keys().of_workspace(workspace.id)? {
        if key.name.as_str() == KEY {
            settings.delete_key(&admin, key.id).await?;
        }
    }
    Ok((workspace.id, settings.create_key(&admin, KEY, "").await?.secret.to_string()))
}
