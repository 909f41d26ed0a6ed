//! A scripted AI provider: answers as the OpenAI and Anthropic APIs do, in JSON or as a stream, and keeps what it got.
//!
//! Streams stop behind their first event until [`Provider::release`]. A request's `x-script` header changes the answer:
//!
//! | `x-script` | what happens |
//! |---|---|
//! | `status N` | that status with the API's error, its message a canary |
//! | `silent` | no usage is reported |
//! | `cut` | the stream breaks behind its first event |
//! | `fail` | the stream goes on with an error event |

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// In every completion.
pub const COMPLETION: &str = "canary-completion";

/// What it got.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HeaderMap,
    /// `None` when it did not arrive whole.
    pub body: Option<Bytes>,
}

struct State {
    got: Mutex<Vec<Got>>,
    open: AtomicUsize,
    released: watch::Sender<bool>,
}

/// Stops when dropped.
pub struct Provider {
    pub address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let state = Arc::new(State { got: Mutex::default(), open: AtomicUsize::new(0), released: watch::channel(false).0 });
        let provider = Self { address, state: Arc::clone(&state), stop: stop.clone() };
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
                    let service = hyper::service::service_fn(move |request| respond(Arc::clone(&state), request));
                    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // How a connection ends is the tests' affair, seen from the other side.
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                }));
            }
        }));
        provider
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn got(&self) -> Vec<Got> {
        self.state.got.lock().unwrap().clone()
    }

    /// Streams under way.
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// Lets every stream go on.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn respond(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok().map(http_body_util::Collected::to_bytes);
    let asked: Value = body.as_deref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let script = parts.headers.get("x-script").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    state.got.lock().unwrap().push(Got { path: path.clone(), headers: parts.headers, body });
    let api = path.strip_prefix("/v1").unwrap_or(&path);
    if let Some(status) = script.strip_prefix("status ") {
        let kind = if api == "/messages" { "rate_limit_error" } else { "invalid_request_error" };
        let mut error = json!({"type": "error", "error": {"type": kind, "message": "canary-error", "code": null}});
        if status != "429" {
            error = json!({"error": {"message": "canary-error", "code": "canary-code"}});
        }
        let mut response = answer(error.to_string().into(), "application/json");
        *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).unwrap();
        return Ok(response);
    }
    let silent = script == "silent";
    if asked["stream"] == true {
        let usage = !silent && (api != "/chat/completions" || asked["stream_options"]["include_usage"] == true);
        return Ok(stream(&state, events(api, &asked["model"], usage), &script));
    }
    let mut body = whole(api, &asked["model"]);
    if silent && let Some(object) = body.as_object_mut() {
        object.remove("usage");
    }
    Ok(answer(body.to_string().into(), "application/json; charset=utf-8"))
}

fn answer(bytes: Bytes, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes).map_err(|never| match never {}).boxed_unsync());
    response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    response
}

fn whole(api: &str, model: &Value) -> Value {
    match api {
        "/chat/completions" => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": COMPLETION}, "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
        }),
        "/responses" => response(model, "completed", true),
        "/embeddings" => json!({
            "object": "list", "model": model, "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }),
        "/messages" => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn", "stop_sequence": null,
            "content": [{"type": "text", "text": COMPLETION}],
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 0, "output_tokens": 25},
        }),
        "/models" => json!({"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "x"}]}),
        other => json!({"other": other}),
    }
}

fn response(model: &Value, status: &str, whole: bool) -> Value {
    let usage = json!({
        "input_tokens": 36, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 123,
    });
    let message = json!({
        "type": "message", "id": "item_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": COMPLETION, "annotations": []}],
    });
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": null, "incomplete_details": null, "model": model,
        "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "output": if whole { json!([message]) } else { json!([]) }, "usage": if whole { usage } else { Value::Null },
    })
}

/// Each event with its name, if the API names them.
fn events(api: &str, model: &Value, usage: bool) -> Vec<(Option<&'static str>, String)> {
    let plain = |value: Value| (None, value.to_string());
    let named = |name: &'static str, value: Value| (Some(name), value.to_string());
    match api {
        "/chat/completions" => {
            let chunk = |delta: Value, reason: Value| {
                json!({"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": model,
                    "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": null})
            };
            let mut all = vec![
                plain(chunk(json!({"role": "assistant", "content": COMPLETION}), Value::Null)),
                plain(chunk(json!({}), json!("stop"))),
            ];
            if usage {
                all.push(plain(json!({"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [],
                    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}})));
            }
            all.push((None, "[DONE]".to_owned()));
            all
        }
        "/responses" => vec![
            named(
                "response.created",
                json!({"type": "response.created", "sequence_number": 0, "response": response(model, "in_progress", false)}),
            ),
            named(
                "response.output_text.delta",
                json!({"type": "response.output_text.delta", "sequence_number": 1, "item_id": "item_1", "output_index": 0,
                    "content_index": 0, "delta": COMPLETION, "logprobs": []}),
            ),
            named(
                "response.completed",
                json!({"type": "response.completed", "sequence_number": 2, "response": response(model, "completed", usage)}),
            ),
        ],
        _ => vec![
            named(
                "message_start",
                json!({"type": "message_start", "message": {"id": "msg_2", "type": "message", "role": "assistant", "model": model, "content": [],
                    "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 25, "output_tokens": 1}}}),
            ),
            named("content_block_start", json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
            named(
                "content_block_delta",
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": COMPLETION}}),
            ),
            named("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            named(
                "message_delta",
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 15}}),
            ),
            named("message_stop", json!({"type": "message_stop"})),
        ],
    }
}

/// Counts a stream as open.
struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn stream(state: &Arc<State>, events: Vec<(Option<&'static str>, String)>, script: &str) -> Response<Body> {
    let written = |(name, data): (Option<&str>, String)| {
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        Bytes::from(format!("{name}data: {data}\n\n"))
    };
    let mut pieces: Vec<Result<Bytes, std::io::Error>> = events.into_iter().map(written).map(Ok).collect();
    match script {
        "cut" => {
            pieces.truncate(1);
            pieces.push(Err(std::io::Error::other("cut, as the script says")));
        }
        "fail" => {
            pieces.truncate(1);
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "canary-error"}});
            pieces.push(Ok(written((Some("error"), error.to_string()))));
        }
        _ => {}
    }
    state.open.fetch_add(1, Ordering::SeqCst);
    let open = Open(Arc::clone(state));
    let frames = futures::stream::iter(pieces.into_iter().enumerate()).then(move |(number, piece)| {
        let mut released = open.0.released.subscribe();
        async move {
            if number == 1 {
                drop(released.wait_for(|released| *released).await);
            }
            if piece.is_err() {
                // hyper throws away what it has not written yet when a body fails; this must come after what was sent.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            piece.map(Frame::data)
        }
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
    response
}
