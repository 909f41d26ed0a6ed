use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use server::outbound::{Body, Error, Network, Outbound, Turn, Whose};
use server::values::TenantId;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::support::network::{Closed, LOOPBACK, SOMEONE, SOMEONE_ID, outbound, policy};
use crate::support::upstream::{Certificate, Echo, Upstream};

const PLENTY: Duration = Duration::from_secs(5);
const OTHER: TenantId = TenantId(Uuid::from_u128(2));

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::Empty).unwrap()
}

async fn failure(uri: &str, timeout: Duration) -> Error {
    outbound().send(Whose::Operator, get(uri), timeout).await.unwrap_err()
}

#[tokio::test]
async fn failures_are_told_apart_on_real_sockets() {
    let free = Closed::port();
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
    assert!(matches!(trusting.send(Whose::Operator, get(&wrong_name), PLENTY).await, Err(Error::Tls(_))));
    assert_eq!(trusting.send(Whose::Operator, get(&stranger.url()), PLENTY).await.unwrap().status(), 200);

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
async fn nobody_shares_connections_and_each_reuses_its_own() {
    let certificate = Certificate::localhost();
    let other = Whose::Workspace(OTHER);
    for (tls, h2) in [(false, false), (true, false), (true, true)] {
        let upstream = if tls { Upstream::start_tls(&certificate, h2).await } else { Upstream::start().await };
        let client = outbound().with_roots(&certificate.pem).unwrap();
        let apart = client.apart();
        let steps = [
            (&client, SOMEONE, 1),
            (&client, SOMEONE, 1),
            (&client, Whose::Operator, 2),
            (&client, Whose::Operator, 2),
            (&client, SOMEONE, 2),
            (&client, other, 3),
            (&client, SOMEONE, 3),
            (&apart, SOMEONE, 4),
            (&apart, other, 5),
            (&apart, SOMEONE, 5),
            (&client, SOMEONE, 5),
        ];
        for (client, whose, connections) in steps {
            let mut request = Request::post(upstream.url()).body(Body::from(Bytes::from_static(b"hello"))).unwrap();
            request.headers_mut().insert("x-mine", http::HeaderValue::from_static("1"));
            let response = client.send(whose, request, PLENTY).await.unwrap();
            let echo: Echo = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
            assert_eq!(echo.body_length, 5);
            let mut names: Vec<_> = echo.headers.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "host").collect();
            names.sort_unstable();
            let expected: &[&str] = match whose {
                Whose::Workspace(_) => &["cdn-loop", "content-length", "x-mine"],
                Whose::Operator => &["content-length", "x-mine"],
            };
            assert_eq!(names, expected, "nothing else is added");
            assert_eq!(upstream.connections(), connections, "h2 {h2}, {whose:?}");
        }
    }
}

/// Looks up only names that the test lets go.
#[derive(Default)]
struct Late {
    asked: Mutex<Vec<(String, Turn)>>,
    server: Option<SocketAddr>,
}

#[async_trait]
impl Network for Late {
    async fn resolve(&self, name: &str, _: u16, turn: Turn) -> io::Result<Vec<SocketAddr>> {
        if name == "good.test" {
            return Ok(self.server.into_iter().collect());
        }
        self.asked.lock().unwrap().push((name.to_owned(), turn));
        pending().await
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }
}

/// A lookup cannot be stopped, so it counts until it is over, whoever waits for it.
#[tokio::test]
async fn names_that_are_answered_late_are_their_owners_trouble() {
    let upstream = Upstream::start().await;
    let network = Arc::new(Late { server: Some(upstream.address), ..Late::default() });
    let client = Outbound::over(policy(LOOPBACK), Arc::clone(&network) as Arc<dyn Network>).unwrap();
    let little = Duration::from_millis(50);
    let late = (0..40).map(|n| {
        let (client, url) = (client.clone(), format!("http://n{n}.late.test/"));
        async move {
            let failed = match n % 3 {
                // As exports do.
                0 => client.apart().send(SOMEONE, get(&url), little).await.map(drop),
                1 => client.send(SOMEONE, get(&url), little).await.map(drop),
                _ => client.pass(SOMEONE_ID, get(&url), little).await.map(drop),
            };
            assert!(matches!(failed, Err(Error::ConnectTimeout(_))), "{failed:?}");
        }
    });
    futures::future::join_all(late).await;
    assert_eq!(network.asked.lock().unwrap().len(), 8, "all turns are taken, and nobody waits any more");

    let good = "http://good.test/";
    let status = async |whose| client.send(whose, get(good), PLENTY).await.map(|response| response.status().as_u16());
    assert_eq!(status(Whose::Workspace(OTHER)).await, Ok(200));
    assert_eq!(status(Whose::Operator).await, Ok(200));
    let own = client.send(SOMEONE, get(good), little).await.map(drop);
    assert!(matches!(own, Err(Error::ConnectTimeout(_))), "{own:?}");

    let again = network.asked.lock().unwrap()[0].0.clone();
    let joined = client.send(SOMEONE, get(&format!("http://{again}/")), little).await.map(drop);
    assert!(matches!(joined, Err(Error::ConnectTimeout(_))), "{joined:?}");
    assert_eq!(network.asked.lock().unwrap().len(), 8);

    network.asked.lock().unwrap().clear();
    assert_eq!(status(SOMEONE).await, Ok(200), "the lookups are over");
    let same = (0..40).map(|_| client.pass(SOMEONE_ID, get("http://same.test/"), little));
    assert!(futures::future::join_all(same).await.iter().all(Result::is_err));
    assert_eq!(network.asked.lock().unwrap().len(), 1, "all wait for one");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let upstream = Upstream::start().await;
    let mut request = get(&upstream.url());
    request.headers_mut().insert("x-script", http::HeaderValue::from_static("status 302"));
    let response = outbound().send(Whose::Operator, request, PLENTY).await.unwrap();
    assert_eq!(response.status(), 302);
}
