use http::Method;
use server::event::{Component, SecurityKind};
use server::gateway::Config;
use server::peers::Proxies;
use tokio::io::AsyncWriteExt;

use super::rig::{KEY, Rig, TENANT, Table, WHO, client, h2_client};
use crate::support::network::outbound;
use crate::support::upstream::{Echo, Upstream, until};

#[tokio::test]
async fn one_event_says_it_all() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for (client, version) in [(client(), "1.1"), (h2_client(), "2")] {
        let before = rig.recorder.requests().len();
        let request = rig.request(&client, Method::POST, "/orders/7?token=canary-query");
        let response = request
            .header("user-agent", "tester/1")
            .header("authorization", "Bearer canary-auth")
            .header("cookie", "canary-cookie=1")
            .body("canary-body")
            .send()
            .await
            .unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        response.bytes().await.unwrap();
        let events = rig.recorder.wait(before + 1).await;
        assert_eq!(events.len(), before + 1);
        let event = events.last().unwrap();
        assert_eq!(event.request_id.to_string(), id);
        assert_eq!((event.component, event.tenant, event.status), (Component::Gateway, Some(TENANT), Some(200)));
        assert_eq!((event.method.as_str(), event.path.as_str(), event.scheme), ("POST", "/orders/7", "http"));
        assert_eq!((event.server_address.as_str(), event.server_port), ("127.0.0.1", Some(rig.address.port())));
        assert_eq!((event.client_address, event.user_agent.as_deref()), (Some([127, 0, 0, 1].into()), Some("tester/1")));
        assert_eq!((event.protocol_version, event.http_route.as_deref(), event.cancelled), (version, None, false));
        assert!(event.failure.is_none() && event.duration > std::time::Duration::ZERO);
        let proxied = event.proxied.as_ref().unwrap();
        assert_eq!((&*proxied.route, &*proxied.environment), ("billing", "production"));
        assert_eq!(proxied.upstream_host.as_deref(), Some("127.0.0.1"));
        assert_eq!(proxied.upstream_address.as_deref(), Some(upstream.address.to_string().as_str()));
    }
    let everything = rig.recorder.everything();
    assert!(!everything.contains("canary") && !everything.contains(KEY), "{everything}");
}

#[tokio::test]
async fn where_a_request_comes_from_is_what_a_trusted_proxy_says_and_upstreams_are_told_it() {
    let upstream = Upstream::start().await;
    for (proxies, address, scheme, told) in
        [("127.0.0.0/8", "203.0.113.9", "https", "203.0.113.9, 127.0.0.1"), ("192.0.2.0/24", "127.0.0.1", "http", "127.0.0.1")]
    {
        let config = Config { proxies: Proxies::new([proxies.parse().unwrap()]), ..Config::default() };
        let rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
        let sent = |request: reqwest::RequestBuilder| {
            request.header("x-forwarded-for", "6.6.6.6, 203.0.113.9").header("x-forwarded-proto", "https").send()
        };
        for client in [client(), h2_client()] {
            let before = rig.recorder.requests().len();
            let echo: Echo = sent(rig.request(&client, Method::GET, "/")).await.unwrap().json().await.unwrap();
            assert_eq!((echo.header("x-forwarded-for"), echo.header("x-forwarded-proto")), (vec![told], vec![scheme]), "{proxies}");
            let events = rig.recorder.wait(before + 1).await;
            let event = events.last().unwrap();
            assert_eq!((event.client_address, event.scheme), (Some(address.parse().unwrap()), scheme), "{proxies}");
        }
        // Each request of a connection is whose its own head says.
        let client = client();
        for (from, expected) in [("198.51.100.1", "198.51.100.1"), ("198.51.100.2", "198.51.100.2"), ("nobody", "127.0.0.1")] {
            let refused = client.get(rig.url("/")).header("x-knoxcall-key", "tk_bad").header("x-forwarded-for", from).send().await.unwrap();
            assert_eq!(refused.status(), 401);
            let expected = if scheme == "https" { expected } else { "127.0.0.1" };
            assert_eq!(rig.recorder.security().last().unwrap().client_address, Some(expected.parse().unwrap()), "{from} by {proxies}");
        }
    }
}

#[tokio::test]
async fn refused_requests_are_told_apart() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let client = client();
    client.get(rig.url("/a")).header("x-knoxcall-key", "tk_bad").send().await.unwrap();
    client.get(rig.url("/b")).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "nope").send().await.unwrap();
    rig.request(&client, Method::GET, "/c").header("x-knoxcall-environment", "nope").send().await.unwrap();
    let events = rig.recorder.wait(3).await;
    assert_eq!((events[0].status, events[0].tenant, events[0].proxied.is_none()), (Some(401), None, true));
    let security = rig.recorder.security();
    assert_eq!((security.len(), security[0].kind), (1, SecurityKind::ApiKeyRejected));
    assert_eq!(security[0].trace.as_ref(), Some(&events[0].trace), "in the same trace");
    for (event, route) in [(&events[1], ""), (&events[2], "billing")] {
        let proxied = event.proxied.as_ref().unwrap();
        assert_eq!((event.status, event.tenant), (Some(404), Some(TENANT)));
        assert_eq!((&*proxied.route, &*proxied.environment, proxied.upstream_host.is_none()), (route, "", true));
    }
}

/// Contract §3.5: a valid key makes it the workspace's, whatever became of it; without one it is told as a security event.
#[tokio::test]
async fn what_is_refused_for_its_form_is_its_keys_nonetheless() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let forms = [
        ("GET /a HTTP/1.1", "Host: gw.test\r\nx-knoxcall-route: billing\r\nx-knoxcall-route: other\r\n", 400),
        ("GET /a HTTP/1.1", "Host: a@b\r\nx-knoxcall-route: billing\r\n", 400),
        ("GET /a HTTP/1.1", "x-knoxcall-route: billing\r\n", 400),
        ("CONNECT gw.test:443 HTTP/1.1", "Host: gw.test:443\r\nx-knoxcall-route: billing\r\n", 501),
    ];
    let (mut requests, mut rejected) = (0, 0);
    for (line, headers, status) in forms {
        for (key, tenant) in [("x-knoxcall-key: tk_good\r\n", Some(TENANT)), ("x-knoxcall-key: tk_bad\r\n", None), ("", None)] {
            let answer = rig.raw(format!("{line}\r\n{headers}{key}Connection: close\r\n\r\n")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {headers} {key}: {answer}");
            requests += 1;
            rejected += usize::from(tenant.is_none());
            let event = rig.recorder.wait(requests).await.pop().unwrap();
            assert_eq!((event.status, event.tenant), (Some(status), tenant), "{line} {headers} {key}");
            // What it asked for is not believed.
            let routes = event.proxied.as_ref().map(|proxied| (&*proxied.route, &*proxied.environment));
            assert_eq!(routes, tenant.map(|_| ("", "")), "{line} {headers} {key}");
            assert_eq!(rig.recorder.security().len(), rejected, "{line} {headers} {key}");
        }
    }
    // Two keys are nobody's.
    let twice = format!("GET /a HTTP/1.1\r\n{WHO}x-knoxcall-key: tk_good\r\nConnection: close\r\n\r\n");
    assert!(rig.raw(twice).await.starts_with("HTTP/1.1 400 "));
    let event = rig.recorder.wait(requests + 1).await.pop().unwrap();
    assert_eq!((event.tenant, rig.recorder.security().len()), (None, rejected));
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn clients_that_go_away_are_cancelled_once_and_the_upstream_is_let_go() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for (number, (script, status)) in [("stall", None), ("drip", Some(200)), ("bytes 50000000", Some(200))].into_iter().enumerate() {
        let mut stream = rig.connect().await;
        stream.write_all(format!("GET / HTTP/1.1\r\n{WHO}x-script: {script}\r\n\r\n").as_bytes()).await.unwrap();
        if status.is_some() {
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1000]).await.unwrap();
        }
        until("the upstream has it", || upstream.open() == 1).await;
        drop(stream);
        until("the upstream is let go", || upstream.abandoned() == number + 1 && upstream.open() == 0).await;
        let events = rig.recorder.wait(number + 1).await;
        let event = &events[number];
        assert_eq!((event.cancelled, event.status, event.failure.is_none()), (true, status, true), "{script}");
    }
    // Over HTTP/2 a stream is reset while its connection lives on.
    let client = h2_client();
    let held = tokio::spawn(rig.request(&client, Method::GET, "/").header("x-script", "stall").send());
    until("the upstream has it", || upstream.open() == 1).await;
    held.abort();
    until("the upstream is let go", || upstream.abandoned() == 4).await;
    // And a client that goes away while it sends.
    let mut stream = rig.connect().await;
    stream.write_all(format!("POST / HTTP/1.1\r\n{WHO}Content-Length: 100\r\n\r\nhalf").as_bytes()).await.unwrap();
    until("the upstream has it", || upstream.open() == 1).await;
    drop(stream);
    let events = rig.recorder.wait(5).await;
    assert!(events[3..].iter().all(|event| event.cancelled && event.failure.is_none()), "{events:?}");
    assert_eq!(events.len(), 5);
    assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().status(), 200);
}
