//! The buffers that batches are written into, kept from one batch to the next, so that none has to ask for some hundred kilobytes, or
//! grow to them, again and again.
//!
//! All destinations share them, so that ten thousand that have nothing to send hold none.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are kept at most: one that is written into and one that is sent, of spans and of log records.
const KEPT: usize = 4;

/// A larger one is let go, in bytes.
const LARGEST: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty one: one that was kept, while there is one, or else one without any room yet.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.lock().pop().unwrap_or_default()
    }

    /// Keeps it for the next batch, unless it is too large or there are enough.
    pub fn give(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > LARGEST {
            return;
        }
        buffer.clear();
        let mut kept = self.lock();
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_kept_empty_and_none_that_is_large() {
        let buffers = Buffers::default();
        buffers.give(Vec::new());
        buffers.give(Vec::with_capacity(LARGEST + 1));
        assert!(buffers.lock().is_empty());
        for _ in 0..2 * KEPT {
            buffers.give(b"spent".to_vec());
        }
        assert_eq!(buffers.lock().len(), KEPT);
        for _ in 0..KEPT {
            let buffer = buffers.take();
            assert!(buffer.is_empty() && buffer.capacity() > 0);
        }
        assert_eq!(buffers.take().capacity(), 0);
    }
}
