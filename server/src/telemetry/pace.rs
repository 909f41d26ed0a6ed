//! Requests first, as long as export keeps up.
//!
//! Where processors are few, export's thread takes one from the requests, and a scheduler lets a thread that has work go on for a
//! millisecond or more before one that has just been woken gets its turn. So between two pieces of work of some tens of microseconds the
//! processor is offered to whoever waits for it. Not while events pile up: on a machine that is full somebody always waits, and
//! who always lets others go first is never done.

use super::queue::Queue;

/// With more events than this waiting, export does not keep up.
const KEEPS_UP: usize = 512;

#[derive(Clone, Copy)]
pub struct Pace<'a>(&'a Queue);

impl<'a> Pace<'a> {
    #[must_use]
    pub const fn of(queue: &'a Queue) -> Self {
        Self(queue)
    }

    /// Between two pieces of work.
    pub fn offer(&self) {
        if self.0.waiting() <= KEEPS_UP {
            std::thread::yield_now();
        }
    }
}
