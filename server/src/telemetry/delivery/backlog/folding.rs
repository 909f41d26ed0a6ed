//! Keeps the number of a signal's logs small.

use std::sync::{Arc, PoisonError};

use super::Backlog;
use crate::spool::Log;

/// With more logs than this the small ones of earlier lives are written together: each change of settings leaves one while a
/// collector is down, and files, unlike bytes, are not bounded otherwise.
const MANY_LOGS: usize = 32;
const SMALL_LOG: usize = 256 * 1024;
const FOLDED_LOG: usize = 2 * 1024 * 1024;

impl Backlog {
    /// Writes small logs of earlier lives into those before them, so that the order stays.
    pub(super) async fn fold(&mut self) {
        let earlier = self.logs.len() - usize::from(self.has_own);
        let mut many = self.logs.iter().filter(|kept| kept.waiting.payloads > 0).count().saturating_sub(MANY_LOGS);
        let mut before = None;
        for index in (0..earlier).filter(|index| self.logs[*index].waiting.payloads > 0).collect::<Vec<_>>() {
            let kept = &self.logs[index];
            match before {
                _ if many == 0 => break,
                Some(into) if !kept.holds && kept.bytes <= SMALL_LOG && self.logs[into].bytes <= FOLDED_LOG => {
                    let log = Arc::clone(&kept.log);
                    let folding = move |into: &mut Log| into.take_from(&mut log.lock().unwrap_or_else(PoisonError::into_inner));
                    let folded = self.on(into, folding).await;
                    let _ = self.on(index, |_| ()).await;
                    if !folded.is_ok_and(|folded| folded) {
                        break;
                    }
                    many -= 1;
                }
                _ => before = Some(index),
            }
        }
        self.forget_empty();
    }
}
