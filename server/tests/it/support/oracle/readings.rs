//! What collectors were told by the metrics of one destination, and whether what was recorded can be what they were told.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message as _;

use super::{Account, Exchange, Outcome};
use crate::support::collector::attributes;

/// The metrics that count a proxied request once each.
const COUNTING: [&str; 2] = ["knoxcall.proxy.requests", "knoxcall.proxy.request.duration"];
const DELTA: i32 = 1;
/// All starts of series, in nanoseconds since 1970.
pub const EVER: Range<u64> = 0..u64::MAX;

/// A point of a metric that counts: a sum's value, or how many a histogram holds.
#[derive(Clone, Debug)]
pub struct Point {
    pub metric: String,
    /// The attributes as text.
    pub series: String,
    /// One of them.
    pub route: String,
    pub start: u64,
    pub time: u64,
    pub delta: bool,
    pub count: u64,
}

/// Of a request's body.
pub fn points(body: &[u8]) -> Vec<Point> {
    let request = ExportMetricsServiceRequest::decode(body).expect("no metrics");
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let mut out = Vec::new();
    for metric in scopes.flat_map(|scope| scope.metrics) {
        let mut add = |list: &[KeyValue], temporality: i32, (start, time): (u64, u64), count: u64| {
            let attributes = attributes(list);
            let route = attributes.get("knoxcall.route_name").map(|route| route.trim_matches('"').to_owned()).unwrap_or_default();
            let (metric, series) = (metric.name.clone(), format!("{attributes:?}"));
            out.push(Point { metric, series, route, start, time, delta: temporality == DELTA, count });
        };
        match &metric.data {
            Some(Data::Sum(sum)) => {
                for point in &sum.data_points {
                    let Some(Value::AsInt(count)) = point.value else { panic!("{point:?}") };
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    add(&point.attributes, sum.aggregation_temporality, times, count.try_into().unwrap());
                }
            }
            Some(Data::Histogram(histogram)) => {
                for point in &histogram.data_points {
                    assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>(), "{point:?}");
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    add(&point.attributes, histogram.aggregation_temporality, times, point.count);
                }
            }
            other => panic!("nobody makes {other:?}"),
        }
    }
    out
}

/// What is known of a cumulative series since one start, or of all deltas of a series.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// The client knows what became of it: its latest state, or the sum of its deltas.
    settled: u64,
    /// … or may know.
    unsure: u64,
    taken: u64,
    at: u64,
}

/// Metric, route, series, and the start of a cumulative one.
type Series = (String, String, String, Option<u64>);

#[derive(Debug, Default)]
pub struct Readings {
    told: BTreeMap<Series, Told>,
    /// Every state that was ever sent, by its time.
    states: HashMap<Series, BTreeMap<u64, u64>>,
    /// Points, by what their senders know of them.
    sent: u64,
    rejected: u64,
    refused: u64,
    unsure: u64,
    pub requests: usize,
    pub faults: usize,
}

impl Readings {
    pub fn of<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>, destination: &str) -> Self {
        let mut exchanges: Vec<&Exchange> =
            exchanges.into_iter().filter(|exchange| exchange.destination == destination && !exchange.points.is_empty()).collect();
        exchanges.sort_by_key(|exchange| exchange.at);
        let mut out = Self { requests: exchanges.len(), ..Self::default() };
        exchanges.into_iter().for_each(|exchange| out.add(exchange));
        out.check();
        out
    }

    fn add(&mut self, exchange: &Exchange) {
        self.faults += usize::from(exchange.outcome != Outcome::Taken);
        let all = exchange.points.len();
        let (count, lost) = match exchange.outcome {
            Outcome::Taken => (&mut self.sent, 0),
            Outcome::Halved => (&mut self.sent, all.div_ceil(2)),
            Outcome::Refused => (&mut self.refused, all),
            Outcome::Again | Outcome::Unanswered { .. } => (&mut 0, all),
        };
        let whole = matches!(exchange.outcome, Outcome::Taken | Outcome::Halved | Outcome::Refused);
        if whole && exchange.unsure {
            self.unsure += all as u64;
        } else if exchange.outcome == Outcome::Halved {
            *count += (all - lost) as u64;
            self.rejected += lost as u64;
        } else {
            *count += all as u64;
        }
        for (at, point) in exchange.points.iter().enumerate() {
            assert!(point.start <= point.time, "{point:?}");
            let start = (!point.delta).then_some(point.start);
            let series = (point.metric.clone(), point.route.clone(), point.series.clone(), start);
            if !point.delta {
                let known = self.states.entry(series.clone()).or_default().insert(point.time, point.count);
                assert!(known.is_none_or(|known| known == point.count), "{known:?} at the same time as {point:?}");
            }
            if !whole {
                continue;
            }
            let told = self.told.entry(series).or_default();
            match (point.delta, exchange.unsure) {
                (true, false) => told.settled += point.count,
                (true, true) => told.unsure += point.count,
                (false, true) => told.unsure = told.unsure.max(point.count),
                // One that overtook an older one says more.
                (false, false) if told.at <= point.time => (told.settled, told.at) = (point.count, point.time),
                (false, false) => {}
            }
            if at >= lost {
                told.taken = if point.delta { told.taken + point.count } else { told.taken.max(point.count) };
            }
        }
    }

    /// What is cumulative never goes back.
    fn check(&self) {
        for (series, states) in &self.states {
            let counts: Vec<u64> = states.values().copied().collect();
            assert!(counts.is_sorted(), "{series:?} goes back: {states:?}");
        }
    }

    /// At least and at most so much of what was recorded for this route has been settled, over series that began within `starts`.
    fn settled(&self, metric: &str, route: &str, starts: &Range<u64>) -> (u64, u64) {
        let of = |(series, _): &(&Series, &Told)| {
            series.0 == metric && series.1 == route && series.3.is_none_or(|start| starts.contains(&start))
        };
        let mut sum = (0, 0);
        for (series, told) in self.told.iter().filter(of) {
            sum.0 += told.settled;
            sum.1 += if series.3.is_some() { told.settled.max(told.unsure) } else { told.settled + told.unsure };
        }
        sum
    }

    /// So much of what was recorded for this route is with a collector: of each cumulative series that began within `starts` the last
    /// state that was taken, and all deltas that were.
    pub fn taken(&self, route: &str, starts: &Range<u64>) -> [u64; 2] {
        COUNTING.map(|metric| {
            let of = |series: &Series| series.0 == metric && series.1 == route && series.3.is_none_or(|start| starts.contains(&start));
            self.told.iter().filter(|(series, _)| of(series)).map(|(_, told)| told.taken).sum()
        })
    }

    /// Nothing was told twice: no more than these were recorded of this route in what began within `starts`.
    pub fn at_most(&self, route: &str, recorded: u64, starts: &Range<u64>) {
        for metric in COUNTING {
            let least = self.settled(metric, route, starts).0;
            assert!(least <= recorded, "{metric} of {route}: {least} were told, and only {recorded} recorded; {}", self.summary());
        }
    }

    /// At most so much of what was recorded for this route was told, and its sender knows, or may know, what became of it.
    pub fn told(&self, route: &str, starts: &Range<u64>) -> [u64; 2] {
        COUNTING.map(|metric| self.settled(metric, route, starts).1)
    }

    /// Nothing is missing: these were recorded of this route in what began within `starts`.
    pub fn at_least(&self, route: &str, recorded: u64, starts: &Range<u64>) {
        for metric in COUNTING {
            let most = self.settled(metric, route, starts).1;
            assert!(most >= recorded, "{metric} of {route}: {most} were told, and {recorded} recorded; {}", self.summary());
        }
    }

    /// The product's counts of points are what the collectors saw.
    pub fn holds(&self, account: &Account) {
        let within = |what: &str, counted: u64, certain: u64| {
            let most = certain + self.unsure;
            assert!(
                (certain..=most).contains(&counted),
                "{what}: {counted} points are counted, {certain} are certain: {account:?}; {}",
                self.summary()
            );
        };
        within("delivered", account.delivered, self.sent);
        within("rejected", account.rejected, self.rejected);
        within("refused for good", account.dropped.get("not_retryable").copied().unwrap_or(0), self.refused);
    }

    pub fn summary(&self) -> String {
        format!(
            "{} requests with metrics, {} of them not simply taken; {} points taken, {} rejected, {} refused, {} unsure",
            self.requests, self.faults, self.sent, self.rejected, self.refused, self.unsure
        )
    }
}
