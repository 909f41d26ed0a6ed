//! Bytes that many share, in memory or on disk, so that their sum is bounded and none can use up what the others need.
//!
//! Knows numbers only: not what is held, nor by whom.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A ceiling shared by dynamic thresholds (Choudhury and Hahne, 1998): nobody may hold more than what is still free. Alone
/// one may hold half of it; `n` that want all they can get end with an equal part each, and the same part stays free for
/// whoever comes next. It needs no list of who shares.
#[derive(Debug)]
pub struct Budget {
    ceiling: usize,
    used: AtomicUsize,
}

impl Budget {
    #[must_use]
    pub const fn new(ceiling: usize) -> Self {
        Self { ceiling, used: AtomicUsize::new(0) }
    }

    /// Whether somebody who holds `own` bytes may hold `more` besides. Two who ask at the same time may both be told so and
    /// pass the ceiling by what they asked for, once.
    #[must_use]
    pub fn allows(&self, own: usize, more: usize) -> bool {
        own.saturating_add(more) <= self.ceiling.saturating_sub(self.used())
    }

    /// Whether the others leave room for `more`, should all of somebody's `own` be given back.
    #[must_use]
    pub fn leaves(&self, own: usize, more: usize) -> bool {
        more <= self.ceiling.saturating_sub(self.used().saturating_sub(own))
    }

    #[must_use]
    pub const fn ceiling(&self) -> usize {
        self.ceiling
    }

    pub fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_gets_half_and_many_get_equal_parts() {
        for count in [1_usize, 3, 9] {
            let budget = Budget::new(1_000);
            let mut held = vec![0; count];
            for _ in 0..1_000 {
                for own in &mut held {
                    if budget.allows(*own, 1) {
                        budget.take(1);
                        *own += 1;
                    }
                }
            }
            let fair = 1_000 / (count + 1);
            assert!(held.iter().all(|own| own.abs_diff(fair) <= 1), "{count}: {held:?}");
            assert!(budget.allows(0, fair - count), "whoever comes next finds room");
        }
    }

    #[test]
    fn what_others_hold_leaves_the_rest() {
        let budget = Budget::new(10);
        budget.take(12);
        assert!(!budget.leaves(0, 1) && !budget.leaves(2, 1) && budget.leaves(3, 1) && !budget.leaves(3, 2));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(10);
        budget.take(10);
        assert!(!budget.allows(0, 1));
        budget.give(10);
        assert!(budget.allows(0, 10) && !budget.allows(0, 11));
    }
}
