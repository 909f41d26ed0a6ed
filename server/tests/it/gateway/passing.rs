use http::{HeaderMap, HeaderValue, Method};
use server::gateway::Config;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::rig::{Rig, Table, WHO, client, h2_client};
use crate::support::network::outbound;
use crate::support::upstream::{Certificate, Echo, Upstream};

#[tokio::test]
async fn methods_paths_bodies_and_headers_pass_as_they_came() {
    let upstream = Upstream::start().await;
    let mut table = Table::to(&format!("{}/v1", upstream.url()));
    table.inject.insert("authorization", HeaderValue::from_static("Bearer upstream"));
    let rig = Rig::start(&table).await;
    for client in [client(), h2_client()] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            let body = if method == "GET" { Vec::new() } else { method.repeat(1000).into_bytes() };
            let response = rig
                .request(&client, method.parse().unwrap(), "/a//b%2Fc/%e4?x=1&y=%20+z")
                .header("authorization", "Bearer client")
                .header("x-forwarded-for", "6.6.6.6")
                .header("x-custom", "one")
                .header("x-custom", "two")
                .body(body.clone())
                .send()
                .await
                .unwrap();
            assert_eq!(response.headers()["x-knox-upstream-status"], "200");
            let echo: Echo = response.json().await.unwrap();
            assert_eq!((echo.method.as_str(), echo.path.as_str()), (method, "/v1/a//b%2Fc/%e4"));
            assert_eq!(echo.query.as_deref(), Some("x=1&y=%20+z"));
            assert_eq!((echo.body_length, echo.body_sha256.clone()), (body.len() as u64, hex::encode(Sha256::digest(&body))));
            assert_eq!(echo.host, upstream.address.to_string());
            assert_eq!(echo.header("authorization"), ["Bearer upstream"]);
            assert_eq!(echo.header("x-custom"), ["one", "two"]);
            assert_eq!(echo.header("x-forwarded-for"), ["127.0.0.1"]);
            assert_eq!(echo.header("x-forwarded-proto"), ["http"]);
            assert_eq!(echo.header("x-forwarded-host"), [rig.address.to_string()]);
            assert!(echo.headers.iter().all(|(name, _)| !name.starts_with("x-knoxcall-")), "{:?}", echo.headers);
            let framing = if body.is_empty() { vec![] } else { vec![body.len().to_string()] };
            assert_eq!(echo.header("content-length"), framing, "{method}");
        }
    }
    let staging = rig.request(&client(), Method::GET, "/a").header("x-knoxcall-environment", "staging").send().await.unwrap();
    assert_eq!(staging.json::<Echo>().await.unwrap().path, "/v1/staging/a");
}

#[tokio::test]
async fn statuses_without_a_body_and_redirects() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let client = client();
    for status in [204_u16, 304, 201, 302, 404, 418, 500, 503] {
        let response = rig.request(&client, Method::GET, "/").header("x-script", format!("status {status}")).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["x-knox-upstream-status"], status.to_string());
        assert!(response.bytes().await.unwrap().is_empty());
    }
    let head = rig.request(&client, Method::HEAD, "/").header("x-script", "bytes 1234").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "1234"));
    // The connection is still in step afterwards.
    assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().json::<Echo>().await.unwrap().method, "GET");
    let events = rig.recorder.wait(10).await;
    assert!(events.iter().all(|event| !event.cancelled && event.failure.is_none()), "an upstream's own 5xx is no failure of ours");
}

#[tokio::test]
async fn response_headers() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let response = rig.request(&client(), Method::GET, "/").header("x-script", "headers").send().await.unwrap();
    let headers = response.headers();
    assert!(!headers.contains_key("x-hop") && !headers.contains_key("keep-alive"), "{headers:?}");
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(headers["x-end"], "kept");
    assert!(headers["x-request-id"].to_str().unwrap().parse::<uuid::Uuid>().is_ok(), "ours, not the upstream's");
}

#[tokio::test]
async fn trailers_both_ways() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let up = format!(
        "POST / HTTP/1.1\r\n{WHO}Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n\
         5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n"
    );
    assert!(rig.raw(up).await.starts_with("HTTP/1.1 200"));
    assert_eq!(upstream.seen()[0].trailers, [("x-sum".to_owned(), "7".to_owned())]);
    assert_eq!(upstream.seen()[0].body_length, 5);

    let down = format!("GET / HTTP/1.1\r\n{WHO}Connection: close, TE\r\nTE: trailers\r\nx-script: trailers\r\n\r\n");
    let answer = rig.raw(down).await;
    assert!(answer.ends_with("6\r\nsummed\r\n0\r\nx-sum: 42\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn expect_continue_waits_for_the_gateway_and_refusals_come_without_it() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let mut stream = rig.connect().await;
    let head = format!("POST / HTTP/1.1\r\n{WHO}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    assert!(super::rig::read_to_end(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert!(upstream.seen()[0].header("expect").is_empty());

    let refused = rig.raw(head.replace("tk_good", "tk_bad")).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

#[tokio::test]
async fn absolute_form_http_1_0_and_odd_targets() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let absolute = format!("GET http://real.test:81/a?b HTTP/1.1\r\n{WHO}Connection: close\r\n\r\n");
    assert!(rig.raw(absolute).await.starts_with("HTTP/1.1 200"));
    assert_eq!((upstream.seen()[0].path.as_str(), upstream.seen()[0].header("x-forwarded-host")), ("/a", vec!["real.test:81"]));
    let old = format!("GET /old HTTP/1.0\r\n{WHO}\r\n");
    assert!(rig.raw(old).await.starts_with("HTTP/1.0 200"));
    let dots = format!("GET /a/../%2e%2e/b HTTP/1.1\r\n{WHO}Connection: close\r\n\r\n");
    assert!(rig.raw(dots).await.starts_with("HTTP/1.1 200"));
    assert_eq!(upstream.seen()[2].path, "/a/../%2e%2e/b", "as it came");
    assert!(rig.raw(format!("OPTIONS * HTTP/1.1\r\n{WHO}\r\n")).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn tls_upstreams_over_http_2_and_http_1() {
    let certificate = Certificate::localhost();
    for (h2, version) in [(true, "HTTP/2.0"), (false, "HTTP/1.1")] {
        let upstream = Upstream::start_tls(&certificate, h2).await;
        let outbound = outbound().with_roots(&certificate.pem).unwrap();
        let rig = Rig::with(&Table::to(&upstream.url()), Config::default(), outbound).await;
        for client in [client(), h2_client()] {
            for _ in 0..3 {
                let response = rig.request(&client, Method::POST, "/a?b").body("hello").send().await.unwrap();
                let echo: Echo = response.json().await.unwrap();
                assert_eq!((echo.version.as_str(), echo.body_length), (version, 5));
                assert_eq!(echo.host, format!("localhost:{}", upstream.address.port()));
            }
            let response = rig.request(&client, Method::GET, "/").header("x-script", "bytes 300000").send().await.unwrap();
            assert_eq!(response.bytes().await.unwrap().len(), 300_000);
        }
        assert_eq!(upstream.connections(), 1, "connections are reused");
        let events = rig.recorder.wait(8).await;
        assert!(events.iter().all(|event| !event.cancelled), "whole responses are not cancelled ones");
    }
    assert!(outbound().with_roots("no certificate").is_err());
}

#[tokio::test]
async fn split_cookies_are_joined() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let mut cookies = HeaderMap::new();
    cookies.append("cookie", HeaderValue::from_static("a=1"));
    cookies.append("cookie", HeaderValue::from_static("b=2"));
    assert_eq!(rig.request(&h2_client(), Method::GET, "/").headers(cookies).send().await.unwrap().status(), 200);
    assert_eq!(upstream.seen()[0].header("cookie"), ["a=1; b=2"]);
}
