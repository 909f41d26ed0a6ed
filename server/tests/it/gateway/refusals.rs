use std::time::Duration;

use http::Method;
use serde_json::Value;
use server::gateway::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{KEY, NARROW_KEY, Rig, Table, client, h2_client};
use crate::support::network::outbound;
use crate::support::upstream::{Certificate, Upstream};

struct Refused {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

async fn refused(request: reqwest::RequestBuilder) -> Refused {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body: Value = response.json().await.unwrap();
    assert_eq!(headers["content-type"], "application/json");
    assert!(!headers.contains_key("x-knox-upstream-status"), "the gateway's own");
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"], headers["x-request-id"].to_str().unwrap());
    let id: uuid::Uuid = body["request_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(body.get("errorId").is_some(), status >= 500, "{body}");
    Refused { status, headers, body }
}

#[tokio::test]
async fn keys_routes_environments_and_methods() {
    let upstream = Upstream::start().await;
    let mut table = Table::to(&upstream.url());
    table.methods = vec![Method::GET, Method::POST];
    let rig = Rig::start(&table).await;
    let client = client();
    let get =
        |headers: &[(&str, &str)]| headers.iter().fold(client.get(rig.url("/x")), |request, (name, value)| request.header(*name, *value));
    let (key, route) = (("x-knoxcall-key", KEY), ("x-knoxcall-route", "billing"));

    for headers in [vec![], vec![route], vec![("x-knoxcall-key", ""), route], vec![("x-knoxcall-key", "tk_wrong"), route]] {
        let refusal = refused(get(&headers)).await;
        assert_eq!(refusal.status, 401, "{headers:?}");
        assert!(refusal.headers.contains_key("www-authenticate"));
        assert!(!refusal.body.to_string().contains("tk_wrong"), "a key never comes back");
    }
    assert_eq!(refused(get(&[("x-knoxcall-key", NARROW_KEY), route])).await.status, 403);
    for (headers, name) in [
        (vec![key], ""),
        (vec![key, ("x-knoxcall-route", "nope")], "nope"),
        (vec![key, ("x-knoxcall-route", "BILLING")], "BILLING"),
        (vec![key, route, ("x-knoxcall-environment", "nope")], "billing"),
    ] {
        let refusal = refused(get(&headers)).await;
        assert_eq!((refusal.status, &refusal.body["route"]), (404, &Value::from(name)), "{headers:?}");
    }
    let refusal = refused(rig.request(&client, Method::DELETE, "/x")).await;
    assert_eq!((refusal.status, refusal.headers["allow"].to_str().unwrap()), (405, "GET, POST"));
    assert_eq!(refused(get(&[key, key, route])).await.status, 400, "two keys");
    assert_eq!(upstream.connections(), 0, "nothing of this reached the upstream");

    for name in ["billing", "Billing API", &super::rig::ROUTE.to_string()] {
        let response = get(&[("x-knoxcall-key", "tk_also"), ("x-knoxcall-route", name)]).send().await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn rates_survive_a_new_routing_table() {
    let upstream = Upstream::start().await;
    let table = Table::to(&upstream.url()).per_second(3);
    let rig = Rig::start(&table).await;
    let client = client();
    for _ in 0..3 {
        assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().status(), 200);
    }
    rig.routing.store(std::sync::Arc::new(table.build()));
    let refusal = refused(rig.request(&client, Method::GET, "/")).await;
    assert_eq!((refusal.status, refusal.headers["retry-after"].to_str().unwrap()), (429, "1"));
    rig.routing.store(std::sync::Arc::new(Table::to(&upstream.url()).build()));
    assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().status(), 200, "the limit is gone");
}

/// Whoever is slow holds their own workspace's requests up, however long.
#[tokio::test]
async fn so_many_requests_at_once_and_no_more() {
    let upstream = Upstream::start().await;
    let config = Config { max_requests: 3, ..Config::default() };
    let rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
    let held = |client: &reqwest::Client| rig.request(client, Method::GET, "/").header("x-script", "drip").send();
    let mut open = Vec::new();
    for client in [client(), h2_client(), h2_client()] {
        open.push(held(&client).await.unwrap());
    }
    for client in [client(), h2_client()] {
        let refusal = refused(rig.request(&client, Method::GET, "/")).await;
        assert_eq!((refusal.status, refusal.headers["retry-after"].to_str().unwrap()), (429, "1"));
        assert_eq!(refusal.body["error"], "Too many requests at once");
    }
    open.pop();
    let free = async { while rig.request(&client(), Method::GET, "/").send().await.unwrap().status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(10), free).await.expect("whoever goes away leaves room");
}

/// An upstream may answer before it has read all; the request takes its place until it is over on both sides.
#[tokio::test]
async fn a_request_that_is_answered_early_is_under_way_until_its_body_is_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0 && !buffer[..read].ends_with(b"0\r\n\r\n")) {}
                }
            });
        }
    });
    let config = Config { max_requests: 1, ..Config::default() };
    let rig = Rig::with(&Table::to(&url), config, outbound()).await;
    let (slow, other) = (h2_client(), client());
    let (pieces, body) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, std::io::Error>>();
    pieces.unbounded_send(Ok(b"begun".to_vec())).unwrap();
    let answered = rig.request(&slow, Method::POST, "/").body(reqwest::Body::wrap_stream(body)).send().await.unwrap();
    assert_eq!(answered.status(), 200);
    assert!(answered.bytes().await.unwrap().is_empty());
    assert_eq!(refused(rig.request(&other, Method::GET, "/")).await.status, 429);
    drop(pieces);
    let free = async { while rig.request(&other, Method::POST, "/").body("x").send().await.unwrap().status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(10), free).await.expect("it is over");
}

#[tokio::test]
async fn bodies_over_the_limit() {
    let upstream = Upstream::start().await;
    let mut table = Table::to(&upstream.url());
    table.limits.body_limit = 100_000;
    let rig = Rig::start(&table).await;
    let client = client();
    assert_eq!(rig.request(&client, Method::POST, "/").body(vec![0; 100_000]).send().await.unwrap().status(), 200);
    // Announced: refused at once, although the client has started to send.
    assert_eq!(refused(rig.request(&client, Method::POST, "/").body(vec![0; 3_000_000])).await.status, 413);
    assert_eq!(upstream.connections(), 1);
    // Not announced: refused when it happens.
    let pieces = futures::stream::iter((0..50).map(|_| Ok::<_, std::io::Error>(vec![0; 10_000])));
    let request = rig.request(&client, Method::POST, "/").body(reqwest::Body::wrap_stream(pieces));
    assert_eq!(refused(request).await.status, 413);
    assert_eq!(upstream.seen().iter().filter(|echo| echo.body_length > 100_000).count(), 0);
    let failures: Vec<_> = rig.recorder.wait(3).await.into_iter().map(|event| (event.status, event.failure.is_some())).collect();
    assert_eq!(failures, [(Some(200), false), (Some(413), false), (Some(413), false)]);
}

#[tokio::test]
async fn upstreams_that_cannot_be_had() {
    let refusing = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", socket.local_addr().unwrap())
    };
    let stranger = Upstream::start_tls(&Certificate::localhost(), true).await;
    let plain = Upstream::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let babbling = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing_url = format!("http://{}", closing.local_addr().unwrap());
    let babbling_url = format!("http://{}", babbling.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            drop(closing.accept().await);
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = babbling.accept().await.unwrap();
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-babble\r\n\r\n").await;
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await;
        }
    });
    let rig = Rig::with(&Table::to(&plain.url()), server::gateway::Config::default(), outbound()).await;
    for (target, script, status, kind) in [
        (refusing, "", 502, "connection_refused"),
        ("http://nowhere.invalid".to_owned(), "", 502, "name_not_found"),
        (stranger.url(), "", 502, "tls"),
        (format!("https://{}", plain.address), "", 502, "tls"),
        // TCP connects, TLS does not come: the connect limit covers both.
        (format!("https://{}", silent.local_addr().unwrap()), "", 504, "timeout"),
        (closing_url, "", 502, "connection_closed"),
        (babbling_url, "", 502, "other"),
        (plain.url(), "stall", 504, "timeout"),
    ] {
        let mut table = Table::to(&target);
        table.limits.connect_timeout = Duration::from_millis(300);
        table.limits.response_timeout = Duration::from_millis(600);
        if status == 502 {
            table.limits.connect_timeout = Duration::from_secs(5);
            table.limits.response_timeout = Duration::from_secs(5);
        }
        rig.routing.store(std::sync::Arc::new(table.build()));
        let before = rig.recorder.requests().len();
        let mut request = rig.request(&client(), Method::GET, "/x?secret=1");
        if !script.is_empty() {
            request = request.header("x-script", script);
        }
        let refusal = refused(request).await;
        assert_eq!(refusal.status, status, "{target} {}", refusal.body);
        let events = rig.recorder.wait(before + 1).await;
        let event = events.last().unwrap();
        let failure = event.failure.as_ref().unwrap();
        assert_eq!((event.status, failure.kind), (Some(status), kind), "{target}: {}", failure.message);
        assert!(!failure.message.contains("secret"), "{}", failure.message);
    }
    crate::support::upstream::until("the stalled request is given up", || plain.open() == 0).await;
}

#[tokio::test]
async fn connect_and_upgrades() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let who = super::rig::WHO;
    let websocket = format!("GET /ws HTTP/1.1\r\n{who}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
    for request in [websocket, format!("CONNECT a.test:443 HTTP/1.1\r\n{who}\r\n")] {
        let answer = rig.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 501 ") && answer.contains("\"status\":501"), "{answer}");
    }
    assert_eq!(upstream.connections(), 0);
    // An offer that may be ignored is, and the connection goes on.
    let h2c = format!(
        "GET /1 HTTP/1.1\r\n{who}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
    );
    let answer = rig.raw(format!("{h2c}GET /2 HTTP/1.1\r\n{who}Connection: close\r\n\r\n")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    let seen = upstream.seen();
    assert!(seen[0].header("upgrade").is_empty() && seen[0].header("http2-settings").is_empty(), "{:?}", seen[0]);
}
