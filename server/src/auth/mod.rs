//! Who somebody is and what they may do: accounts, sessions, sign-in, and the witnesses that privileged calls demand.
//!
//! [`Auth`] is the room; a [`Visitor`] is one request's view of it: its session, its caller, and where it comes from.
//! Nothing here knows HTTP beyond the session cookie, and no text made here quotes a password, a token or a session id.

mod account;
mod caller;
mod clock;
mod error;
mod kept;
mod password;
mod reveal;
mod session;
mod setup;
mod throttle;
mod told;
mod unsaved;
mod witness;

pub use account::{Auth, Origin, Visitor};
pub use caller::{Caller, Membership};
pub use clock::Clock;
pub use error::AuthError;
pub use password::{PasswordError, Passwords};
pub use reveal::{KEEP as REVEAL_FOR, Reveal, Revealed};
pub use session::{ABSOLUTE, BUMP_AFTER, IDLE, MOST_SESSIONS, SessionLayer};
pub use setup::{FIRST_OPERATOR_FOR, INVITATION_FOR, Link, SetupSecret};
pub use throttle::Throttled;
pub use unsaved::{Unsaved, saving};
pub use witness::{Operator, WorkspaceAdmin, WorkspaceMember};

pub use crate::audit::{Actor, Who};
