//! The `OTEL_*` variables, parsed once at start-up. Set but empty counts as unset. As the specification has it ("Environment
//! Variable Specification", "Configuration types"), what is not understood is warned of and left out; but where telemetry goes and
//! with which credential has to be right. Warnings and errors have the variable's name and the rule, and never the value.

mod values;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use values::{certificate, compression, resource, temporality};

use crate::values::{Compression, Endpoint, ExactUrl, HeaderList, Rule, Signal, Temporality, Variable};

/// What the environment says about the operator's export. `None` everywhere is an environment that says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtelEnvironment {
    pub endpoint: Option<Endpoint>,
    pub headers: Option<HeaderList>,
    pub traces: SignalEnvironment,
    pub logs: SignalEnvironment,
    pub metrics: SignalEnvironment,
    pub compression: Option<Compression>,
    pub timeout: Option<Duration>,
    /// PEM text, read from the file that the variable names.
    pub certificate: Option<Arc<str>>,
    pub temporality: Option<Temporality>,
    /// `OTEL_SERVICE_NAME` alone.
    pub service_name: Option<String>,
    pub resource: Option<Vec<(String, String)>>,
    pub metric_interval: Option<Duration>,
    pub sdk_disabled: Option<bool>,
    pub span_batch: BatchEnvironment,
    pub log_batch: BatchEnvironment,
    /// What was not understood, to be logged once there is a log.
    pub warnings: Vec<VariableWarning>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignalEnvironment {
    /// Used as it is: nothing is appended, and nothing dropped (specification, "Endpoint URLs for OTLP/HTTP").
    pub endpoint: Option<ExactUrl>,
    /// In place of the common ones, not besides them.
    pub headers: Option<HeaderList>,
    /// `OTEL_<SIGNAL>_EXPORTER`: `otlp` is true, `none` is false.
    pub on: Option<bool>,
}

/// `OTEL_BSP_*` or `OTEL_BLRP_*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchEnvironment {
    pub max_records: Option<usize>,
    pub max_delay: Option<Duration>,
    /// Records that may wait to be sent.
    pub max_queue: Option<usize>,
    /// How long a batch may be tried; 0 sets no limit of its own.
    pub export_timeout: Option<Duration>,
}

/// A variable whose value has to be right and is not: of these an endpoint, headers or the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable}: {problem}")]
pub struct VariableError {
    pub variable: &'static str,
    pub problem: VariableProblem,
}

/// A variable whose value is not understood, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable}: {problem} {instead}")]
pub struct VariableWarning {
    pub variable: &'static str,
    pub problem: VariableProblem,
    /// What is used in its place.
    pub instead: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VariableProblem {
    #[error("{0}")]
    Rule(#[from] Rule),
    #[error("use {0}.")]
    OneOf(&'static str),
    #[error(
        "write name=value pairs, separated by commas; entry {position} is not one (percent-encode commas, = and non-ASCII characters)."
    )]
    Pair { position: usize },
    #[error("the file {path} can't be read: {reason}.")]
    File { path: String, reason: String },
    #[error("the file {path} holds no PEM certificate (-----BEGIN CERTIFICATE-----).")]
    NoCertificate { path: String },
}

impl OtelEnvironment {
    #[must_use]
    pub const fn signal(&self, signal: Signal) -> &SignalEnvironment {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
        }
    }

    /// # Errors
    /// Every endpoint, headers and certificate that can't be used; whatever else is not understood is among the warnings.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<VariableError>> {
        let mut reader = Reader::new(vars);
        let mut read = Self {
            endpoint: reader.parse(Variable::OtlpEndpoint.name(), |text| Ok(Endpoint::parse(text)?)),
            headers: reader.headers(Variable::OtlpHeaders),
            traces: reader.signal(Variable::OtlpTracesEndpoint, Variable::OtlpTracesHeaders, Variable::TracesExporter),
            logs: reader.signal(Variable::OtlpLogsEndpoint, Variable::OtlpLogsHeaders, Variable::LogsExporter),
            metrics: reader.signal(Variable::OtlpMetricsEndpoint, Variable::OtlpMetricsHeaders, Variable::MetricsExporter),
            compression: reader.lenient(Variable::OtlpCompression, compression),
            timeout: reader.millis(Variable::OtlpTimeout, 1, HOUR),
            certificate: reader.parse(Variable::OtlpCertificate.name(), certificate),
            temporality: reader.lenient(Variable::OtlpTemporality, temporality),
            service_name: reader.parse(Variable::ServiceName.name(), |text| Ok(text.to_owned())),
            resource: reader.lenient(Variable::ResourceAttributes, resource),
            metric_interval: reader.millis(Variable::MetricInterval, 1, 24 * HOUR),
            sdk_disabled: reader.boolean(Variable::SdkDisabled),
            span_batch: BatchEnvironment {
                max_records: reader.number(Variable::SpanBatchSize, 1, BATCH),
                max_delay: reader.millis(Variable::SpanDelay, 0, HOUR),
                max_queue: reader.number(Variable::SpanQueue, 1, QUEUE),
                export_timeout: reader.millis(Variable::SpanExportTimeout, 0, HOUR),
            },
            log_batch: BatchEnvironment {
                max_records: reader.number(Variable::LogBatchSize, 1, BATCH),
                max_delay: reader.millis(Variable::LogDelay, 0, HOUR),
                max_queue: reader.number(Variable::LogQueue, 1, QUEUE),
                export_timeout: reader.millis(Variable::LogExportTimeout, 0, HOUR),
            },
            warnings: Vec::new(),
        };
        read.warnings = reader.warnings;
        if reader.errors.is_empty() { Ok(read) } else { Err(reader.errors) }
    }
}

/// In milliseconds.
const HOUR: u64 = 3_600_000;
const BATCH: u64 = 65_536;
const QUEUE: u64 = 10_000_000;

const UNSET: &str = "It counts as unset: what is saved is used, or the default.";

pub(super) struct Reader<F> {
    vars: F,
    pub(super) errors: Vec<VariableError>,
    warnings: Vec<VariableWarning>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn new(vars: F) -> Self {
        Self { vars, errors: Vec::new(), warnings: Vec::new() }
    }

    fn given(&self, variable: &'static str) -> Option<String> {
        (self.vars)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn warn(&mut self, variable: Variable, problem: VariableProblem, instead: &'static str) {
        self.warnings.push(VariableWarning { variable: variable.name(), problem, instead });
    }

    pub(super) fn parse<T>(&mut self, variable: &'static str, parse: impl FnOnce(&str) -> Result<T, VariableProblem>) -> Option<T> {
        match parse(&self.given(variable)?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.errors.push(VariableError { variable, problem });
                None
            }
        }
    }

    /// As [`Reader::parse`], for what counts as unset when it is not understood.
    fn lenient<T>(&mut self, variable: Variable, parse: impl FnOnce(&str) -> Result<T, VariableProblem>) -> Option<T> {
        match parse(&self.given(variable.name())?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.warn(variable, problem, UNSET);
                None
            }
        }
    }

    fn headers(&mut self, variable: Variable) -> Option<HeaderList> {
        self.parse(variable.name(), |text| Ok(HeaderList::parse(text)?))
    }

    fn signal(&mut self, endpoint: Variable, headers: Variable, exporter: Variable) -> SignalEnvironment {
        SignalEnvironment {
            endpoint: self.parse(endpoint.name(), |text| Ok(ExactUrl::parse(text)?)),
            headers: self.headers(headers),
            on: self.exporter(exporter),
        }
    }

    /// A list may name exporters that are not here: they are left out. `none` sets up no exporter, and takes away none that stands
    /// beside it.
    fn exporter(&mut self, variable: Variable) -> Option<bool> {
        let text = self.given(variable.name())?.to_ascii_lowercase();
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let (on, used, instead) = if names.contains(&"otlp") {
            (Some(true), "otlp", "Of it otlp is used.")
        } else if names.contains(&"none") {
            (Some(false), "none", "Of it none is used.")
        } else {
            (None, "", UNSET)
        };
        if on.is_none() || names.iter().any(|name| *name != used) {
            self.warn(variable, VariableProblem::OneOf("otlp or none"), instead);
        }
        on
    }

    /// Only `true` is true, without regard to case; whatever else there is, is false.
    fn boolean(&mut self, variable: Variable) -> Option<bool> {
        let text = self.given(variable.name())?.to_ascii_lowercase();
        if !["true", "false"].contains(&text.as_str()) {
            self.warn(variable, VariableProblem::OneOf("true or false"), "It counts as false.");
        }
        Some(text == "true")
    }

    fn number<T: TryFrom<u64>>(&mut self, variable: Variable, min: u64, max: u64) -> Option<T> {
        self.lenient(variable, |text| {
            let wrong = || VariableProblem::Rule(Rule::NumberRange { min, max });
            let number: u64 = text.parse().map_err(|_| wrong())?;
            if (min..=max).contains(&number) { T::try_from(number).map_err(|_| wrong()) } else { Err(wrong()) }
        })
    }

    fn millis(&mut self, variable: Variable, min: u64, max: u64) -> Option<Duration> {
        self.number::<u64>(variable, min, max).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<OtelEnvironment, Vec<VariableError>> {
        OtelEnvironment::from_vars(|name| vars.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn set_but_empty_is_unset() {
        assert_eq!(read(&[]).unwrap(), OtelEnvironment::default());
        let empty: Vec<_> = Variable::OTEL.iter().map(|variable| (variable.name(), " ")).collect();
        assert_eq!(read(&empty).unwrap(), OtelEnvironment::default());
    }

    /// Where telemetry goes, and with which credential.
    fn must_be_right(variable: Variable) -> bool {
        let name = variable.name();
        name.ends_with("_ENDPOINT") || name.ends_with("_HEADERS")
    }

    #[test]
    fn every_wrong_value_is_named_and_none_is_quoted() {
        let wrong = "canary-7f3a";
        let of_text = |variable: &Variable| matches!(variable, Variable::ServiceName | Variable::OtlpCertificate);
        let (strict, lenient): (Vec<_>, Vec<_>) =
            Variable::OTEL.into_iter().filter(|variable| !of_text(variable)).partition(|variable| must_be_right(*variable));
        let set = |variables: &[Variable]| variables.iter().map(|variable| (variable.name(), wrong)).collect::<Vec<_>>();
        let names = |variables: &[Variable]| variables.iter().map(|variable| variable.name()).collect::<BTreeSet<_>>();

        let errors = read(&set(&strict)).unwrap_err();
        assert_eq!(errors.len(), strict.len());
        assert_eq!(errors.iter().map(|error| error.variable).collect::<BTreeSet<_>>(), names(&strict));
        let warnings = read(&set(&lenient)).unwrap().warnings;
        assert_eq!(warnings.len(), lenient.len());
        assert_eq!(warnings.iter().map(|warning| warning.variable).collect::<BTreeSet<_>>(), names(&lenient));
        let texts = errors.iter().map(|error| (error.variable, format!("{error} {error:?}")));
        for (variable, text) in texts.chain(warnings.iter().map(|warning| (warning.variable, format!("{warning} {warning:?}")))) {
            assert!(text.starts_with(variable) && !text.contains(wrong), "{text}");
        }
    }

    #[test]
    fn a_signals_endpoint_stays_as_it_is_and_only_its_host_is_shown() {
        let variables = [Variable::OtlpTracesEndpoint, Variable::OtlpLogsEndpoint, Variable::OtlpMetricsEndpoint];
        for (variable, signal) in variables.into_iter().zip(Signal::ALL) {
            for text in ["http://h", "http://h/", "http://h:9/custom/", "https://h/v1/traces", "https://h/v1/logs/?key=canary-7f3a&x=%2F"] {
                let read = read(&[(variable.name(), text)]).unwrap();
                assert_eq!(read.signal(signal).endpoint.as_ref().unwrap().as_str(), text);
                assert!(!format!("{read:?}").contains("canary-7f3a"), "{read:?}");
            }
            for (wrong, rule) in [("http://h/?canary 7f3a", Rule::UrlQueryCharacters), ("http://h/#canary", Rule::UrlFragment)] {
                let error = read(&[(variable.name(), wrong)]).unwrap_err().remove(0);
                assert_eq!(error, VariableError { variable: variable.name(), problem: rule.into() });
                assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            }
        }
        let common = read(&[(Variable::OtlpEndpoint.name(), "http://h/?key=1")]).unwrap_err().remove(0);
        assert_eq!(common.problem, VariableProblem::Rule(Rule::UrlQuery), "a path is appended to this one");
    }

    #[test]
    fn what_is_not_understood_is_left_out_and_warned_of() {
        let alone = |name: &'static str, value: &str| {
            let read = read(&[(name, value)]).unwrap();
            let said = read.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            (OtelEnvironment { warnings: Vec::new(), ..read }, said)
        };
        for (value, on, said) in [
            ("otlp", Some(true), ""),
            ("OTLP", Some(true), ""),
            ("none", Some(false), ""),
            ("console", None, "OTEL_TRACES_EXPORTER: use otlp or none. It counts as unset: what is saved is used, or the default."),
            ("prometheus", None, "OTEL_TRACES_EXPORTER: use otlp or none. It counts as unset: what is saved is used, or the default."),
            ("otlp,console", Some(true), "OTEL_TRACES_EXPORTER: use otlp or none. Of it otlp is used."),
            ("console, none", Some(false), "OTEL_TRACES_EXPORTER: use otlp or none. Of it none is used."),
            ("none,otlp", Some(true), "OTEL_TRACES_EXPORTER: use otlp or none. Of it otlp is used."),
        ] {
            let (read, warning) = alone("OTEL_TRACES_EXPORTER", value);
            assert_eq!((read.traces.on, warning.as_str()), (on, said), "{value}");
        }
        for (value, disabled, said) in [
            ("True", true, ""),
            ("FALSE", false, ""),
            ("1", false, "OTEL_SDK_DISABLED: use true or false. It counts as false."),
            ("yes", false, "OTEL_SDK_DISABLED: use true or false. It counts as false."),
        ] {
            let (read, warning) = alone("OTEL_SDK_DISABLED", value);
            assert_eq!((read.sdk_disabled, warning.as_str()), (Some(disabled), said), "{value}");
        }
        for name in ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_MAX_QUEUE_SIZE", "OTEL_METRIC_EXPORT_INTERVAL"] {
            for value in ["abc", "-1", "99999999999999999999"] {
                let (read, warning) = alone(name, value);
                assert_eq!(read, OtelEnvironment::default(), "{name}={value}");
                assert!(warning.starts_with(&format!("{name}: give a whole number from ")), "{warning}");
            }
        }
        let (read, warning) = alone("OTEL_RESOURCE_ATTRIBUTES", "team=a,broken");
        assert_eq!(read.resource, None, "the whole value");
        assert!(warning.contains("entry 2 is not one") && warning.ends_with(UNSET), "{warning}");
    }

    #[test]
    fn a_certificate_is_read_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let name = Variable::OtlpCertificate.name();
        let missing = read(&[(name, path.to_str().unwrap())]).unwrap_err();
        assert!(missing[0].to_string().contains("ca.pem can't be read"), "{}", missing[0]);
        std::fs::write(&path, "hello").unwrap();
        assert!(matches!(read(&[(name, path.to_str().unwrap())]).unwrap_err()[0].problem, VariableProblem::NoCertificate { .. }));
        let pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, pem).unwrap();
        assert_eq!(read(&[(name, path.to_str().unwrap())]).unwrap().certificate.as_deref(), Some(pem));
    }

    #[test]
    fn resource_attributes() {
        let pairs = read(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1, b=x%2Cy ,a=2,c=")]).unwrap().resource.unwrap();
        let expected = [("b", "x,y"), ("a", "2"), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(pairs, expected);
    }
}
