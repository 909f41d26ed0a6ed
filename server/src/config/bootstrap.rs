//! The bootstrap file: accounts, workspaces, routes and exports as TOML, applied at every start. Parsed strictly into plain
//! values here; `settings` applies them.

use std::path::Path;

use toml::de::DeTable;
use zeroize::Zeroizing;

pub use super::toml_table::{FileError, FileProblem};
use super::toml_table::{Source, Table};
use crate::secrets::{is_api_key, is_signing_secret};
use crate::values::{
    DisplayName, Dsn, Email, Endpoint, EventType, HeaderList, Password, Provider, Role, Rule, Slug, WebhookUrl, as_injected_headers,
    parse_credential, parse_models, parse_tokens,
};

/// Text that may be a credential. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The whole file. What it does not mention is left alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bootstrap {
    pub operator: Option<Account>,
    pub otlp: Option<Export>,
    pub sentry: Option<Sentry>,
    pub workspaces: Vec<Workspace>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub email: Email,
    /// `None` leaves the account's password alone.
    pub password: Option<Password>,
}

/// `None` leaves alone what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    /// `Some(None)` turns the export off.
    pub endpoint: Option<Option<Endpoint>>,
    pub service_name: Option<Option<DisplayName>>,
    /// An empty list removes what is stored.
    pub headers: Option<HeaderList>,
    pub traces: Option<bool>,
    pub logs: Option<bool>,
    pub metrics: Option<bool>,
}

/// `None` leaves alone what is stored; `Some(None)` turns it off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentry {
    pub dsn_browser: Option<Option<Dsn>>,
    pub dsn_server: Option<Option<Dsn>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    pub slug: Slug,
    /// `None` is the slug for a new one.
    pub name: Option<DisplayName>,
    pub telemetry: Option<Export>,
    pub members: Vec<Member>,
    pub api_keys: Vec<ApiKey>,
    pub routes: Vec<Route>,
    pub webhooks: Vec<Webhook>,
    pub agents: Vec<Agent>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub account: Account,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub name: DisplayName,
    /// `None` makes one, unless the workspace has one of that name.
    pub key: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub slug: Slug,
    pub name: Option<DisplayName>,
    pub enabled: Option<bool>,
    pub environments: Vec<Environment>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    pub name: Slug,
    pub default: bool,
    /// `None` leaves it as it is; a new one is enabled.
    pub enabled: Option<bool>,
    pub target_base_url: Endpoint,
    /// `None` leaves alone what is stored; an empty list removes it.
    pub inject_headers: Option<HeaderList>,
}

/// What it does not mention is left alone, or is the default of a new one.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Names the endpoint within its workspace.
    pub name: DisplayName,
    pub url: WebhookUrl,
    /// Without `webhook.test`, which every endpoint gets; empty where the file asks for that alone.
    pub event_types: Vec<EventType>,
    pub include_headers: Option<bool>,
    pub include_bodies: Option<bool>,
    /// `None` leaves the signing secret alone; a new endpoint gets one made.
    pub secret: Option<Secret>,
}

/// Of an AI agent; what is `None` stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    pub slug: Slug,
    pub provider: Provider,
    /// `None` is the provider's own for a new one.
    pub base_url: Option<Endpoint>,
    /// Empty removes what is stored.
    pub credential: Option<Secret>,
    /// An empty list allows all.
    pub models: Option<Vec<String>>,
    /// `Some(None)` is no limit.
    pub max_output_tokens: Option<Option<u32>>,
    pub tokens_per_minute: Option<Option<u32>>,
    pub enabled: Option<bool>,
}

impl Bootstrap {
    /// # Errors
    /// The file can't be read, or everything that is wrong with it.
    pub fn load(path: &Path, vars: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<FileError>> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| vec![FileError { line: 0, key: path.display().to_string(), problem: FileProblem::Io(error.to_string()) }])?;
        Self::parse(&Zeroizing::new(text), vars)
    }

    /// # Errors
    /// Everything that is wrong with the text.
    pub fn parse(text: &str, vars: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<FileError>> {
        let source = Source { text, vars, errors: std::cell::RefCell::default() };
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                source.wrong(at, "TOML".to_owned(), FileProblem::Syntax(error.message().to_owned()));
                return Err(source.errors.into_inner());
            }
        };
        let parsed = read(Table::root(&source, document.get_ref()));
        let mut errors = source.errors.into_inner();
        errors.sort_by_key(|error| error.line);
        if errors.is_empty() { Ok(parsed) } else { Err(errors) }
    }
}

fn read(mut root: Table<'_>) -> Bootstrap {
    let operator = root.table("operator").and_then(|mut table| {
        let account = account(&mut table);
        table.finish();
        account
    });
    let otlp = root.table("otlp").map(|table| export(table, true));
    let sentry = root.table("sentry").map(|mut table| {
        let optional = |text: &str| if text.trim().is_empty() { Ok(None) } else { Dsn::parse(text).map(Some) };
        let sentry = Sentry { dsn_browser: table.parsed("dsn_browser", optional), dsn_server: table.parsed("dsn_server", optional) };
        table.finish();
        sentry
    });
    let mut workspaces: Vec<Workspace> = Vec::new();
    for table in root.tables("workspace") {
        workspaces.extend(workspace(table, &workspaces));
    }
    root.finish();
    Bootstrap { operator, otlp, sentry, workspaces }
}

fn account(table: &mut Table<'_>) -> Option<Account> {
    let email = table.required("email", Email::parse);
    let password = table.parsed("password", Password::parse);
    Some(Account { email: email?, password })
}

fn export(mut table: Table<'_>, operator: bool) -> Export {
    let optional = |text: &str| if text.trim().is_empty() { Ok(None) } else { Endpoint::parse(text).map(Some) };
    let name = |text: &str| if text.trim().is_empty() { Ok(None) } else { DisplayName::parse(text).map(Some) };
    let export = Export {
        endpoint: table.parsed("endpoint", optional),
        service_name: table.parsed("service_name", name),
        headers: table.parsed("headers", HeaderList::parse),
        traces: if operator { table.boolean("traces") } else { None },
        logs: table.boolean("logs"),
        metrics: table.boolean("metrics"),
    };
    table.finish();
    export
}

fn workspace(mut table: Table<'_>, earlier: &[Workspace]) -> Option<Workspace> {
    let slug = table.required("slug", Slug::parse);
    if slug.as_ref().is_some_and(|slug| earlier.iter().any(|other| other.slug == *slug)) {
        table.wrong("slug", FileProblem::Duplicate);
    }
    let name = table.parsed("name", DisplayName::parse);
    let telemetry = table.table("telemetry").map(|table| export(table, false));
    let members = table.tables("member").into_iter().filter_map(member).collect();
    let api_keys = table.tables("api_key").into_iter().filter_map(api_key).collect();
    let mut routes: Vec<Route> = Vec::new();
    for inner in table.tables("route") {
        routes.extend(route(inner, &routes));
    }
    let mut webhooks: Vec<Webhook> = Vec::new();
    for inner in table.tables("webhook") {
        webhooks.extend(webhook(inner, &webhooks));
    }
    let mut agents: Vec<Agent> = Vec::new();
    for inner in table.tables("ai_agent") {
        agents.extend(agent(inner, &agents));
    }
    table.finish();
    Some(Workspace { slug: slug?, name, telemetry, members, api_keys, routes, webhooks, agents })
}

fn webhook(mut table: Table<'_>, earlier: &[Webhook]) -> Option<Webhook> {
    let name = table.required("name", DisplayName::parse);
    if name.as_ref().is_some_and(|name| earlier.iter().any(|other| other.name == *name)) {
        table.wrong("name", FileProblem::Duplicate);
    }
    let url = table.required("url", WebhookUrl::parse);
    let event_types = table.list("event_types", |name| match EventType::parse(name) {
        None if name != EventType::WebhookTest.name() => Err(Rule::Unknown),
        event => Ok(event),
    });
    if event_types.as_ref().map_or(!table.has("event_types"), Vec::is_empty) {
        table.wrong("event_types", FileProblem::Missing);
    }
    let (include_headers, include_bodies) = (table.boolean("include_headers"), table.boolean("include_bodies"));
    let secret = table.text("secret");
    if secret.as_ref().is_some_and(|secret| !is_signing_secret(secret.expose())) {
        table.wrong("secret", FileProblem::SigningSecret);
    }
    table.finish();
    let event_types = event_types?.into_iter().flatten().collect();
    Some(Webhook { name: name?, url: url?, event_types, include_headers, include_bodies, secret })
}

fn member(mut table: Table<'_>) -> Option<Member> {
    let account = account(&mut table);
    let role = table.required("role", str::parse);
    table.finish();
    Some(Member { account: account?, role: role? })
}

fn api_key(mut table: Table<'_>) -> Option<ApiKey> {
    let name = table.required("name", DisplayName::parse);
    let key = table.text("key");
    if key.as_ref().is_some_and(|key| !is_api_key(key.expose())) {
        table.wrong("key", FileProblem::ApiKey);
    }
    table.finish();
    Some(ApiKey { name: name?, key })
}

fn route(mut table: Table<'_>, earlier: &[Route]) -> Option<Route> {
    let slug = table.required("slug", Slug::parse);
    if slug.as_ref().is_some_and(|slug| earlier.iter().any(|other| other.slug == *slug)) {
        table.wrong("slug", FileProblem::Duplicate);
    }
    let name = table.parsed("name", DisplayName::parse);
    let enabled = table.boolean("enabled");
    let mut environments: Vec<Environment> = Vec::new();
    for inner in table.tables("environment") {
        environments.extend(environment(inner, &environments));
    }
    if environments.iter().filter(|environment| environment.default).count() > 1 {
        table.wrong("environment", FileProblem::TwoDefaults);
    }
    table.finish();
    Some(Route { slug: slug?, name, enabled, environments })
}

fn environment(mut table: Table<'_>, earlier: &[Environment]) -> Option<Environment> {
    let name = table.required("name", Slug::parse);
    if name.as_ref().is_some_and(|name| earlier.iter().any(|other| other.name == *name)) {
        table.wrong("name", FileProblem::Duplicate);
    }
    let default = table.boolean("default").unwrap_or(false);
    let enabled = table.boolean("enabled");
    let target_base_url = table.required("target_base_url", Endpoint::parse_exact);
    let inject_headers = table.table("inject_headers").and_then(injected_headers);
    table.finish();
    Some(Environment { name: name?, default, enabled, target_base_url: target_base_url?, inject_headers })
}

fn agent(mut table: Table<'_>, earlier: &[Agent]) -> Option<Agent> {
    let slug = table.required("slug", Slug::parse);
    if slug.as_ref().is_some_and(|slug| earlier.iter().any(|other| other.slug == *slug)) {
        table.wrong("slug", FileProblem::Duplicate);
    }
    let provider = table.required("provider", |text| Provider::parse(&text.replace('-', "_")).ok_or(Rule::Unknown));
    let base_url = table.parsed("base_url", Endpoint::parse_exact);
    let credential = table.text("credential");
    if let Some(rule) = credential.as_ref().and_then(|credential| parse_credential(credential.expose()).err()) {
        table.wrong("credential", rule.into());
    }
    let models = table.list("models", |model| Ok(model.to_owned())).and_then(|models| match parse_models(&models.join(",")) {
        Ok(models) => Some(models),
        Err(rule) => {
            table.wrong("models", rule.into());
            None
        }
    });
    let max_output_tokens = table.number("max_output_tokens", parse_tokens);
    let tokens_per_minute = table.number("tokens_per_minute", parse_tokens);
    let enabled = table.boolean("enabled");
    table.finish();
    Some(Agent { slug: slug?, provider: provider?, base_url, credential, models, max_output_tokens, tokens_per_minute, enabled })
}

/// Header names are keys; `<name>_env` reads the value from the environment here too.
fn injected_headers(mut table: Table<'_>) -> Option<HeaderList> {
    let mut pairs = Vec::new();
    for key in table.keys() {
        let name = key.strip_suffix("_env").unwrap_or(&key).to_owned();
        if let Some(value) = table.text(&name) {
            pairs.push((name, value));
        }
    }
    let mut list = HeaderList::default();
    for at in 0..pairs.len() {
        let so_far = pairs.iter().take(at + 1).map(|(name, value)| (name.as_str(), value.expose()));
        match (HeaderList::from_pairs(so_far).and_then(as_injected_headers), pairs.get(at)) {
            (Ok(next), _) => list = next,
            (Err(rule), Some((name, _))) => {
                table.wrong(name, rule.into());
                return None;
            }
            (Err(_), None) => {}
        }
    }
    table.finish();
    Some(list)
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
