//! What was measured, and ratios of it. Pure.

use std::collections::BTreeMap;
use std::fmt;

use super::systems::System;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// As much as the system takes.
    Full { connections: u32 },
    /// A rate that leaves the machine room.
    Steady,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    pub path: &'static str,
    pub kind: Kind,
}

impl Case {
    pub const SMALL: Self = Self { path: "/1k", kind: Kind::Full { connections: 32 } };
    pub const STEADY: Self = Self { path: "/1k", kind: Kind::Steady };
    pub const ALL: [Self; 5] = [
        Self::SMALL,
        Self { path: "/1k", kind: Kind::Full { connections: 256 } },
        Self { path: "/100k", kind: Kind::Full { connections: 32 } },
        Self { path: "/100k", kind: Kind::Full { connections: 256 } },
        Self::STEADY,
    ];

    /// Dead collectors are compared in two cases alone.
    pub fn concerns(self, system: System) -> bool {
        !matches!(system, System::Silent | System::Closed) || self == Self::SMALL || self == Self::STEADY
    }

    /// How often the systems take turns within a round. The worst hundredth of a steady rate is mostly what else the machine did in
    /// that second: it is told from many short turns, of which most are left alone.
    pub const fn turns(self) -> u32 {
        match self.kind {
            Kind::Full { .. } => 1,
            Kind::Steady => 10,
        }
    }

    /// How much of the time of other cases all turns of one round take.
    pub const fn share(self) -> u32 {
        match self.kind {
            Kind::Full { .. } => 1,
            Kind::Steady => 2,
        }
    }

    pub fn title(self) -> String {
        let size = if self.path == "/1k" { "1 KB" } else { "100 KB" };
        match self.kind {
            Kind::Full { connections } => format!("{size}, {connections} connections, as fast as it goes"),
            Kind::Steady => format!("{size}, 16 connections, 4,000 requests/s"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Full { connections } => write!(f, "{}-{connections}", &self.path[1..]),
            Kind::Steady => f.write_str("steady"),
        }
    }
}

/// One system in one case of one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    pub requests: u64,
    /// Requests a second.
    pub rate: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
    /// Processor time of one request, in microseconds.
    pub cpu: f64,
    /// Bytes of memory.
    pub resident: f64,
}

#[derive(Debug, Default)]
pub struct Figures {
    samples: BTreeMap<(Case, System), Vec<Sample>>,
    arrived: BTreeMap<String, u64>,
}

/// The median over the rounds, and the least and the greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Figures {
    pub fn add(&mut self, case: Case, system: System, sample: Sample) {
        self.samples.entry((case, system)).or_default().push(sample);
    }

    pub fn arrived(&mut self, path: String, records: u64) {
        self.arrived.insert(path, records);
    }

    pub fn cases(&self) -> Vec<Case> {
        Case::ALL.into_iter().filter(|case| self.samples.keys().any(|(of, _)| of == case)).collect()
    }

    pub fn systems(&self, case: Case) -> Vec<System> {
        self.samples.keys().filter(|(of, _)| *of == case).map(|(_, system)| *system).collect()
    }

    fn of(&self, case: Case, system: System) -> &[Sample] {
        self.samples.get(&(case, system)).map_or(&[], Vec::as_slice)
    }

    pub fn spread(&self, case: Case, system: System, figure: fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.of(case, system).iter().map(figure).collect())
    }

    /// One system's figure over another's of the same round.
    pub fn ratio(&self, case: Case, system: System, over: System, figure: fn(&Sample) -> f64) -> Option<Spread> {
        let pairs = self.of(case, system).iter().zip(self.of(case, over));
        Spread::of(pairs.map(|(one, other)| figure(one) / figure(other)).collect())
    }

    /// One system's figure less another's of the same round.
    pub fn difference(&self, case: Case, system: System, less: System, figure: fn(&Sample) -> f64) -> Option<Spread> {
        let pairs = self.of(case, system).iter().zip(self.of(case, less));
        Spread::of(pairs.map(|(one, other)| figure(one) - figure(other)).collect())
    }

    /// How far a figure is from that of the next turn, with nothing changed: the median of it.
    pub fn noise(&self, case: Case, system: System, figure: fn(&Sample) -> f64) -> f64 {
        let samples = self.of(case, system);
        let steps = samples.iter().zip(samples.iter().skip(1)).map(|(one, next)| (figure(one) - figure(next)).abs());
        Spread::of(steps.collect()).map_or(0.0, |spread| spread.median)
    }

    /// The figure of the turns that were disturbed least: the quarter of them that is below it. Whatever else the machine does makes
    /// a latency longer, and never shorter.
    pub fn undisturbed(&self, case: Case, system: System, figure: fn(&Sample) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.of(case, system).iter().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 4).copied()
    }

    /// Records that came to this path of the sink, for each request of the system.
    pub fn delivered(&self, system: System, path: &str) -> f64 {
        let requests: u64 = self.samples.iter().filter(|((_, of), _)| *of == system).flat_map(|(_, all)| all).map(|one| one.requests).sum();
        super::load::number(self.arrived.get(path).copied().unwrap_or_default()) / super::load::number(requests.max(1))
    }
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        // Of an even number the two in the middle, or it would always be the better half that is told.
        let (low, high) = (*values.get(values.len().checked_sub(1)? / 2)?, *values.get(values.len() / 2)?);
        Some(Self { median: f64::midpoint(low, high), least: *values.first()?, most: *values.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_the_same_round() {
        let mut figures = Figures::default();
        for (nginx, off) in [(100.0, 80.0), (200.0, 150.0), (50.0, 50.0)] {
            figures.add(Case::SMALL, System::Nginx, Sample { rate: nginx, requests: 10, ..Sample::default() });
            figures.add(Case::SMALL, System::Off, Sample { rate: off, requests: 10, ..Sample::default() });
        }
        let ratio = figures.ratio(Case::SMALL, System::Off, System::Nginx, |sample| sample.rate).unwrap();
        assert_eq!(ratio, Spread { median: 0.8, least: 0.75, most: 1.0 });
        figures.add(Case::SMALL, System::Nginx, Sample { rate: 100.0, requests: 0, ..Sample::default() });
        figures.add(Case::SMALL, System::Off, Sample { rate: 90.0, requests: 0, ..Sample::default() });
        let even = figures.ratio(Case::SMALL, System::Off, System::Nginx, |sample| sample.rate).unwrap();
        assert!((even.median - 0.85).abs() < 1e-9);
        assert_eq!(figures.undisturbed(Case::SMALL, System::Nginx, |sample| sample.rate), Some(100.0), "of 50, 100, 100 and 200");
        figures.arrived("/a".to_owned(), 15);
        assert!((figures.delivered(System::Off, "/a") - 0.5).abs() < 1e-9);
        assert_eq!(figures.ratio(Case::STEADY, System::Off, System::Nginx, |sample| sample.rate), None);
    }
}
