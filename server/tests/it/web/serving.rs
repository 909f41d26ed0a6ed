//! The listener: what it bounds and how it ends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::TestConsole;

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
