//! Connections to upstreams that have no task of their own: used again, found closed, and never in the way of an upload.

use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use server::outbound::{Body, Outbound};
use server::values::TenantId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use crate::support::network::{SOMEONE_ID, outbound};
use crate::support::upstream::Upstream;

const PLENTY: Duration = Duration::from_secs(5);

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b", listener.local_addr().unwrap());
    (listener, url)
}

async fn head(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap().into());
    }
    text
}

async fn get(client: &Outbound, url: &str) -> Bytes {
    let response = client.pass(SOMEONE_ID, Request::get(url).body(Body::Empty).unwrap(), PLENTY).await.unwrap();
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn one_connection_serves_many_and_what_is_closed_is_not_used() {
    let (listener, url) = listen().await;
    let authority = listener.local_addr().unwrap().to_string();
    let (closed, mut told) = channel(8);
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            for (number, answer) in [
                format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{connection}"),
                format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{connection}\r\n0\r\n\r\n"),
                "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            ]
            .into_iter()
            .enumerate()
            {
                let asked = head(&mut stream).await;
                assert!(
                    asked.starts_with("GET /a?b HTTP/1.1\r\n") && asked.contains(&format!("host: {authority}\r\n")),
                    "{number}: {asked}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            drop(stream);
            closed.send(()).await.unwrap();
        }
    });
    let client = outbound();
    for connection in ["0", "1"] {
        assert_eq!(get(&client, &url).await, connection);
        assert_eq!(get(&client, &url).await, connection);
        assert_eq!(get(&client, &url).await, "");
        told.recv().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_costs_its_connection() {
    let (listener, url) = listen().await;
    let (gone, mut told) = channel(8);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await.unwrap();
            while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
            gone.send(()).await.unwrap();
        }
    });
    let client = outbound();
    for _ in 0..2 {
        let mut response = client.pass(SOMEONE_ID, Request::get(&url).body(Body::Empty).unwrap(), PLENTY).await.unwrap();
        assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        drop(response);
        told.recv().await.unwrap();
    }
}

/// Answers after the head, then reads the body, says how much of it there was, and takes the next request.
async fn answers_early(listener: TcpListener, got: Sender<usize>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    loop {
        let asked = head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly").await.unwrap();
        let length = asked.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        got.send(length).await.unwrap();
    }
}

async fn received(got: &mut Receiver<usize>) -> usize {
    tokio::time::timeout(PLENTY, got.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_upload_goes_on_when_its_answer_has_been_read() {
    let (listener, url) = listen().await;
    let (got, mut seen) = channel(8);
    tokio::spawn(answers_early(listener, got));
    let client = outbound();
    let (frames, body) = mpsc::unbounded::<Result<Frame<Bytes>, std::io::Error>>();
    frames.unbounded_send(Ok(Frame::data(Bytes::from_static(b"first")))).unwrap();
    let body = StreamBody::new(body).map_err(Into::into);
    let mut request = Request::post(&url).body(Body::stream(body)).unwrap();
    request.headers_mut().insert("content-length", 11.into());
    let response = client.pass(SOMEONE_ID, request, PLENTY).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "early");
    frames.unbounded_send(Ok(Frame::data(Bytes::from_static(b"second")))).unwrap();
    drop(frames);
    assert_eq!(received(&mut seen).await, 11);
    assert_eq!(get(&client, &url).await, "early");
    assert_eq!(received(&mut seen).await, 0);
}

/// Some upstreams take a connection for whoever used it first.
#[tokio::test]
async fn a_connection_is_one_workspaces() {
    let upstream = Upstream::start().await;
    let client = outbound();
    let other = TenantId(Uuid::from_u128(2));
    for (workspace, connections) in [(SOMEONE_ID, 1), (SOMEONE_ID, 1), (other, 2), (SOMEONE_ID, 2), (other, 2)] {
        let request = Request::get(upstream.url()).body(Body::Empty).unwrap();
        let response = client.pass(workspace, request, PLENTY).await.unwrap();
        response.into_body().collect().await.unwrap();
        assert_eq!(upstream.connections(), connections);
    }
}
