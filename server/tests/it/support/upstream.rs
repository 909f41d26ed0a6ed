//! A scripted upstream: echoes what it got as JSON, or does what the request's `x-script` header tells it to. Speaks
//! HTTP/1.1 and HTTP/2, plain or with TLS, and counts.
//!
//! | `x-script` | what happens |
//! |---|---|
//! | none | 200 with an [`Echo`], once the body has been read |
//! | `status N` | that status, an empty body |
//! | `bytes N` | 200 and N bytes of `x`, streamed, counted in [`Upstream::sent`]; with `content-length` |
//! | `chunked N` | the same without `content-length` |
//! | `cut N` | announces N bytes, sends half, then breaks the connection |
//! | `early N` | that status without reading the body |
//! | `redirect` | 302 to what the request's `x-location` says |
//! | `stall` | reads nothing and answers nothing until [`Upstream::release`] |
//! | `hold` | reads the body, then answers 200 `held` after [`Upstream::release`] |
//! | `drip` | 200, then one chunk `first`, then nothing until released, then `last` |
//! | `trailers` | 200 with the trailer `x-sum: 42` |
//! | `mirror` | 200 with the request's body, `content-type` and `content-encoding`, two cookies, and `authorization` as `x-seen` |
//! | `headers` | 200 with hop-by-hop headers and some that must pass |

mod body;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use body::{Body, drip, full, pieces};

/// What the upstream got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// `:authority` or `Host`.
    pub host: String,
    pub headers: Vec<(String, String)>,
    pub trailers: Vec<(String, String)>,
    pub body_length: u64,
    pub body_sha256: String,
}

impl Echo {
    /// All values of a header, in their order.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }
}

struct State {
    seen: Mutex<Vec<Echo>>,
    sent: AtomicU64,
    received: AtomicU64,
    connections: AtomicUsize,
    /// Requests whose handler or response body was dropped before its end.
    abandoned: AtomicUsize,
    open: AtomicUsize,
    released: watch::Sender<bool>,
}

/// Stops when dropped.
pub struct Upstream {
    pub address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
    tls: bool,
}

impl Upstream {
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// With TLS, and HTTP/2 by ALPN if `h2`. The certificate is for `localhost`.
    pub async fn start_tls(certificate: &Certificate, h2: bool) -> Self {
        Self::serve(Some(certificate.acceptor(h2))).await
    }

    async fn serve(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let state = Arc::new(State {
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            released: watch::channel(false).0,
        });
        let upstream = Self { address, state: Arc::clone(&state), stop: stop.clone(), tls: tls.is_some() };
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                state.connections.fetch_add(1, Ordering::SeqCst);
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                    let service = hyper::service::service_fn(move |request| respond(Arc::clone(&state), request));
                    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    builder.http2().max_concurrent_streams(2_000);
                    // How a connection ends is the tests' affair, seen from the other side.
                    match tls {
                        None => drop(builder.serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(builder.serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                }));
            }
        }));
        upstream
    }

    /// `http://127.0.0.1:PORT` or `https://localhost:PORT`.
    pub fn url(&self) -> String {
        if self.tls { format!("https://localhost:{}", self.address.port()) } else { format!("http://{}", self.address) }
    }

    /// Every echoed request.
    pub fn seen(&self) -> Vec<Echo> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Bytes of scripted bodies handed to the HTTP library so far.
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }

    /// Bytes of request bodies read so far.
    pub fn received(&self) -> u64 {
        self.state.received.load(Ordering::SeqCst)
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Requests under way.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// Requests that were given up before they ended.
    pub fn abandoned(&self) -> usize {
        self.state.abandoned.load(Ordering::SeqCst)
    }

    /// Lets everything that waits go on.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Counts a request as open, and as abandoned unless it is told that it ended.
struct Open(Arc<State>, bool);

impl Open {
    fn new(state: &Arc<State>) -> Self {
        state.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(state), false)
    }

    fn ended(mut self) {
        self.1 = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn respond(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let script = request.headers().get("x-script").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (word, number) = script.split_once(' ').unwrap_or((&script, "0"));
    let number: u64 = number.parse().unwrap();
    let open = Open::new(&state);
    let response = match word {
        "" => {
            let echo = echo(&state, request).await;
            let text = serde_json::to_vec(&echo).unwrap();
            state.seen.lock().unwrap().push(echo);
            let mut response = Response::new(full(text));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
        "status" | "early" => {
            if word == "status" {
                drop(request.into_body().collect().await);
            }
            let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
            *response.status_mut() = u16::try_from(number).unwrap().try_into().unwrap();
            response
        }
        "redirect" => {
            let mut response = Response::new(full(""));
            *response.status_mut() = http::StatusCode::FOUND;
            response.headers_mut().insert("location", request.headers()["x-location"].clone());
            response
        }
        "bytes" | "chunked" | "cut" => {
            let mut response = Response::new(pieces(&state, number, word == "cut", open));
            if word != "chunked" {
                response.headers_mut().insert("content-length", HeaderValue::from(number));
            }
            return Ok(response);
        }
        "stall" | "hold" => {
            if word == "hold" {
                drop(request.into_body().collect().await);
            }
            drop(state.released.subscribe().wait_for(|released| *released).await);
            Response::new(full("held"))
        }
        "drip" => return Ok(Response::new(drip(&state, open))),
        "trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("42"));
            let frames = [Ok(Frame::data(Bytes::from_static(b"summed"))), Ok(Frame::trailers(trailers))];
            let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)).boxed_unsync());
            response.headers_mut().insert("trailer", HeaderValue::from_static("x-sum"));
            response
        }
        "mirror" => {
            let (parts, body) = request.into_parts();
            let mut response = Response::new(full(body.collect().await.unwrap().to_bytes()));
            for (from, to) in [("content-type", "content-type"), ("content-encoding", "content-encoding"), ("authorization", "x-seen")] {
                if let Some(value) = parts.headers.get(from) {
                    response.headers_mut().insert(to, value.clone());
                }
            }
            for cookie in ["a=canary", "b=canary"] {
                response.headers_mut().append("set-cookie", HeaderValue::from_static(cookie));
            }
            response
        }
        "headers" => {
            let mut response = Response::new(full("headers"));
            for (name, value) in [
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("keep-alive", "timeout=5"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("x-end", "kept"),
                ("x-request-id", "the upstream's"),
            ] {
                response.headers_mut().append(name, HeaderValue::from_static(value));
            }
            response
        }
        other => panic!("no such script: {other}"),
    };
    open.ended();
    Ok(response)
}

async fn echo(state: &State, request: Request<Incoming>) -> Echo {
    let (parts, mut body) = request.into_parts();
    let (mut length, mut sha, mut trailers) = (0, Sha256::new(), HeaderMap::new());
    while let Some(Ok(frame)) = body.frame().await {
        match frame.into_data() {
            Ok(data) => {
                length += data.len() as u64;
                state.received.fetch_add(data.len() as u64, Ordering::SeqCst);
                sha.update(&data);
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    let host = parts.headers.get("host").map(|value| value.to_str().unwrap().to_owned());
    Echo {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        version: format!("{:?}", parts.version),
        host: host.or_else(|| parts.uri.authority().map(ToString::to_string)).unwrap_or_default(),
        headers: pairs(&parts.headers),
        trailers: pairs(&trailers),
        body_length: length,
        body_sha256: hex::encode(sha.finalize()),
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// What a server on `localhost` shows, and what makes a client trust it.
pub struct Certificate {
    /// Whom the client has to trust.
    pub pem: String,
    der: rustls_pki_types::CertificateDer<'static>,
    key: rustls_pki_types::PrivateKeyDer<'static>,
}

impl Certificate {
    /// Signed by itself.
    pub fn localhost() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        Self::new(made.cert.pem(), &made.cert, &made.signing_key)
    }

    /// Signed by an authority of its own.
    pub fn of_authority() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority of the tests");
        let (authority_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let signed = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self::new(authority.pem(), &signed, &key)
    }

    fn new(pem: String, shown: &rcgen::Certificate, key: &rcgen::KeyPair) -> Self {
        let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self { pem, der: shown.der().clone(), key }
    }

    /// A server's side of TLS, with HTTP/2 by ALPN if `h2`.
    pub fn acceptor(&self, h2: bool) -> tokio_rustls::TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], self.key.clone_key())
            .unwrap();
        config.alpn_protocols = if h2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    }
}

/// Waits until `condition` holds, and fails loudly when it does not within ten seconds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok(), "waited in vain: {what}");
}

/// Waits until a count has stood still for a while, and returns it.
pub async fn settled(mut count: impl FnMut() -> u64) -> u64 {
    let (mut last, mut still) = (count(), 0);
    while still < 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = count();
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
    last
}
