//! Where each signal goes, and with which headers.

use super::*;

pub(super) fn endpoint_rows() -> Vec<Row> {
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

pub(super) fn header_rows() -> Vec<Row> {
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
            [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:9/?key=secret"), ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-t=1")],
            |e| assert_eq!(line(e, Signal::Traces), "http://t:9/?key=secret|x-t=1"),
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
