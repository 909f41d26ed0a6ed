//! A host as it is written: an address, something a resolver might take for one, or a name.
//!
//! `getaddrinfo` reads `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.1` as addresses (`inet_aton`), which Rust's parser
//! does not. What ends in a number is never the name of a host (URL standard, "ends in a number checker").

use std::net::{IpAddr, Ipv4Addr};

/// How a host is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    Address(IpAddr),
    /// Not an address in full, but no name either; which address it stands for, where that can be told.
    Shorthand(Option<Ipv4Addr>),
    Name(&'a str),
}

impl<'a> Host<'a> {
    /// Reads it with or without the brackets of a URL.
    #[must_use]
    pub fn read(host: &'a str) -> Self {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if let Ok(ip) = bare.parse() {
            return Self::Address(ip);
        }
        // What is left of colons and percent signs is an IPv6 address with a zone, or nonsense.
        if bare.is_empty() || bare.contains([':', '%', '[', ']']) {
            return Self::Shorthand(None);
        }
        let rooted = bare.strip_suffix('.').unwrap_or(bare);
        let last = rooted.rsplit('.').next().unwrap_or(rooted);
        let numeric = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
        if numeric || hexadecimal(last).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            return Self::Shorthand(abbreviated(rooted));
        }
        Self::Name(bare)
    }
}

fn hexadecimal(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// As `inet_aton` reads it: one to four numbers, decimal, octal or hexadecimal, the last of which fills what is left.
fn abbreviated(text: &str) -> Option<Ipv4Addr> {
    let parts = text.split('.').map(number).collect::<Option<Vec<u32>>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|part| *part > 255) {
        return None;
    }
    let bits = 32 - 8 * u32::try_from(leading.len()).ok()?;
    if bits < 32 && *last >= 1 << bits {
        return None;
    }
    let high = leading.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | part << shift);
    Some(Ipv4Addr::from_bits(high | last))
}

fn number(text: &str) -> Option<u32> {
    match hexadecimal(text) {
        Some("") => Some(0),
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_host() {
        let short = |text: &str| Host::Shorthand(Some(text.parse().unwrap()));
        let full = |text: &str| Host::Address(text.parse().unwrap());
        for (text, expected) in [
            ("127.0.0.1", full("127.0.0.1")),
            ("[::1]", full("::1")),
            ("::1", full("::1")),
            ("[0:0:0:0:0:FFFF:7F00:1]", full("::ffff:127.0.0.1")),
            ("2130706433", short("127.0.0.1")),
            ("0x7f000001", short("127.0.0.1")),
            ("0X7F.1", short("127.0.0.1")),
            ("017700000001", short("127.0.0.1")),
            ("0177.0.0.1", short("127.0.0.1")),
            ("0x7f.0.0.0x1", short("127.0.0.1")),
            ("127.1", short("127.0.0.1")),
            ("127.0.1", short("127.0.0.1")),
            ("127.65535", short("127.0.255.255")),
            ("127.0.0.1.", short("127.0.0.1")),
            ("2852039166", short("169.254.169.254")),
            ("0", short("0.0.0.0")),
            ("0x", short("0.0.0.0")),
            ("4294967295", short("255.255.255.255")),
            ("4294967296", Host::Shorthand(None)),
            ("256.1", Host::Shorthand(None)),
            ("1.256.1.1", Host::Shorthand(None)),
            ("1.2.3.256", Host::Shorthand(None)),
            ("1.2.3.4.5", Host::Shorthand(None)),
            ("1..2", Host::Shorthand(None)),
            ("08.1", Host::Shorthand(None)),
            ("a.1", Host::Shorthand(None)),
            ("+1", Host::Name("+1")),
            ("fe80::1%eth0", Host::Shorthand(None)),
            ("[fe80::1%25eth0]", Host::Shorthand(None)),
            ("1:2", Host::Shorthand(None)),
            ("", Host::Shorthand(None)),
            ("localhost", Host::Name("localhost")),
            ("LOCALHOST.", Host::Name("LOCALHOST.")),
            ("metadata.google.internal", Host::Name("metadata.google.internal")),
            ("127.0.0.1.example.com", Host::Name("127.0.0.1.example.com")),
            ("0x7f.example", Host::Name("0x7f.example")),
            ("1.0xg", Host::Name("1.0xg")),
            ("a1", Host::Name("a1")),
        ] {
            assert_eq!(Host::read(text), expected, "{text:?}");
        }
    }
}
