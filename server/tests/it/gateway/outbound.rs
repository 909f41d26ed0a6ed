use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use server::outbound::{Body, Error, Scope};

use crate::support::network::outbound;
use crate::support::upstream::{Certificate, Echo, Upstream};

const PLENTY: Duration = Duration::from_secs(5);

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::Empty).unwrap()
}

async fn failure(uri: &str, timeout: Duration) -> Error {
    outbound().send(Scope::Operator, get(uri), timeout).await.unwrap_err()
}

#[tokio::test]
async fn failures_are_told_apart_on_real_sockets() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(failure(&format!("http://{free}/"), PLENTY).await, Error::Refused(_)));
    assert!(matches!(failure("http://nowhere.invalid/", PLENTY).await, Error::NameNotFound(_)));
    assert!(matches!(failure(&format!("https://{free}/"), PLENTY).await, Error::Refused(_)));

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("https://{}/", silent.local_addr().unwrap());
    assert!(matches!(failure(&silent_url, Duration::from_millis(100)).await, Error::ConnectTimeout(_)));

    let plain = Upstream::start().await;
    assert!(matches!(failure(&format!("https://{}/", plain.address), PLENTY).await, Error::Tls(_)));
    let certificate = Certificate::localhost();
    let stranger = Upstream::start_tls(&certificate, true).await;
    let Error::Tls(reason) = failure(&stranger.url(), PLENTY).await else { panic!("not TLS") };
    assert!(reason.contains("UnknownIssuer") || reason.contains("certificate"), "{reason}");
    let trusting = outbound().with_roots(&certificate.pem).unwrap();
    let wrong_name = format!("https://127.0.0.1:{}/", stranger.address.port());
    assert!(matches!(trusting.send(Scope::Operator, get(&wrong_name), PLENTY).await, Err(Error::Tls(_))));
    assert_eq!(trusting.send(Scope::Operator, get(&stranger.url()), PLENTY).await.unwrap().status(), 200);

    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing_url = format!("http://{}/", closing.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = closing.accept().await.unwrap();
        tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await.unwrap();
    });
    let closed = failure(&closing_url, PLENTY).await;
    assert!(matches!(closed, Error::Closed(_)), "{closed:?}");
}

#[tokio::test]
async fn scopes_never_share_a_connection_and_each_reuses_its_own() {
    let upstream = Upstream::start().await;
    let client = outbound();
    for (scope, connections) in [(Scope::Tenant, 1), (Scope::Tenant, 1), (Scope::Operator, 2), (Scope::Operator, 2), (Scope::Tenant, 2)] {
        let mut request = Request::post(upstream.url()).body(Body::from(Bytes::from_static(b"hello"))).unwrap();
        request.headers_mut().insert("x-mine", http::HeaderValue::from_static("1"));
        let response = client.send(scope, request, PLENTY).await.unwrap();
        let echo: Echo = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert_eq!(echo.body_length, 5);
        let mut names: Vec<_> = echo.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected: &[&str] = match scope {
            Scope::Tenant => &["cdn-loop", "content-length", "host", "x-mine"],
            Scope::Operator => &["content-length", "host", "x-mine"],
        };
        assert_eq!(names, expected, "nothing else is added");
        assert_eq!(upstream.connections(), connections);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let upstream = Upstream::start().await;
    let mut request = get(&upstream.url());
    request.headers_mut().insert("x-script", http::HeaderValue::from_static("status 302"));
    let response = outbound().send(Scope::Operator, request, PLENTY).await.unwrap();
    assert_eq!(response.status(), 302);
}
