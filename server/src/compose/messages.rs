//! What one room tells that concerns another: carried between them by tasks, until the process ends. No room calls back.

use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use crate::audit::{Log, Written};
use crate::bus::Bus;
use crate::event::{self, Event, Security, SecurityKind, TraceContext};
use crate::live::Owner;
use crate::settings::{Exhausted, Problem, SecretPlace, Settings};
use crate::store;
use crate::telemetry;
use crate::values::TenantId;
use crate::webhooks;

/// Pauses what telemetry reports as only failing. Waits for reports; there is no timer.
pub async fn pause_exhausted(settings: Settings, mut reports: mpsc::Receiver<telemetry::Exhausted>, shutdown: CancellationToken) {
    loop {
        let report = tokio::select! {
            () = shutdown.cancelled() => return,
            report = reports.recv() => match report {
                Some(report) => report,
                None => return,
            },
        };
        let workspace = match report.owner {
            Owner::Operator => None,
            Owner::Tenant(workspace) => Some(workspace),
        };
        let exhausted = Exhausted {
            workspace,
            generation: report.generation,
            failing_since: store::unix_millis(report.since),
            attempts: report.attempts,
        };
        match settings.pause_exhausted(exhausted).await {
            Ok(true) => tracing::warn!(owner = ?report.owner, attempts = report.attempts, "an export that only failed has paused itself"),
            Ok(false) => {}
            Err(error) => tracing::error!(owner = ?report.owner, %error, "an export that only fails could not be paused"),
        }
    }
}

/// Puts what is written into the audit logs on the bus, until nothing is saved any more and all of it is told.
pub async fn tell_audit(mut audited: broadcast::Receiver<Written>, bus: Bus, saved_all: CancellationToken) {
    loop {
        let written = tokio::select! {
            biased;
            written = audited.recv() => written,
            () = saved_all.cancelled() => return,
        };
        match written {
            Ok(written) => tell(&bus, &written),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "audit entries came faster than they could be passed on; they are in the log, and were not sent");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Removes old entries from the audit logs, at the start and each hour.
pub async fn trim_audit(settings: Settings, keep: Duration, shutdown: CancellationToken) {
    let mut hourly = tokio::time::interval(Duration::from_secs(3600));
    while shutdown.run_until_cancelled(hourly.tick()).await.is_some() {
        let before = SystemTime::now().checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
        match settings.trim_audit(store::unix_millis(before)).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old entries have left the audit logs"),
            Err(error) => tracing::error!(%error, "old entries could not be removed from the audit logs"),
        }
    }
}

/// Switches off endpoints that can't be delivered to, until no attempt is made any more and all of them are off.
pub async fn stop_webhooks(settings: Settings, mut stops: mpsc::Receiver<webhooks::Stop>, attempted_all: CancellationToken) {
    loop {
        let stop = tokio::select! {
            biased;
            stop = stops.recv() => stop,
            () = attempted_all.cancelled() => return,
        };
        let Some(webhooks::Stop { workspace, endpoint, generation, why }) = stop else { return };
        match settings.stop_webhook(workspace, endpoint, generation, why).await {
            Ok(true) => tracing::warn!(%workspace, webhook = %endpoint, ?why, "a webhook has been switched off"),
            Ok(false) => {}
            Err(error) => tracing::error!(%workspace, webhook = %endpoint, %error, "a webhook could not be switched off"),
        }
    }
}

fn tell(bus: &Bus, written: &Written) {
    let entry = &written.entry;
    let tenant = match Log::of(entry.log) {
        Log::Global => None,
        Log::Workspace(workspace) => Some(workspace),
    };
    bus.emit(tenant, || {
        let trace = entry.trace.map(|trace| TraceContext {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            parent_span_id: None,
            flags: trace.flags,
            state: None,
            invented: false,
        });
        let (at, entry_json) = (entry.at.into(), written.to_json().into());
        Event::Audit(event::Audit { at, tenant, entry: entry_json, request_id: entry.request_id, trace })
    });
}

/// A security event for each secret that does not open, at the start or found later: somebody may have moved or changed what
/// is stored.
pub async fn report_unreadable(mut found: broadcast::Receiver<SecretPlace>, known: Vec<Problem>, bus: Bus, shutdown: CancellationToken) {
    let report = |place: &SecretPlace| security(&bus, SecurityKind::SettingsDecryptFailed, place.workspace());
    for problem in &known {
        if let Problem::Secret { place } = problem {
            report(place);
        }
    }
    while let Some(place) = shutdown.run_until_cancelled(found.recv()).await {
        match place {
            Ok(place) => report(&place),
            Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "secrets that do not open were not reported"),
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// A security event for each signing secret that the bootstrap file replaced in one of these workspaces, as for one that is rotated in
/// the console.
pub fn report_rotated(workspaces: &[TenantId], bus: &Bus) {
    for workspace in workspaces {
        security(bus, SecurityKind::WebhookSecretRotated, Some(*workspace));
    }
}

/// Of nobody's request.
fn security(bus: &Bus, kind: SecurityKind, tenant: Option<TenantId>) {
    bus.emit(tenant, || Event::Security(Security { at: SystemTime::now(), kind, tenant, client_address: None, trace: None, count: 1 }));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::audit::{Action, Actor, Resource, Told, Trace, Who};
    use crate::bus::{Interest, Listener};
    use crate::store::{Changes, Store};
    use uuid::Uuid;

    #[derive(Default)]
    struct Recorder(Mutex<Vec<Arc<Event>>>);

    impl Listener for Recorder {
        fn interest(&self, _: Option<TenantId>) -> Interest {
            Interest { events: true, traces: false, more: false }
        }

        fn accept(&self, event: &Arc<Event>) {
            self.0.lock().unwrap().push(Arc::clone(event));
        }
    }

    impl Recorder {
        fn security(&self) -> Vec<(SecurityKind, Option<TenantId>)> {
            let events = self.0.lock().unwrap();
            let told = events.iter().filter_map(|event| if let Event::Security(security) = &**event { Some(security) } else { None });
            told.map(|security| (security.kind, security.tenant)).collect()
        }
    }

    /// All of it, also what was written just before the end.
    #[tokio::test]
    async fn what_is_written_into_the_audit_log_is_told_on_the_bus() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (bus, recorder) = (Bus::default(), Arc::new(Recorder::default()));
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let saved_all = CancellationToken::new();
        let telling = tokio::spawn(tell_audit(store.audit().listen(), bus, saved_all.clone()));
        let trace = Trace { trace_id: [1; 16], span_id: [2; 8], flags: 1 };
        let who = Who { request_id: Some(Uuid::from_u128(3)), trace: Some(trace), ..Who::from(Actor::System) };
        let acme = TenantId(Uuid::from_u128(4));
        for log in [Log::Global, Log::Workspace(acme)] {
            let told = Told::new(&who, log, Action::ExportPaused, Resource::new("export", "otlp", None)).secret("Auth headers", true);
            store.commit_told(Changes::new(), told).await.unwrap();
        }
        saved_all.cancel();
        telling.await.unwrap();

        let events = recorder.0.lock().unwrap();
        let audited: Vec<_> =
            events.iter().filter_map(|event| if let Event::Audit(audit) = &**event { Some(audit) } else { None }).collect();
        assert_eq!(audited.iter().map(|audit| audit.tenant).collect::<Vec<_>>(), [None, Some(acme)]);
        let told = audited[1];
        assert_eq!(told.request_id, Some(Uuid::from_u128(3)));
        assert_eq!(told.trace.as_ref().map(|trace| (trace.trace_id, trace.span_id, trace.sampled())), Some(([1; 16], [2; 8], true)));
        let entry: serde_json::Value = serde_json::from_str(&told.entry).unwrap();
        assert_eq!((&entry["action"], &entry["actor"]["kind"]), (&"export.paused".into(), &"system".into()));
        let head = store.audit().head(Log::Workspace(acme)).unwrap().unwrap();
        assert_eq!(entry["hash"], head.hash);
    }

    /// Once each, at the start as later.
    #[tokio::test]
    async fn secrets_that_do_not_open_are_security_events() {
        let (bus, recorder) = (Bus::default(), Arc::new(Recorder::default()));
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let (found, unreadable) = broadcast::channel(8);
        let acme = TenantId(Uuid::from_u128(4));
        let known = vec![Problem::WrongKey { unreadable: 1 }, Problem::Secret { place: SecretPlace::OperatorHeaders }];
        found.send(SecretPlace::TenantHeaders(acme)).unwrap();
        drop(found);
        report_unreadable(unreadable, known, bus, CancellationToken::new()).await;
        assert_eq!(recorder.security(), [(SecurityKind::SettingsDecryptFailed, None), (SecurityKind::SettingsDecryptFailed, Some(acme))]);
    }

    #[test]
    fn secrets_that_the_bootstrap_file_replaced_are_security_events() {
        let (bus, recorder) = (Bus::default(), Arc::new(Recorder::default()));
        bus.listen(&(Arc::clone(&recorder) as Arc<dyn Listener>));
        let [acme, blue] = [1, 2].map(|id| TenantId(Uuid::from_u128(id)));
        report_rotated(&[acme, acme, blue], &bus);
        assert_eq!(recorder.security(), [acme, acme, blue].map(|tenant| (SecurityKind::WebhookSecretRotated, Some(tenant))));
    }
}
