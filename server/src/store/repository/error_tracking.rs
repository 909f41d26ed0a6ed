//! Where errors are reported: one record for the whole process.

use crate::store::{ErrorTracking, Record};

impl Record for ErrorTracking {
    const TREE: &'static str = "error_tracking";
    const VERSION: u16 = 1;

    fn key(&self) -> Vec<u8> {
        Self::KEY.to_vec()
    }
}

impl ErrorTracking {
    pub(in crate::store) const KEY: [u8; 8] = *b"operator";
}
