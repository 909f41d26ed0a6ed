//! The bootstrap file: what it takes, and what it says about the rest.

use super::*;
use crate::values::Rule;

const WHOLE: &str = r#"
[operator]
email = "admin@example.com"
password = "at least 12 characters"
[otlp]
endpoint = "http://127.0.0.1:4318"
service_name = "knoxcall"
headers = "Authorization=Bearer t, X-Scope-OrgID=acme"
traces = true
logs = true
metrics = false
[sentry]
dsn_browser = ""
dsn_server = ""
[[workspace]]
slug = "acme"
name = "Acme"
  [workspace.telemetry]
  endpoint = "http://127.0.0.1:5318"
  [[workspace.member]]
  email = "owner@acme.test"
  password_env = "OWNER_PASSWORD"
  role = "admin"
  [[workspace.api_key]]
  name = "default"
  [[workspace.route]]
  slug = "billing"
  name = "Billing API"
  enabled = true
    [[workspace.route.environment]]
    name = "production"
    default = true
    target_base_url = "http://127.0.0.1:9000/v1"
    [workspace.route.environment.inject_headers]
    Authorization = "Bearer upstream-secret"
    X-Other_env = "OTHER"
    [[workspace.route.environment]]
    name = "staging"
    enabled = false
    target_base_url = "http://127.0.0.1:9001"
  [[workspace.ai_agent]]
  slug = "support-bot"
  provider = "openai"
  base_url = "http://127.0.0.1:9200/v1/"
  credential_env = "OTHER"
  models = ["gpt-4o", "gpt-4o-mini"]
  max_output_tokens = 0x0
  tokens_per_minute = 90_000
"#;

fn vars(name: &str) -> Option<String> {
    match name {
        "OWNER_PASSWORD" => Some("another 12 characters".to_owned()),
        "OTHER" => Some("from the environment".to_owned()),
        "YES" => Some(" True ".to_owned()),
        "NO" => Some("false".to_owned()),
        "NUMBER" => Some(" 4096 ".to_owned()),
        "ZERO" => Some("0".to_owned()),
        "MODELS" => Some(" gpt-4o, ,gpt-4o-mini,".to_owned()),
        "EVENTS" => Some("request.error,webhook.test, audit.event".to_owned()),
        "COMMAS" => Some(" , ".to_owned()),
        "BLANK" => Some(" ".to_owned()),
        "WRONG" => Some("canary canary".to_owned()),
        _ => None,
    }
}

fn errors(text: &str) -> Vec<String> {
    Bootstrap::parse(text, &vars).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_whole_file_is_read() {
    let file = Bootstrap::parse(WHOLE, &vars).unwrap();
    let operator = file.operator.as_ref().unwrap();
    assert_eq!(operator.email.as_str(), "admin@example.com");
    assert_eq!(operator.password.as_ref().unwrap().expose(), "at least 12 characters");
    let otlp = file.otlp.as_ref().unwrap();
    assert_eq!((otlp.traces, otlp.logs, otlp.metrics), (Some(true), Some(true), Some(false)));
    assert_eq!(otlp.headers.as_ref().unwrap().len(), 2);
    let acme = &file.workspaces[0];
    assert_eq!(acme.telemetry.as_ref().unwrap().endpoint.clone().unwrap().unwrap().as_str(), "http://127.0.0.1:5318");
    assert_eq!(acme.members[0].account.password.as_ref().unwrap().expose(), "another 12 characters");
    assert_eq!(acme.api_keys[0].key, None);
    let environments = &acme.routes[0].environments;
    let mut injected: Vec<_> = environments[0].inject_headers.as_ref().unwrap().iter().collect();
    injected.sort_unstable();
    assert_eq!(injected, [("Authorization", "Bearer upstream-secret"), ("X-Other", "from the environment")]);
    assert_eq!((environments[0].default, environments[1].default, &environments[1].inject_headers), (true, false, &None));
    assert_eq!((environments[0].enabled, environments[1].enabled), (None, Some(false)));
    let agent = &acme.agents[0];
    assert_eq!((agent.slug.as_str(), agent.provider), ("support-bot", crate::values::Provider::OpenAi));
    assert_eq!(agent.base_url.as_ref().unwrap().as_str(), "http://127.0.0.1:9200/v1");
    assert_eq!(agent.credential.as_ref().unwrap().expose(), "from the environment");
    assert_eq!(agent.models.as_ref().unwrap(), &["gpt-4o", "gpt-4o-mini"]);
    assert_eq!((agent.max_output_tokens, agent.tokens_per_minute, agent.enabled), (Some(None), Some(Some(90_000)), None));
    let debug = format!("{file:?}");
    for secret in ["12 characters", "Bearer", "from the environment"] {
        assert!(!debug.contains(secret), "{secret}");
    }
}

#[test]
fn every_table_is_optional() {
    assert_eq!(Bootstrap::parse("", &vars).unwrap(), Bootstrap::default());
}

#[test]
fn complaints_have_key_line_and_rule_and_no_value() {
    let rule = |rule: Rule| rule.to_string();
    for (text, expected) in [
        ("[operator]\nemail = 'a@b'\ncolour = 'canary'", "line 3: operator.colour: there is no such key here".to_owned()),
        ("[otpl]\n", "line 1: otpl: there is no such key here".to_owned()),
        ("\"\" = ''", "line 1: \"\": there is no such key here".to_owned()),
        ("[operator]\n\"a.b\" = 1", "line 2: operator.\"a.b\": there is no such key here".to_owned()),
        ("\n[operator]\npassword = 'canary-canary'", "line 2: operator.email: this is missing".to_owned()),
        ("[operator]\nemail = 'canary'", format!("line 2: operator.email: {}", rule(Rule::Email))),
        ("[operator]\nemail = 'a@b'\npassword = 'canary'", format!("line 3: operator.password: {}", rule(Rule::TooShort { min: 12 }))),
        ("[operator]\nemail = 7", "line 2: operator.email: this must be text in quotation marks".to_owned()),
        (
            "[operator]\nemail = 'a@b'\npassword = 'canary-canary'\npassword_env = 'OTHER'",
            "line 4: operator.password_env: give either this or password, not both".to_owned(),
        ),
        (
            "[operator]\nemail = 'a@b'\npassword_env = 'MISSING'",
            "line 3: operator.password_env: the environment variable MISSING is not set".to_owned(),
        ),
        ("[otlp]\ntraces = 'canary'", "line 2: otlp.traces: this must be true or false".to_owned()),
        ("[otlp]\nheaders = 'a=1, canary'", format!("line 2: otlp.headers: {}", rule(Rule::HeaderSyntax { position: 2 }))),
        ("[sentry]\ndsn_server = 'canary'", format!("line 2: sentry.dsn_server: {}", rule(Rule::UrlScheme))),
        ("[sentry]\ndsn_browser = 'https://k:canary@h/1'", format!("line 2: sentry.dsn_browser: {}", rule(Rule::DsnSecret))),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nsecret = 'whsec_canary'",
            "line 4: workspace.webhook.secret: write whsec_ and the base64 of 24 to 64 bytes".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nname = 'w'\nurl = 'http://h'\nevent_types = ['webhook.tests']",
            "line 6: workspace.webhook.event_types: this names something that does not exist".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nname = 'w'\nurl = 'http://h'\nevent_types = []",
            "line 6: workspace.webhook.event_types: this is missing".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nname = 'w'\nurl = 'http://h'",
            "workspace.webhook.event_types: this is missing".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\ncredential = 'canary'",
            "line 3: workspace.ai_agent.provider: this is missing".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nslug = 'b'\nprovider = 'canary'",
            "line 5: workspace.ai_agent.provider: ".to_owned() + &rule(Rule::Unknown),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nmodels = ['a', 7]",
            "line 4: workspace.ai_agent.models: this must be a list of texts".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nmodels = ['a canary']",
            "line 4: workspace.ai_agent.models: ".to_owned() + &rule(Rule::ModelName),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\ntokens_per_minute = -1",
            "line 4: workspace.ai_agent.tokens_per_minute: give a whole number".to_owned(),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nslug = 'b'\ncredential = \"canary\\ncanary\"",
            "line 5: workspace.ai_agent.credential: ".to_owned() + &rule(Rule::ControlCharacter),
        ),
        (
            "[[workspace]]\nslug = 'a'\n[workspace.telemetry]\ntraces = true",
            "line 4: workspace.telemetry.traces: there is no such key".to_owned(),
        ),
        ("[[workspace]]\nslug = 'a'\n[[workspace]]\nslug = 'a'", "line 4: workspace.slug: an earlier entry has this already".to_owned()),
        (
            "[[workspace]]\nslug = 'a'\n[[workspace.api_key]]\nname = 'k'\nkey = 'tk_canary'",
            "line 5: workspace.api_key.key: write tk_".to_owned(),
        ),
        ("workspace = 'canary'", "line 1: workspace: this must be a list of tables".to_owned()),
        ("[operator\nemail = 'canary'", "line 1: TOML: this is not TOML".to_owned()),
    ] {
        let errors = errors(text);
        assert!(errors.iter().any(|error| error.contains(&expected)), "{expected}\n{errors:#?}");
        assert!(!format!("{errors:?}").contains("canary"), "{errors:#?}");
    }
}

#[test]
fn every_kind_of_value_may_come_from_a_variable() {
    let text = "[otlp]\ntraces_env = 'YES'\nlogs_env = 'NO'\n[[workspace]]\nslug = 'a'\n\
                [[workspace.route]]\nslug_env = 'NO'\nenabled_env = 'NO'\n\
                [[workspace.route.environment]]\nname = 'p'\ndefault_env = 'YES'\ntarget_base_url = 'http://x'\n\
                [[workspace.webhook]]\nname = 'w'\nurl = 'http://h'\nevent_types_env = 'EVENTS'\n\
                [[workspace.ai_agent]]\nslug = 'b'\nprovider = 'openai'\nmodels_env = 'MODELS'\n\
                max_output_tokens_env = 'NUMBER'\ntokens_per_minute_env = 'ZERO'\n\
                [[workspace.ai_agent]]\nslug = 'c'\nprovider = 'openai'\nmodels_env = 'COMMAS'";
    let file = Bootstrap::parse(text, &vars).unwrap();
    let otlp = file.otlp.as_ref().unwrap();
    assert_eq!((otlp.traces, otlp.logs, otlp.metrics), (Some(true), Some(false), None));
    let Workspace { routes, webhooks, agents, .. } = &file.workspaces[0];
    assert_eq!((routes[0].slug.as_str(), routes[0].enabled, routes[0].environments[0].default), ("false", Some(false), true));
    assert_eq!(webhooks[0].event_types, [EventType::RequestError, EventType::AuditEvent]);
    assert_eq!(agents[0].models.as_ref().unwrap(), &["gpt-4o", "gpt-4o-mini"]);
    assert_eq!((agents[0].max_output_tokens, agents[0].tokens_per_minute), (Some(Some(4096)), Some(None)));
    assert!(agents[1].models.as_ref().unwrap().is_empty(), "an empty list, as in the file");
}

#[test]
fn complaints_of_a_variables_value_have_its_name_and_no_value() {
    let agent = |line: &str| format!("[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nslug = 'b'\nprovider = 'openai'\n{line}");
    let webhook = |line: &str| format!("[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nname = 'w'\nurl = 'http://h'\n{line}");
    let headers = |line: &str| {
        let route = "[[workspace]]\nslug = 'a'\n[[workspace.route]]\nslug = 'r'\n[[workspace.route.environment]]\nname = 'p'";
        format!("{route}\ntarget_base_url = 'http://x'\n[workspace.route.environment.inject_headers]\n{line}")
    };
    for (text, expected) in [
        ("[otlp]\ntraces_env = 'WRONG'".to_owned(), "line 2: otlp.traces_env: the environment variable WRONG: this must be true or false"),
        ("[otlp]\ntraces_env = 'MISSING'".to_owned(), "line 2: otlp.traces_env: the environment variable MISSING is not set"),
        ("[otlp]\ntraces_env = 'BLANK'".to_owned(), "line 2: otlp.traces_env: the environment variable BLANK is not set"),
        ("[otlp]\ntraces_env = 'YES'\ntraces = true".to_owned(), "line 2: otlp.traces_env: give either this or traces, not both"),
        (
            "[otlp]\ntraces_env = true".to_owned(),
            "line 2: otlp.traces_env: this must be the name of an environment variable in quotation marks",
        ),
        ("[operator]\nemail_env = 'WRONG'".to_owned(), "line 2: operator.email_env: the environment variable WRONG: this is not an e-mail"),
        (
            agent("tokens_per_minute_env = 'WRONG'"),
            "line 6: workspace.ai_agent.tokens_per_minute_env: the environment variable WRONG: give a whole number from 1 to",
        ),
        (
            agent("max_output_tokens_env = 'BLANK'"),
            "line 6: workspace.ai_agent.max_output_tokens_env: the environment variable BLANK is not",
        ),
        (agent("models_env = 'WRONG'"), "line 6: workspace.ai_agent.models_env: the environment variable WRONG: name models as"),
        (agent("models_env = 'BLANK'"), "line 6: workspace.ai_agent.models_env: the environment variable BLANK is not set"),
        (agent("models_env = 'MODELS'\nmodels = []"), "line 6: workspace.ai_agent.models_env: give either this or models, not both"),
        (
            webhook("event_types_env = 'WRONG'"),
            "line 6: workspace.webhook.event_types_env: the environment variable WRONG: this names something that does not exist",
        ),
        (webhook("event_types_env = 'MISSING'"), "line 6: workspace.webhook.event_types_env: the environment variable MISSING is not set"),
        (
            webhook("event_types = ['audit.event']\nsecret_env = 'WRONG'"),
            "line 7: workspace.webhook.secret_env: the environment variable WRONG: write whsec_ and the base64",
        ),
        (
            headers("Host_env = 'WRONG'"),
            "line 9: workspace.route.environment.inject_headers.Host_env: the environment variable WRONG: entry 1 names a header",
        ),
    ] {
        let errors = errors(&text);
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{expected}\n{errors:#?}");
        assert!(!errors[0].contains("canary"), "{errors:#?}");
    }
}

#[test]
fn a_workspace_chooses_its_signals() {
    let text = "[[workspace]]\nslug = 'a'\n[workspace.telemetry]\nendpoint = 'http://c'\nmetrics = false";
    let telemetry = Bootstrap::parse(text, &vars).unwrap().workspaces[0].telemetry.clone().unwrap();
    assert_eq!((telemetry.logs, telemetry.metrics), (None, Some(false)));
}

#[test]
fn webhook_test_is_taken_and_left_out() {
    let wanted = |types: &str| {
        let text = format!("[[workspace]]\nslug = 'a'\n[[workspace.webhook]]\nname = 'w'\nurl = 'http://h'\nevent_types = {types}");
        Bootstrap::parse(&text, &vars).unwrap().workspaces[0].webhooks[0].event_types.clone()
    };
    assert_eq!(wanted("['webhook.test', 'audit.event']"), [EventType::AuditEvent]);
    assert!(wanted("['webhook.test']").is_empty());
}

#[test]
fn a_compatible_provider_is_written_either_way() {
    for name in ["openai_compatible", "openai-compatible"] {
        let text = format!("[[workspace]]\nslug = 'a'\n[[workspace.ai_agent]]\nslug = 'b'\nprovider = '{name}'\nbase_url = 'http://h'");
        let file = Bootstrap::parse(&text, &vars).unwrap();
        assert_eq!(file.workspaces[0].agents[0].provider, Provider::OpenAiCompatible, "{name}");
    }
}

#[test]
fn injected_headers_are_checked_at_their_line() {
    let text = "[[workspace]]\nslug='a'\n[[workspace.route]]\nslug='r'\n[[workspace.route.environment]]\nname='p'\n\
                target_base_url='http://x'\n[workspace.route.environment.inject_headers]";
    for name in ["Host", "Traceparent", "tracestate"] {
        let found = errors(&format!("{text}\n{name}='canary'"));
        let expected =
            format!("line 9: workspace.route.environment.inject_headers.{name}: entry 1 names a header that KnoxCall sets itself");
        assert!(found.len() == 1 && found[0].starts_with(&expected), "{found:?}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let errors = Bootstrap::load(Path::new("/nonexistent/b.toml"), &vars).unwrap_err();
    assert!(errors[0].to_string().contains("/nonexistent/b.toml: the file can't be read"), "{}", errors[0]);
}
