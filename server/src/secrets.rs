//! What secrets look like, in texts of any kind: patterns for the `regex` crate, for whoever takes them out. Pure; says nothing
//! of what becomes of a match.

use regex::Captures;

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
