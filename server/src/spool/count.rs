//! How much waits, and how much was lost and why.

use std::iter::Sum;
use std::ops::{AddAssign, SubAssign};

use super::record::Meta;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub payloads: u64,
    /// Spans and log records.
    pub records: u64,
    /// These and metric points.
    pub items: u64,
}

impl Count {
    #[must_use]
    pub fn of(meta: Meta) -> Self {
        Self { payloads: 1, records: meta.records.into(), items: meta.items.into() }
    }

    /// What is left of it without the other, at least nothing.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            payloads: self.payloads.saturating_sub(other.payloads),
            records: self.records.saturating_sub(other.records),
            items: self.items.saturating_sub(other.items),
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.payloads += other.payloads;
        self.records += other.records;
        self.items += other.items;
    }
}

impl SubAssign for Count {
    fn sub_assign(&mut self, other: Self) {
        *self = self.without(other);
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |mut sum, count| {
            sum += count;
            sum
        })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The oldest made room.
    pub full: Count,
    /// They had waited for longer than a payload may.
    pub expired: Count,
    /// They could not be read as they were written.
    pub damaged: Count,
}

impl AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.full += other.full;
        self.expired += other.expired;
        self.damaged += other.damaged;
    }
}
