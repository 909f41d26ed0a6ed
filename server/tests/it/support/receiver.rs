//! A receiver of webhooks on loopback that answers as it is told, path by path, and keeps what it got.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::upstream::until;

/// How a delivery is answered. What is not scripted is answered 204.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    /// Nothing, until [`Receiver::release`]; then 204.
    Stall,
    /// As [`Answer::Stall`], but then this status.
    Late(u16),
}

#[derive(Clone, Debug)]
pub struct Got {
    pub at: Instant,
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", self.headers)).to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct State {
    got: Mutex<Vec<Got>>,
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    released: watch::Sender<bool>,
}

/// Stops when dropped.
pub struct Receiver {
    pub address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, stop) = (Arc::new(State::default()), CancellationToken::new());
        let receiver = Self { address, state: Arc::clone(&state), stop: stop.clone() };
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                let service = hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
                let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(stop.clone().run_until_cancelled_owned(async move { drop(connection.await) }));
            }
        }));
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next deliveries to this path so, one after the other.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state.scripts.lock().unwrap().entry(path.to_owned()).or_default().extend(answers);
    }

    /// Everything that came to this path.
    pub fn got(&self, path: &str) -> Vec<Got> {
        self.state.got.lock().unwrap().iter().filter(|got| got.path == path).cloned().collect()
    }

    pub fn all(&self) -> Vec<Got> {
        self.state.got.lock().unwrap().clone()
    }

    /// Waits until so many have come to this path.
    pub async fn wait(&self, path: &str, count: usize) -> Vec<Got> {
        until(&format!("{count} deliveries to {path}"), || self.got(path).len() >= count).await;
        self.got(path)
    }

    /// Lets everything that stalls go on.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let got = Got { at: Instant::now(), method: parts.method.to_string(), path: path.clone(), headers: parts.headers, body };
    let scripted = state.scripts.lock().unwrap().get_mut(&path).and_then(VecDeque::pop_front);
    state.got.lock().unwrap().push(got);
    let mut response = Response::new(Full::default());
    *response.status_mut() = match scripted.unwrap_or(Answer::Status(204)) {
        Answer::Status(status) => status.try_into().unwrap(),
        Answer::With(status, name, value) => {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
            status.try_into().unwrap()
        }
        Answer::Stall => late(&state, 204).await,
        Answer::Late(status) => late(&state, status).await,
    };
    Ok(response)
}

async fn late(state: &State, status: u16) -> http::StatusCode {
    drop(state.released.subscribe().wait_for(|released| *released).await);
    status.try_into().unwrap()
}
