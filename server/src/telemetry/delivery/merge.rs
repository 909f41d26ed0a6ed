//! Metrics that wait are not replayed one by one: of a cumulative series the latest state says it all, and deltas add up.
//! Pure. Sums and histograms of one time series (same start, for a cumulative one) become one point.

use std::collections::HashMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    SummaryDataPoint,
};
use prost::Message as _;

use super::Payload;

/// What all of them say, oldest first, as one request.
#[must_use]
pub fn merged(requests: impl IntoIterator<Item = ExportMetricsServiceRequest>) -> ExportMetricsServiceRequest {
    let mut out = ExportMetricsServiceRequest::default();
    for resource in requests.into_iter().flat_map(|request| request.resource_metrics) {
        let same = |other: &&mut ResourceMetrics| other.resource == resource.resource && other.schema_url == resource.schema_url;
        match out.resource_metrics.iter_mut().find(same) {
            Some(into) => resource.scope_metrics.into_iter().for_each(|scope| add_scope(into, scope)),
            None => out.resource_metrics.push(resource),
        }
    }
    out
}

/// How many of these, oldest first, say together no more than `limit` bytes before compression: at least the first, since one
/// alone was within the limit when it was made.
#[must_use]
pub fn fitting(payloads: &[Payload], limit: usize) -> usize {
    // Merging never makes more of it: what is left of a prefix or a point is no longer than it was.
    let most: usize = payloads.iter().map(Payload::plain_length).sum();
    if most <= limit {
        return payloads.len();
    }
    let mut all = ExportMetricsServiceRequest::default();
    for (count, payload) in payloads.iter().enumerate() {
        // What is no metrics request takes no room: merging leaves it out.
        let Some(more) = payload.plain().and_then(|body| ExportMetricsServiceRequest::decode(body).ok()) else { continue };
        all = merged([all, more]);
        if count > 0 && all.encoded_len() > limit {
            return count;
        }
    }
    payloads.len()
}

fn add_scope(into: &mut ResourceMetrics, scope: ScopeMetrics) {
    let same = |other: &&mut ScopeMetrics| other.scope == scope.scope && other.schema_url == scope.schema_url;
    match into.scope_metrics.iter_mut().find(same) {
        Some(into) => scope.metrics.into_iter().for_each(|metric| add_metric(into, metric)),
        None => into.scope_metrics.push(scope),
    }
}

fn add_metric(into: &mut ScopeMetrics, mut metric: Metric) {
    for known in into.metrics.iter_mut().filter(|known| known.name == metric.name && known.unit == metric.unit) {
        let (Some(old), Some(new)) = (&mut known.data, &mut metric.data) else { continue };
        if add_points(old, new) {
            return;
        }
    }
    into.metrics.push(metric);
}

/// Whether they are of the same kind; then the points of the newer are in the older.
fn add_points(old: &mut Data, new: &mut Data) -> bool {
    match (old, new) {
        (Data::Gauge(old), Data::Gauge(new)) => join(&mut old.data_points, &mut new.data_points, false),
        (Data::Sum(old), Data::Sum(new))
            if (old.aggregation_temporality, old.is_monotonic) == (new.aggregation_temporality, new.is_monotonic) =>
        {
            join(&mut old.data_points, &mut new.data_points, is_delta(old.aggregation_temporality));
        }
        (Data::Histogram(old), Data::Histogram(new)) if old.aggregation_temporality == new.aggregation_temporality => {
            join(&mut old.data_points, &mut new.data_points, is_delta(old.aggregation_temporality));
        }
        (Data::ExponentialHistogram(old), Data::ExponentialHistogram(new))
            if old.aggregation_temporality == new.aggregation_temporality =>
        {
            join(&mut old.data_points, &mut new.data_points, is_delta(old.aggregation_temporality));
        }
        (Data::Summary(old), Data::Summary(new)) => join(&mut old.data_points, &mut new.data_points, false),
        _ => return false,
    }
    true
}

fn is_delta(temporality: i32) -> bool {
    temporality == AggregationTemporality::Delta as i32
}

/// A point of a time series.
trait Point {
    fn attributes(&self) -> &[KeyValue];
    /// Start and end, in nanoseconds.
    fn times(&self) -> (u64, u64);
    /// Adds a newer delta; `false` when the two can't be added.
    fn add(&mut self, newer: &Self) -> bool;
}

/// The fields that every kind of point has, under the same names but of no common type.
macro_rules! in_series {
    () => {
        fn attributes(&self) -> &[KeyValue] {
            &self.attributes
        }

        fn times(&self) -> (u64, u64) {
            (self.start_time_unix_nano, self.time_unix_nano)
        }
    };
}

/// Points of the same series become one; others are appended.
fn join<P: Point>(old: &mut Vec<P>, new: &mut Vec<P>, delta: bool) {
    let mut known: HashMap<Vec<u8>, usize> = old.iter().enumerate().map(|(at, point)| (series(point, delta), at)).collect();
    for point in new.drain(..) {
        let key = series(&point, delta);
        match known.get(&key) {
            Some(at) if !delta => {
                if old[*at].times().1 <= point.times().1 {
                    old[*at] = point;
                }
            }
            Some(at) if old[*at].add(&point) => {}
            _ => {
                known.insert(key, old.len());
                old.push(point);
            }
        }
    }
}

/// What tells series apart. A cumulative one that began anew, as after a restart, is another one.
fn series<P: Point>(point: &P, delta: bool) -> Vec<u8> {
    let mut attributes: Vec<Vec<u8>> = point.attributes().iter().map(KeyValue::encode_length_delimited_to_vec).collect();
    attributes.sort_unstable();
    let start = if delta { 0 } else { point.times().0 };
    attributes.push(start.to_le_bytes().to_vec());
    attributes.concat()
}

impl Point for NumberDataPoint {
    in_series!();

    fn add(&mut self, newer: &Self) -> bool {
        self.value = match (self.value, newer.value) {
            (Some(Value::AsInt(old)), Some(Value::AsInt(new))) => Some(Value::AsInt(old.saturating_add(new))),
            (Some(Value::AsDouble(old)), Some(Value::AsDouble(new))) => Some(Value::AsDouble(old + new)),
            _ => return false,
        };
        self.start_time_unix_nano = self.start_time_unix_nano.min(newer.start_time_unix_nano);
        self.time_unix_nano = self.time_unix_nano.max(newer.time_unix_nano);
        self.exemplars.clone_from(&newer.exemplars);
        true
    }
}

impl Point for HistogramDataPoint {
    in_series!();

    fn add(&mut self, newer: &Self) -> bool {
        if self.explicit_bounds != newer.explicit_bounds || self.bucket_counts.len() != newer.bucket_counts.len() {
            return false;
        }
        self.count = self.count.saturating_add(newer.count);
        self.sum = self.sum.zip(newer.sum).map(|(old, new)| old + new);
        self.bucket_counts.iter_mut().zip(&newer.bucket_counts).for_each(|(old, new)| *old = old.saturating_add(*new));
        self.min = self.min.zip(newer.min).map(|(old, new)| old.min(new));
        self.max = self.max.zip(newer.max).map(|(old, new)| old.max(new));
        self.start_time_unix_nano = self.start_time_unix_nano.min(newer.start_time_unix_nano);
        self.time_unix_nano = self.time_unix_nano.max(newer.time_unix_nano);
        self.exemplars.clone_from(&newer.exemplars);
        true
    }
}

impl Point for ExponentialHistogramDataPoint {
    in_series!();

    /// Nothing here makes such deltas; they are kept apart.
    fn add(&mut self, _: &Self) -> bool {
        false
    }
}

impl Point for SummaryDataPoint {
    in_series!();

    fn add(&mut self, _: &Self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, Histogram, Sum};

    use super::super::gzip::Gzip;
    use super::*;
    use crate::live::Compression;
    use crate::telemetry::status::Load;

    const DELTA: i32 = AggregationTemporality::Delta as i32;
    const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

    fn attributes(names: &[&str]) -> Vec<KeyValue> {
        let value = |name: &str| Some(AnyValue { value: Some(any_value::Value::StringValue(name.to_owned())) });
        names.iter().map(|name| KeyValue { key: (*name).to_owned(), value: value(name), ..KeyValue::default() }).collect()
    }

    fn point(names: &[&str], start: u64, time: u64, value: i64) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(names),
            start_time_unix_nano: start,
            time_unix_nano: time,
            value: Some(Value::AsInt(value)),
            ..NumberDataPoint::default()
        }
    }

    fn request(metrics: Vec<(&str, Data)>) -> ExportMetricsServiceRequest {
        let metrics = metrics.into_iter().map(|(name, data)| Metric { name: name.to_owned(), data: Some(data), ..Metric::default() });
        let scope = ScopeMetrics { metrics: metrics.collect(), ..ScopeMetrics::default() };
        ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() }] }
    }

    fn sum(temporality: i32, points: Vec<NumberDataPoint>) -> Data {
        Data::Sum(Sum { data_points: points, aggregation_temporality: temporality, is_monotonic: true })
    }

    fn points(request: &ExportMetricsServiceRequest) -> Vec<(u64, u64, i64)> {
        let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        let mut out: Vec<_> = metrics
            .flat_map(|metric| match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => &sum.data_points,
                Data::Gauge(gauge) => &gauge.data_points,
                _ => panic!("numbers only"),
            })
            .map(|point| (point.start_time_unix_nano, point.time_unix_nano, if let Some(Value::AsInt(n)) = point.value { n } else { 0 }))
            .collect();
        out.sort_unstable();
        out
    }

    #[test]
    fn of_a_cumulative_series_the_latest_state_stays() {
        let of = |points| request(vec![("requests", sum(CUMULATIVE, points))]);
        let one = of(vec![point(&["a", "b"], 1, 10, 5), point(&["c"], 1, 10, 1)]);
        // The order of attributes says nothing.
        let two = of(vec![point(&["b", "a"], 1, 20, 9)]);
        let three = of(vec![point(&["b", "a"], 1, 15, 7)]);
        assert_eq!(points(&merged([one, two, three])), [(1, 10, 1), (1, 20, 9)]);
    }

    #[test]
    fn a_cumulative_series_that_began_anew_takes_nothing_away() {
        let of = |points| request(vec![("requests", sum(CUMULATIVE, points))]);
        assert_eq!(points(&merged([of(vec![point(&[], 1, 10, 5)]), of(vec![point(&[], 11, 20, 2)])])), [(1, 10, 5), (11, 20, 2)]);
    }

    #[test]
    fn deltas_add_up() {
        let of = |points| request(vec![("requests", sum(DELTA, points))]);
        let all = merged([of(vec![point(&["a"], 1, 10, 5)]), of(vec![point(&["a"], 10, 20, 2), point(&["b"], 10, 20, 1)])]);
        assert_eq!(points(&all), [(1, 20, 7), (10, 20, 1)]);
    }

    #[test]
    fn other_metrics_temporalities_and_kinds_stay_apart() {
        let all = merged([
            request(vec![("a", sum(DELTA, vec![point(&[], 1, 10, 1)])), ("b", sum(DELTA, vec![point(&[], 1, 10, 2)]))]),
            request(vec![("a", sum(CUMULATIVE, vec![point(&[], 1, 20, 3)]))]),
            request(vec![("a", Data::Gauge(Gauge { data_points: vec![point(&[], 1, 20, 4)] }))]),
            request(vec![("a", Data::Gauge(Gauge { data_points: vec![point(&[], 1, 30, 5)] }))]),
        ]);
        assert_eq!(points(&all), [(1, 10, 1), (1, 10, 2), (1, 20, 3), (1, 30, 5)]);
    }

    /// One payload of these requests each, as they wait.
    async fn waiting(requests: impl IntoIterator<Item = ExportMetricsServiceRequest>, compression: Compression) -> Vec<Payload> {
        let mut out = Vec::new();
        for request in requests {
            out.push(Payload::new(request.encode_to_vec().into(), Load::default(), compression, &Gzip::default(), || {}).await);
        }
        out
    }

    #[tokio::test]
    async fn what_is_merged_is_no_larger_than_a_request_may_be() {
        let many = |name: &str, count: u64| {
            let points = (0..count).map(|n| point(&[&format!("{name}{n}")], 1, 10, 1)).collect();
            request(vec![(name, sum(CUMULATIVE, points))])
        };
        for compression in [Compression::None, Compression::Gzip] {
            // Series of their own each: they add up.
            let apart = waiting(["a", "b", "c", "d"].map(|name| many(name, 100)), compression).await;
            let one = apart[0].plain().unwrap().len();
            assert_eq!(fitting(&apart, one * 4), 4);
            let limit = one * 5 / 2;
            let fit = fitting(&apart, limit);
            assert_eq!(fit, 2);
            let of = |payload: &Payload| ExportMetricsServiceRequest::decode(payload.plain().unwrap()).unwrap();
            assert!(merged(apart[..fit].iter().map(of)).encoded_len() <= limit);
            assert_eq!(fitting(&apart, one / 2), 1, "one alone was let through before");
            // The same series over and over say no more than once.
            let same = waiting((0..50).map(|_| many("a", 100)), compression).await;
            assert_eq!(fitting(&same, one + one / 2), 50);
        }
        assert_eq!(fitting(&[], 1), 0);
    }

    #[test]
    fn histograms_add_up_bucket_by_bucket() {
        let of = |start, counts: &[u64], sum, min, max| {
            let point = HistogramDataPoint {
                start_time_unix_nano: start,
                time_unix_nano: start + 10,
                count: counts.iter().sum(),
                sum: Some(sum),
                bucket_counts: counts.to_vec(),
                explicit_bounds: vec![1.0, 2.0],
                min: Some(min),
                max: Some(max),
                ..HistogramDataPoint::default()
            };
            request(vec![("duration", Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: DELTA }))])
        };
        let all = merged([of(0, &[1, 2, 3], 9.0, 0.5, 4.0), of(10, &[1, 0, 1], 6.0, 0.2, 3.0)]);
        let Some(Data::Histogram(histogram)) = &all.resource_metrics[0].scope_metrics[0].metrics[0].data else { panic!("a histogram") };
        let [point] = &*histogram.data_points else { panic!("one point") };
        assert_eq!((point.count, point.sum, &*point.bucket_counts), (8, Some(15.0), &[2, 2, 4][..]));
        assert_eq!((point.min, point.max, point.start_time_unix_nano, point.time_unix_nano), (Some(0.2), Some(4.0), 0, 20));
    }
}
