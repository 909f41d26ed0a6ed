//! A request's body before it is compressed. Pure.

use bytes::Bytes;

/// In one piece, or in the three it was made of: those are compressed one after the other, so that a batch of some hundred kilobytes is
/// copied only where it is sent as it is.
#[derive(Debug)]
pub enum Body<'a> {
    Whole(Bytes),
    /// Records with what goes before and after them.
    Framed {
        head: Vec<u8>,
        records: &'a [u8],
        tail: &'a [u8],
    },
}

impl Body<'_> {
    /// All of it, in its order.
    #[must_use]
    pub fn parts(&self) -> [&[u8]; 3] {
        match self {
            Self::Whole(bytes) => [bytes, &[], &[]],
            Self::Framed { head, records, tail } => [head, records, tail],
        }
    }

    /// In bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// In one piece.
    #[must_use]
    pub fn whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            framed @ Self::Framed { .. } => Bytes::from(framed.parts().concat()),
        }
    }
}

impl From<Bytes> for Body<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl From<Vec<u8>> for Body<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Whole(bytes.into())
    }
}
