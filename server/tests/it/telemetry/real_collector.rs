//! Against a collector that others wrote: rotel, which prints every item that it takes.

use std::time::Duration;

use server::event::{Event, Failure, Request, Security, SecurityKind, TraceContext, sample};
use server::live::Owner;

use super::{Rig, ai, exports, quick, request, target, tenant_id, webhook};
use crate::support::rotel::{Rotel, holds, section};

#[tokio::test(flavor = "multi_thread")]
async fn rotel_reads_what_we_send() {
    let mut rotel = Rotel::start().await;
    let mut to = target(Owner::Operator, &rotel.endpoint, "");
    to.service_name = "gateway-eu".to_owned();
    let rig = Rig::start(exports([to]), quick());
    let trace = TraceContext { trace_id: [0xab; 16], span_id: [0xcd; 8], parent_span_id: Some([0xef; 8]), ..sample::trace() };
    rig.emit(Request {
        status: Some(504),
        failure: Some(Failure::new("timeout", "no answer".to_owned())),
        trace: trace.clone(),
        ..request(tenant_id(1))
    });
    let rejected = Security {
        at: std::time::SystemTime::now(),
        kind: SecurityKind::CsrfRejected,
        tenant: None,
        client_address: None,
        trace: Some(trace),
        count: 1,
    };
    rig.bus.emit(None, || Event::Security(rejected));
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let status = rig.status(Owner::Operator);
    assert_eq!((status.accepted, status.delivered), (3, 3), "{status:?}");

    // The last line of each signal's print.
    let complete =
        |text: &str| text.contains("knoxcall.security.severity") && text.contains("Flags: 1") && text.matches("Buckets #14").count() == 2;
    let text = rotel.wait_for(complete).await;
    let (spans, logs, metrics) =
        (section(&text, "ResourceSpans #0"), section(&text, "ResourceLog #0"), section(&text, "ResourceMetrics #0"));
    let resource = ["-> service.name: Str(gateway-eu)", "-> service.version: Str(0.1.0)", "InstrumentationScope knoxcall 0.1.0"];
    let ids = format!("Trace ID       : {}", "ab".repeat(16));

    let (server_span, security_span) = spans.split_once("Span #1").expect("two spans");
    holds(server_span, &resource);
    holds(
        server_span,
        &[
            &ids,
            "Parent ID      : efefefefefefefef",
            "ID             : cdcdcdcdcdcdcdcd",
            "Name           : GET billing",
            "Kind           : SPAN_KIND_SERVER",
            "Status code    : STATUS_CODE_ERROR",
            "-> http.request.method: Str(GET)",
            "-> http.response.status_code: Int(504)",
            "-> knoxcall.tenant_id: Str(00000000-0000-0000-0000-000000000001)",
            "-> knoxcall.latency_ms: Double(12.5)",
            "-> error.type: Str(timeout)",
            "-> Name: exception",
            "-> exception.type: Str(timeout)",
        ],
    );
    holds(
        security_span,
        &[
            &ids,
            "Parent ID      : cdcdcdcdcdcdcdcd",
            "Name           : security csrf.rejected",
            "Kind           : SPAN_KIND_INTERNAL",
            "-> knoxcall.security.severity: Str(medium)",
        ],
    );
    holds(logs, &resource);
    holds(
        logs,
        &[
            "SeverityText: ERROR",
            "SeverityNumber: SEVERITY_NUMBER_ERROR(17)",
            "EventName: knoxcall.proxy.request",
            "-> event.name: Str(knoxcall.proxy.request)",
            "-> server.address: Str(api.upstream.test)",
            "-> knoxcall.route_name: Str(billing)",
            &ids,
            "Span ID        : cdcdcdcdcdcdcdcd",
            "Flags: 1",
        ],
    );
    holds(metrics, &resource);
    let (counter, histograms) = metrics.split_once("Metric #1").expect("three metrics");
    holds(
        counter,
        &[
            "-> Name: knoxcall.proxy.requests",
            "-> Unit: {request}",
            "-> DataType: Sum",
            "-> IsMonotonic: true",
            "-> AggregationTemporality: AGGREGATION_TEMPORALITY_CUMULATIVE",
            "-> error: Bool(true)",
            "-> http.response.status_class: Str(5xx)",
            "Value: 1",
        ],
    );
    holds(
        histograms,
        &[
            "-> Name: knoxcall.proxy.request.duration",
            "-> Unit: ms",
            "Sum: 12.5",
            "-> Name: http.server.request.duration",
            "-> Unit: s",
            "Sum: 0.0125",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rotel_reads_webhooks_and_ai_calls() {
    let mut rotel = Rotel::start().await;
    let rig = Rig::start(exports([target(Owner::Operator, &rotel.endpoint, "")]), quick());
    let trace = TraceContext { trace_id: [0xab; 16], span_id: [0xcd; 8], ..sample::trace() };
    let request = Request { trace, ..request(tenant_id(1)) };
    rig.bus.emit(Some(tenant_id(1)), || Event::Webhook(webhook(&request)));
    rig.bus.emit(Some(tenant_id(1)), || Event::Ai(ai(&request)));
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let complete = |text: &str| {
        // The last attribute of the second span.
        text.contains("-> gen_ai.response.time_to_first_chunk: Double(0.2)\n")
            // The last line of a log record, long after its event's name.
            && text.contains("Span ID        : 1111111111111111")
            && text.contains("first_chunk\n")
    };
    let text = rotel.wait_for(complete).await;
    let (spans, logs, metrics) =
        (section(&text, "ResourceSpans #0"), section(&text, "ResourceLog #0"), section(&text, "ResourceMetrics #0"));
    let (webhook_span, ai_span) = spans.split_once("Span #1").expect("two spans");
    holds(
        webhook_span,
        &[
            "Parent ID      : cdcdcdcdcdcdcdcd",
            "ID             : 1111111111111111",
            "Name           : PUT",
            "Kind           : SPAN_KIND_CLIENT",
            "Status code    : STATUS_CODE_ERROR",
            "-> http.request.resend_count: Int(1)",
            "-> server.address: Str(hooks.test)",
            "-> knoxcall.webhook.event_type: Str(request.server_error)",
            "-> knoxcall.webhook.success: Bool(false)",
            "-> error.type: Str(timeout)",
            "-> Name: exception",
        ],
    );
    holds(
        ai_span,
        &[
            "Parent ID      : cdcdcdcdcdcdcdcd",
            "Name           : chat claude",
            "Kind           : SPAN_KIND_CLIENT",
            "Status code    : STATUS_CODE_UNSET",
            "-> gen_ai.operation.name: Str(chat)",
            "-> gen_ai.provider.name: Str(anthropic)",
            "-> gen_ai.request.model: Str(claude)",
            "-> gen_ai.request.max_tokens: Int(100)",
            "-> gen_ai.request.temperature: Double(0.5)",
            "-> gen_ai.request.stream: Bool(true)",
            "-> gen_ai.response.model: Str(claude-1)",
            "-> gen_ai.response.id: Str(msg_1)",
            "-> gen_ai.response.finish_reasons: Slice(Str(end_turn))",
            "-> gen_ai.usage.input_tokens: Int(10)",
            "-> gen_ai.response.time_to_first_chunk: Double(0.2)",
        ],
    );
    assert!(!ai_span.contains("output_tokens"), "no number is made up:\n{ai_span}");
    holds(
        logs,
        &[
            "SeverityText: ERROR",
            "EventName: knoxcall.webhook.delivery",
            "-> event.name: Str(knoxcall.webhook.delivery)",
            "-> http.request.method: Str(PUT)",
            "-> server.address: Str(hooks.test)",
            "-> knoxcall.webhook.retry_count: Int(1)",
            "Span ID        : 1111111111111111",
        ],
    );
    holds(
        metrics,
        &[
            "-> Name: gen_ai.client.token.usage",
            "-> Unit: {token}",
            "-> gen_ai.token.type: Str(input)",
            "-> Name: gen_ai.client.operation.duration",
            "-> Name: gen_ai.client.operation.time_to_first_chunk",
        ],
    );
}

/// A collector each for the operator and two workspaces, all at once: every one prints its own and nothing of another's.
#[tokio::test(flavor = "multi_thread")]
async fn three_rotels_get_what_is_theirs() {
    let (everything, acme, globex) = tokio::join!(Rotel::start(), Rotel::start(), Rotel::start());
    let (mut everything, mut acme, mut globex) = (everything, acme, globex);
    let (one, two) = (tenant_id(0xA1), tenant_id(0xB2));
    let mut to_acme = target(Owner::Tenant(one), &acme.endpoint, "");
    to_acme.service_name = "acme-edge".to_owned();
    let to_globex = target(Owner::Tenant(two), &globex.endpoint, "");
    let rig = Rig::start(exports([target(Owner::Operator, &everything.endpoint, ""), to_acme, to_globex]), quick());
    for (tenant, path) in [(one, "/canary-of-acme"), (two, "/canary-of-globex")] {
        rig.emit(Request { path: path.to_owned(), ..request(tenant) });
    }
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let counts = [Owner::Operator, Owner::Tenant(one), Owner::Tenant(two)].map(|owner| rig.status(owner).delivered);
    assert_eq!(counts, [4, 1, 1], "spans and log records");

    let of = |text: &str, what: &str| text.matches(what).count();
    let done = |logs: usize, histograms: usize| {
        move |text: &str| {
            text.matches("EventName: knoxcall.proxy.request").count() == logs && text.matches("Buckets #14").count() >= histograms
        }
    };
    let text = everything.wait_for(|text| done(2, 4)(text) && text.contains("ResourceSpans #0")).await;
    for (tenant, path) in [(one, "/canary-of-acme"), (two, "/canary-of-globex")] {
        assert_eq!(of(&text, path), 2, "a span and a log record of each:\n{text}");
        // Span, log record, and a point of each of the three instruments.
        assert_eq!(of(&text, &format!("-> knoxcall.tenant_id: Str({tenant})")), 5, "{text}");
    }
    for (rotel, own, path, other, service) in
        [(&mut acme, one, "/canary-of-acme", "globex", "acme-edge"), (&mut globex, two, "/canary-of-globex", "acme", "knoxcall")]
    {
        let text = rotel.wait_for(done(1, 1)).await;
        assert_eq!((of(&text, path), of(&text, other), of(&text, "ResourceSpans")), (1, 0, 0), "{text}");
        assert_eq!(of(&text, &format!("-> knoxcall.tenant_id: Str({own})")), 1, "on the log record, never on a metric:\n{text}");
        assert_eq!(of(&text, &format!("-> service.name: Str({service})")), 2, "{text}");
        let metrics = section(&text, "ResourceMetrics #0");
        holds(metrics, &["-> Name: knoxcall.proxy.requests", "-> Name: knoxcall.proxy.request.duration", "Value: 1"]);
        assert!(!metrics.contains("http.server.request.duration") && !text.contains("service.instance.id"), "{text}");
    }
}
