//! What makes a type a record: its tree, its key, what is unique about it, and how older versions become the present
//! one. On disk a record is JSON, `{"v": VERSION, "data": …}`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{MigrationError, Reason, pieces};

/// Values that no other record of the kind may have, by index.
pub type Unique = Vec<(&'static str, Vec<u8>)>;

/// A kind of record.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + 'static {
    /// The tree it lies in. Never changes.
    const TREE: &'static str;
    /// Raised with every change of shape that older records can't be read as; [`Record::migrate`] then knows the way.
    const VERSION: u16;
    /// What is unique about a record; `None` of a kind of which nothing ever is.
    const UNIQUE: Option<fn(&Self) -> Unique> = None;

    /// Where it lies. What belongs to a workspace starts with the workspace's id, so that one workspace is one range.
    fn key(&self) -> Vec<u8>;

    /// Brings the fields of version `from` to those of [`Record::VERSION`].
    ///
    /// # Errors
    /// There is no way from that version, or the fields are not what that version had.
    fn migrate(from: u16, value: serde_json::Value) -> Result<serde_json::Value, MigrationError> {
        drop(value);
        Err(MigrationError { from })
    }
}

/// A record as it was read.
pub(super) struct Decoded<R> {
    pub(super) record: R,
    /// It lies there in an older version.
    pub(super) outdated: bool,
}

#[derive(Deserialize)]
struct Head {
    v: u16,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u16,
    data: T,
}

pub(super) fn unique<R: Record>(record: &R) -> Unique {
    R::UNIQUE.map(|of| of(record)).unwrap_or_default()
}

pub(super) fn encode<R: Record>(record: &R) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Envelope { v: R::VERSION, data: record })
}

pub(super) fn decode<R: Record>(key: &[u8], bytes: &[u8]) -> Result<Decoded<R>, Reason> {
    // Nearly always: one pass over the bytes, where lists of many records are read for a page.
    if let Ok(Envelope { v, data }) = serde_json::from_slice::<Envelope<R>>(bytes)
        && v == R::VERSION
    {
        return in_place(key, data, false);
    }
    if pieces::is_stub(bytes) {
        return Err(Reason::Incomplete);
    }
    let Head { v } = serde_json::from_slice(bytes).map_err(|_| Reason::NotJson)?;
    if v > R::VERSION {
        return Err(Reason::Newer { found: v, known: R::VERSION });
    }
    if v == R::VERSION {
        return Err(Reason::Shape { version: v });
    }
    let old: Envelope<serde_json::Value> = serde_json::from_slice(bytes).map_err(|_| Reason::NotJson)?;
    let new = R::migrate(v, old.data).map_err(|_| Reason::Migration { from: v })?;
    let record: R = serde_json::from_value(new).map_err(|_| Reason::Migration { from: v })?;
    in_place(key, record, true)
}

fn in_place<R: Record>(key: &[u8], record: R, outdated: bool) -> Result<Decoded<R>, Reason> {
    if record.key() == key { Ok(Decoded { record, outdated }) } else { Err(Reason::WrongKey) }
}
