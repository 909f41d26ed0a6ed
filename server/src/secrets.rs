//! What secrets look like: in texts of any kind, as patterns of the `regex` crate for whoever takes them out, and KnoxCall's
//! own, for whoever makes or takes one. Pure; says nothing of what becomes of a match.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Captures;
use zeroize::Zeroizing;

/// What an API key begins with.
pub const API_KEY_PREFIX: &str = "tk_";
/// What a signing secret begins with, as Standard Webhooks writes it.
pub const SIGNING_SECRET_PREFIX: &str = "whsec_";

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A private key or a certificate, also one whose end is missing.
pub const PEM: &str = r"(?s)-----BEGIN [A-Z0-9 ]{1,64}-----.*?(?:-----END [A-Z0-9 ]{1,64}-----|\z)";
/// User name and password in a URL; the scheme is group 1.
pub const USER_INFO: &str = r#"(?i)([a-z][a-z0-9+.-]{0,30}://)[^\s/?#"'<>]*@"#;
/// An authentication scheme, what is between, and what may be its credential; see [`has_credential`].
pub const SCHEME: &str = r"(?i)\b(bearer|basic|digest|negotiate|token)(\s+)([A-Za-z0-9._~+/=:-]{6,})";
pub const JWT: &str = r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?";
/// Tokens that their makers begin with a known word, and what is before: group 1.
pub const TOKEN: &str =
    r"(^|[^A-Za-z0-9])(?:tk|sk|pk|rk|whsec|gh[pousr]|github_pat|glpat|xox[abeoprs]|hf|npm|pypi|shp(?:at|ca|pa|ss)|dop_v1)[_-][\w+/=-]{6,}";
/// Key ids of AWS, and what is before: group 1.
pub const AWS: &str = r"(^|[^A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{12,}";

/// `basic information` is not a credential, `basic dXNlcjpwYXNz` is: of a match of [`SCHEME`].
#[must_use]
pub fn has_credential(found: &Captures<'_>) -> bool {
    let word = &found[3];
    let plain = word.len() < 20 && word.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'-' | b':'));
    !plain || found[1].eq_ignore_ascii_case("bearer")
}

/// Whether a key that somebody brings along is long enough to be kept as a plain hash.
#[must_use]
pub fn is_api_key(key: &str) -> bool {
    key.strip_prefix(API_KEY_PREFIX).is_some_and(|rest| (16..=256).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_graphic()))
}

/// Whether a secret that somebody brings along can sign: the base64 of 24 to 64 bytes, behind its prefix.
#[must_use]
pub fn is_signing_secret(secret: &str) -> bool {
    let key = secret.strip_prefix(SIGNING_SECRET_PREFIX).and_then(|key| STANDARD.decode(key).ok()).map(Zeroizing::new);
    key.is_some_and(|key| (24..=64).contains(&key.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brought_keys_have_a_least_length() {
        assert!(is_api_key("tk_0123456789abcdef"));
        for bad in ["tk_0123456789abcde", "0123456789abcdefghi", "tk_0123456789 abcdef", ""] {
            assert!(!is_api_key(bad), "{bad}");
        }
    }

    #[test]
    fn signing_secrets_are_as_the_standard_writes_them() {
        assert!(is_signing_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        for bad in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all, but long enough"] {
            assert!(!is_signing_secret(bad), "{bad}");
        }
        assert!(!is_signing_secret(&format!("{SIGNING_SECRET_PREFIX}{}", STANDARD.encode([0; 65]))));
    }
}
