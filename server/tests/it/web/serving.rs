//! The listener: what it bounds and how it ends.

use std::time::Duration;

use http::StatusCode;
use http_body_util::Empty;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::TestConsole;
use crate::support::h2;

#[tokio::test]
async fn it_ends_although_connections_are_kept_open() {
    let console = TestConsole::start().await;
    let address = console.base.strip_prefix("http://").unwrap().to_owned();
    let mut kept = TcpStream::connect(&address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    kept.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    console.shut_down().await;
    assert!(TcpStream::connect(&address).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let console = TestConsole::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let answer = client.get(format!("{}/healthz", console.base)).send().await.unwrap();
    assert_eq!((answer.version(), answer.status()), (reqwest::Version::HTTP_2, reqwest::StatusCode::OK));
    assert_eq!(answer.text().await.unwrap(), "ok\n");
}

/// A client that answers pings and asks nothing more holds no place for long either.
#[tokio::test]
async fn idle_http_2_connections_are_closed() {
    let console = TestConsole::start().await;
    let (mut client, connection) = h2(console.base.strip_prefix("http://").unwrap()).await;
    let request = http::Request::get(format!("{}/healthz", console.base)).body(Empty::new()).unwrap();
    assert_eq!(client.send_request(request).await.unwrap().status(), StatusCode::OK);
    assert!(tokio::time::timeout(Duration::from_secs(40), connection).await.is_ok(), "it is kept open");
    assert!(client.is_closed());
}

/// Whoever says nothing, or only the beginning of the HTTP/2 preface, holds no place for long.
#[tokio::test]
async fn connections_without_a_request_are_closed() {
    let console = TestConsole::start().await;
    let address = console.base.strip_prefix("http://").unwrap().to_owned();
    let mut silent = TcpStream::connect(&address).await.unwrap();
    let mut half = TcpStream::connect(&address).await.unwrap();
    half.write_all(b"PRI * HTTP").await.unwrap();
    for stream in [&mut silent, &mut half] {
        let closed = tokio::time::timeout(Duration::from_secs(40), stream.read(&mut [0; 16])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    }
}
