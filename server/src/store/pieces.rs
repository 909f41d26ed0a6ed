//! Records that are too long for one value. sled keeps an item of more than an eighth of a MiB, such as a leaf of long values, in a
//! file of its own, which it does not sync; and when such a file can't be made, the room it had for it in its log stays taken and
//! no flush ends any more. So a long record is cut: under its key lies a stub, and its pieces in a tree of theirs.
//!
//! What lies under the name of a piece never changes, so that whoever reads a record while it is replaced never mixes two of them. Most
//! changes are at the end of a long record (what became of a delivery is behind what it says): those before stay where they are.

use serde::{Deserialize, Serialize};
use sled::IVec;
use sled::transaction::TransactionalTree;
use uuid::Uuid;

use super::changes::{TxResult, get, storage, unencodable};
use super::{ReadError, Store};

/// The tree of all pieces: the name that they were written under, then their number, big-endian.
pub(super) const TREE: &str = "pieces";

/// The longest value, in bytes. A leaf has up to some twenty of them.
const LONGEST: usize = 4 * 1024;
/// How often a record is read that is replaced at the same time.
const TRIES: usize = 100;

/// What lies under the key of a record that was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stub {
    /// The name of the first ones.
    pieces: Uuid,
    /// So many are under it.
    kept: u32,
    /// The name of the others.
    rest: Uuid,
    count: u32,
}

impl Stub {
    fn of(bytes: &[u8]) -> Option<Self> {
        // Records begin otherwise.
        if bytes.starts_with(b"{\"pieces\":") { serde_json::from_slice(bytes).ok() } else { None }
    }

    fn keys(self) -> impl Iterator<Item = Vec<u8>> {
        let name = move |number| if number < self.kept { self.pieces } else { self.rest };
        (0..self.count).map(move |number| [name(number).as_bytes().as_slice(), &number.to_be_bytes()].concat())
    }
}

/// Whether these are the bytes of a record whose pieces are elsewhere.
pub(super) fn is_stub(bytes: &[u8]) -> bool {
    Stub::of(bytes).is_some()
}

/// Whether a value of this length would be cut.
pub(super) const fn is_long(bytes: &[u8]) -> bool {
    bytes.len() > LONGEST
}

/// A record's bytes as they are written.
pub(super) struct Cut {
    bytes: Vec<u8>,
    /// Of long ones.
    count: u32,
    /// Of the pieces that are not there yet.
    name: Uuid,
}

impl Cut {
    /// # Errors
    /// It is longer than anything that can be kept.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, serde_json::Error> {
        let count = u32::try_from(bytes.len().div_ceil(LONGEST)).map_err(serde::ser::Error::custom)?;
        Ok(Self { bytes, count, name: Uuid::now_v7() })
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(LONGEST)
    }

    /// The stub, where the first `kept` pieces of `old` are this one's, too.
    const fn stub(&self, old: Option<Stub>, kept: u32) -> Stub {
        match old {
            Some(old) if kept > 0 => Stub { pieces: old.pieces, kept, rest: self.name, count: self.count },
            _ => Stub { pieces: self.name, kept: self.count, rest: self.name, count: self.count },
        }
    }
}

/// A tree of records, within a transaction.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    pub(super) tree: &'a TransactionalTree,
    pub(super) pieces: &'a TransactionalTree,
}

impl Records<'_> {
    /// A record's bytes; its stub when a piece is missing.
    pub(super) fn get(&self, key: &[u8]) -> TxResult<Option<Vec<u8>>> {
        let Some(bytes) = get(self.tree, key)? else { return Ok(None) };
        let Some(stub) = Stub::of(&bytes) else { return Ok(Some(bytes)) };
        let mut whole = Vec::new();
        for key in stub.keys() {
            let Some(piece) = get(self.pieces, &key)? else { return Ok(Some(bytes)) };
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole))
    }

    /// In place of what lies under the key.
    pub(super) fn put(&self, key: &[u8], cut: &Cut) -> TxResult<()> {
        let old = self.stub(key)?;
        if !is_long(&cut.bytes) {
            self.remove_pieces(old, 0)?;
            self.tree.insert(key, cut.bytes.as_slice()).map_err(storage)?;
            return Ok(());
        }
        let kept = self.same(old, cut)?;
        self.remove_pieces(old, kept)?;
        let stub = cut.stub(old, kept);
        for (key, piece) in stub.keys().zip(cut.pieces()).skip(kept as usize) {
            self.pieces.insert(key, piece).map_err(storage)?;
        }
        let stub = serde_json::to_vec(&stub).map_err(|_| unencodable("stub"))?;
        self.tree.insert(key, stub).map_err(storage)?;
        Ok(())
    }

    pub(super) fn remove(&self, key: &[u8]) -> TxResult<()> {
        self.remove_pieces(self.stub(key)?, 0)?;
        self.tree.remove(key).map_err(storage)?;
        Ok(())
    }

    fn stub(&self, key: &[u8]) -> TxResult<Option<Stub>> {
        Ok(get(self.tree, key)?.and_then(|bytes| Stub::of(&bytes)))
    }

    /// How many pieces at the beginning are what they were.
    fn same(&self, old: Option<Stub>, cut: &Cut) -> TxResult<u32> {
        let Some(old) = old else { return Ok(0) };
        let mut same = 0;
        for (key, piece) in old.keys().zip(cut.pieces()).take(old.kept as usize) {
            if get(self.pieces, &key)?.as_deref() != Some(piece) {
                break;
            }
            same += 1;
        }
        Ok(same)
    }

    fn remove_pieces(&self, old: Option<Stub>, kept: u32) -> TxResult<()> {
        for key in old.into_iter().flat_map(Stub::keys).skip(kept as usize) {
            self.pieces.remove(key).map_err(storage)?;
        }
        Ok(())
    }
}

impl Store {
    /// The bytes of the record of which `found` was read under its key: `None` when it was removed meanwhile, and its stub when a
    /// piece is missing.
    pub(super) fn whole(&self, tree: &sled::Tree, key: &[u8], mut found: IVec) -> Result<Option<IVec>, ReadError> {
        let Some(mut stub) = Stub::of(&found) else { return Ok(Some(found)) };
        let pieces = self.tree(TREE)?;
        for _ in 0..TRIES {
            if let Some(whole) = Self::joined(&pieces, stub)? {
                return Ok(Some(whole));
            }
            let Some(now) = tree.get(key)? else { return Ok(None) };
            let missing = now == found;
            found = now;
            match Stub::of(&found) {
                None => return Ok(Some(found)),
                Some(_) if missing => break,
                Some(other) => stub = other,
            }
        }
        Ok(Some(found))
    }

    fn joined(pieces: &sled::Tree, stub: Stub) -> Result<Option<IVec>, ReadError> {
        let mut whole = Vec::new();
        for key in stub.keys() {
            let Some(piece) = pieces.get(key)? else { return Ok(None) };
            whole.extend_from_slice(&piece);
        }
        Ok(Some(whole.into()))
    }
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
