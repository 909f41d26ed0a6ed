use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::rig::{Rig, Table, WHO, client, h2_client, read_to_end};
use crate::support::upstream::{Echo, Upstream, settled, until};

const MIB: u64 = 1024 * 1024;
const BIG: u64 = 100 * MIB;
/// What sockets and libraries on the way may hold: two kernel buffers on each of two connections.
const IN_FLIGHT: u64 = 24 * MIB;

#[tokio::test]
async fn a_hundred_megabytes_down_wait_for_a_client_that_does_not_read() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(rig.address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\n{WHO}Connection: close\r\nx-script: bytes {BIG}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    until("it began", || upstream.sent() > 0).await;
    let held = settled(|| upstream.sent()).await;
    assert!(held < IN_FLIGHT, "{} MiB left the upstream unread", held / MIB);

    let (mut received, mut ahead, mut piece) = (0, 0, vec![0; 256 * 1024]);
    loop {
        let read = stream.read(&mut piece).await.unwrap() as u64;
        if read == 0 {
            break;
        }
        received += read;
        ahead = ahead.max(upstream.sent().saturating_sub(received));
    }
    assert!(received > BIG && received < BIG + 1000, "{received}");
    assert!(ahead < IN_FLIGHT, "{} MiB in flight", ahead / MIB);
    assert!(!rig.recorder.wait(1).await[0].cancelled);
}

#[tokio::test]
async fn a_hundred_megabytes_up_wait_for_an_upstream_that_does_not_read() {
    let upstream = Upstream::start().await;
    let mut table = Table::to(&upstream.url());
    table.limits.body_limit = 2 * BIG;
    let rig = Rig::start(&table).await;
    for client in [client(), h2_client()] {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        let pieces = futures::stream::iter(0..BIG / 65_536).map(move |_| {
            counted.fetch_add(65_536, Ordering::SeqCst);
            Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[7; 65_536]))
        });
        let stalled = rig.request(&client, Method::POST, "/").header("x-script", "stall").body(reqwest::Body::wrap_stream(pieces)).send();
        let stalled = tokio::spawn(stalled);
        until("it began", || sent.load(Ordering::SeqCst) > 0).await;
        let held = settled(|| sent.load(Ordering::SeqCst)).await;
        assert!(held < IN_FLIGHT, "{} MiB left the client unread", held / MIB);
        stalled.abort();
        // What one upload holds up, even one that nobody waits for any more, must not hold up the next on its connection.
        let before = upstream.received();
        let pieces = futures::stream::iter(0..BIG / 65_536).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[7; 65_536])));
        let response = rig.request(&client, Method::POST, "/").body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap();
        let text = response.text().await.unwrap();
        let echo: Echo = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(echo.body_length, BIG);
        assert_eq!(upstream.received() - before, BIG);
    }
}

#[tokio::test]
async fn chunks_pass_when_they_come() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for (number, client) in [client(), h2_client()].into_iter().enumerate() {
        let mut response = rig.request(&client, Method::GET, "/").header("x-script", "drip").send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "first");
        assert_eq!(upstream.open(), 1, "the upstream has not ended");
        assert_eq!(rig.recorder.requests().len(), number, "nor has the request");
        drop(response);
        until("given up", || upstream.open() == 0).await;
        assert!(rig.recorder.wait(number + 1).await[number].cancelled);
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_breaks_the_client_off() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for (number, client) in [client(), h2_client()].into_iter().enumerate() {
        let response = rig.request(&client, Method::GET, "/").header("x-script", "cut 400000").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.is_err(), "half a body must not look whole");
        let events = rig.recorder.wait(number + 1).await;
        let event = &events[number];
        assert_eq!((event.status, event.cancelled, event.failure.as_ref().unwrap().kind), (Some(200), false, "connection_closed"));
    }
    // Without a length, too: no final chunk is made up.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    rig.routing.store(Arc::new(Table::to(&format!("http://{}", listener.local_addr().unwrap())).build()));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await.unwrap();
    });
    let answer = rig.raw(format!("GET / HTTP/1.1\r\n{WHO}\r\n")).await;
    assert!(answer.ends_with("4\r\nhalf\r\n"), "{answer}");
}

#[tokio::test]
async fn a_slow_upload_is_not_a_slow_upstream() {
    let upstream = Upstream::start().await;
    let mut table = Table::to(&upstream.url());
    table.limits.response_timeout = Duration::from_millis(400);
    let rig = Rig::start(&table).await;
    // Twelve pieces over 1.2 s: longer than the limit, but never silent for as long.
    let pieces = futures::stream::iter(0..12).then(|_| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, std::io::Error>("x")
    });
    let response = rig.request(&client(), Method::POST, "/").body(reqwest::Body::wrap_stream(pieces)).send().await.unwrap();
    assert_eq!(response.json::<Echo>().await.unwrap().body_length, 12);
    // A client that stops is told so, and it is not the upstream's fault.
    let mut stream = rig.connect().await;
    stream.write_all(format!("POST / HTTP/1.1\r\n{WHO}Content-Length: 100\r\n\r\nhalf").as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let events = rig.recorder.wait(2).await;
    assert_eq!((events[1].status, events[1].failure.is_none()), (Some(408), true));
    until("the upstream is let go", || upstream.open() == 0).await;
}

#[tokio::test]
async fn an_upstream_may_answer_before_it_has_read() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let response = rig.request(&client(), Method::POST, "/").header("x-script", "early 403").body(vec![0; 100]).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-knox-upstream-status"], "403");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_at_once() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let h2 = h2_client();
    let mut held = Vec::new();
    for number in 0..1_000 {
        let request = rig.request(&h2, Method::POST, &format!("/{number}")).header("x-script", "hold").body("x");
        held.push(tokio::spawn(request.send()));
    }
    until("a thousand are under way", || upstream.open() == 1_000).await;
    upstream.release();
    for response in held {
        assert_eq!(response.await.unwrap().unwrap().text().await.unwrap(), "held");
    }
    let events = rig.recorder.wait(1_000).await;
    assert_eq!(events.len(), 1_000);
    assert!(events.iter().all(|event| event.status == Some(200) && !event.cancelled));
    // And as many connections of HTTP/1.1.
    let client = client();
    let all = futures::future::join_all((0..1_000).map(|_| rig.request(&client, Method::GET, "/").send())).await;
    assert!(all.into_iter().all(|response| response.unwrap().status() == 200));
}
