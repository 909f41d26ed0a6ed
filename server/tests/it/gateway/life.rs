use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use http_body_util::Empty;
use server::gateway::Config;
use tokio::io::AsyncWriteExt;

use super::rig::{KEY, Rig, Table, WHO, client, h2_client, read_to_end};
use crate::support::h2;
use crate::support::network::outbound;
use crate::support::upstream::{Upstream, until};

#[tokio::test]
async fn a_new_routing_table_leaves_requests_under_way_on_the_old_target() {
    let (old, new) = (Upstream::start().await, Upstream::start().await);
    let rig = Rig::start(&Table::to(&old.url())).await;
    let client = client();
    let held = tokio::spawn(rig.request(&client, Method::POST, "/").header("x-script", "hold").body("x").send());
    until("the old upstream has it", || old.open() == 1).await;
    rig.routing.store(Arc::new(Table::to(&new.url()).build()));
    assert_eq!(rig.request(&client, Method::GET, "/after").send().await.unwrap().status(), 200);
    assert_eq!((old.seen().len(), new.seen().len()), (0, 1));
    old.release();
    assert_eq!(held.await.unwrap().unwrap().text().await.unwrap(), "held");
    rig.routing.store(Arc::default());
    assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().status(), 401, "a key that is gone is gone at once");
}

#[tokio::test]
async fn shutdown_finishes_requests_and_takes_no_new_ones() {
    let upstream = Upstream::start().await;
    let mut rig = Rig::start(&Table::to(&upstream.url())).await;
    let mut idle = rig.connect().await;
    let mut used = rig.connect().await;
    used.write_all(format!("GET / HTTP/1.1\r\n{WHO}\r\n").as_bytes()).await.unwrap();
    rig.recorder.wait(1).await;
    let mut held = Vec::new();
    for client in [client(), h2_client()] {
        held.push(tokio::spawn(rig.request(&client, Method::GET, "/").header("x-script", "drip").send()));
        held.push(tokio::spawn(rig.request(&client, Method::POST, "/").header("x-script", "hold").body("x").send()));
    }
    until("all are under way", || upstream.open() == 4).await;
    rig.shutdown.cancel();
    // Idle connections end at once, and nobody listens any more.
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(read_to_end(&mut used).await.starts_with("HTTP/1.1 200"));
    until("no one listens", || std::net::TcpStream::connect(rig.address).is_err()).await;
    assert!(!rig.served.is_finished());
    upstream.release();
    for response in held {
        let text = response.await.unwrap().unwrap().text().await.unwrap();
        assert!(text == "held" || text == "firstlast", "{text}");
    }
    tokio::time::timeout(Duration::from_secs(5), &mut rig.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_beyond_its_grace() {
    let upstream = Upstream::start().await;
    let config = Config { shutdown_grace: Duration::from_millis(200), ..Config::default() };
    let mut rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
    let held = tokio::spawn(rig.request(&client(), Method::GET, "/").header("x-script", "stall").send());
    until("it is under way", || upstream.open() == 1).await;
    rig.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), &mut rig.served).await.unwrap().unwrap();
    assert!(held.await.unwrap().is_err());
    assert!(rig.recorder.wait(1).await[0].cancelled);
}

#[tokio::test]
async fn http_2_connections_end_when_they_are_idle_and_not_while_a_request_is_open() {
    let upstream = Upstream::start().await;
    let config = Config { header_timeout: Duration::from_millis(200), ..Config::default() };
    let rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
    let request = |script: &str| {
        let request = http::Request::get(rig.url("/")).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
        request.header("x-script", script).body(Empty::new()).unwrap()
    };
    let (mut used, used_ended) = h2(&rig.address.to_string()).await;
    let held = tokio::spawn(used.send_request(request("stall")));
    until("it is under way", || upstream.open() == 1).await;
    let (mut idle, idle_ended) = h2(&rig.address.to_string()).await;
    assert_eq!(idle.send_request(request("status 204")).await.unwrap().status(), 204);
    tokio::time::timeout(Duration::from_secs(10), idle_ended).await.expect("the idle one ends").unwrap();
    assert!(idle.is_closed());
    // The other one has been quiet for longer, and takes further requests.
    assert_eq!(used.send_request(request("status 204")).await.unwrap().status(), 204);
    upstream.release();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
    tokio::time::timeout(Duration::from_secs(10), used_ended).await.expect("now it is idle, too").unwrap();
}

#[tokio::test]
async fn a_panic_is_one_requests_affair() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let client = client();
    rig.recorder.panic.store(true, Ordering::SeqCst);
    let response = rig.request(&client, Method::GET, "/").send().await.unwrap();
    assert_eq!(response.status(), 500);
    let body: serde_json::Value = response.json().await.unwrap();
    assert!(body["errorId"].as_str().unwrap().parse::<uuid::Uuid>().is_ok() && !body.to_string().contains("on purpose"), "{body}");
    assert_eq!(rig.request(&client, Method::GET, "/").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn connections_above_the_limit_wait() {
    let upstream = Upstream::start().await;
    let config = Config { max_connections: 2, ..Config::default() };
    let rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
    let (first, second) = (rig.connect().await, rig.connect().await);
    let mut third = rig.connect().await;
    third.write_all(format!("GET / HTTP/1.1\r\n{WHO}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), read_to_end(&mut third)).await;
    assert!(early.is_err(), "{early:?}");
    drop(first);
    assert!(read_to_end(&mut third).await.starts_with("HTTP/1.1 200"));
    drop(second);
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_its_answer_is_let_go() {
    let upstream = Upstream::start().await;
    let config = Config { send_timeout: Duration::from_millis(300), header_timeout: Duration::from_millis(300), ..Config::default() };
    let rig = Rig::with(&Table::to(&upstream.url()), config, outbound()).await;
    let ended = async |events: usize| {
        until("the upstream is let go", || upstream.open() == 0).await;
        assert!(rig.recorder.wait(events).await[events - 1].cancelled);
    };
    // More than sockets and libraries on the way hold.
    let mut stream = rig.connect().await;
    stream.write_all(format!("GET / HTTP/1.1\r\n{WHO}x-script: bytes 100000000\r\n\r\n").as_bytes()).await.unwrap();
    until("it began", || upstream.sent() > 0).await;
    ended(1).await;
    drop(stream);
    // Over HTTP/2 the socket stays free, and the stream's window closed.
    let (mut sender, connection) = h2(&rig.address.to_string()).await;
    let request = http::Request::get(rig.url("/")).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
    let unread = sender.send_request(request.header("x-script", "bytes 100000000").body(Empty::new()).unwrap()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), connection).await.expect("its connection ends").unwrap();
    drop(unread);
    ended(2).await;
}
