//! Environment over stored, row by row.

use super::*;

macro_rules! row {
    ($name:literal, $stored:expr, $vars:expr, $($check:expr),+ $(,)?) => {
        Row { name: $name, stored: $stored, vars: &$vars, checks: &[$($check),+] }
    };
}

mod delivery;
mod endpoints;
mod switches;

const INSTANCE: Uuid = Uuid::nil();

/// What a row expects of the result.
type Check = fn(&Effective);

struct Row {
    name: &'static str,
    stored: StoredExport,
    vars: &'static [(&'static str, &'static str)],
    checks: &'static [Check],
}

fn environment(vars: &[(&str, &str)]) -> OtelEnvironment {
    OtelEnvironment::from_vars(|name| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())).unwrap()
}

fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text).unwrap()
}

fn stored() -> StoredExport {
    StoredExport {
        endpoint: Some(endpoint("http://stored:4318/base")),
        service_name: Some("stored-name".to_owned()),
        headers: Some(HeaderList::parse("x-stored=secret").unwrap()),
        generation: 7,
        ..StoredExport::default()
    }
}

fn nothing() -> StoredExport {
    StoredExport::default()
}

fn target(effective: &Effective) -> &ExportTarget {
    effective.target.as_ref().unwrap()
}

/// `url|headers`, or `-` for a signal that is off.
fn line(effective: &Effective, signal: Signal) -> String {
    effective
        .target
        .as_ref()
        .and_then(|target| target.signal(signal))
        .map_or_else(|| "-".to_owned(), |signal| format!("{}|{}", signal.url.as_str(), signal.headers.to_text()))
}

fn lines(effective: &Effective) -> [String; 3] {
    Signal::ALL.map(|signal| line(effective, signal))
}

fn rows() -> Vec<Row> {
    let mut rows = endpoints::endpoint_rows();
    rows.extend(endpoints::header_rows());
    rows.extend(switches::switch_rows());
    rows.extend(switches::pause_rows());
    rows.extend(delivery::resource_rows());
    rows.extend(delivery::delivery_rows());
    rows
}

#[test]
fn every_row() {
    let rows = rows();
    assert!(rows.len() >= 36, "{}", rows.len());
    for row in &rows {
        eprintln!("row: {}", row.name);
        let effective = operator(&row.stored, &environment(row.vars), INSTANCE);
        for check in row.checks {
            check(&effective);
        }
        assert!(!format!("{effective:?}").contains("secret"), "Debug shows a credential: {}", row.name);
    }
}

#[test]
fn a_certificate_reaches_the_target() {
    let environment = OtelEnvironment { certificate: Some("pem".into()), ..OtelEnvironment::default() };
    let effective = operator(&stored(), &environment, INSTANCE);
    assert_eq!(effective.target.unwrap().certificate.as_deref(), Some("pem"));
    assert_eq!(effective.also_managed, [Variable::OtlpCertificate]);
}

#[test]
fn a_workspace_gets_its_own_settings_and_the_defaults() {
    let workspace = TenantId(Uuid::from_u128(1));
    let target = tenant(workspace, &stored()).unwrap();
    let of = |text: &str| {
        Some(SignalTarget {
            url: ExactUrl::parse(text).unwrap(),
            headers: HeaderList::parse("x-stored=secret").unwrap(),
            timeout: DEFAULT_TIMEOUT,
        })
    };
    let expected = ExportTarget {
        owner: Owner::Tenant(workspace),
        generation: 7,
        managed: false,
        service_name: "stored-name".to_owned(),
        resource: Vec::new(),
        traces: None,
        logs: of("http://stored:4318/base/v1/logs"),
        metrics: of("http://stored:4318/base/v1/metrics"),
        suspended: Vec::new(),
        compression: Compression::Gzip,
        temporality: Temporality::Cumulative,
        metric_interval: Duration::from_secs(60),
        span_batch: Batch::default(),
        log_batch: Batch::default(),
        certificate: None,
    };
    assert_eq!(target, expected);
    assert_eq!(tenant(workspace, &StoredExport { headers: None, ..stored() }), None, "never without its headers");
    assert_eq!(tenant(workspace, &nothing()), None);
    let logs_only = tenant(workspace, &StoredExport { metrics: false, ..stored() }).unwrap();
    assert_eq!((logs_only.logs.is_some(), logs_only.metrics), (true, None));
    assert_eq!(tenant(workspace, &StoredExport { logs: false, metrics: false, ..stored() }), None, "nothing is left to send");
    let unnamed = StoredExport { service_name: None, ..stored() };
    assert_eq!(tenant(workspace, &unnamed).unwrap().service_name, "knoxcall");
}
