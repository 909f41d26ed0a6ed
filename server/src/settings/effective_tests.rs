//! Environment over stored, row by row.

use super::*;

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
        .map_or_else(|| "-".to_owned(), |signal| format!("{}|{}", signal.url, signal.headers.to_text()))
}

fn lines(effective: &Effective) -> [String; 3] {
    Signal::ALL.map(|signal| line(effective, signal))
}

macro_rules! row {
    ($name:literal, $stored:expr, $vars:expr, $($check:expr),+ $(,)?) => {
        Row { name: $name, stored: $stored, vars: &$vars, checks: &[$($check),+] }
    };
}

fn rows() -> Vec<Row> {
    let mut rows = endpoint_rows();
    rows.extend(header_rows());
    rows.extend(switch_rows());
    rows.extend(pause_rows());
    rows.extend(resource_rows());
    rows.extend(delivery_rows());
    rows
}

fn endpoint_rows() -> Vec<Row> {
    vec![
        row!("nothing at all is off", nothing(), [], |e| {
            assert_eq!(e.target, None);
            assert_eq!(e.managed, ManagedBy::default());
            assert!(e.also_managed.is_empty());
            assert_eq!(e.service_name, "knoxcall");
        }),
        row!("stored alone", stored(), [], |e| {
            assert_eq!(
                lines(e),
                [
                    "http://stored:4318/base/v1/traces|x-stored=secret",
                    "http://stored:4318/base/v1/logs|x-stored=secret",
                    "http://stored:4318/base/v1/metrics|x-stored=secret"
                ]
            );
            let target = target(e);
            assert_eq!((target.generation, target.managed, target.service_name.as_str()), (7, false, "stored-name"));
            assert_eq!(target.resource, [("service.instance.id".to_owned(), INSTANCE.to_string())]);
            assert_eq!((target.compression, target.temporality), (Compression::Gzip, Temporality::Cumulative));
            assert_eq!(target.metric_interval, Duration::from_secs(60));
            assert_eq!(target.logs.as_ref().unwrap().timeout, Duration::from_secs(10));
            assert_eq!((target.span_batch, target.log_batch, &target.certificate), (Batch::default(), Batch::default(), &None));
        }),
        row!("the endpoint variable enables, with nothing stored", nothing(), [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318/")], |e| {
            assert_eq!(lines(e), ["http://env:4318/v1/traces|", "http://env:4318/v1/logs|", "http://env:4318/v1/metrics|"]);
            assert_eq!(e.managed.endpoint, Some(Variable::OtlpEndpoint));
            assert!(target(e).managed);
        }),
        row!(
            "a stored header is never sent to an endpoint of the environment",
            stored(),
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")],
            |e| {
                assert_eq!(lines(e), ["http://env:4318/v1/traces|", "http://env:4318/v1/logs|", "http://env:4318/v1/metrics|"]);
                assert_eq!(e.managed.headers, Some(Variable::OtlpEndpoint));
                assert!(e.header_names.is_empty());
            },
        ),
        row!(
            "a signal path at the end of the common endpoint is dropped",
            nothing(),
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318/v1/traces")],
            |e| assert_eq!(line(e, Signal::Logs), "http://env:4318/v1/logs|"),
        ),
        row!(
            "a signal's endpoint is used as it is, and the others stay",
            stored(),
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:9/custom")],
            |e| {
                assert_eq!(
                    lines(e),
                    [
                        "http://traces:9/custom|",
                        "http://stored:4318/base/v1/logs|x-stored=secret",
                        "http://stored:4318/base/v1/metrics|x-stored=secret"
                    ]
                );
                assert_eq!((e.managed.endpoint, e.managed.headers), (None, None));
                assert_eq!(e.also_managed, [Variable::OtlpTracesEndpoint]);
            },
        ),
        row!(
            "a signal's endpoint over the common one",
            nothing(),
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:9/v1/logs")],
            |e| {
                assert_eq!(lines(e), ["http://env:4318/v1/traces|", "http://logs:9/v1/logs|", "http://env:4318/v1/metrics|"]);
                assert_eq!(e.also_managed, [Variable::OtlpLogsEndpoint]);
            },
        ),
        row!("a signal's endpoint alone enables that signal", nothing(), [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:9/x")], |e| {
            assert_eq!(lines(e), ["-", "-", "http://m:9/x|"]);
        }),
        row!(
            "an endpoint for each signal leaves nothing to the field",
            stored(),
            [
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9"),
                ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l:9"),
                ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:9")
            ],
            |e| {
                assert_eq!(lines(e), ["http://t:9|", "http://l:9|", "http://m:9|"]);
                assert_eq!(e.managed.endpoint, Some(Variable::OtlpTracesEndpoint));
                assert_eq!(e.managed.headers, Some(Variable::OtlpTracesEndpoint));
            },
        ),
    ]
}

fn header_rows() -> Vec<Row> {
    vec![
        row!("headers of the environment over stored ones", stored(), [("OTEL_EXPORTER_OTLP_HEADERS", "x-env=1, y=a%2Cb")], |e| {
            assert_eq!(line(e, Signal::Traces), "http://stored:4318/base/v1/traces|x-env=1,y=a%2Cb");
            assert_eq!(e.managed.headers, Some(Variable::OtlpHeaders));
            assert_eq!(e.header_names, ["x-env", "y"]);
        }),
        row!(
            "a signal's headers in place of the common ones",
            nothing(),
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-env=1"),
                ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-logs=2")
            ],
            |e| {
                assert_eq!(
                    lines(e),
                    ["http://env:4318/v1/traces|x-env=1", "http://env:4318/v1/logs|x-logs=2", "http://env:4318/v1/metrics|x-env=1"]
                );
                assert_eq!(e.also_managed, [Variable::OtlpLogsHeaders]);
            },
        ),
        row!(
            "a signal's endpoint takes the common headers of the environment",
            stored(),
            [("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:9"), ("OTEL_EXPORTER_OTLP_HEADERS", "x-env=1")],
            |e| assert_eq!(line(e, Signal::Metrics), "http://m:9|x-env=1"),
        ),
        row!(
            "a signal's endpoint with its own headers",
            stored(),
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-t=1")],
            |e| assert_eq!(line(e, Signal::Traces), "http://t:9|x-t=1"),
        ),
        row!("stored headers that don't open turn off what needs them", StoredExport { headers: None, ..stored() }, [], |e| {
            assert_eq!(e.target, None);
            assert!(e.broken);
        }),
        row!(
            "what has headers of its own goes out, and what waits for the others is kept",
            StoredExport { headers: None, ..stored() },
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9"), ("OTEL_METRICS_EXPORTER", "none")],
            |e| {
                assert_eq!([line(e, Signal::Traces), line(e, Signal::Logs)], ["http://t:9|".to_owned(), "-".to_owned()]);
                assert_eq!(target(e).suspended, [Signal::Logs], "metrics are off");
                assert!(e.broken);
            },
        ),
        row!(
            "of a record that can't be read nobody knows what is off",
            StoredExport { unreadable: true, ..nothing() },
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9")],
            |e| assert_eq!(target(e).suspended, [Signal::Logs, Signal::Metrics]),
        ),
        row!(
            "headers that don't open don't matter to an endpoint of the environment",
            StoredExport { headers: None, ..stored() },
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")],
            |e| {
                assert_eq!(line(e, Signal::Logs), "http://env:4318/v1/logs|");
                assert!(!e.broken);
            },
        ),
    ]
}

fn switch_rows() -> Vec<Row> {
    vec![
        row!("OTEL_TRACES_EXPORTER=none", stored(), [("OTEL_TRACES_EXPORTER", "none")], |e| {
            assert_eq!(line(e, Signal::Traces), "-");
            assert_ne!(line(e, Signal::Logs), "-");
            assert_eq!((e.traces, e.managed.traces, e.managed.logs), (false, Some(Variable::TracesExporter), None));
        }),
        row!("OTEL_LOGS_EXPORTER=none", stored(), [("OTEL_LOGS_EXPORTER", "none")], |e| {
            assert_eq!(line(e, Signal::Logs), "-");
            assert_eq!((e.logs, e.managed.logs), (false, Some(Variable::LogsExporter)));
        }),
        row!("OTEL_METRICS_EXPORTER=none", stored(), [("OTEL_METRICS_EXPORTER", "none")], |e| {
            assert_eq!(line(e, Signal::Metrics), "-");
            assert_eq!((e.metrics, e.managed.metrics), (false, Some(Variable::MetricsExporter)));
        }),
        row!("otlp turns on what is stored as off", StoredExport { logs: false, ..stored() }, [("OTEL_LOGS_EXPORTER", "otlp")], |e| {
            assert_ne!(line(e, Signal::Logs), "-");
            assert_eq!(e.managed.logs, Some(Variable::LogsExporter));
        }),
        row!(
            "a stored switch counts at an endpoint of the environment too",
            StoredExport { traces: false, ..nothing() },
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")],
            |e| assert_eq!(line(e, Signal::Traces), "-"),
        ),
        row!("every signal off is off", StoredExport { traces: false, logs: false, metrics: false, ..stored() }, [], |e| {
            assert_eq!(e.target, None);
        }),
        row!("OTEL_SDK_DISABLED=TRUE", stored(), [("OTEL_SDK_DISABLED", "TRUE")], |e| {
            assert_eq!(e.target, None);
            assert_eq!(e.also_managed, [Variable::SdkDisabled]);
        }),
        row!(
            "switched off, the environment's endpoint is still set",
            nothing(),
            [("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://env:4318/v1/logs")],
            |e| assert!(e.target.is_none() && e.is_set)
        ),
        row!("an endpoint that nobody set", nothing(), [], |e| assert!(e.target.is_none() && !e.is_set)),
        row!("OTEL_SDK_DISABLED=false", stored(), [("OTEL_SDK_DISABLED", "false")], |e| {
            assert!(e.target.is_some() && e.also_managed.is_empty());
        }),
    ]
}

fn paused() -> StoredExport {
    StoredExport { paused: true, ..stored() }
}

fn pause_rows() -> Vec<Row> {
    vec![
        row!("a pause stops what goes to the stored endpoint", paused(), [], |e| assert!(e.target.is_none() && e.is_set)),
        row!(
            "a pause leaves alone a signal whose endpoint the environment names",
            paused(),
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9/custom")],
            |e| {
                assert_eq!(lines(e), ["http://t:9/custom|", "-", "-"]);
                assert_eq!(target(e).suspended, [Signal::Logs, Signal::Metrics]);
                assert_eq!(e.managed.endpoint, None, "there is something to resume");
            },
        ),
        row!(
            "a pause leaves alone two signals whose endpoints the environment names",
            paused(),
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:9")],
            |e| {
                assert_eq!(lines(e), ["http://t:9|", "-", "http://m:9|"]);
                assert_eq!(target(e).suspended, [Signal::Logs]);
            },
        ),
        row!(
            "a pause keeps nothing for a signal that is off",
            StoredExport { logs: false, ..paused() },
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9")],
            |e| assert_eq!(target(e).suspended, [Signal::Metrics]),
        ),
        row!("a pause leaves alone the environment's endpoint", paused(), [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318")], |e| {
            assert_eq!(lines(e), ["http://env:4318/v1/traces|", "http://env:4318/v1/logs|", "http://env:4318/v1/metrics|"]);
            assert!(target(e).suspended.is_empty());
        }),
        row!(
            "signals whose headers don't open are kept for later while another one goes on",
            StoredExport { headers: None, ..stored() },
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9")],
            |e| {
                assert_eq!((lines(e), e.broken), (["http://t:9|", "-", "-"].map(str::to_owned), true));
                assert_eq!(target(e).suspended, [Signal::Logs, Signal::Metrics]);
            },
        ),
    ]
}

fn resource_rows() -> Vec<Row> {
    vec![
        row!("OTEL_SERVICE_NAME", stored(), [("OTEL_SERVICE_NAME", "env-name")], |e| {
            assert_eq!((target(e).service_name.as_str(), e.managed.service_name), ("env-name", Some(Variable::ServiceName)));
        }),
        row!(
            "OTEL_SERVICE_NAME over service.name in OTEL_RESOURCE_ATTRIBUTES",
            stored(),
            [("OTEL_SERVICE_NAME", "env-name"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=res-name,team=x%20y")],
            |e| {
                assert_eq!(target(e).service_name, "env-name");
                let expected = [("team", "x y"), ("service.instance.id", "00000000-0000-0000-0000-000000000000")];
                assert_eq!(target(e).resource, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
                assert_eq!(e.also_managed, [Variable::ResourceAttributes]);
            },
        ),
        row!("service.name in OTEL_RESOURCE_ATTRIBUTES", stored(), [("OTEL_RESOURCE_ATTRIBUTES", "service.name=res-name")], |e| {
            assert_eq!((e.service_name.as_str(), e.managed.service_name), ("res-name", Some(Variable::ResourceAttributes)));
        }),
        row!(
            "service.instance.id may be given, service.version may not",
            stored(),
            [("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-1,service.version=9")],
            |e| assert_eq!(target(e).resource, [("service.instance.id".to_owned(), "pod-1".to_owned())]),
        ),
    ]
}

fn delivery_rows() -> Vec<Row> {
    vec![
        row!("OTEL_EXPORTER_OTLP_COMPRESSION=none", stored(), [("OTEL_EXPORTER_OTLP_COMPRESSION", "none")], |e| {
            assert_eq!(target(e).compression, Compression::None);
            assert_eq!(e.managed.compression, Some(Variable::OtlpCompression));
        }),
        row!("OTEL_EXPORTER_OTLP_COMPRESSION=gzip", stored(), [("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")], |e| {
            assert_eq!(target(e).compression, Compression::Gzip);
        }),
        row!("OTEL_EXPORTER_OTLP_TIMEOUT in milliseconds", stored(), [("OTEL_EXPORTER_OTLP_TIMEOUT", "2500")], |e| {
            assert_eq!(target(e).traces.as_ref().unwrap().timeout, Duration::from_millis(2500));
            assert_eq!(e.managed.timeout, Some(Variable::OtlpTimeout));
        }),
        row!("OTEL_METRIC_EXPORT_INTERVAL in milliseconds", stored(), [("OTEL_METRIC_EXPORT_INTERVAL", "500")], |e| {
            assert_eq!(target(e).metric_interval, Duration::from_millis(500));
            assert_eq!(e.also_managed, [Variable::MetricInterval]);
        }),
        row!("temporality cumulative", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative")], |e| {
            assert_eq!(target(e).temporality, Temporality::Cumulative);
        }),
        row!("temporality delta", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta")], |e| {
            assert_eq!(target(e).temporality, Temporality::Delta);
            assert_eq!(e.managed.temporality, Some(Variable::OtlpTemporality));
        }),
        row!("temporality lowmemory", stored(), [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory")], |e| {
            assert_eq!(target(e).temporality, Temporality::LowMemory);
        }),
        row!("OTEL_BSP_*", stored(), [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "64"), ("OTEL_BSP_SCHEDULE_DELAY", "200")], |e| {
            assert_eq!(
                target(e).span_batch,
                Batch { max_records: 64, fixed: true, max_delay: Duration::from_millis(200), ..Batch::default() }
            );
            assert_eq!(e.also_managed, [Variable::SpanBatchSize, Variable::SpanDelay]);
            assert_eq!(target(e).log_batch, Batch::default());
        },),
        row!("OTEL_BLRP_*", stored(), [("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "32"), ("OTEL_BLRP_SCHEDULE_DELAY", "300")], |e| {
            assert_eq!(
                target(e).log_batch,
                Batch { max_records: 32, fixed: true, max_delay: Duration::from_millis(300), ..Batch::default() }
            );
            assert_eq!(target(e).span_batch, Batch::default());
        }),
        row!("OTEL_BSP_* bounds", stored(), [("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_EXPORT_TIMEOUT", "0")], |e| {
            assert_eq!(target(e).span_batch, Batch { max_queue: Some(100), max_elapsed: None, ..Batch::default() });
            assert_eq!(e.also_managed, [Variable::SpanQueue, Variable::SpanExportTimeout]);
        }),
        row!("OTEL_BLRP_* bounds", stored(), [("OTEL_BLRP_MAX_QUEUE_SIZE", "100"), ("OTEL_BLRP_EXPORT_TIMEOUT", "500")], |e| {
            let expected = Batch { max_queue: Some(100), max_elapsed: Some(Duration::from_millis(500)), ..Batch::default() };
            assert_eq!(target(e).log_batch, expected);
            assert_eq!(e.also_managed, [Variable::LogQueue, Variable::LogExportTimeout]);
        }),
    ]
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
        assert!(!format!("{effective:?}").contains("secret"), "Debug shows a header value: {}", row.name);
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
        Some(SignalTarget { url: endpoint_exact(text), headers: HeaderList::parse("x-stored=secret").unwrap(), timeout: DEFAULT_TIMEOUT })
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

fn endpoint_exact(text: &str) -> Endpoint {
    Endpoint::parse_exact(text).unwrap()
}
