//! Random identifiers for requests and what they set off: request ids, trace ids and span ids.
//!
//! They are unguessable: each thread has a generator (ChaCha20) that the operating system seeds, and seeds anew before it has
//! given much, so that a system call is due once in a thousand requests and more. Nothing here makes keys or tokens.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::time::{SystemTime, UNIX_EPOCH};

use chacha20::rand_core::{Rng as _, SeedableRng as _};
use chacha20::{ChaCha20Rng, Seed};
use uuid::Uuid;

const POOL: usize = 1024;
/// How often the pool is filled from one seed of the operating system: after 64 KiB there is a new one.
const REFILLS: u32 = 64;

struct Pool {
    bytes: [u8; POOL],
    used: usize,
    /// What the next bytes come from; `None` until the operating system has given one.
    seed: Option<Seed>,
    /// Refills until the operating system is asked for a new one.
    left: u32,
}

impl Pool {
    const fn empty() -> Self {
        Self { bytes: [0; POOL], used: POOL, seed: None, left: 0 }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        if self.used + N > POOL {
            self.refill(from_system);
            self.used = 0;
        }
        out.copy_from_slice(&self.bytes[self.used..self.used + N]);
        // What was handed out must not be handed out again, nor stay readable here.
        self.bytes[self.used..self.used + N].fill(0);
        self.used += N;
        out
    }

    fn refill(&mut self, system: impl FnOnce() -> Option<Seed>) {
        if self.left == 0
            && let Some(seed) = system()
        {
            (self.seed, self.left) = (Some(seed), REFILLS);
        }
        // Where the operating system gives none now, what there is of an earlier one serves until it does.
        let Some(seed) = &mut self.seed else { return distinct(&mut self.bytes) };
        self.left = self.left.saturating_sub(1);
        let mut generator = ChaCha20Rng::from_seed(*seed);
        // The seed is replaced by what it gives first: from what is left here nobody can compute what was handed out.
        generator.fill_bytes(seed);
        generator.fill_bytes(&mut self.bytes);
    }
}

thread_local! {
    static RANDOM: RefCell<Pool> = const { RefCell::new(Pool::empty()) };
}

fn from_system() -> Option<Seed> {
    let mut seed = Seed::default();
    getrandom::fill(&mut seed).ok()?;
    Some(seed)
}

/// The operating system has never given a seed: ids stay distinct, which is all that they must be.
fn distinct(bytes: &mut [u8]) {
    for (index, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = std::hash::RandomState::new().hash_one((index, SystemTime::now())).to_ne_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
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
    use std::cell::Cell;
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

    /// As many fillings of the pool, which have no 16 bytes in common.
    fn refilled(pool: &mut Pool, times: usize, system: impl Fn() -> Option<Seed>) -> Vec<[u8; POOL]> {
        let mut all = Vec::new();
        for _ in 0..times {
            pool.refill(&system);
            all.push(pool.bytes);
        }
        let pieces: HashSet<&[u8]> = all.iter().flat_map(|bytes| bytes.chunks(16)).collect();
        assert_eq!(pieces.len(), times * POOL / 16);
        all
    }

    #[test]
    fn the_system_is_asked_for_a_seed_once_in_many_refills() {
        let (mut pool, asked) = (Pool::empty(), Cell::new(0_u8));
        let system = || {
            asked.set(asked.get() + 1);
            Some([asked.get(); 32])
        };
        refilled(&mut pool, REFILLS as usize, system);
        assert_eq!(asked.get(), 1);
        refilled(&mut pool, REFILLS as usize + 1, system);
        assert_eq!(asked.get(), 3);
    }

    #[test]
    fn what_was_handed_out_depends_on_a_seed_that_is_gone() {
        let (mut pool, mut same, mut other) = (Pool::empty(), Pool::empty(), Pool::empty());
        let first = refilled(&mut pool, 2, || Some([7; 32]));
        assert_eq!(refilled(&mut same, 2, || Some([7; 32])), first);
        assert_ne!(refilled(&mut other, 1, || Some([8; 32]))[0], first[0]);
        let kept = pool.seed.unwrap();
        assert!(kept != [7; 32] && !first.iter().flat_map(|bytes| bytes.windows(32)).any(|window| window == kept));
    }

    #[test]
    fn without_a_seed_ids_are_distinct_until_there_is_one() {
        let mut pool = Pool::empty();
        refilled(&mut pool, 3, || None);
        assert_eq!((pool.seed, pool.left), (None, 0), "it is asked for again each time");
        refilled(&mut pool, REFILLS as usize, || Some([7; 32]));
        let last = pool.seed;
        assert_eq!(pool.left, 0);
        refilled(&mut pool, 3, || None);
        assert!(pool.seed.is_some_and(|seed| Some(seed) != last), "the earlier one goes on");
        refilled(&mut pool, 1, || Some([8; 32]));
        assert_eq!(pool.left, REFILLS - 1);
    }
}
