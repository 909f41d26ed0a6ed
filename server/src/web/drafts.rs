//! Refused forms, kept for a moment in memory until the page that shows them again is rendered.
//!
//! Bounded in number, bytes and time. A draft is given out once, and only to whoever sent the form: the account that was
//! signed in, or, for the forms of somebody who is not, whoever has the id from the address. Nothing is ever written down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::contract::Draft;
use uuid::Uuid;

/// How long a draft waits for its page.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(10 * 60);
/// Longer texts are not kept; the error is.
const DRAFT_BYTES: usize = 16 * 1024;
const POOL_BYTES: usize = 4 * 1024 * 1024;
const POOL_DRAFTS: usize = 512;
/// One account can't push out everybody else's.
const PER_OWNER: usize = 8;

/// The drafts of this process. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub(super) struct Drafts(Arc<Mutex<Pools>>);

/// Apart, so that whoever is not signed in can't push out what others typed.
#[derive(Default)]
struct Pools {
    owned: Pool,
    open: Pool,
}

#[derive(Default)]
struct Pool {
    kept: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    id: Uuid,
    owner: Option<Uuid>,
    at: Instant,
    bytes: usize,
    draft: Draft,
}

impl Drafts {
    /// Keeps a draft and says under which id. `owner` is the account that sent the form.
    pub(super) fn keep(&self, owner: Option<Uuid>, mut draft: Draft, now: Instant) -> Uuid {
        let mut bytes = size_of(&draft);
        if bytes > DRAFT_BYTES {
            let names = draft.fields.drain(..).map(|(name, _)| name);
            draft.left_out.extend(names);
            draft.left_out.dedup();
            bytes = size_of(&draft).min(DRAFT_BYTES);
        }
        let id = Uuid::new_v4();
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.of(owner).put(Kept { id, owner, at: now, bytes, draft }, now);
        id
    }

    /// Gives a draft out, once.
    pub(super) fn take(&self, id: Uuid, owner: Option<Uuid>, now: Instant) -> Option<Draft> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What was sent before signing in belongs to a page that is open to everybody: whoever is signed in by now may see it too.
        let own = owner.and_then(|owner| pools.owned.take(id, Some(owner), now));
        own.or_else(|| pools.open.take(id, None, now))
    }
}

impl Pools {
    fn of(&mut self, owner: Option<Uuid>) -> &mut Pool {
        if owner.is_some() { &mut self.owned } else { &mut self.open }
    }
}

impl Pool {
    fn put(&mut self, kept: Kept, now: Instant) {
        self.forget_old(now);
        if let Some(owner) = kept.owner {
            while self.kept.iter().filter(|one| one.owner == Some(owner)).count() >= PER_OWNER {
                let Some(oldest) = self.kept.iter().position(|one| one.owner == Some(owner)) else { break };
                self.remove(oldest);
            }
        }
        while self.kept.len() >= POOL_DRAFTS || self.bytes + kept.bytes > POOL_BYTES {
            if self.remove(0).is_none() {
                break;
            }
        }
        self.bytes += kept.bytes;
        self.kept.push_back(kept);
    }

    fn take(&mut self, id: Uuid, owner: Option<Uuid>, now: Instant) -> Option<Draft> {
        self.forget_old(now);
        let found = self.kept.iter().position(|one| one.id == id && one.owner == owner)?;
        self.remove(found).map(|one| one.draft)
    }

    fn forget_old(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|one| now.saturating_duration_since(one.at) >= KEPT_FOR) {
            self.remove(0);
        }
    }

    fn remove(&mut self, at: usize) -> Option<Kept> {
        let removed = self.kept.remove(at)?;
        self.bytes -= removed.bytes;
        Some(removed)
    }
}

fn size_of(draft: &Draft) -> usize {
    let texts = draft.fields.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
    draft.function.len() + draft.error.len() + texts + draft.left_out.iter().map(String::len).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Draft {
        Draft {
            function: "/api/routes/create".to_owned(),
            error: "e".to_owned(),
            fields: vec![("name".to_owned(), text.to_owned())],
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_draft_is_given_out_once_and_only_to_its_owner() {
        let (drafts, now) = (Drafts::default(), Instant::now());
        let (ana, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let id = drafts.keep(Some(ana), draft("x"), now);
        assert_eq!(drafts.take(id, Some(bob), now), None);
        assert_eq!(drafts.take(id, None, now), None);
        assert_eq!(drafts.take(Uuid::new_v4(), Some(ana), now), None);
        assert_eq!(drafts.take(id, Some(ana), now), Some(draft("x")));
        assert_eq!(drafts.take(id, Some(ana), now), None);
        let open = drafts.keep(None, draft("y"), now);
        assert_eq!(drafts.take(open, Some(ana), now), Some(draft("y")));
    }

    #[test]
    fn a_draft_is_forgotten_after_its_time() {
        let (drafts, now) = (Drafts::default(), Instant::now());
        let early = drafts.keep(None, draft("x"), now);
        let late = drafts.keep(None, draft("y"), now + KEPT_FOR / 2);
        assert_eq!(drafts.take(early, None, now + KEPT_FOR), None);
        assert!(drafts.take(late, None, now + KEPT_FOR).is_some());
    }

    #[test]
    fn number_and_bytes_are_bounded() {
        let (drafts, now) = (Drafts::default(), Instant::now());
        let large = "x".repeat(DRAFT_BYTES - 100);
        let ids: Vec<_> = (0..POOL_DRAFTS * 2).map(|_| drafts.keep(None, draft(&large), now)).collect();
        let held = |drafts: &Drafts| {
            let pools = drafts.0.lock().unwrap();
            (pools.open.kept.len(), pools.open.bytes)
        };
        let (count, bytes) = held(&drafts);
        assert!(count <= POOL_DRAFTS && bytes <= POOL_BYTES, "{count} {bytes}");
        assert_eq!(drafts.take(ids[0], None, now), None);
        assert!(drafts.take(ids[ids.len() - 1], None, now).is_some());
        for id in ids {
            drafts.take(id, None, now);
        }
        assert_eq!(held(&drafts), (0, 0));
    }

    #[test]
    fn nobody_pushes_out_what_an_account_typed() {
        let (drafts, now) = (Drafts::default(), Instant::now());
        let (ana, bob) = (Uuid::new_v4(), Uuid::new_v4());
        let id = drafts.keep(Some(ana), draft("x"), now);
        for _ in 0..POOL_DRAFTS + 1 {
            drafts.keep(None, draft("y"), now);
            drafts.keep(Some(bob), draft("z"), now);
        }
        assert_eq!(drafts.take(id, Some(ana), now), Some(draft("x")));
    }

    #[test]
    fn a_text_that_is_too_long_leaves_only_the_error() {
        let (drafts, now) = (Drafts::default(), Instant::now());
        let id = drafts.keep(None, draft(&"x".repeat(DRAFT_BYTES + 1)), now);
        let kept = drafts.take(id, None, now).unwrap();
        assert_eq!((kept.error.as_str(), kept.fields.len(), kept.left_out), ("e", 0, vec!["name".to_owned()]));
    }
}
