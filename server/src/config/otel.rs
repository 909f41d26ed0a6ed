//! The `OTEL_*` variables, parsed once at start-up. Set but empty counts as unset; every wrong value is reported, with the
//! variable's name and the rule, and never with the value.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::values::{Compression, Endpoint, HeaderList, Rule, Signal, Temporality, Variable};

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
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignalEnvironment {
    /// Used as it is, without a path appended.
    pub endpoint: Option<Endpoint>,
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

/// A variable whose value can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable}: {problem}")]
pub struct VariableError {
    pub variable: &'static str,
    pub problem: VariableProblem,
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
    /// Every variable whose value can't be used.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<VariableError>> {
        let mut reader = Reader { vars, errors: Vec::new() };
        let read = Self {
            endpoint: reader.parse(Variable::OtlpEndpoint.name(), |text| Ok(Endpoint::parse(text)?)),
            headers: reader.headers(Variable::OtlpHeaders),
            traces: reader.signal(Variable::OtlpTracesEndpoint, Variable::OtlpTracesHeaders, Variable::TracesExporter),
            logs: reader.signal(Variable::OtlpLogsEndpoint, Variable::OtlpLogsHeaders, Variable::LogsExporter),
            metrics: reader.signal(Variable::OtlpMetricsEndpoint, Variable::OtlpMetricsHeaders, Variable::MetricsExporter),
            compression: reader.parse(Variable::OtlpCompression.name(), compression),
            timeout: reader.millis(Variable::OtlpTimeout.name(), 1, HOUR),
            certificate: reader.parse(Variable::OtlpCertificate.name(), certificate),
            temporality: reader.parse(Variable::OtlpTemporality.name(), temporality),
            service_name: reader.parse(Variable::ServiceName.name(), |text| Ok(text.to_owned())),
            resource: reader.parse(Variable::ResourceAttributes.name(), resource),
            metric_interval: reader.millis(Variable::MetricInterval.name(), 1, 24 * HOUR),
            sdk_disabled: reader.parse(Variable::SdkDisabled.name(), boolean),
            span_batch: BatchEnvironment {
                max_records: reader.number(Variable::SpanBatchSize.name(), 1, BATCH),
                max_delay: reader.millis(Variable::SpanDelay.name(), 0, HOUR),
                max_queue: reader.number(Variable::SpanQueue.name(), 1, QUEUE),
                export_timeout: reader.millis(Variable::SpanExportTimeout.name(), 0, HOUR),
            },
            log_batch: BatchEnvironment {
                max_records: reader.number(Variable::LogBatchSize.name(), 1, BATCH),
                max_delay: reader.millis(Variable::LogDelay.name(), 0, HOUR),
                max_queue: reader.number(Variable::LogQueue.name(), 1, QUEUE),
                export_timeout: reader.millis(Variable::LogExportTimeout.name(), 0, HOUR),
            },
        };
        if reader.errors.is_empty() { Ok(read) } else { Err(reader.errors) }
    }
}

/// In milliseconds.
const HOUR: u64 = 3_600_000;
const BATCH: u64 = 65_536;
const QUEUE: u64 = 10_000_000;

pub(super) struct Reader<F> {
    pub(super) vars: F,
    pub(super) errors: Vec<VariableError>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn parse<T>(&mut self, variable: &'static str, parse: impl FnOnce(&str) -> Result<T, VariableProblem>) -> Option<T> {
        let text = (self.vars)(variable)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.errors.push(VariableError { variable, problem });
                None
            }
        }
    }

    fn headers(&mut self, variable: Variable) -> Option<HeaderList> {
        self.parse(variable.name(), |text| Ok(HeaderList::parse(text)?))
    }

    fn signal(&mut self, endpoint: Variable, headers: Variable, exporter: Variable) -> SignalEnvironment {
        SignalEnvironment {
            endpoint: self.parse(endpoint.name(), |text| Ok(Endpoint::parse_exact(text)?)),
            headers: self.headers(headers),
            on: self.parse(exporter.name(), |text| match text {
                "otlp" => Ok(true),
                "none" => Ok(false),
                _ => Err(VariableProblem::OneOf("otlp or none")),
            }),
        }
    }

    fn number<T: FromStr + PartialOrd + TryFrom<u64>>(&mut self, variable: &'static str, min: u64, max: u64) -> Option<T> {
        self.parse(variable, |text| {
            let wrong = || VariableProblem::Rule(Rule::NumberRange { min, max });
            let number: u64 = text.parse().map_err(|_| wrong())?;
            if (min..=max).contains(&number) { T::try_from(number).map_err(|_| wrong()) } else { Err(wrong()) }
        })
    }

    fn millis(&mut self, variable: &'static str, min: u64, max: u64) -> Option<Duration> {
        self.number::<u64>(variable, min, max).map(Duration::from_millis)
    }
}

fn compression(text: &str) -> Result<Compression, VariableProblem> {
    Compression::parse(text).map_err(|_| VariableProblem::OneOf("gzip or none"))
}

/// Without regard to case (specification, "Metrics Exporter — OTLP").
fn temporality(text: &str) -> Result<Temporality, VariableProblem> {
    Temporality::parse(text).map_err(|_| VariableProblem::OneOf("cumulative, delta or lowmemory"))
}

fn boolean(text: &str) -> Result<bool, VariableProblem> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(VariableProblem::OneOf("true or false")),
    }
}

fn certificate(path: &str) -> Result<Arc<str>, VariableProblem> {
    let failed = |reason: &dyn Display| VariableProblem::File { path: path.to_owned(), reason: reason.to_string() };
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text.into())
    } else {
        Err(VariableProblem::NoCertificate { path: path.to_owned() })
    }
}

/// The Resource SDK's format: `k=v` pairs separated by commas, values percent-encoded.
fn resource(text: &str) -> Result<Vec<(String, String)>, VariableProblem> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (index, part) in text.split(',').enumerate() {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let wrong = || VariableProblem::Pair { position: index + 1 };
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let decode = |text: &str| percent_decode_str(text.trim()).decode_utf8().map(String::from);
        let (name, value) = (decode(name).map_err(|_| wrong())?, decode(value).map_err(|_| wrong())?);
        if name.is_empty() {
            return Err(wrong());
        }
        // The last one of a name wins.
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn every_wrong_value_is_named_and_none_is_quoted() {
        let wrong = "canary-7f3a";
        let vars: Vec<_> = Variable::OTEL
            .iter()
            .filter(|variable| !matches!(variable, Variable::ServiceName | Variable::OtlpCertificate))
            .map(|variable| (variable.name(), wrong))
            .collect();
        let errors = read(&vars).unwrap_err();
        let mut named: Vec<_> = errors.iter().map(|error| error.variable).collect();
        let mut expected: Vec<_> = vars.iter().map(|(name, _)| *name).collect();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected);
        for error in errors {
            assert!(!format!("{error} {error:?}").contains(wrong), "{error}");
            assert!(error.to_string().starts_with(error.variable));
        }
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
