//! Known backends: what their documentation asks an OTLP exporter for. A preset fills a form in; what counts is what is
//! saved.

use serde::{Deserialize, Serialize};

use super::{Signal, Temporality};
use crate::contract::Rule;

/// A backend that the form knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    Generic,
    Collector,
    GrafanaCloud,
    Tempo,
    Loki,
    Datadog,
    Elastic,
    SigNoz,
    Splunk,
    Honeycomb,
    NewRelic,
    Sentry,
}

/// What a preset fills in. Parts in angle brackets are to be replaced; an endpoint that still has one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    pub endpoint: &'static str,
    /// As the header field takes them; empty when the backend asks for none.
    pub headers: &'static str,
    pub temporality: Temporality,
    /// What the backend takes.
    pub signals: &'static [Signal],
    /// One line.
    pub hint: &'static str,
    pub docs: &'static str,
}

const ALL_SIGNALS: &[Signal] = &Signal::ALL;

impl Preset {
    pub const ALL: [Self; 12] = [
        Self::Generic,
        Self::Collector,
        Self::GrafanaCloud,
        Self::Tempo,
        Self::Loki,
        Self::Datadog,
        Self::Elastic,
        Self::SigNoz,
        Self::Splunk,
        Self::Honeycomb,
        Self::NewRelic,
        Self::Sentry,
    ];

    /// In addresses and forms.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Collector => "collector",
            Self::GrafanaCloud => "grafana-cloud",
            Self::Tempo => "tempo",
            Self::Loki => "loki",
            Self::Datadog => "datadog",
            Self::Elastic => "elastic",
            Self::SigNoz => "signoz",
            Self::Splunk => "splunk",
            Self::Honeycomb => "honeycomb",
            Self::NewRelic => "new-relic",
            Self::Sentry => "sentry",
        }
    }

    /// # Errors
    /// [`Rule::Unknown`]
    pub fn parse(text: &str) -> Result<Self, Rule> {
        Self::ALL.into_iter().find(|preset| preset.slug() == text).ok_or(Rule::Unknown)
    }

    #[must_use]
    pub const fn template(self) -> Template {
        let cumulative = Temporality::Cumulative;
        match self {
            Self::Generic => Template {
                name: "Generic OTLP",
                endpoint: "",
                headers: "",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "Any receiver of OTLP over HTTP with protobuf. Enter its base URL; headers as it asks for.",
                docs: "https://opentelemetry.io/docs/specs/otlp/#otlphttp",
            },
            Self::Collector => Template {
                name: "OpenTelemetry Collector",
                endpoint: "http://<collector>:4318",
                headers: "",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "The otlp receiver with the http protocol enabled listens on port 4318.",
                docs: "https://github.com/open-telemetry/opentelemetry-collector/tree/main/receiver/otlpreceiver",
            },
            Self::GrafanaCloud => Template {
                name: "Grafana Cloud",
                endpoint: "https://otlp-gateway-<zone>.grafana.net/otlp",
                headers: "Authorization=Basic <base64 of instance ID:token>",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "Your stack's OpenTelemetry tile shows the endpoint, the instance ID and makes the token.",
                docs: "https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/",
            },
            Self::Tempo => Template {
                name: "Grafana Tempo (self-hosted)",
                endpoint: "http://<tempo>:4318",
                headers: "X-Scope-OrgID=<tenant>",
                temporality: cumulative,
                signals: &[Signal::Traces],
                hint: "Tempo takes traces only; put an OpenTelemetry Collector in front for all signals. The header is for multi-tenant Tempo.",
                docs: "https://grafana.com/docs/tempo/latest/api_docs/#ingest",
            },
            Self::Loki => Template {
                name: "Grafana Loki (self-hosted)",
                endpoint: "http://<loki>:3100/otlp",
                headers: "X-Scope-OrgID=<tenant>",
                temporality: cumulative,
                signals: &[Signal::Logs],
                hint: "Loki takes logs only; put an OpenTelemetry Collector in front for all signals. The header is for multi-tenant Loki.",
                docs: "https://grafana.com/docs/loki/latest/send-data/otel/",
            },
            Self::Datadog => Template {
                name: "Datadog",
                endpoint: "https://otlp.datadoghq.com",
                headers: "dd-api-key=<API key>",
                temporality: Temporality::Delta,
                signals: &[Signal::Logs, Signal::Metrics],
                hint: "Metrics have to be delta. Other sites have other hosts, such as otlp.datadoghq.eu. Traces need preview access, or an Agent.",
                docs: "https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/",
            },
            Self::Elastic => Template {
                name: "Elastic",
                endpoint: "https://<deployment>.ingest.<region>.elastic.cloud",
                headers: "Authorization=ApiKey <API key>",
                temporality: Temporality::Delta,
                signals: ALL_SIGNALS,
                hint: "Elastic Cloud's managed OTLP endpoint; histograms have to be delta. Self-managed: an EDOT Collector as a gateway.",
                docs: "https://www.elastic.co/docs/reference/opentelemetry/motlp",
            },
            Self::SigNoz => Template {
                name: "SigNoz",
                endpoint: "https://ingest.<region>.signoz.cloud",
                headers: "signoz-ingestion-key=<ingestion key>",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "For SigNoz that you host, the collector's address with port 4318, and no header.",
                docs: "https://signoz.io/docs/ingestion/signoz-cloud/overview/",
            },
            Self::Splunk => Template {
                name: "Splunk (through a Collector)",
                endpoint: "http://<collector>:4318",
                headers: "",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "Send to the Splunk Distribution of the OpenTelemetry Collector; it holds the access token.",
                docs: "https://help.splunk.com/en/splunk-observability-cloud/manage-data/splunk-distribution-of-the-opentelemetry-collector",
            },
            Self::Honeycomb => Template {
                name: "Honeycomb",
                endpoint: "https://api.honeycomb.io",
                headers: "x-honeycomb-team=<ingest key>",
                temporality: cumulative,
                signals: ALL_SIGNALS,
                hint: "In the EU: https://api.eu1.honeycomb.io. Metrics may want x-honeycomb-dataset besides.",
                docs: "https://docs.honeycomb.io/send-data/opentelemetry/",
            },
            Self::NewRelic => Template {
                name: "New Relic",
                endpoint: "https://otlp.nr-data.net",
                headers: "api-key=<license key>",
                temporality: Temporality::Delta,
                signals: ALL_SIGNALS,
                hint: "In the EU: https://otlp.eu01.nr-data.net. New Relic recommends delta temporality.",
                docs: "https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp/",
            },
            Self::Sentry => Template {
                name: "Sentry OTLP",
                endpoint: "https://<organisation>.ingest.sentry.io/api/<project>/integration/otlp",
                headers: "x-sentry-auth=sentry sentry_key=<public key>",
                temporality: cumulative,
                signals: &[Signal::Traces, Signal::Logs],
                hint: "Takes traces and logs, no metrics. The project's Client Keys page shows address and key.",
                docs: "https://docs.sentry.io/concepts/otlp/",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::values::{Endpoint, HeaderList};

    #[test]
    fn slugs_read_back_and_differ() {
        for preset in Preset::ALL {
            assert_eq!(Preset::parse(preset.slug()), Ok(preset));
        }
        assert_eq!(Preset::parse("jaeger"), Err(Rule::Unknown));
    }

    /// New Relic takes either and recommends delta.
    #[test]
    fn metrics_are_cumulative_but_where_the_backend_asks_for_delta() {
        let (cumulative, delta) = (Temporality::Cumulative, Temporality::Delta);
        assert_eq!(
            Preset::ALL.map(|preset| (preset, preset.template().temporality)),
            [
                (Preset::Generic, cumulative),
                (Preset::Collector, cumulative),
                (Preset::GrafanaCloud, cumulative),
                (Preset::Tempo, cumulative),
                (Preset::Loki, cumulative),
                (Preset::Datadog, delta),
                (Preset::Elastic, delta),
                (Preset::SigNoz, cumulative),
                (Preset::Splunk, cumulative),
                (Preset::Honeycomb, cumulative),
                (Preset::NewRelic, delta),
                (Preset::Sentry, cumulative),
            ]
        );
        assert_eq!(Temporality::default(), cumulative, "where no backend is chosen");
    }

    #[test]
    fn what_is_filled_in_is_right_once_its_gaps_are() {
        for preset in Preset::ALL {
            let template = preset.template();
            let fill = |text: &str| {
                let mut out = String::new();
                for part in text.split('<') {
                    out.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
                    out.push('x');
                }
                out.pop();
                out
            };
            if !template.endpoint.is_empty() {
                assert!(Endpoint::parse(&fill(template.endpoint)).is_ok(), "{}", fill(template.endpoint));
            }
            if template.endpoint.contains('<') {
                assert!(Endpoint::parse(template.endpoint).is_err(), "a gap must not be saved: {}", template.endpoint);
            }
            assert!(HeaderList::parse(&fill(template.headers)).is_ok(), "{}", template.headers);
            assert!(template.docs.starts_with("https://") && template.hint.ends_with('.'), "{template:?}");
            assert!(!template.signals.is_empty());
        }
    }
}
