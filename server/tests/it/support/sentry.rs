//! A server that takes Sentry's envelopes, records every byte, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(30);

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Posted {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub raw: String,
}

impl Posted {
    /// The event in the envelope.
    pub fn event(&self) -> Value {
        // Header of the envelope, header of the item, item.
        let line = self.raw.lines().nth(2).unwrap_or_else(|| panic!("no event in {}", self.raw));
        serde_json::from_str(line).unwrap()
    }

    pub fn tag(&self, name: &str) -> String {
        self.event()["tags"][name].as_str().unwrap_or_default().to_owned()
    }

    /// Type and value of the exception.
    pub fn exception(&self) -> (String, String) {
        let exception = &self.event()["exception"]["values"][0];
        let text = |name: &str| exception[name].as_str().unwrap_or_default().to_owned();
        (text("type"), text("value"))
    }
}

/// Status and headers of an answer.
pub type Reply = (u16, &'static [(&'static str, &'static str)]);

#[derive(Clone)]
struct Shared {
    posted: watch::Sender<Vec<Posted>>,
    script: Arc<Mutex<VecDeque<Reply>>>,
    hang: watch::Sender<bool>,
}

pub struct FakeSentry {
    pub dsn: String,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl FakeSentry {
    pub async fn start() -> Self {
        let shared = Shared { posted: watch::Sender::default(), script: Arc::default(), hang: watch::Sender::default() };
        let app = Router::new().fallback(take).with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dsn = format!("http://publickey@{}/7", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { dsn, shared, serving }
    }

    /// How the next requests are answered; after that with 200.
    pub fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.script.lock().unwrap().extend(replies);
    }

    /// Holds every answer back until told otherwise.
    pub fn hang(&self, hang: bool) {
        self.shared.hang.send_replace(hang);
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.shared.posted.borrow().clone()
    }

    pub async fn wait_for(&self, expected: impl Fn(&[Posted]) -> bool) -> Vec<Posted> {
        let mut posted = self.shared.posted.subscribe();
        let found = tokio::time::timeout(PATIENCE, posted.wait_for(|posted| expected(posted))).await;
        match found {
            Ok(found) => found.unwrap().clone(),
            Err(_) => panic!("not what was expected: {:#?}", self.posted()),
        }
    }
}

impl Drop for FakeSentry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
    let posted = Posted { path: uri.to_string(), headers, raw: String::from_utf8_lossy(&body).into_owned() };
    shared.posted.send_modify(|all| all.push(posted));
    let mut hang = shared.hang.subscribe();
    drop(hang.wait_for(|hang| !hang).await);
    let (status, headers) = shared.script.lock().unwrap().pop_front().unwrap_or((200, &[]));
    let mut response = (StatusCode::from_u16(status).unwrap(), "{}").into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}
