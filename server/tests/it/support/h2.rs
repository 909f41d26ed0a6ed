//! One HTTP/2 connection whose end can be waited for.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// It lives as long as the server keeps it, while the sender is held; the handle ends with it.
pub async fn h2(address: &str) -> (SendRequest<Empty<Bytes>>, JoinHandle<()>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    // Whether it ends by a farewell or by a closed socket is the server's to choose.
    let ended = tokio::spawn(async move { drop(connection.await) });
    (sender, ended)
}
