//! What the environment may say instead of a form.

use serde::{Deserialize, Serialize};

/// The environment variables that win over stored settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Variable {
    OtlpEndpoint,
    OtlpHeaders,
    OtlpTracesEndpoint,
    OtlpTracesHeaders,
    OtlpLogsEndpoint,
    OtlpLogsHeaders,
    OtlpMetricsEndpoint,
    OtlpMetricsHeaders,
    OtlpCompression,
    OtlpTimeout,
    OtlpCertificate,
    OtlpTemporality,
    ServiceName,
    ResourceAttributes,
    TracesExporter,
    LogsExporter,
    MetricsExporter,
    MetricInterval,
    SpanBatchSize,
    SpanDelay,
    SpanQueue,
    SpanExportTimeout,
    LogBatchSize,
    LogDelay,
    LogQueue,
    LogExportTimeout,
    SdkDisabled,
    SentryDsn,
    SentryDsnBackend,
    SentryEnvironment,
    SentryRelease,
}

impl Variable {
    /// Those of the operator's export.
    pub const OTEL: [Self; 27] = [
        Self::OtlpEndpoint,
        Self::OtlpHeaders,
        Self::OtlpTracesEndpoint,
        Self::OtlpTracesHeaders,
        Self::OtlpLogsEndpoint,
        Self::OtlpLogsHeaders,
        Self::OtlpMetricsEndpoint,
        Self::OtlpMetricsHeaders,
        Self::OtlpCompression,
        Self::OtlpTimeout,
        Self::OtlpCertificate,
        Self::OtlpTemporality,
        Self::ServiceName,
        Self::ResourceAttributes,
        Self::TracesExporter,
        Self::LogsExporter,
        Self::MetricsExporter,
        Self::MetricInterval,
        Self::SpanBatchSize,
        Self::SpanDelay,
        Self::SpanQueue,
        Self::SpanExportTimeout,
        Self::LogBatchSize,
        Self::LogDelay,
        Self::LogQueue,
        Self::LogExportTimeout,
        Self::SdkDisabled,
    ];

    /// Those of error tracking.
    pub const SENTRY: [Self; 4] = [Self::SentryDsn, Self::SentryDsnBackend, Self::SentryEnvironment, Self::SentryRelease];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtlpEndpoint => "OTEL_EXPORTER_OTLP_ENDPOINT",
            Self::OtlpHeaders => "OTEL_EXPORTER_OTLP_HEADERS",
            Self::OtlpTracesEndpoint => "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            Self::OtlpTracesHeaders => "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            Self::OtlpLogsEndpoint => "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            Self::OtlpLogsHeaders => "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            Self::OtlpMetricsEndpoint => "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            Self::OtlpMetricsHeaders => "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            Self::OtlpCompression => "OTEL_EXPORTER_OTLP_COMPRESSION",
            Self::OtlpTimeout => "OTEL_EXPORTER_OTLP_TIMEOUT",
            Self::OtlpCertificate => "OTEL_EXPORTER_OTLP_CERTIFICATE",
            Self::OtlpTemporality => "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            Self::ServiceName => "OTEL_SERVICE_NAME",
            Self::ResourceAttributes => "OTEL_RESOURCE_ATTRIBUTES",
            Self::TracesExporter => "OTEL_TRACES_EXPORTER",
            Self::LogsExporter => "OTEL_LOGS_EXPORTER",
            Self::MetricsExporter => "OTEL_METRICS_EXPORTER",
            Self::MetricInterval => "OTEL_METRIC_EXPORT_INTERVAL",
            Self::SpanBatchSize => "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            Self::SpanDelay => "OTEL_BSP_SCHEDULE_DELAY",
            Self::SpanQueue => "OTEL_BSP_MAX_QUEUE_SIZE",
            Self::SpanExportTimeout => "OTEL_BSP_EXPORT_TIMEOUT",
            Self::LogBatchSize => "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            Self::LogDelay => "OTEL_BLRP_SCHEDULE_DELAY",
            Self::LogQueue => "OTEL_BLRP_MAX_QUEUE_SIZE",
            Self::LogExportTimeout => "OTEL_BLRP_EXPORT_TIMEOUT",
            Self::SdkDisabled => "OTEL_SDK_DISABLED",
            Self::SentryDsn => "SENTRY_DSN",
            Self::SentryDsnBackend => "SENTRY_DSN_BACKEND",
            Self::SentryEnvironment => "SENTRY_ENVIRONMENT",
            Self::SentryRelease => "SENTRY_RELEASE",
        }
    }
}
