//! From a request at the gateway to a receiver, over the death of the process.

use std::path::Path;

use server::store::{StopReason, Store};
use tempfile::tempdir;

use super::{KEY, Process, Setup, everything_in};
use crate::support::collector::Collector;
use crate::support::receiver::{Answer, Receiver};
use crate::support::sentry::FakeSentry;
use crate::support::upstream::{Upstream, until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn bootstrap(upstream: &str, receiver: &Receiver) -> String {
    format!(
        r#"
[[workspace]]
slug = "acme"
[[workspace.api_key]]
name = "default"
key = "{KEY}"
[[workspace.route]]
slug = "billing"
name = "Billing API"
[[workspace.route.environment]]
name = "production"
default = true
target_base_url = "{upstream}"
[[workspace.webhook]]
name = "all"
url = "{}"
event_types = ["request.received", "request.success"]
secret = "{SECRET}"
[[workspace.webhook]]
name = "made"
url = "{}"
event_types = ["request.timeout"]
"#,
        receiver.url("/hook"),
        receiver.url("/made"),
    )
}

/// What a request set off is on disk before anybody tries to deliver it, and is delivered by whoever comes next.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_survives_a_kill() {
    let (receiver, upstream) = (Receiver::start().await, Upstream::start().await);
    receiver.script("/hook", [Answer::Stall, Answer::Stall]);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = bootstrap(&upstream.url(), &receiver);
    let process = Process::start(&data, &Setup { bootstrap: Some(&file), ..Setup::default() });
    let client = reqwest::Client::new();
    let request = client.get(format!("{}/invoices?secret=canary", process.gateway)).header("x-knoxcall-key", KEY);
    let answer = request.header("x-knoxcall-route", "billing").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    let before = receiver.wait("/hook", 2).await;
    process.signal("KILL");
    let (_, output) = process.ended();
    assert_eq!(output.matches("Signing secret of webhook made of workspace acme, shown only now: whsec_").count(), 1, "{output}");
    assert!(!output.contains(SECRET), "{output}");

    let process = Process::start(&data, &Setup { bootstrap: Some(&file), ..Setup::default() });
    let got = receiver.wait("/hook", 4).await;
    let ids = |got: &[crate::support::receiver::Got]| {
        let mut ids: Vec<String> = got.iter().map(|got| got.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&before), ids(&got[2..]), "each once more, under its own id");
    let mut events: Vec<_> = got[2..].iter().map(|got| got.json()["event"].as_str().unwrap().to_owned()).collect();
    events.sort();
    assert_eq!(events, ["request.received", "request.success"]);
    for got in &got {
        let (body, data) = (String::from_utf8_lossy(&got.body).into_owned(), got.json()["data"].clone());
        assert!(!body.contains("canary"), "{body}");
        assert_eq!((&data["route_name"], &data["request"]["path"]), (&"Billing API".into(), &"/invoices".into()));
    }
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success());
    assert!(!output.contains("Signing secret of webhook"), "made once: {output}");
}

/// A made-up context would tell the receiver's sampler to drop its own traces.
#[tokio::test(flavor = "multi_thread")]
async fn without_traces_a_receiver_gets_the_callers_context_or_none() {
    let (receiver, upstream) = (Receiver::start().await, Upstream::start().await);
    let folder = tempdir().unwrap();
    let file = bootstrap(&upstream.url(), &receiver);
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&file), ..Setup::default() });
    let client = reqwest::Client::new();
    let (trace, span) = ("ab".repeat(16), "cd".repeat(8));
    let contexts = [None, Some(format!("00-{trace}-{span}-00")), Some(format!("00-{trace}-{span}-01"))];
    for (index, context) in contexts.iter().enumerate() {
        let request = client.get(format!("{}/{index}", process.gateway)).header("x-knoxcall-key", KEY);
        let request = match context {
            Some(context) => request.header("traceparent", context).header("tracestate", "vendor=x"),
            None => request,
        };
        request.header("x-knoxcall-route", "billing").send().await.unwrap().bytes().await.unwrap();
    }
    let got = receiver.wait("/hook", 6).await;
    for (index, context) in contexts.iter().enumerate() {
        let path = format!("/{index}");
        let of_it: Vec<_> = got.iter().filter(|got| got.json()["data"]["request"]["path"] == path.as_str()).collect();
        assert_eq!(of_it.len(), 2, "request.received and request.success");
        for got in of_it {
            let header = |name: &str| got.headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("traceparent"), context.as_deref());
            assert_eq!(header("tracestate"), context.as_ref().map(|_| "vendor=x"));
        }
    }
    process.signal("TERM");
    assert!(process.ended().0.success());
}

/// A process that is asked to end while both of its endpoints are told of a request, which answer then. What it logged.
async fn stopped_while_told(data: &Path, bootstrap: &str, receiver: &Receiver) -> String {
    let process = Process::start(data, &Setup { bootstrap: Some(bootstrap), ..Setup::default() });
    let request = reqwest::Client::new().get(format!("{}/invoices", process.gateway)).header("x-knoxcall-key", KEY);
    request.header("x-knoxcall-route", "billing").send().await.unwrap().bytes().await.unwrap();
    receiver.wait("/hook", 2).await;
    process.signal("TERM");
    until("it is stopping", || process.output().contains("stopping")).await;
    receiver.release();
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");
    output
}

/// The end waits for what is under way; what is told of then is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_an_attempt_end() {
    let (receiver, upstream) = (Receiver::start().await, Upstream::start().await);
    receiver.script("/hook", [Answer::Stall, Answer::Stall]);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = bootstrap(&upstream.url(), &receiver);
    stopped_while_told(&data, &file, &receiver).await;

    let process = Process::start(&data, &Setup { bootstrap: Some(&file), ..Setup::default() });
    process.signal("TERM");
    assert!(process.ended().0.success());
    assert_eq!(receiver.all().len(), 2, "both ended before the process did");
}

/// What an attempt finds out at the very end counts as at any other time.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_410_during_the_stop_switches_the_endpoint_off() {
    let (receiver, upstream) = (Receiver::start().await, Upstream::start().await);
    receiver.script("/hook", [Answer::Late(410), Answer::Late(410)]);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = bootstrap(&upstream.url(), &receiver);
    let output = stopped_while_told(&data, &file, &receiver).await;

    let store = Store::open(&data).unwrap();
    let webhooks = store.webhooks().all().unwrap();
    let gone = webhooks.iter().find(|webhook| webhook.name.as_str() == "all").unwrap();
    assert_eq!((gone.enabled, gone.stopped.map(|stopped| stopped.why)), (false, Some(StopReason::Gone)), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_console_is_told_to_its_workspace() {
    let (receiver, upstream) = (Receiver::start().await, Upstream::start().await);
    let folder = tempdir().unwrap();
    let operator = "[operator]\nemail = \"op@example.test\"\npassword = \"correct horse battery staple\"\n";
    let file = format!("{operator}{}", bootstrap(&upstream.url(), &receiver).replace("request.timeout", "audit.event"));
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&file), ..Setup::default() });
    let client = reqwest::Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let request = client.post(format!("{}{path}", process.console)).header("origin", process.console.clone());
        let answer = request.header("accept", "application/json").form(fields).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    };
    post("/api/account/sign-in", &[("email", "op@example.test"), ("password", "correct horse battery staple"), ("next", "")]).await;
    let route = [("workspace", "acme"), ("slug", "orders"), ("name", "Orders"), ("target_base_url", &*upstream.url())];
    post("/api/routes/create", &route).await;
    let orders = |got: &crate::support::receiver::Got| got.json()["data"].to_string().contains("\"orders\"");
    until("the route is told of", || receiver.got("/made").iter().any(orders)).await;
    let got = receiver.got("/made").into_iter().find(orders).unwrap();
    assert!(got.headers.get("traceparent").is_none(), "nothing came in, and no spans are recorded: {:?}", got.headers);
    let told = got.json();
    assert_eq!((&told["event"], &told["data"]["action"]), (&"audit.event".into(), &"route.created".into()), "{told}");
    process.signal("TERM");
    assert!(process.ended().0.success());
}

/// As one that is rotated in the console is.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_bootstrap_file_replaces_is_a_security_event() {
    let (receiver, upstream, collector) = (Receiver::start().await, Upstream::start().await, Collector::start().await);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let file = format!("[otlp]\nendpoint = \"{}\"\n{}", collector.endpoint(), bootstrap(&upstream.url(), &receiver));
    let other = file.replace(SECRET, "whsec_AbKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    for text in [&file, &other, &other] {
        let process = Process::start(&data, &Setup { bootstrap: Some(text), ..Setup::default() });
        process.signal("TERM");
        let (status, output) = process.ended();
        assert!(status.success(), "{output}");
    }
    let spans = collector.received().spans();
    let told: Vec<&str> = spans.iter().map(|item| &*item.record.name).filter(|name| name.starts_with("security ")).collect();
    assert_eq!(told, ["security webhook.secret_rotated"], "once, by the second start");
}

/// What goes along with a delivery is told to its receiver alone: no collector, no Sentry, no log and no file has it in the clear.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_along_is_in_no_telemetry_and_not_readable_on_disk() {
    let (receiver, upstream, sentry) = (Receiver::start().await, Upstream::start().await, FakeSentry::start().await);
    let (collector, own) = (Collector::start().await, Collector::start().await);
    let folder = tempdir().unwrap();
    let data = folder.path().join("data");
    let workspace = bootstrap(&upstream.url(), &receiver)
        .replace("slug = \"acme\"", &format!("slug = \"acme\"\n[workspace.telemetry]\nendpoint = \"{}\"", own.endpoint()))
        .replace("\"request.success\"]", "\"request.completed\"]\ninclude_headers = true\ninclude_bodies = true");
    let file = format!("[otlp]\nendpoint = \"{}\"\n{workspace}", collector.endpoint());
    let env = [("SENTRY_DSN_BACKEND", sentry.dsn.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "20"), ("RUST_LOG", "debug")];
    let process = Process::start(&data, &Setup { bootstrap: Some(&file), env: &env, ..Setup::default() });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (route, script) in [("billing", "mirror"), ("billing", "cut 20"), ("nowhere", "")] {
        let request = client.post(format!("{}/invoices", process.gateway)).header("x-knoxcall-key", KEY).header("x-knoxcall-route", route);
        let request = if script.is_empty() { request } else { request.header("x-script", script) };
        let request = request.header("x-canary", "canary-header").header("content-type", "text/plain");
        let sent = request.body("canary-body tk_canarysecret").send().await.unwrap();
        // One of them breaks off.
        let _ = sent.bytes().await;
    }
    let got = receiver.wait("/hook", 6).await;
    let bodies = got.iter().map(|got| String::from_utf8_lossy(&got.body).into_owned()).collect::<Vec<_>>().concat();
    assert!(bodies.contains("canary-header") && bodies.contains("canary-body [redacted]") && !bodies.contains("canarysecret"), "{bodies}");
    let counts = |collector: &Collector| collector.received().logs().len();
    until("both collectors have the requests", || counts(&collector) >= 3 && counts(&own) >= 3).await;
    process.signal("TERM");
    let (status, output) = process.ended();
    assert!(status.success(), "{output}");

    let mut places = vec![("the log", output), ("the data folder", everything_in(&data))];
    for (whose, collector) in [("the operator's collector", &collector), ("the workspace's collector", &own)] {
        let requests = collector.received().requests;
        places.extend(requests.iter().map(|request| (whose, String::from_utf8_lossy(&request.body).into_owned())));
    }
    places.extend(sentry.posted().into_iter().map(|posted| ("Sentry", posted.raw)));
    assert!(places.len() > 4, "every place got something");
    for (place, text) in places {
        assert!(!text.contains("canary"), "it is in {place}");
    }
}
