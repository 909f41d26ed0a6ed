//! Holds back an error that comes over and over: the first few of a minute tell what there is to tell.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(60);
/// Of one kind, in each window.
const EACH: u32 = 10;
/// Kinds that are told apart; beyond it everything is held back until the window is over.
const KINDS: usize = 1000;

#[derive(Debug, Default)]
pub struct Repeats(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    since: Option<Instant>,
    counts: HashMap<String, u32>,
}

impl Repeats {
    /// Whether one more of this kind may go out. Never waits: a panic hook may be asking, with the lock held below it.
    pub fn admit(&self, key: &str, now: Instant) -> bool {
        self.0.try_lock().is_ok_and(|mut seen| seen.admit(key, now))
    }
}

impl Seen {
    fn admit(&mut self, key: &str, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            self.since = Some(now);
            self.counts.clear();
        }
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
            return *count <= EACH;
        }
        if self.counts.len() >= KINDS {
            return false;
        }
        self.counts.insert(key.to_owned(), 1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_of_a_kind_in_each_minute() {
        let repeats = Repeats::default();
        let start = Instant::now();
        let admitted = |key, at| (0..EACH + 5).filter(|_| repeats.admit(key, at)).count();
        assert_eq!(admitted("a", start), EACH as usize);
        assert_eq!(admitted("b", start + Duration::from_secs(59)), EACH as usize);
        assert_eq!(admitted("a", start + Duration::from_secs(59)), 0);
        assert_eq!(admitted("a", start + WINDOW), EACH as usize);
        let kinds = (0..KINDS + 10).filter(|n| repeats.admit(&n.to_string(), start + WINDOW)).count();
        assert_eq!(kinds, KINDS - 1);
    }
}
