//! From requests at the gateway to records at three collectors, and settings that move them while they flow.

use std::collections::BTreeSet;

use reqwest::{Client, Response};
use tempfile::tempdir;

use super::{Process, Setup};
use crate::support::collector::{Collector, Received, attributes};
use crate::support::upstream::{Upstream, until};

const PASSWORD: &str = "correct horse battery staple";
const ACME: &str = "tk_acme0123456789abcdefghijklmnop";
const GLOBEX: &str = "tk_globex0123456789abcdefghijklmn";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn workspace(slug: &str, key: &str, collector: &str, upstream: &str) -> String {
    format!(
        r#"
[[workspace]]
slug = "{slug}"
name = "{slug}-canary-name"
[workspace.telemetry]
endpoint = "{collector}"
headers = "authorization=Bearer {slug}-canary-token"
service_name = "{slug}-canary-service"
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
        workspace("acme", ACME, &acme.endpoint(), &upstream.url()),
        workspace("globex", GLOBEX, &globex.endpoint(), &upstream.url()),
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

/// An operator saves another endpoint while requests flow: each record arrives once, here or there.
#[tokio::test(flavor = "multi_thread")]
async fn saving_another_endpoint_moves_the_traffic_and_loses_nothing() {
    let (one, two) = (Collector::start().await, Collector::start().await);
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let bootstrap = format!(
        "[operator]\nemail = \"op@example.test\"\npassword = \"{PASSWORD}\"\n[otlp]\nendpoint = \"{}\"\n{}",
        one.endpoint(),
        workspace("acme", ACME, &one.endpoint(), &upstream.url()),
    );
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&bootstrap), ..Setup::default() });
    let console = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = |path: &str, fields: &[(&str, &str)]| {
        let request = console.post(format!("{}{path}", process.console)).header("origin", process.console.clone());
        request.header("accept", "application/json").form(fields).send()
    };
    let signed_in = post("/api/account/sign-in", &[("email", "op@example.test"), ("password", PASSWORD), ("next", "")]).await.unwrap();
    assert!(signed_in.status().is_success(), "{}", signed_in.text().await.unwrap());

    let traffic = async {
        let client = Client::new();
        for n in 0..300 {
            assert_eq!(call(&client, &process, "acme", ACME, &format!("/moved/{n}")).await.status(), 200);
        }
    };
    let saves = async {
        for done in 1..=10 {
            let to = if done % 2 == 1 { two.endpoint() } else { one.endpoint() };
            let generation = done.to_string();
            let fields = [
                ("form[endpoint]", to.as_str()),
                ("form[traces]", "on"),
                ("form[logs]", "on"),
                ("form[metrics]", "on"),
                ("form[generation]", generation.as_str()),
            ];
            let saved = post("/api/integrations/save-export", &fields).await.unwrap();
            assert!(saved.status().is_success(), "save {generation}: {}", saved.text().await.unwrap());
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
