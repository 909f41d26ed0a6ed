//! Identifiers and names: slugs, e-mail addresses, display names, passwords, roles, and a workspace's id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::contract::Rule;

/// A workspace's id; `knoxcall.tenant_id` in telemetry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub Uuid);

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

/// The stable handle that callers and URLs use: 1 to 63 of `a-z`, `0-9` and `-`, starting and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// # Errors
    /// [`Rule::Required`] or [`Rule::Slug`].
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::Required);
        }
        let edge_ok = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = text.as_bytes();
        let inner_ok = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if bytes.len() > 63 || !inner_ok || !edge_ok(bytes.first()) || !edge_ok(bytes.last()) {
            return Err(Rule::Slug);
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What people call a thing: 1 to 80 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DisplayName(String);

impl DisplayName {
    /// # Errors
    /// [`Rule::Required`], [`Rule::TooLong`] or [`Rule::ControlCharacter`].
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::Required);
        }
        if text.chars().count() > 80 {
            return Err(Rule::TooLong { max: 80 });
        }
        if text.chars().any(char::is_control) {
            return Err(Rule::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address, lower-cased: it names an account and is compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// # Errors
    /// [`Rule::Required`] or [`Rule::Email`].
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::Required);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(Rule::Email)?;
        let ok = !local.is_empty()
            && local.len() <= 64
            && text.len() <= 254
            && !domain.is_empty()
            && domain.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            && local.bytes().all(|b| b.is_ascii_graphic() && !b"\"(),:;<>@[\\]".contains(&b));
        if ok { Ok(Self(text.to_ascii_lowercase())) } else { Err(Rule::Email) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new password: 12 to 256 characters, anything allowed (ASVS 5.0 6.2.1, 6.2.9). Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub const MIN: usize = 12;
    pub const MAX: usize = 256;

    /// # Errors
    /// [`Rule::Required`], [`Rule::TooShort`] or [`Rule::TooLong`].
    pub fn parse(text: &str) -> Result<Self, Rule> {
        if text.is_empty() {
            return Err(Rule::Required);
        }
        match text.chars().count() {
            n if n < Self::MIN => Err(Rule::TooShort { min: Self::MIN }),
            n if n > Self::MAX => Err(Rule::TooLong { max: Self::MAX }),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The password itself, for hashing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// What a member may do in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Admin,
    Viewer,
}

impl Role {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

impl FromStr for Role {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        match text.trim() {
            "admin" => Ok(Self::Admin),
            "viewer" => Ok(Self::Viewer),
            _ => Err(Rule::Role),
        }
    }
}

macro_rules! text_conversions {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = Rule;
            fn try_from(text: String) -> Result<Self, Rule> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text_conversions!(Slug, DisplayName, Email);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for ok in ["a", "acme", "acme-2", "0", &"a".repeat(63)] {
            assert!(Slug::parse(ok).is_ok(), "{ok}");
        }
        for bad in ["-a", "a-", "A", "a_b", "a b", "ä", &"a".repeat(64)] {
            assert_eq!(Slug::parse(bad), Err(Rule::Slug), "{bad}");
        }
        assert_eq!(Slug::parse("  "), Err(Rule::Required));
    }

    #[test]
    fn emails() {
        assert_eq!(Email::parse(" Ana@Example.COM ").map(String::from), Ok("ana@example.com".to_owned()));
        for bad in ["ana", "@x", "a@", "a b@x", "a@x..y", "<a>@x", "a@b@"] {
            assert_eq!(Email::parse(bad), Err(Rule::Email), "{bad}");
        }
    }

    #[test]
    fn passwords_count_characters_and_hide() {
        assert_eq!(Password::parse("short"), Err(Rule::TooShort { min: 12 }));
        assert!(Password::parse("пароль-пароль").is_ok());
        assert!(!format!("{:?}", Password::parse("correct horse battery")).contains("horse"));
    }
}
