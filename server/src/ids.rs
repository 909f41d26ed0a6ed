//! Random identifiers for requests and what they set off: request ids, trace ids and span ids.
//!
//! They are unguessable (all bits come from the operating system) and cost a system call only once in many requests.
//! Nothing here makes keys or tokens.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

const POOL: usize = 1024;

struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

impl Pool {
    const fn empty() -> Self {
        Self { bytes: [0; POOL], used: POOL }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        if self.used + N > POOL {
            refill(&mut self.bytes);
            self.used = 0;
        }
        out.copy_from_slice(&self.bytes[self.used..self.used + N]);
        // What was handed out must not be handed out again, nor stay readable here.
        self.bytes[self.used..self.used + N].fill(0);
        self.used += N;
        out
    }
}

thread_local! {
    static RANDOM: RefCell<Pool> = const { RefCell::new(Pool::empty()) };
}

fn refill(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // The operating system gives none: ids stay distinct, which is all that they must be.
        for (index, chunk) in bytes.chunks_mut(8).enumerate() {
            let word = std::hash::RandomState::new().hash_one((index, SystemTime::now())).to_ne_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// Random bytes that are not all zero. `N` is at most 1024.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    loop {
        let bytes: [u8; N] = RANDOM.with_borrow_mut(Pool::take);
        if bytes.iter().any(|byte| *byte != 0) {
            return bytes;
        }
    }
}

/// A UUIDv7 (RFC 9562) of this moment.
#[must_use]
pub fn request_id(now: SystemTime) -> Uuid {
    let millis = now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    uuid::Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// The id of the error that this request ended with. Made of the request's own bits, so that whoever closes the record of a
/// request that panicked comes to the same one as whoever answers it; the version (8, RFC 9562) tells the two apart.
#[must_use]
pub fn error_id(request: Uuid) -> Uuid {
    Uuid::new_v8(request.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_of_version_7() {
        let now = SystemTime::now();
        let ids: HashSet<Uuid> = (0..5_000).map(|_| request_id(now)).collect();
        assert_eq!(ids.len(), 5_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let errors: HashSet<Uuid> = ids.iter().map(|id| error_id(*id)).collect();
        assert!(errors.len() == 5_000 && errors.is_disjoint(&ids));
        let bytes: HashSet<[u8; 16]> = (0..5_000).map(|_| random()).collect();
        assert_eq!(bytes.len(), 5_000);
    }
}
