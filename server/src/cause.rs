//! What a failure that is told of with an id comes from: a closed list, since whoever reports errors tells those apart by it that one
//! line of the log tells of. It knows no other room.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    StoreRead,
    StoreWrite,
    StoreNoRoom,
    StoreStale,
    StoreTaken,
    /// A stored record of this kind can't be read.
    Unreadable {
        tree: &'static str,
    },
    Session,
    PasswordHash,
    Random,
    Seal,
    WebhookBody,
    /// The task that was to find something out did not come to its end.
    Interrupted,
}

impl Cause {
    /// As logs and reports have it. The kind of record is part of it, nothing else is.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::StoreRead => "store_read",
            Self::StoreWrite => "store_write",
            Self::StoreNoRoom => "store_no_room",
            Self::StoreStale => "store_stale",
            Self::StoreTaken => "store_taken",
            Self::Unreadable { tree } => return Cow::Owned(format!("{tree}_unreadable")),
            Self::Session => "session",
            Self::PasswordHash => "password_hash",
            Self::Random => "random",
            Self::Seal => "seal",
            Self::WebhookBody => "webhook_body",
            Self::Interrupted => "interrupted",
        })
    }
}
