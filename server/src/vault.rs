//! Seals secrets for the store: XChaCha20-Poly1305, a random nonce each time, and associated data that binds a
//! ciphertext to its record and field.

use serde::{Deserialize, Serialize};

/// A sealed secret as it is stored. Says nothing about its content.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sealed {
    /// Format of the sealing, for later key rotation.
    pub v: u8,
    /// Base64 of nonce and ciphertext.
    pub data: String,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed([redacted])")
    }
}
