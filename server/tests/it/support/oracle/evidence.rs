//! What the collectors saw of one destination, and whether the product's counts can be true.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use server::values::Signal;

use super::{Exchange, Outcome};

/// A record: its signal and id.
type Record = (Signal, String);

/// What is certain, and how much is not.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The client was told that it was taken.
    taken: BTreeSet<Record>,
    /// … that it is one of so many that are lost by a partial success.
    rejected: BTreeSet<Record>,
    /// … that it is refused for good.
    refused: BTreeSet<Record>,
    /// A whole answer was on its way when the connection ended: the client may have got it.
    unsure: BTreeSet<Record>,
    /// A collector has it, whatever its client was told.
    kept: BTreeSet<Record>,
    seen: BTreeSet<Record>,
    /// Came again after it was settled.
    doubled: BTreeSet<Record>,
    pub requests: usize,
    pub faults: usize,
}

/// What the product says of a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub delivered: u64,
    pub rejected: u64,
    /// By reason.
    pub dropped: BTreeMap<String, u64>,
    pub queued: u64,
}

impl Account {
    pub fn accepted(&self) -> u64 {
        self.delivered + self.rejected + self.dropped.values().sum::<u64>() + self.queued
    }
}

impl Evidence {
    pub fn of<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>, destination: &str) -> Self {
        let mut exchanges: Vec<&Exchange> = exchanges.into_iter().filter(|exchange| exchange.destination == destination).collect();
        exchanges.sort_by_key(|exchange| exchange.at);
        let mut out = Self { requests: exchanges.len(), ..Self::default() };
        for exchange in exchanges {
            out.add(exchange);
        }
        out
    }

    fn add(&mut self, exchange: &Exchange) {
        self.faults += usize::from(exchange.outcome != Outcome::Taken);
        let lost = match exchange.outcome {
            Outcome::Halved => exchange.ids.len().div_ceil(2),
            Outcome::Refused | Outcome::Again | Outcome::Unanswered { kept: false } => exchange.ids.len(),
            Outcome::Taken | Outcome::Unanswered { kept: true } => 0,
        };
        let whole = matches!(exchange.outcome, Outcome::Taken | Outcome::Halved | Outcome::Refused);
        let mut within = BTreeSet::new();
        for (at, id) in exchange.ids.iter().enumerate() {
            let record = (exchange.signal, id.clone());
            let settled = self.taken.contains(&record) || self.rejected.contains(&record) || self.refused.contains(&record);
            if settled || !within.insert(id) {
                self.doubled.insert(record.clone());
            }
            self.seen.insert(record.clone());
            if at >= lost {
                self.kept.insert(record.clone());
            }
            if whole && exchange.unsure {
                self.unsure.insert(record);
                continue;
            }
            match exchange.outcome {
                Outcome::Halved if at < lost => drop(self.rejected.insert(record)),
                Outcome::Taken | Outcome::Halved => drop(self.taken.insert(record)),
                Outcome::Refused => drop(self.refused.insert(record)),
                Outcome::Again | Outcome::Unanswered { .. } => {}
            }
        }
    }

    pub const fn seen(&self) -> &BTreeSet<Record> {
        &self.seen
    }

    /// Nothing came that was not emitted, and nothing again that was settled.
    pub fn check(&self, emitted: &BTreeSet<Record>) {
        let foreign: Vec<_> = self.seen.difference(emitted).collect();
        assert!(foreign.is_empty(), "nobody emitted {foreign:?}");
        assert!(self.doubled.is_empty(), "sent again after an answer that left no doubt: {:?}", self.doubled);
    }

    /// The account of everything that was emitted: accepted = delivered + rejected + dropped + queued, and each of these is what
    /// the collectors saw.
    pub fn holds(&self, emitted: &BTreeSet<Record>, account: &Account) {
        self.check(emitted);
        let dropped = |reason: &str| account.dropped.get(reason).copied().unwrap_or(0);
        let found = || format!("{account:?}\nof {} emitted; {}", emitted.len(), self.summary());
        assert_eq!(account.accepted(), emitted.len() as u64, "accepted is not delivered + rejected + dropped + queued: {}", found());
        let unsure = self.unsure.iter().filter(|record| !self.settled(record)).count() as u64;
        let within = |what: &str, counted: u64, certain: &BTreeSet<Record>| {
            let certain = certain.len() as u64;
            assert!((certain..=certain + unsure).contains(&counted), "{what}: {counted} are counted, {certain} are certain: {}", found());
        };
        within("delivered", account.delivered, &self.taken);
        within("rejected", account.rejected, &self.rejected);
        within("refused for good", dropped("not_retryable"), &self.refused);
    }

    /// Every one of these is with a collector, or was refused by one in so many words.
    pub fn nothing_is_missing(&self, emitted: &BTreeSet<Record>) {
        let missing: Vec<_> = emitted
            .iter()
            .filter(|record| !(self.kept.contains(record) || self.rejected.contains(record) || self.refused.contains(record)))
            .filter(|record| !self.unsure.contains(record))
            .collect();
        assert!(missing.is_empty(), "{} of {} are lost: {missing:?}; {}", missing.len(), emitted.len(), self.summary());
    }

    fn settled(&self, record: &Record) -> bool {
        self.taken.contains(record) || self.rejected.contains(record) || self.refused.contains(record)
    }

    pub fn summary(&self) -> String {
        let mut by_signal: HashMap<Signal, usize> = HashMap::new();
        for (signal, _) in &self.kept {
            *by_signal.entry(*signal).or_default() += 1;
        }
        format!(
            "{} requests, {} of them not simply taken; {} records taken, {} rejected, {} refused, {} unsure; kept {by_signal:?}",
            self.requests,
            self.faults,
            self.taken.len(),
            self.rejected.len(),
            self.refused.len(),
            self.unsure.len(),
        )
    }
}
