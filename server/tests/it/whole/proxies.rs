//! Behind a proxy that the variable names, both listeners believe it.

use reqwest::{Client, StatusCode};
use tempfile::tempdir;

use super::{KEY, Process, Setup, reached};
use crate::support::upstream::{Echo, Upstream};

async fn guess(process: &Process, from: &str) -> StatusCode {
    let request = Client::new().post(format!("{}/api/account/sign-in", process.console)).header("sec-fetch-site", "same-origin");
    let request = request.header("accept", "application/json").header("x-forwarded-for", from);
    request.form(&[("email", "ana@example.com"), ("password", "wrong")]).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_believe_the_proxies_that_were_named() {
    let upstream = Upstream::start().await;
    let folder = tempdir().unwrap();
    let file = format!("[[workspace]]\nslug = \"acme\"\n{}", reached(&upstream.url()));
    let env = [("KNOXCALL_TRUSTED_PROXIES", "192.0.2.1, 127.0.0.0/8")];
    let process = Process::start(&folder.path().join("data"), &Setup { bootstrap: Some(&file), env: &env, ..Setup::default() });
    let request = Client::new().get(&process.gateway).header("x-knoxcall-key", KEY).header("x-knoxcall-route", "billing");
    let answer = request.header("x-forwarded-for", "203.0.113.9, 192.0.2.1").send().await.unwrap();
    let echo: Echo = answer.json().await.unwrap();
    assert_eq!(echo.header("x-forwarded-for"), ["203.0.113.9, 192.0.2.1, 127.0.0.1"]);

    for _ in 0..7 {
        guess(&process, "203.0.113.9").await;
    }
    assert_eq!(guess(&process, "203.0.113.9").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess(&process, "203.0.113.10").await, StatusCode::UNAUTHORIZED, "another client of the same proxy");
}
