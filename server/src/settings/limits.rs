//! How much one workspace may keep: each save reads all of a workspace's records while every other save waits, so their
//! number is everybody's concern.

use super::Error;
use crate::values::{Field, Rule};

pub(super) const MAX_ROUTES: usize = 1000;
/// Of one route.
pub(super) const MAX_ENVIRONMENTS: usize = 50;
pub(super) const MAX_KEYS: usize = 1000;
pub(super) const MAX_AGENTS: usize = 100;
pub(super) const MAX_MEMBERS: usize = 1000;
pub(super) const MAX_WEBHOOKS: usize = 50;

/// Refuses one more than `max`, at the field by which the new one would be known.
pub(super) const fn room_for_one(there: usize, max: usize, field: Field) -> Result<(), Error> {
    if there < max { Ok(()) } else { Err(Error::Invalid { field, rule: Rule::TooMany { max } }) }
}
