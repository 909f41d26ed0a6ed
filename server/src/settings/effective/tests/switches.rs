//! What is off, and what a pause or headers that do not open keep back.

use super::*;

pub(super) fn switch_rows() -> Vec<Row> {
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

pub(super) fn pause_rows() -> Vec<Row> {
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
