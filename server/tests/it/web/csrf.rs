//! What changes something must come from our own pages.

use reqwest::{Method, StatusCode};
use server::event::{Event, SecurityKind};

use super::{PASSWORD, TestConsole};

#[tokio::test]
async fn every_state_changing_function_refuses_other_origins() {
    let console = TestConsole::start().await;
    console.user("ana@example.com", true).await;
    let browser = console.browser().signed_in("ana@example.com", PASSWORD).await;
    let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths().filter(|(_, method)| *method != Method::GET).collect();
    assert!(functions.len() >= 8, "{functions:?}");
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &console.base)],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let mut refused = 0;
    for (path, method) in functions {
        for headers in foreign {
            let answer = browser.send(method.clone(), path, headers, Some(String::new())).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}: {}", answer.text());
            refused += 1;
        }
    }
    assert_eq!(browser.viewer().await.as_deref(), Some("ana@example.com"), "nobody signed her out");
    console.bus.flush();
    let reported: u64 = console
        .events
        .all()
        .iter()
        .filter_map(|event| match &**event {
            Event::Security(security) if security.kind == SecurityKind::CsrfRejected => Some(security.count),
            _ => None,
        })
        .sum();
    assert_eq!(reported, refused, "each is told, many of them by their number");
}

#[tokio::test]
async fn any_other_method_and_path_as_well() {
    let console = TestConsole::start().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for path in ["/", "/sign-in", "/nowhere", "/healthz", "/api/nothing"] {
            let answer = console.browser().send(method.clone(), path, &[("origin", "https://evil.example")], None).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn origin_decides_where_a_browser_sends_no_fetch_metadata() {
    let console = TestConsole::start().await;
    let own = console.browser().send(Method::POST, "/api/probe/viewer", &[("origin", &console.base)], Some(String::new())).await;
    assert_eq!(own.status, StatusCode::OK);

    let public = TestConsole::start_with(Some("https://console.example.com"), None).await;
    for (origin, expected) in [
        ("https://console.example.com", StatusCode::OK),
        ("http://console.example.com", StatusCode::FORBIDDEN),
        (public.base.as_str(), StatusCode::FORBIDDEN),
    ] {
        let answer = public.browser().send(Method::POST, "/api/probe/viewer", &[("origin", origin)], Some(String::new())).await;
        assert_eq!(answer.status, expected, "{origin}");
    }
}
