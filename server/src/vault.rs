//! Seals secrets for the store: XChaCha20-Poly1305, a random nonce each time, and associated data that binds a
//! ciphertext to its record and field, so that one that was moved elsewhere does not open.
//!
//! Must not know what it seals, and never prints a key, a plaintext or a ciphertext.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// The file in the data folder that holds the master key when the environment does not.
pub const KEY_FILE: &str = "master.key";
/// The variable that holds the master key, base64 of 32 bytes.
pub const KEY_VARIABLE: &str = "KNOXCALL_MASTER_KEY";

const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 24;
/// Bytes of [`Vault::key_id`].
const KEY_ID_LENGTH: usize = 8;
/// The only format so far: 24 bytes of nonce, then XChaCha20-Poly1305 ciphertext with its tag.
const FORMAT: u8 = 1;

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

/// The place a secret belongs to. A ciphertext opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The kind of record.
    pub tree: &'a str,
    /// The record's id, as text.
    pub record: &'a str,
    /// The field within the record.
    pub field: &'a str,
}

impl Binding<'_> {
    /// Each part with its length before it, so that no two bindings read the same.
    fn associated_data(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.record.len());
        out.extend_from_slice(b"knoxcall.seal");
        out.push(FORMAT);
        for part in [self.tree, self.record, self.field] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// Why there is no vault.
#[derive(Debug, Error)]
pub enum VaultError {
    #[error("{KEY_VARIABLE} must be the base64 of exactly {KEY_LENGTH} bytes, such as `openssl rand -base64 32` prints")]
    KeyVariable,
    #[error("{} must hold the base64 of exactly {KEY_LENGTH} bytes and nothing else; restore it from a backup", path.display())]
    KeyFile { path: PathBuf },
    #[error("{} is open to other users (mode {mode:03o}); run `chmod 600` on it and consider its key known to them", path.display())]
    Permissions { path: PathBuf, mode: u32 },
    #[error("{} could not be read or made: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the system gives no random numbers")]
    Randomness,
}

/// Why a secret could not be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    #[error("the system gives no random numbers")]
    Randomness,
    #[error("the secret is too long to be sealed")]
    TooLong,
}

/// Why a sealed secret does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    #[error("it was sealed in a format that this version does not know")]
    Format,
    #[error("it was sealed with another master key, belongs to another record, or was changed")]
    Unreadable,
}

/// Holds the master key.
#[derive(Clone)]
pub struct Vault {
    cipher: Arc<XChaCha20Poly1305>,
    key_id: [u8; KEY_ID_LENGTH],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault([redacted])")
    }
}

impl Vault {
    #[must_use]
    pub fn from_key(key: [u8; KEY_LENGTH]) -> Self {
        let key = Zeroizing::new(key);
        Self { cipher: Arc::new(XChaCha20Poly1305::new(&Key::from(*key))), key_id: key_id(&key) }
    }

    /// Tells one master key from another where that has to be known before anything is opened; nothing of the key follows from it.
    #[must_use]
    pub fn key_id(&self) -> String {
        hex::encode(self.key_id)
    }

    /// Takes the key from the environment's text if there is one, else from `<data_dir>/master.key`, which it makes
    /// (mode 0600) when it is not there.
    ///
    /// # Errors
    /// The key has the wrong length or form, its file is open to other users, or can't be read or made.
    pub fn open(data_dir: &Path, from_environment: Option<&str>) -> Result<Self, VaultError> {
        if let Some(text) = from_environment {
            return Ok(Self::from_key(*decode_key(text).ok_or(VaultError::KeyVariable)?));
        }
        let path = data_dir.join(KEY_FILE);
        let key = match read_key(&path)? {
            Some(key) => key,
            None => {
                make_key(data_dir, &path)?;
                read_key(&path)?.ok_or_else(|| VaultError::KeyFile { path: path.clone() })?
            }
        };
        Ok(Self::from_key(*key))
    }

    /// # Errors
    /// No random numbers, or a plaintext beyond 256 GiB.
    pub fn seal(&self, binding: &Binding<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        Ok(Sealed { v: FORMAT, data: STANDARD.encode(self.seal_bytes(binding, plain)?) })
    }

    /// As [`Vault::seal`], for what is stored as bytes: the nonce, then the ciphertext with its tag.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn seal_bytes(&self, binding: &Binding<'_>, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LENGTH];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Randomness)?;
        let aad = binding.associated_data();
        let ciphertext = self.cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad }).map_err(|_| SealError::TooLong)?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&ciphertext);
        Ok(bytes)
    }

    /// # Errors
    /// [`OpenError::Unreadable`] for another key, another place or changed bytes, which can't be told apart.
    pub fn open_sealed(&self, binding: &Binding<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if sealed.v != FORMAT {
            return Err(OpenError::Format);
        }
        let bytes = STANDARD.decode(&sealed.data).map_err(|_| OpenError::Format)?;
        self.open_bytes(binding, &bytes)
    }

    /// Opens what [`Vault::seal_bytes`] made.
    ///
    /// # Errors
    /// As [`Vault::open_sealed`].
    pub fn open_bytes(&self, binding: &Binding<'_>, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LENGTH>().ok_or(OpenError::Format)?;
        let aad = binding.associated_data();
        self.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Unreadable)
    }
}

/// A keyed hash of a fixed text, cut.
fn key_id(key: &[u8; KEY_LENGTH]) -> [u8; KEY_ID_LENGTH] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) else { return [0; KEY_ID_LENGTH] };
    mac.update(b"knoxcall.key-id");
    mac.finalize().into_bytes().first_chunk().copied().unwrap_or_default()
}

fn decode_key(text: &str) -> Option<Zeroizing<[u8; KEY_LENGTH]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let key: [u8; KEY_LENGTH] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(key))
}

/// `None` when there is no file.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; KEY_LENGTH]>>, VaultError> {
    let io = |source| VaultError::Io { path: path.to_owned(), source };
    let mut file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    // A group may read it (orchestrators mount secrets like that); nobody else may, and nobody but the owner may write.
    if mode & 0o037 != 0 {
        return Err(VaultError::Permissions { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    Read::by_ref(&mut file).take(1024).read_to_string(&mut text).map_err(io)?;
    decode_key(&text).map(Some).ok_or_else(|| VaultError::KeyFile { path: path.to_owned() })
}

/// Writes a new key beside its place and links it there, so that the file is either complete or not there, and one that
/// somebody else made meanwhile is never overwritten.
fn make_key(data_dir: &Path, path: &Path) -> Result<(), VaultError> {
    let io = |source| VaultError::Io { path: path.to_owned(), source };
    std::fs::create_dir_all(data_dir).map_err(io)?;
    let mut key = Zeroizing::new([0_u8; KEY_LENGTH]);
    getrandom::fill(key.as_mut()).map_err(|_| VaultError::Randomness)?;
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_ref())));
    let draft = data_dir.join(format!(".{KEY_FILE}.{}", uuid::Uuid::new_v4()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Some file systems have no hard links.
            Err(_) if !path.exists() => std::fs::rename(&draft, path),
            other => other,
        }?;
        std::fs::File::open(data_dir)?.sync_all()
    })();
    // Gone already after a rename.
    drop(std::fs::remove_file(&draft));
    written.map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Binding<'_> = Binding { tree: "exports", record: "operator", field: "headers" };

    #[test]
    fn opens_what_it_sealed_and_only_there() {
        let vault = Vault::from_key([7; 32]);
        let sealed = vault.seal(&PLACE, b"authorization=hunter2").unwrap();
        assert_eq!(vault.open_sealed(&PLACE, &sealed).unwrap().as_slice(), b"authorization=hunter2");
        for elsewhere in [
            Binding { tree: "routes", ..PLACE },
            Binding { record: "other", ..PLACE },
            Binding { field: "credential", ..PLACE },
            // The same letters, cut differently.
            Binding { tree: "export", record: "soperator", field: "headers" },
        ] {
            assert_eq!(vault.open_sealed(&elsewhere, &sealed).unwrap_err(), OpenError::Unreadable, "{elsewhere:?}");
        }
    }

    #[test]
    fn refuses_another_key_changed_bytes_and_other_formats() {
        let vault = Vault::from_key([7; 32]);
        let sealed = vault.seal(&PLACE, b"x").unwrap();
        assert_eq!(Vault::from_key([8; 32]).open_sealed(&PLACE, &sealed).unwrap_err(), OpenError::Unreadable);
        let mut bytes = STANDARD.decode(&sealed.data).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = Sealed { v: 1, data: STANDARD.encode(&bytes) };
            assert_eq!(vault.open_sealed(&PLACE, &changed).unwrap_err(), OpenError::Unreadable, "byte {at}");
            bytes[at] ^= 1;
        }
        for (v, data) in [(2, sealed.data.as_str()), (1, "not base64!"), (1, "AAAA"), (1, "")] {
            assert_eq!(vault.open_sealed(&PLACE, &Sealed { v, data: data.to_owned() }).unwrap_err(), OpenError::Format);
        }
    }

    #[test]
    fn a_key_has_one_id_that_says_nothing_of_it() {
        let [one, again, other] = [7, 7, 8].map(|byte| Vault::from_key([byte; 32]).key_id());
        assert!(one == again && one != other);
        assert!(one.len() == 16 && !one.contains("0707"), "{one}");
    }

    #[test]
    fn every_nonce_is_new() {
        let vault = Vault::from_key([7; 32]);
        let first = vault.seal(&PLACE, b"x").unwrap();
        assert_ne!(first.data, vault.seal(&PLACE, b"x").unwrap().data);
    }

    #[test]
    fn makes_the_key_file_once_and_reads_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Vault::open(dir.path(), None).unwrap();
        let mode = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
        let sealed = first.seal(&PLACE, b"x").unwrap();
        let again = Vault::open(dir.path(), None).unwrap();
        assert_eq!(again.open_sealed(&PLACE, &sealed).unwrap().as_slice(), b"x");
    }

    #[test]
    fn refuses_bad_keys() {
        let dir = tempfile::tempdir().unwrap();
        for bad in ["", "AAAA", "not base64", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            assert!(matches!(Vault::open(dir.path(), Some(bad)), Err(VaultError::KeyVariable)), "{bad}");
        }
        assert!(Vault::open(dir.path(), Some(&STANDARD.encode([1; 32]))).is_ok());
        let path = dir.path().join(KEY_FILE);
        assert!(!path.exists(), "a key from the environment makes no file");

        std::fs::write(&path, STANDARD.encode([1; 31])).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(Vault::open(dir.path(), None), Err(VaultError::KeyFile { .. })));

        std::fs::write(&path, STANDARD.encode([1; 32])).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Vault::open(dir.path(), None).unwrap_err();
        assert!(matches!(error, VaultError::Permissions { mode: 0o644, .. }));
        assert!(error.to_string().contains("chmod 600"));
        assert!(!error.to_string().contains("AQEB"));
    }

    #[test]
    fn prints_nothing() {
        let vault = Vault::from_key([7; 32]);
        let sealed = vault.seal(&PLACE, b"hunter2").unwrap();
        assert_eq!(format!("{vault:?} {sealed:?}"), "Vault([redacted]) Sealed([redacted])");
    }
}
