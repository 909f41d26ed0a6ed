//! The AI gateway: `/v1/ai/{agent}/{path}` leads to the agent's provider, with the agent's credential.
//!
//! Bodies stream in both directions as those of routes do. What telemetry and the agent's limits need is read while the
//! bytes go by: [`json`] finds a few members of an object, [`sse`] takes event streams apart, `asked` reads and judges the
//! request, `usage` reads the answer, and `call` emits one [`Event::Ai`](crate::event::Event::Ai) when the answer ended.
//!
//! No prompt and no completion is kept, logged or emitted: what is not one of the members that are looked for is skipped, and
//! what a provider or caller put into one of those is kept only if it looks like the name or identifier it should be.

mod asked;
mod call;
mod credentials;
mod denied;
mod finder;
mod guarded;
mod json;
mod member;
mod operation;
mod passing;
mod rates;
mod sse;
mod usage;

pub(super) use call::Call;
pub(super) use finder::{addressed, find};
pub(super) use operation::Operation;
pub(super) use passing::Ready;
pub(super) use rates::Rates;
pub use usage::read_usage;
