//! Who somebody is and what they may do: accounts, sessions, sign-in, and the witnesses that privileged calls demand.

mod witness;

pub use witness::{Actor, Operator, WorkspaceAdmin, WorkspaceMember};
