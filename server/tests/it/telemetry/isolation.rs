//! Operator and workspaces at once: each gets its own and nothing else, byte for byte.

use std::time::Duration;

use server::event::Request;
use server::live::Owner;

use super::{Rig, exports, quick, request, target, tenant_id};
use crate::support::collector::{Collector, attributes};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_workspace_reaches_another() {
    let (all, first, second) = (Collector::start().await, Collector::start().await, Collector::start().await);
    let (a, b) = (tenant_id(0xa), tenant_id(0xb));
    let mut to_operator = target(Owner::Operator, &all.endpoint(), "Authorization=Bearer canary-operator-secret");
    to_operator.resource = vec![("deployment.environment.name".to_owned(), "canary-operator-resource".to_owned())];
    to_operator.service_name = "canary-operator-service".to_owned();
    // Uncompressed, so that what is searched is also what was on the wire.
    let plain = |mut target: server::live::ExportTarget| {
        target.compression = server::live::Compression::None;
        target
    };
    let rig = Rig::start(
        exports([
            plain(to_operator),
            plain(target(Owner::Tenant(a), &first.endpoint(), "Authorization=Bearer canary-a-secret")),
            plain(target(Owner::Tenant(b), &second.endpoint(), "x-api-key=canary-b-secret")),
        ]),
        quick(),
    );
    for n in 0..50 {
        for (id, canary) in [(a, "canary-a"), (b, "canary-b")] {
            let mut event = Request { path: format!("/{canary}-path/{n}"), ..request(id) };
            event.user_agent = Some(format!("{canary}-agent"));
            event.server_address = format!("{canary}.gateway.test");
            if let Some(proxied) = &mut event.proxied {
                proxied.route = format!("{canary}-route").into();
                proxied.environment = format!("{canary}-environment").into();
                proxied.upstream_host = Some(format!("{canary}.upstream.test").into());
            }
            rig.emit(event);
        }
    }
    rig.telemetry.shutdown(Duration::from_secs(20)).await;
    let (all, first, second) = (all.received(), first.received(), second.received());

    assert_eq!((all.spans().len(), all.logs().len()), (100, 100));
    assert_eq!((first.logs().len(), second.logs().len()), (50, 50));
    for (own, id, other) in [(&first, a, "canary-b"), (&second, b, "canary-a")] {
        assert!(!own.contains(other), "something of {other} arrived at {id}");
        assert!(!own.contains("canary-operator"), "something of the operator arrived at {id}");
        assert!(own.on("/v1/traces").is_empty());
        for log in own.logs() {
            assert_eq!(attributes(&log.record.attributes)["knoxcall.tenant_id"], format!("\"{id}\""));
            let keys: Vec<String> = log.resource_text().into_keys().collect();
            assert_eq!(keys, ["service.name", "service.version"]);
        }
        let mut names: Vec<String> = own.metrics().into_iter().map(|metric| metric.record.name).collect();
        names.sort();
        assert_eq!(names, ["knoxcall.proxy.request.duration", "knoxcall.proxy.requests"]);
        for metric in own.on("/v1/metrics") {
            let text = String::from_utf8_lossy(&metric.body).into_owned();
            assert!(!text.contains("knoxcall.tenant_id"), "the workspace is never a dimension of its own metrics");
        }
    }
    // The operator sees everything, but no workspace's credential.
    for own in ["canary-a-route", "canary-b-route"] {
        assert!(all.contains(own));
    }
    for secret in ["canary-a-secret", "canary-b-secret"] {
        assert!(!all.contains(secret));
    }
    assert!(first.contains("canary-a-secret") && second.contains("canary-b-secret"));
}
