//! A few requests that the demo sends through its own gateway as it starts, so that there is something to look at: two that
//! succeed, two that fail, and two AI calls. Whatever goes wrong with them is nobody's concern.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, Request};
use tokio::time::timeout;

use super::{AGENT, Account, ROUTE, provider};
use crate::outbound::{Outbound, Whose};

/// What each may take, with its answer.
const PATIENCE: Duration = Duration::from_secs(10);

const CHAT: &str = "chat/completions";

/// Sends them one after another.
pub async fn visit(outbound: Outbound, gateway: String, account: Account) {
    for path in ["/hello?name=you", "/orders?limit=2", "/orders/42?status=404", "/reports?status=503"] {
        let request = Request::get(format!("{gateway}{path}")).header("x-knoxcall-route", ROUTE);
        send(&outbound, &account, request, Bytes::new()).await;
    }
    for more in ["", r#","stream":true,"stream_options":{"include_usage":true}"#] {
        let body = format!(r#"{{"model":"{}","messages":[{{"role":"user","content":"Hello"}}]{more}}}"#, provider::MODEL);
        let request = Request::builder().method(Method::POST).uri(format!("{gateway}/v1/ai/{AGENT}/{CHAT}"));
        send(&outbound, &account, request.header("content-type", "application/json"), body.into()).await;
    }
}

async fn send(outbound: &Outbound, account: &Account, request: http::request::Builder, body: Bytes) {
    let Ok(request) = request.header("x-knoxcall-key", &account.key).body(body.into()) else { return };
    let exchange = async {
        match outbound.send(Whose::Operator, request, PATIENCE).await {
            Ok(answer) => drop(answer.into_body().collect().await),
            Err(error) => tracing::debug!(%error, "a request of the demo's own failed"),
        }
    };
    drop(timeout(PATIENCE, exchange).await);
}
