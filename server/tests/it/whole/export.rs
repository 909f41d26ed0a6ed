//! From requests at the gateway to records at three collectors, and settings that move them while they flow.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::{Client, Response};
use tempfile::tempdir;

use super::{Process, Setup};
use crate::support::collector::{Collector, Received, attributes};
use crate::support::upstream::{Upstream, until};

const PASSWORD: &str = "correct horse battery staple";
const ACME: &str = "tk_acme0123456789abcdefghijklmnop";
const GLOBEX: &str = "tk_globex0123456789abcdefghijklmn";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn workspace(slug: &str, key: &str, upstream: &str) -> String {
    format!(
        r#"
[[workspace]]
slug = "{slug}"
name = "{slug}-canary-name"
[[workspace.api_key]]
name = "default"
key = "{key}"
[[workspace.route]]
slug = "{slug}-canary-route"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "{upstream}/base"
[workspace.route.environment.inject_headers]
Authorization = "Bearer {slug}-canary-upstream"
"#
    )
}

/// The same with an export of its own.
fn exporting(slug: &str, key: &str, collector: &str, upstream: &str) -> String {
    let workspace = workspace(slug, key, upstream);
    format!(
        r#"{workspace}
[workspace.telemetry]
endpoint = "{collector}"
headers = "authorization=Bearer {slug}-canary-token"
service_name = "{slug}-canary-service"
"#
    )
}

async fn call(client: &Client, process: &Process, slug: &str, key: &str, path: &str) -> Response {
    let request = client.get(format!("{}{path}", process.gateway)).header("x-knoxcall-key", key);
    request.header("x-knoxcall-route", format!("{slug}-canary-route")).header("traceparent", PARENT).send().await.unwrap()
}

fn text(value: &str) -> String {
    format!("\"{value}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_and_two_workspaces_get_what_is_theirs() {
    let (all, acme, globex) = (Collector::start().await, Collector::start().await, Collector::start().await);
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let bootstrap = format!(
        "[otlp]\nendpoint = \"{}\"\nheaders = \"x-operator=operator-canary-token\"\n{}{}",
        all.endpoint(),
        exporting("acme", ACME, &acme.endpoint(), &upstream.url()),
        exporting("globex", GLOBEX, &globex.endpoint(), &upstream.url()),
    );
    // What the environment says of resources and headers is the operator's and must not reach a workspace.
    let env = [("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=operator-canary-env"), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), env: &env, ..Setup::default() });
    let client = Client::new();
    for n in 0..20 {
        for (slug, key) in [("acme", ACME), ("globex", GLOBEX)] {
            let answer = call(&client, &process, slug, key, &format!("/{slug}-canary-path/{n}?secret={slug}-canary-query")).await;
            assert_eq!((answer.status().as_u16(), answer.headers()["x-knox-upstream-status"].to_str().unwrap()), (200, "200"));
        }
    }
    let unknown = client.get(format!("{}/x", process.gateway)).header("x-knoxcall-key", "tk_unknown").send().await.unwrap();
    assert_eq!(unknown.status(), 401);
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    let (all, acme, globex) = (all.received(), acme.received(), globex.received());
    each_workspace_has_its_own(&acme, "acme", "globex");
    each_workspace_has_its_own(&globex, "globex", "acme");
    the_operator_has_everything(&all);
    for echo in upstream.seen() {
        let parent = echo.header("traceparent");
        assert_eq!(parent.len(), 1);
        assert!(parent[0].starts_with("00-0af7651916cd43dd8448eb211c80319c-") && !parent[0].contains("b7ad6b7169203331"), "{parent:?}");
    }
}

fn each_workspace_has_its_own(received: &Received, own: &str, other: &str) {
    assert_eq!(received.logs().len(), 20);
    assert!(received.on("/v1/traces").is_empty(), "no traces to a workspace");
    for foreign in [&format!("{other}-canary"), "operator-canary", "canary-query", "canary-upstream", "canary-token"] {
        assert!(!received.requests.iter().any(|request| contains(&request.body, foreign)), "{foreign} in what {own} received");
    }
    for request in &received.requests {
        assert_eq!(request.headers["authorization"], format!("Bearer {own}-canary-token"));
        assert!(!request.headers.contains_key("x-operator"));
    }
    for log in received.logs() {
        let resource = log.resource_text();
        assert_eq!(resource["service.name"], text(&format!("{own}-canary-service")));
        assert_eq!(resource.len(), 2, "service.name and service.version, nothing of the operator: {resource:?}");
        assert_eq!(log.record.event_name, "knoxcall.proxy.request");
        assert_eq!(log.record.severity_text, "INFO");
        assert_eq!(hex::encode(&log.record.trace_id), "0af7651916cd43dd8448eb211c80319c");
        let values = attributes(&log.record.attributes);
        assert_eq!(values["knoxcall.route_name"], text(&format!("{own}-canary-route")));
        assert_eq!(values["knoxcall.environment"], text("production"));
        assert_eq!(values["http.response.status_code"], "200");
        assert!(values["url.path"].starts_with(&format!("\"/{own}-canary-path/")));
    }
    let names: BTreeSet<String> = received.metrics().into_iter().map(|metric| metric.record.name).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["knoxcall.proxy.request.duration", "knoxcall.proxy.requests"]);
}

fn the_operator_has_everything(received: &Received) {
    assert_eq!(received.logs().len(), 40, "logs are of requests with a valid key");
    let spans = received.spans();
    let servers: Vec<_> = spans.iter().filter(|span| span.record.kind == 2).collect();
    assert_eq!(servers.len(), 41, "every request has a SERVER span, the refused one too");
    assert_eq!(spans.iter().filter(|span| span.record.name == "security api_key.rejected").count(), 1);
    for span in servers.iter().filter(|span| span.record.name.contains("canary")) {
        assert_eq!(hex::encode(&span.record.parent_span_id), "b7ad6b7169203331");
        assert_eq!(span.resource_text()["deployment.environment.name"], text("operator-canary-env"));
    }
    for request in &received.requests {
        assert_eq!(request.headers["x-operator"], "operator-canary-token");
        for secret in ["canary-query", "canary-upstream", "canary-token", ACME, GLOBEX] {
            assert!(!contains(&request.body, secret), "{secret} in what the operator received");
        }
    }
    let ids = |items: Vec<String>| items.into_iter().collect::<BTreeSet<_>>().len();
    let logs = received.logs().iter().map(|log| attributes(&log.record.attributes)["knoxcall.request_id"].clone()).collect();
    assert_eq!(ids(logs), 40, "each request once");
}

fn contains(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// An operator at the console.
struct Console<'a> {
    process: &'a Process,
    browser: Client,
}

impl<'a> Console<'a> {
    async fn sign_in(process: &'a Process) -> Self {
        let browser = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let console = Self { process, browser };
        console.post("/api/account/sign-in", &[("email", "op@example.test"), ("password", PASSWORD), ("next", "")]).await;
        console
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let request = self.browser.post(format!("{}{path}", self.process.console)).header("origin", &self.process.console);
        let answer = request.header("accept", "application/json").form(fields).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path} with {fields:?}: {status} {text}");
        text
    }

    /// The operator's export: all signals to this endpoint, after so many saves before.
    async fn save(&self, endpoint: &str, generation: usize) {
        self.send("/api/integrations/save-export", endpoint, generation).await;
    }

    async fn send(&self, path: &str, endpoint: &str, generation: usize) -> String {
        let generation = generation.to_string();
        let fields = [
            ("form[endpoint]", endpoint),
            ("form[traces]", "on"),
            ("form[logs]", "on"),
            ("form[metrics]", "on"),
            ("form[generation]", generation.as_str()),
        ];
        self.post(path, &fields).await
    }
}

/// An operator saves another endpoint while requests flow: each record arrives once, here or there.
#[tokio::test(flavor = "multi_thread")]
async fn saving_another_endpoint_moves_the_traffic_and_loses_nothing() {
    let (one, two) = (Collector::start().await, Collector::start().await);
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let bootstrap = format!(
        "[operator]\nemail = \"op@example.test\"\npassword = \"{PASSWORD}\"\n[otlp]\nendpoint = \"{}\"\n{}",
        one.endpoint(),
        exporting("acme", ACME, &one.endpoint(), &upstream.url()),
    );
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), ..Setup::default() });
    let console = Console::sign_in(&process).await;
    let traffic = async {
        let client = Client::new();
        for n in 0..300 {
            assert_eq!(call(&client, &process, "acme", ACME, &format!("/moved/{n}")).await.status(), 200);
        }
    };
    let saves = async {
        for done in 1..=10 {
            let to = if done % 2 == 1 { two.endpoint() } else { one.endpoint() };
            console.save(&to, done).await;
            until("traffic between two saves", || upstream.seen().len() >= 25 * done).await;
        }
    };
    tokio::join!(traffic, saves);
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    let mut paths: Vec<String> = [one.received(), two.received()]
        .iter()
        .flat_map(Received::spans)
        .map(|span| attributes(&span.record.attributes)["url.path"].clone())
        .filter(|path| path.starts_with("\"/moved/"))
        .collect();
    paths.sort();
    let arrived = paths.len();
    paths.dedup();
    assert_eq!((arrived, paths.len()), (300, 300), "each span once");
    assert!(!two.received().spans().is_empty(), "the other collector got its part");
}

/// With export off there is nothing of it: a test has its thread while it lasts, an export until it has sent all it had.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_thread_that_exports_is_there_while_something_is_exported() {
    let (collector, upstream) = (Collector::start().await, Upstream::start().await);
    let folder = tempdir().unwrap();
    let acme = workspace("acme", ACME, &upstream.url());
    let bootstrap = format!("[operator]\nemail = \"op@example.test\"\npassword = \"{PASSWORD}\"\n{acme}");
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), ..Setup::default() });
    let (console, client) = (Console::sign_in(&process).await, Client::new());
    let threads = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|name| name.trim() == "telemetry").count()
    };
    assert_eq!(call(&client, &process, "acme", ACME, "/off").await.status(), 200);
    assert_eq!(threads(), 0, "nothing is exported");

    let report = console.send("/api/integrations/test-export", &collector.endpoint(), 0).await;
    assert_eq!(collector.received().requests.len(), 3, "{report}");
    until("the test has ended", || threads() == 0).await;

    for round in 0..2 {
        console.save(&collector.endpoint(), 2 * round).await;
        // A saved export is in effect some milliseconds later, and begins with its first request.
        let begun = async {
            while threads() == 0 {
                assert_eq!(call(&client, &process, "acme", ACME, "/soon").await.status(), 200);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), begun).await.expect("the export begins");
        let path = format!("/on/{round}");
        assert_eq!(call(&client, &process, "acme", ACME, &path).await.status(), 200);
        console.save("", 2 * round + 1).await;
        until("the export has ended", || threads() == 0).await;
        let spans = collector.received().spans();
        let of_this = spans.iter().filter(|span| attributes(&span.record.attributes).get("url.path") == Some(&text(&path)));
        assert_eq!(of_this.count(), 1, "what was accepted was sent before the end");
    }
}
