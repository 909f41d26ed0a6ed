//! Which payloads make room for a new one.

use std::sync::{Arc, Mutex, PoisonError};

use crate::spool::Log;

/// What earlier lives left is older and makes room first, the oldest of it before the rest, unless that would be in vain. Answers
/// whether anything did.
pub(super) fn make_room(log: &Log, older: &[Arc<Mutex<Log>>], bytes: usize) -> bool {
    let bytes_of = |log: &Arc<Mutex<Log>>| log.lock().unwrap_or_else(PoisonError::into_inner).bytes();
    let evicts = |log: &Arc<Mutex<Log>>| log.lock().unwrap_or_else(PoisonError::into_inner).evict();
    let mut evicted = false;
    while !log.has_room(bytes) && log.may_have_room(bytes, older.iter().map(bytes_of).sum()) && older.iter().any(evicts) {
        evicted = true;
    }
    evicted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::{Meta, Options, Spool};

    /// After the limit was lowered, say.
    #[test]
    fn what_earlier_lives_left_is_not_dropped_where_that_makes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes: 1, ..Options::default() };
        let wide = Spool::to_test(folder.path(), options);
        for (owner, count) in [("other", 60), ("own", 5)] {
            let mut log = wide.home(owner).log("logs").unwrap();
            for _ in 0..count {
                log.append(Meta::default(), None, &[0; 100]).unwrap().unwrap();
            }
        }
        let narrow = Spool::to_test(folder.path(), Options { total: 8_000, ..options });
        narrow.park("other");
        let home = narrow.home("own");
        let older: Vec<_> = home.left("logs").logs.into_iter().map(|log| Arc::new(Mutex::new(log))).collect();
        let log = home.log("logs").unwrap();
        assert!(!make_room(&log, &older, 100) && !log.has_room(100));
        assert_eq!(older[0].lock().unwrap().waiting().payloads, 5);
        for log in narrow.home("other").left("logs").logs {
            assert_eq!(log.destroy().0.payloads, 60);
        }
        assert!(!make_room(&log, &older, 100) && log.has_room(100));
    }
}
