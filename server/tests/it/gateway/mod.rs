//! The gateway as its clients and upstreams see it, over real sockets.

mod ai;
mod direct;
mod egress;
mod events;
mod flood;
mod life;
mod off;
mod outbound;
mod passing;
mod refusals;
mod rig;
mod smuggling;
mod streaming;
mod w3c;

pub use ai::agent;
pub use egress::HOSTILE;
pub use rig::{Rig, TENANT, Table, WHO, client};
