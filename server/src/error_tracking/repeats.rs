//! Holds back an error that comes over and over: the first few of a minute tell what there is to tell.

use std::sync::Mutex;

use tokio::time::Instant;

use crate::per_minute::PerMinute;

/// Of one kind, within a minute.
const EACH: usize = 10;
/// Kinds that are told apart; beyond it another one is held back.
const KINDS: usize = 1000;

#[derive(Debug)]
pub struct Repeats(Mutex<PerMinute<String>>);

impl Default for Repeats {
    fn default() -> Self {
        Self(Mutex::new(PerMinute::new(EACH).of_things(KINDS)))
    }
}

impl Repeats {
    /// Whether one more of this kind may go out. Never waits: a panic hook may be asking, with the lock held below it.
    pub fn admit(&self, key: &str, now: Instant) -> bool {
        self.0.try_lock().is_ok_and(|mut seen| seen.admit(key, now).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::per_minute::MINUTE;

    #[test]
    fn the_first_few_of_a_kind_in_each_minute() {
        let repeats = Repeats::default();
        let start = Instant::now();
        let admitted = |key, at| (0..EACH + 5).filter(|_| repeats.admit(key, at)).count();
        assert_eq!(admitted("a", start), EACH);
        assert_eq!(admitted("b", start), EACH);
        assert_eq!(admitted("a", start + MINUTE / 2), 0);
        assert_eq!(admitted("a", start + MINUTE), EACH);
    }
}
