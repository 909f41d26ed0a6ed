//! Environment over stored: one pure function that says what is in force for the operator, and why. The workspaces' own
//! export has its own, which the environment never touches.

use std::time::Duration;

use uuid::Uuid;

use crate::config::{BatchEnvironment, OtelEnvironment};
use crate::live::{Batch, Compression, ExportTarget, Owner, SignalTarget, Temporality};
use crate::values::{Endpoint, ExactUrl, HeaderList, Signal, TenantId, Variable};

/// `service.name` of whoever chose none.
pub const DEFAULT_SERVICE_NAME: &str = "knoxcall";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_METRIC_INTERVAL: Duration = Duration::from_secs(60);

/// Stored settings of one destination, unsealed.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredExport {
    pub endpoint: Option<Endpoint>,
    pub service_name: Option<String>,
    /// `None` when there are some that can't be opened.
    pub headers: Option<HeaderList>,
    /// There is a record that can't be read: what it says is not known.
    pub unreadable: bool,
    pub traces: bool,
    pub logs: bool,
    pub metrics: bool,
    /// `None` is the default, as below.
    pub compression: Option<Compression>,
    pub timeout: Option<Duration>,
    pub temporality: Option<Temporality>,
    pub paused: bool,
    pub generation: u64,
}

impl Default for StoredExport {
    /// Nothing stored: off, with every signal on for when there is an endpoint.
    fn default() -> Self {
        Self {
            endpoint: None,
            service_name: None,
            headers: Some(HeaderList::default()),
            unreadable: false,
            traces: true,
            logs: true,
            metrics: true,
            compression: None,
            timeout: None,
            temporality: None,
            paused: false,
            generation: 0,
        }
    }
}

/// The variable that manages each field of the card, if one does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagedBy {
    pub endpoint: Option<Variable>,
    pub service_name: Option<Variable>,
    pub headers: Option<Variable>,
    pub traces: Option<Variable>,
    pub logs: Option<Variable>,
    pub metrics: Option<Variable>,
    pub compression: Option<Variable>,
    pub timeout: Option<Variable>,
    pub temporality: Option<Variable>,
}

impl ManagedBy {
    const fn all(&self) -> [Option<Variable>; 9] {
        [
            self.endpoint,
            self.service_name,
            self.headers,
            self.traces,
            self.logs,
            self.metrics,
            self.compression,
            self.timeout,
            self.temporality,
        ]
    }
}

/// What is in force for the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// `None` is off.
    pub target: Option<ExportTarget>,
    /// Somebody set an endpoint, stored or in the environment, whether or not anything goes there now.
    pub is_set: bool,
    pub endpoint: Option<Endpoint>,
    pub service_name: String,
    /// Names of the common headers in force; values never leave the target.
    pub header_names: Vec<String>,
    pub traces: bool,
    pub logs: bool,
    pub metrics: bool,
    pub compression: Compression,
    /// `None` where neither says anything.
    pub timeout: Option<Duration>,
    pub temporality: Temporality,
    pub managed: ManagedBy,
    /// Variables in effect that are not among `managed`.
    pub also_managed: Vec<Variable>,
    /// A signal is left out because what is stored of it can't be read.
    pub broken: bool,
}

/// The operator's export: environment over stored, field by field.
///
/// Stored headers go to the stored endpoint alone: where the environment names the endpoint, the headers are the
/// environment's too, even if it names none. The other way round nothing can be held back: headers of the environment without an
/// endpoint have nowhere to go but to the stored one, whoever entered it. A pause stops what was stored; an endpoint that the environment names is the
/// environment's to stop.
#[must_use]
pub fn operator(stored: &StoredExport, environment: &OtelEnvironment, instance: Uuid) -> Effective {
    let managed = managed_by(environment);
    let endpoint = environment.endpoint.clone().or_else(|| stored.endpoint.clone());
    let given_timeout = environment.timeout.or(stored.timeout);
    let timeout = given_timeout.unwrap_or(DEFAULT_TIMEOUT);
    let compression = environment.compression.or(stored.compression).unwrap_or_default();
    let temporality = environment.temporality.or(stored.temporality).unwrap_or_default();
    let from_environment =
        environment.endpoint.is_some() || Signal::ALL.iter().any(|signal| environment.signal(*signal).endpoint.is_some());
    let common_headers = environment
        .headers
        .clone()
        .or_else(|| if environment.endpoint.is_some() { Some(HeaderList::default()) } else { stored.headers.clone() });
    let common = Common { stored, environment, endpoint: endpoint.as_ref(), headers: common_headers.as_ref(), timeout };
    let ways = Signal::ALL.map(|signal| (signal, common.way(signal)));
    let broken = ways.iter().any(|(_, way)| way.broken);
    let suspended = ways.iter().filter(|(_, way)| way.suspended).map(|(signal, _)| *signal).collect();
    let [traces, logs, metrics] = ways.map(|(_, way)| way.target);
    let service_name = environment
        .service_name
        .clone()
        .or_else(|| resource_attribute(environment, "service.name"))
        .or_else(|| stored.service_name.clone())
        .unwrap_or_else(|| DEFAULT_SERVICE_NAME.to_owned());
    let exporting = (traces.is_some() || logs.is_some() || metrics.is_some()) && environment.sdk_disabled != Some(true);
    let target = exporting.then(|| ExportTarget {
        owner: Owner::Operator,
        generation: stored.generation,
        managed: from_environment,
        service_name: service_name.clone(),
        resource: resource(environment, instance),
        traces,
        logs,
        metrics,
        suspended,
        compression,
        temporality,
        metric_interval: environment.metric_interval.unwrap_or(DEFAULT_METRIC_INTERVAL),
        span_batch: batch(&environment.span_batch),
        log_batch: batch(&environment.log_batch),
        certificate: environment.certificate.clone(),
    });
    Effective {
        target,
        is_set: from_environment || endpoint.is_some(),
        endpoint,
        service_name,
        header_names: common_headers.unwrap_or_default().names().map(str::to_owned).collect(),
        traces: is_on(stored, environment, Signal::Traces),
        logs: is_on(stored, environment, Signal::Logs),
        metrics: is_on(stored, environment, Signal::Metrics),
        compression,
        timeout: given_timeout,
        temporality,
        managed,
        also_managed: also_managed(environment, &managed),
        broken,
    }
}

/// What the operator's signals have in common.
struct Common<'a> {
    stored: &'a StoredExport,
    environment: &'a OtelEnvironment,
    endpoint: Option<&'a Endpoint>,
    headers: Option<&'a HeaderList>,
    timeout: Duration,
}

/// Where a signal goes, or why it goes nowhere.
#[derive(Default)]
struct Way {
    target: Option<SignalTarget>,
    /// It is set and not in force now.
    suspended: bool,
    /// Something of it that is stored can't be read.
    broken: bool,
}

impl Common<'_> {
    fn way(&self, signal: Signal) -> Way {
        let Self { stored, environment, .. } = *self;
        if !is_on(stored, environment, signal) {
            return Way::default();
        }
        let own = environment.signal(signal);
        let (url, headers) = match (&own.endpoint, self.endpoint) {
            (Some(url), _) => (Some(url.clone()), Some(environment.headers.clone().unwrap_or_default())),
            (None, Some(endpoint)) => (signal_url(endpoint, signal), self.headers.cloned()),
            (None, None) => return Way { target: None, suspended: stored.unreadable, broken: stored.unreadable },
        };
        let Some(url) = url else { return Way::default() };
        let headers = own.headers.clone().or(headers);
        let broken = headers.is_none();
        let paused = stored.paused && own.endpoint.is_none() && environment.endpoint.is_none();
        let target = headers.filter(|_| !paused).map(|headers| SignalTarget { url, headers, timeout: self.timeout });
        Way { suspended: target.is_none(), target, broken }
    }
}

fn is_on(stored: &StoredExport, environment: &OtelEnvironment, signal: Signal) -> bool {
    environment.signal(signal).on.unwrap_or(match signal {
        Signal::Traces => stored.traces,
        Signal::Logs => stored.logs,
        Signal::Metrics => stored.metrics,
    })
}

/// A workspace's export: its logs and metrics, with its own settings and the product's defaults. `None` is off (no endpoint,
/// or neither signal, or a pause), or its headers can't be opened.
#[must_use]
pub fn tenant(workspace: TenantId, stored: &StoredExport) -> Option<ExportTarget> {
    let endpoint = stored.endpoint.as_ref().filter(|_| !stored.paused)?;
    let headers = stored.headers.as_ref()?;
    let timeout = stored.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let signal = |on: bool, signal| {
        let url = if on { signal_url(endpoint, signal) } else { None };
        Some(SignalTarget { url: url?, headers: headers.clone(), timeout })
    };
    let (logs, metrics) = (signal(stored.logs, Signal::Logs), signal(stored.metrics, Signal::Metrics));
    (logs.is_some() || metrics.is_some()).then(|| ExportTarget {
        owner: Owner::Tenant(workspace),
        generation: stored.generation,
        managed: false,
        service_name: stored.service_name.clone().unwrap_or_else(|| DEFAULT_SERVICE_NAME.to_owned()),
        resource: Vec::new(),
        traces: None,
        logs,
        metrics,
        suspended: Vec::new(),
        compression: stored.compression.unwrap_or_default(),
        temporality: stored.temporality.unwrap_or_default(),
        metric_interval: DEFAULT_METRIC_INTERVAL,
        span_batch: Batch::default(),
        log_batch: Batch::default(),
        certificate: None,
    })
}

/// `None` only where the path makes the URL longer than an endpoint may be.
fn signal_url(base: &Endpoint, signal: Signal) -> Option<ExactUrl> {
    ExactUrl::parse(&base.signal_url(signal)).ok()
}

fn resource_attribute(environment: &OtelEnvironment, name: &str) -> Option<String> {
    let pairs = environment.resource.as_ref()?;
    pairs.iter().find(|(other, value)| other == name && !value.is_empty()).map(|(_, value)| value.clone())
}

/// Besides `service.name` and `service.version`, which are set elsewhere.
fn resource(environment: &OtelEnvironment, instance: Uuid) -> Vec<(String, String)> {
    let mut pairs = environment.resource.clone().unwrap_or_default();
    pairs.retain(|(name, _)| name != "service.name" && name != "service.version");
    if !pairs.iter().any(|(name, _)| name == "service.instance.id") {
        pairs.push(("service.instance.id".to_owned(), instance.to_string()));
    }
    pairs
}

fn batch(environment: &BatchEnvironment) -> Batch {
    let default = Batch::default();
    Batch {
        max_records: environment.max_records.unwrap_or(default.max_records),
        fixed: environment.max_records.is_some(),
        max_delay: environment.max_delay.unwrap_or(default.max_delay),
        max_queue: environment.max_queue,
        max_elapsed: environment.export_timeout.filter(|timeout| !timeout.is_zero()),
    }
}

fn managed_by(environment: &OtelEnvironment) -> ManagedBy {
    let all_signals = Signal::ALL.iter().all(|signal| environment.signal(*signal).endpoint.is_some());
    let endpoint = if environment.endpoint.is_some() {
        Some(Variable::OtlpEndpoint)
    } else {
        // With an endpoint for each signal there is nothing left that the field could say.
        all_signals.then_some(Variable::OtlpTracesEndpoint)
    };
    let service_name = if environment.service_name.is_some() {
        Some(Variable::ServiceName)
    } else {
        resource_attribute(environment, "service.name").map(|_| Variable::ResourceAttributes)
    };
    ManagedBy {
        endpoint,
        service_name,
        // The endpoint's variable also rules out stored headers.
        headers: if environment.headers.is_some() { Some(Variable::OtlpHeaders) } else { endpoint },
        traces: environment.traces.on.map(|_| Variable::TracesExporter),
        logs: environment.logs.on.map(|_| Variable::LogsExporter),
        metrics: environment.metrics.on.map(|_| Variable::MetricsExporter),
        compression: environment.compression.map(|_| Variable::OtlpCompression),
        timeout: environment.timeout.map(|_| Variable::OtlpTimeout),
        temporality: environment.temporality.map(|_| Variable::OtlpTemporality),
    }
}

fn also_managed(environment: &OtelEnvironment, managed: &ManagedBy) -> Vec<Variable> {
    let fields = managed.all();
    let in_effect = |variable: Variable| match variable {
        Variable::OtlpEndpoint => environment.endpoint.is_some(),
        Variable::OtlpHeaders => environment.headers.is_some(),
        Variable::OtlpTracesEndpoint => environment.traces.endpoint.is_some(),
        Variable::OtlpTracesHeaders => environment.traces.headers.is_some(),
        Variable::OtlpLogsEndpoint => environment.logs.endpoint.is_some(),
        Variable::OtlpLogsHeaders => environment.logs.headers.is_some(),
        Variable::OtlpMetricsEndpoint => environment.metrics.endpoint.is_some(),
        Variable::OtlpMetricsHeaders => environment.metrics.headers.is_some(),
        Variable::OtlpCompression => environment.compression.is_some(),
        Variable::OtlpTimeout => environment.timeout.is_some(),
        Variable::OtlpCertificate => environment.certificate.is_some(),
        Variable::OtlpTemporality => environment.temporality.is_some(),
        Variable::ServiceName => environment.service_name.is_some(),
        Variable::ResourceAttributes => environment.resource.is_some(),
        Variable::TracesExporter => environment.traces.on.is_some(),
        Variable::LogsExporter => environment.logs.on.is_some(),
        Variable::MetricsExporter => environment.metrics.on.is_some(),
        Variable::MetricInterval => environment.metric_interval.is_some(),
        Variable::SpanBatchSize => environment.span_batch.max_records.is_some(),
        Variable::SpanDelay => environment.span_batch.max_delay.is_some(),
        Variable::SpanQueue => environment.span_batch.max_queue.is_some(),
        Variable::SpanExportTimeout => environment.span_batch.export_timeout.is_some(),
        Variable::LogBatchSize => environment.log_batch.max_records.is_some(),
        Variable::LogDelay => environment.log_batch.max_delay.is_some(),
        Variable::LogQueue => environment.log_batch.max_queue.is_some(),
        Variable::LogExportTimeout => environment.log_batch.export_timeout.is_some(),
        Variable::SdkDisabled => environment.sdk_disabled == Some(true),
        Variable::SentryDsn | Variable::SentryDsnBackend | Variable::SentryEnvironment | Variable::SentryRelease => false,
    };
    Variable::OTEL.into_iter().filter(|variable| in_effect(*variable) && !fields.contains(&Some(*variable))).collect()
}

#[cfg(test)]
mod tests;
