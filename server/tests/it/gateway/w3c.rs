use std::sync::atomic::Ordering;

use http::Method;

use super::rig::{Rig, Table, client};
use crate::support::upstream::{Echo, Upstream};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

async fn sent(rig: &Rig, headers: &[(&str, &str)]) -> Echo {
    let request = rig.request(&client(), Method::GET, "/");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn with_traces_the_upstream_gets_our_span_as_parent() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    for flags in ["01", "00"] {
        let parent = format!("00-{TRACE}-{SPAN}-{flags}");
        let before = rig.recorder.requests().len();
        let echo = sent(&rig, &[("traceparent", &parent), ("tracestate", "a=1"), ("tracestate", "b=2")]).await;
        let events = rig.recorder.wait(before + 1).await;
        let trace = &events.last().unwrap().trace;
        assert_eq!(echo.header("traceparent"), [format!("00-{TRACE}-{}-{flags}", hex::encode(trace.span_id))]);
        assert_eq!(echo.header("tracestate"), ["a=1,b=2"]);
        assert_eq!(hex::encode(trace.parent_span_id.unwrap()), SPAN);
        assert_eq!((hex::encode(trace.trace_id).as_str(), trace.sampled()), (TRACE, flags == "01"));
    }
    for headers in [vec![], vec![("traceparent", "00-zz-zz-01"), ("tracestate", "a=1")]] {
        let before = rig.recorder.requests().len();
        let echo = sent(&rig, &headers).await;
        let events = rig.recorder.wait(before + 1).await;
        let trace = &events.last().unwrap().trace;
        assert_eq!(echo.header("traceparent"), [format!("00-{}-{}-01", hex::encode(trace.trace_id), hex::encode(trace.span_id))]);
        assert!(echo.header("tracestate").is_empty());
        assert_eq!(trace.parent_span_id, None);
    }
}

#[tokio::test]
async fn without_traces_whatever_came_passes_byte_for_byte() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    rig.recorder.traces.store(false, Ordering::SeqCst);
    let echo = sent(&rig, &[]).await;
    assert!(echo.header("traceparent").is_empty() && echo.header("tracestate").is_empty());
    let parent = format!("cc-{TRACE}-{SPAN}-01-more");
    let echo = sent(&rig, &[("traceparent", &parent), ("tracestate", "a=1 , b=2"), ("tracestate", "NOT VALID")]).await;
    assert_eq!(echo.header("traceparent"), [parent]);
    assert_eq!(echo.header("tracestate"), ["a=1 , b=2", "NOT VALID"]);
    let events = rig.recorder.wait(2).await;
    assert_eq!(hex::encode(events[1].trace.trace_id), TRACE, "logs can still name the trace");
    assert_eq!(hex::encode(events[1].trace.span_id), SPAN);
    assert!(events[0].trace.trace_id != [0; 16]);

    rig.recorder.events.store(false, Ordering::SeqCst);
    let echo = sent(&rig, &[("traceparent", "garbage")]).await;
    assert_eq!(echo.header("traceparent"), ["garbage"]);
    assert_eq!(rig.recorder.requests().len(), 2, "nobody wanted the third");
}
