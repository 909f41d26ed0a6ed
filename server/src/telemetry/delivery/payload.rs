//! One request's body: how large it may be, how it is compressed, and how metrics that are too many are split.

use std::io::Read as _;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use prost::Message as _;

use super::gzip::{Gzip, once};
use crate::live::Compression;
use crate::telemetry::body::Body;
use crate::telemetry::status::Load;

/// The largest request OTLP lets a client send, before compression (OTLP 1.11, "Maximum Message Size").
pub const MAX_REQUEST: usize = 64 * 1024 * 1024;

/// Compressing or decoding more than this takes long enough to be moved off the runtime's own threads.
pub const LARGE: usize = 1024 * 1024;

/// A body as it is sent.
#[derive(Clone, Debug)]
pub struct Payload {
    pub body: Bytes,
    pub gzip: bool,
    pub load: Load,
    /// When it was first written to the disk, in milliseconds by the spool's clock; `None` before that.
    pub written: Option<u64>,
}

impl Payload {
    /// Compresses if the destination wants it; `between` is called now and then meanwhile.
    pub async fn new(body: Body<'_>, load: Load, compression: Compression, gzip: &Gzip, between: impl Fn()) -> Self {
        let (compressed, body) = match compression {
            Compression::None => (None, body),
            Compression::Gzip if body.length() > LARGE => {
                // Another thread takes only what is its own.
                let body = body.whole();
                let own = body.clone();
                (tokio::task::spawn_blocking(move || once(&own)).await.ok().flatten(), body.into())
            }
            Compression::Gzip => (gzip.compress(&body.parts(), between), body),
        };
        match compressed {
            Some(compressed) => Self { body: compressed, gzip: true, load, written: None },
            None => Self { body: body.whole(), gzip: false, load, written: None },
        }
    }

    /// How long the body was before compression: gzip keeps that at its end.
    #[must_use]
    pub fn plain_length(&self) -> usize {
        match self.body.last_chunk::<4>() {
            Some(length) if self.gzip => u32::from_le_bytes(*length) as usize,
            _ => self.body.len(),
        }
    }

    /// The body as it was before compression; `None` when that can't be undone.
    #[must_use]
    pub fn plain(&self) -> Option<Bytes> {
        if !self.gzip {
            return Some(self.body.clone());
        }
        let mut out = Vec::new();
        let limit = MAX_REQUEST as u64 + 1;
        flate2::read::GzDecoder::new(&*self.body).take(limit).read_to_end(&mut out).ok()?;
        (out.len() <= MAX_REQUEST).then(|| out.into())
    }
}

/// Splits an encoded metrics request so that no part is larger than `limit`. The exporter takes a collection only as a
/// whole, so this works on what it encoded. A single point that is too large is left out.
///
/// # Errors
/// When the body is not a metrics request.
pub fn split_metrics(body: Bytes, limit: usize) -> Result<Vec<Bytes>, prost::DecodeError> {
    if body.len() <= limit {
        return Ok(vec![body]);
    }
    let mut parts = Vec::new();
    for resource in ExportMetricsServiceRequest::decode(body)?.resource_metrics {
        let frame = ResourceMetrics { scope_metrics: Vec::new(), ..resource.clone() };
        for scope in resource.scope_metrics {
            let frame = (&frame, ScopeMetrics { metrics: Vec::new(), ..scope.clone() });
            for metric in scope.metrics {
                push_parts(&frame, metric, limit, &mut parts);
            }
        }
    }
    Ok(parts)
}

/// How many points an encoded metrics request holds.
#[must_use]
pub fn points_in(body: Bytes) -> u64 {
    let Ok(request) = ExportMetricsServiceRequest::decode(body) else { return 0 };
    let metrics = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
    let points = metrics.map(|metric| match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    });
    points.sum::<usize>() as u64
}

fn push_parts(frame: &(&ResourceMetrics, ScopeMetrics), metric: Metric, limit: usize, parts: &mut Vec<Bytes>) {
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics { metrics: vec![metric], ..frame.1.clone() }],
            ..frame.0.clone()
        }],
    };
    if request.encoded_len() <= limit {
        parts.push(request.encode_to_vec().into());
        return;
    }
    let metric = request.resource_metrics.into_iter().flat_map(|r| r.scope_metrics).flat_map(|s| s.metrics).next();
    if let Some((first, second)) = metric.and_then(halves) {
        push_parts(frame, first, limit, parts);
        push_parts(frame, second, limit, parts);
    }
}

fn halves(mut metric: Metric) -> Option<(Metric, Metric)> {
    fn cut<T>(points: &mut Vec<T>) -> Option<Vec<T>> {
        (points.len() > 1).then(|| points.split_off(points.len() / 2))
    }
    let mut other = Metric { data: None, ..metric.clone() };
    other.data = Some(match metric.data.as_mut()? {
        Data::Gauge(data) => Data::Gauge(opentelemetry_proto::tonic::metrics::v1::Gauge { data_points: cut(&mut data.data_points)? }),
        Data::Sum(data) => {
            let data_points = cut(&mut data.data_points)?;
            Data::Sum(opentelemetry_proto::tonic::metrics::v1::Sum { data_points, ..*data })
        }
        Data::Histogram(data) => {
            let data_points = cut(&mut data.data_points)?;
            Data::Histogram(opentelemetry_proto::tonic::metrics::v1::Histogram { data_points, ..*data })
        }
        Data::ExponentialHistogram(data) => {
            let data_points = cut(&mut data.data_points)?;
            Data::ExponentialHistogram(opentelemetry_proto::tonic::metrics::v1::ExponentialHistogram { data_points, ..*data })
        }
        Data::Summary(data) => Data::Summary(opentelemetry_proto::tonic::metrics::v1::Summary { data_points: cut(&mut data.data_points)? }),
    });
    Some((metric, other))
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, Sum};

    use super::*;

    /// Whichever part is empty, compressed here, on another thread or not at all.
    #[tokio::test]
    async fn a_body_in_parts_is_sent_as_if_it_were_whole() {
        let gzip = Gzip::default();
        let ends: [(&[u8], &[u8]); 4] = [(b"head", b"end"), (b"", b""), (b"head", b""), (b"", b"end")];
        for length in [0, 1, 127, 128, 16_383, 16_384, 65_535, 65_536, 65_537, 200_000, LARGE - 7, LARGE - 6] {
            let records = (0_u32..).flat_map(|n| (n % 1_000).to_le_bytes()).take(length).collect::<Vec<u8>>();
            for (head, tail) in ends {
                let framed = || Body::Framed { head: head.to_vec(), records: &records, tail };
                let whole = [head, &records[..], tail].concat();
                assert_eq!((framed().length(), &framed().whole()[..]), (whole.len(), &whole[..]));
                for compression in [Compression::None, Compression::Gzip] {
                    let payload = Payload::new(framed(), Load::default(), compression, &gzip, || {}).await;
                    assert_eq!((payload.gzip, payload.plain_length()), (compression == Compression::Gzip, whole.len()), "{length}");
                    assert!(payload.plain().unwrap() == whole, "{length} bytes between {head:?} and {tail:?}");
                }
            }
        }
    }

    #[test]
    fn metrics_that_are_too_many_are_split_without_losing_a_point() {
        let point = |n| NumberDataPoint { time_unix_nano: n, ..NumberDataPoint::default() };
        let metric = |name: &str, points: std::ops::Range<u64>| Metric {
            name: name.to_owned(),
            data: Some(Data::Sum(Sum { data_points: points.map(point).collect(), aggregation_temporality: 2, is_monotonic: true })),
            ..Metric::default()
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                schema_url: "resource".to_owned(),
                scope_metrics: vec![ScopeMetrics {
                    schema_url: "scope".to_owned(),
                    metrics: vec![metric("a", 1..1_000), metric("b", 1_000..1_010)],
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        let whole = Bytes::from(request.encode_to_vec());
        assert_eq!(split_metrics(whole.clone(), whole.len()).unwrap(), vec![whole.clone()]);
        let parts = split_metrics(whole, 2_000).unwrap();
        assert!(parts.len() > 5 && parts.iter().all(|part| part.len() <= 2_000));
        let mut times = Vec::new();
        for part in parts {
            let part = ExportMetricsServiceRequest::decode(part).unwrap().resource_metrics.remove(0);
            assert_eq!((&*part.schema_url, &*part.scope_metrics[0].schema_url), ("resource", "scope"));
            let Some(Data::Sum(sum)) = &part.scope_metrics[0].metrics[0].data else { panic!("a sum") };
            assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
            times.extend(sum.data_points.iter().map(|point| point.time_unix_nano));
        }
        assert_eq!(times, (1..1_010).collect::<Vec<_>>());
    }
}
