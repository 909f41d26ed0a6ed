//! A workspace that points its export where it may not go: refused for good, told by its rule, reported once, and nothing
//! connected. What the operator sees of it is bounded.

use std::time::Duration;

use server::live::{ExportTarget, Exports, Owner};
use server::telemetry::{Reason, Status};
use server::values::{EgressRule, FailureKind};

use super::{Rig, exports, operator, quick, request, target, tenant_id};
use crate::gateway::HOSTILE;
use crate::support::collector::{Collector, Reply, attributes};
use crate::support::network::{FakeNetwork, LOOPBACK};

const GRACE: Duration = Duration::from_secs(20);

fn logs_only(mut target: ExportTarget) -> ExportTarget {
    target.traces = None;
    target.metrics = None;
    target
}

fn rule(status: &Status) -> Option<&'static str> {
    match status.last_failure.as_ref()?.kind {
        FailureKind::Blocked { rule } => Some(rule.name()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_no_workspace_may_reach() {
    let network = FakeNetwork::new();
    network.name("metadata.google.internal", &[&["169.254.169.254"]]);
    network.name("mixed.test", &[&["93.184.216.34", "10.0.0.1"]]);
    let names = [("metadata.google.internal", "cloud_metadata"), ("mixed.test", "private")];
    let hosts: Vec<(&str, &str)> = HOSTILE.iter().copied().chain(names).collect();
    let id = |n: usize| tenant_id(n as u128 + 1);
    let targets = hosts
        .iter()
        .enumerate()
        .map(|(n, (host, _))| logs_only(target(Owner::Tenant(id(n)), &format!("http://{host}:4318"), "authorization=Bearer canary")));
    let rig = Rig::over(exports(targets), quick(), network.outbound(""));
    for (n, (host, expected)) in hosts.iter().enumerate() {
        rig.emit(request(id(n)));
        let status = rig.wait_for(Owner::Tenant(id(n)), |status| status.accepted == 1 && status.queued == 0).await;
        assert_eq!((rule(&status), status.dropped.as_slice()), (Some(*expected), &[(Reason::NotRetryable, 1)][..]), "{host}");
        assert!(status.failing_since.is_some());
    }
    rig.telemetry.shutdown(GRACE).await;
    assert!(network.connected().is_empty(), "{:?}", network.connected());
    assert_eq!(network.asked().len(), names.len(), "not even looked up, but for names");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_is_told_once_for_each_workspace_and_rule() {
    let collector = Collector::start().await;
    let network = FakeNetwork::new();
    let (a, b) = (tenant_id(1), tenant_id(2));
    let hostile = |id, host: &str| logs_only(target(Owner::Tenant(id), &format!("http://{host}"), ""));
    let configured = |host: &str| -> Exports { exports([operator(&collector), hostile(a, host), hostile(b, "10.0.0.2")]) };
    let rig = Rig::over(configured("10.0.0.1"), quick(), network.outbound(""));
    // Records in many batches, and settings that are saved over and over, each time with the same outcome.
    for round in 0..=20_u64 {
        rig.emit(request(a));
        rig.emit(request(b));
        let seen = rig.wait_for(Owner::Tenant(a), |status| status.accepted > 0 && status.queued == 0).await;
        assert_eq!(rule(&seen), Some("private"));
        let next = if round < 20 { format!("10.0.1.{round}") } else { "169.254.169.254".to_owned() };
        rig.configure(configured(&next));
        // The reload has happened when there is a destination that has counted nothing yet.
        rig.wait_for(Owner::Tenant(a), |status| status.accepted == 0).await;
    }
    rig.emit(request(a));
    rig.wait_for(Owner::Tenant(a), |status| rule(status) == Some("cloud_metadata")).await;
    rig.telemetry.shutdown(GRACE).await;
    let mut told: Vec<[String; 4]> = collector
        .received()
        .spans()
        .iter()
        .filter(|span| span.record.name == "security egress.blocked")
        .map(|span| {
            let values = attributes(&span.record.attributes);
            ["knoxcall.tenant_id", "knoxcall.egress.rule", "knoxcall.security.event", "knoxcall.security.severity"]
                .map(|name| values[name].clone())
        })
        .collect();
    told.sort();
    let row = |id: server::values::TenantId, rule: &str, severity: &str| {
        [id.to_string(), rule.to_owned(), "egress.blocked".to_owned(), severity.to_owned()].map(|text| format!("{text:?}"))
    };
    assert_eq!(told, [row(a, "cloud_metadata", "high"), row(a, "private", "medium"), row(b, "private", "medium")]);
    assert!(!collector.received().contains("10.0.1."), "no address is told");
    assert!(network.connected().iter().all(|address| address.ip().is_loopback()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_changes_its_answer_gains_nothing() {
    let collector = Collector::start().await;
    let network = FakeNetwork::new();
    let id = tenant_id(1);
    network.stand_in("93.184.216.34", collector.endpoint().trim_start_matches("http://").parse().unwrap());
    network.name("rebind.test", &[&["93.184.216.34"], &["169.254.169.254"]]);
    // The first connection is closed under it, so that the retry needs another one.
    collector.script([Reply::Reset]);
    let rig = Rig::over(exports([logs_only(target(Owner::Tenant(id), "http://rebind.test", ""))]), quick(), network.outbound(""));
    rig.emit(request(id));
    let status = rig.wait_for(Owner::Tenant(id), |status| status.accepted == 1 && status.queued == 0).await;
    assert_eq!((rule(&status), status.dropped), (Some("cloud_metadata"), vec![(Reason::NotRetryable, 1)]));
    assert_eq!((network.asked().len(), network.connected()), (2, vec!["93.184.216.34:80".parse().unwrap()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_metadata_is_a_failure_and_not_followed() {
    let collector = Collector::start().await;
    let network = FakeNetwork::new();
    collector.script([Reply::Redirect("http://169.254.169.254/latest/meta-data/".to_owned())]);
    let id = tenant_id(1);
    let rig = Rig::over(exports([logs_only(super::tenant(id, &collector))]), quick(), network.outbound(LOOPBACK));
    rig.emit(request(id));
    let status = rig.wait_for(Owner::Tenant(id), |status| status.accepted == 1 && status.queued == 0).await;
    assert_eq!(status.last_failure.unwrap().kind, FailureKind::Redirect { status: 307 });
    assert_eq!(network.connected().len(), 1, "the collector and nothing else: {:?}", network.connected());
}

/// The operator's own export goes into private networks; one with roots of its own is kept from metadata as any other.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_export_is_kept_from_metadata_alone() {
    let certificate = crate::support::upstream::Certificate::localhost();
    let network = FakeNetwork::new();
    let mut secure = logs_only(target(Owner::Operator, "https://169.254.169.254", ""));
    for certificate in [None, Some(certificate.pem.as_str().into())] {
        secure.certificate = certificate;
        let rig = Rig::over(exports([secure.clone()]), quick(), network.outbound(LOOPBACK));
        rig.emit(request(tenant_id(1)));
        let status = rig.wait_for(Owner::Operator, |status| status.accepted == 1 && status.queued == 0).await;
        assert_eq!(status.last_failure.unwrap().kind, FailureKind::Blocked { rule: EgressRule::CloudMetadata });
    }
    assert!(network.connected().is_empty());
    let collector = Collector::start().await;
    let rig = Rig::over(exports([logs_only(operator(&collector))]), quick(), network.outbound(""));
    rig.emit(request(tenant_id(1)));
    rig.wait_for(Owner::Operator, |status| status.delivered == 1).await;
}
