//! Who is at the other end: which peers are proxies that speak for others (`--trusted-proxies`), and for whom they speak. Pure: it
//! reads addresses and headers, and must not resolve or connect.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The networks of the proxies that are believed. Cheap to clone; the default believes nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Arc<[IpNet]>);

/// Whom a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub address: IpAddr,
    /// How that one sent it: `http` or `https`.
    pub scheme: &'static str,
    /// The believed proxies on its way, the peer first.
    pub through: Vec<IpAddr>,
}

impl Proxies {
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// An IPv4 address is to be one, not one inside IPv6.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The peer, unless it is believed: then whom it names in `X-Forwarded-For`, and so on as long as that is a proxy too. What is
    /// no address ends it, and what stands before the sender is anybody's word.
    #[must_use]
    pub fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> Sender {
        let mut sender = Sender { address: peer, scheme: "http", through: Vec::new() };
        if !self.trusts(peer) {
            return sender;
        }
        sender.scheme = scheme(headers);
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for entry in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
            let Some(address) = address_of(entry) else { break };
            sender.through.push(sender.address);
            sender.address = address;
            if !self.trusts(address) {
                break;
            }
        }
        sender
    }
}

impl Sender {
    /// As the next server is told it: the sender, and the proxies on its way.
    #[must_use]
    pub fn forwarded_for(&self) -> String {
        let way = std::iter::once(&self.address).chain(self.through.iter().rev());
        way.map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// What counts as one where addresses are counted: of IPv6 a network of so many bits, for a customer has many addresses. A phone
/// commonly has a /64, a house up to a /56.
#[must_use]
pub fn network_of(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::MAX.checked_shr(bits).unwrap_or(0)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What the peer itself says, which is last where several have.
fn scheme(headers: &HeaderMap) -> &'static str {
    let line = headers.get_all(X_FORWARDED_PROTO).iter().next_back().and_then(|line| line.to_str().ok());
    let last = line.and_then(|line| line.rsplit(',').next());
    if last.is_some_and(|last| last.trim().eq_ignore_ascii_case("https")) { "https" } else { "http" }
}

/// Some write a port behind it, or brackets around it.
fn address_of(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = || entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    bare().or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    fn sent(proxies: &str, peer: &str, name: &HeaderName, lines: &[&str]) -> Sender {
        let proxies = Proxies::new(proxies.split_whitespace().map(|network| network.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies.sender(ip(peer), &headers)
    }

    #[test]
    fn who_sent_it() {
        let trusted = "10.0.0.0/8 fd00::/8";
        for (peer, lines, address, forwarded_for) in [
            // Whoever is not believed is the sender, whatever it says.
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1", "192.0.2.1"),
            ("11.0.0.1", &["10.0.0.7", "203.0.113.9"], "11.0.0.1", "11.0.0.1"),
            // A proxy that says nothing speaks for itself.
            ("10.0.0.1", &[], "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9", "203.0.113.9, 10.0.0.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1", "2001:db8::1, 10.0.0.1"),
            ("fd00::1", &["203.0.113.9"], "203.0.113.9", "203.0.113.9, fd00::1"),
            // Of several the last one that is no proxy; what stands before it is dropped.
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9"], "203.0.113.9", "203.0.113.9, 10.0.0.1"),
            ("10.0.0.1", &["10.0.0.6, 203.0.113.9"], "203.0.113.9", "203.0.113.9, 10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6,203.0.113.9 , 10.0.0.2"], "203.0.113.9", "203.0.113.9, 10.0.0.2, 10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9", "10.0.0.3, 10.0.0.2"], "203.0.113.9", "203.0.113.9, 10.0.0.3, 10.0.0.2, 10.0.0.1"),
            // Where all are proxies the first one sent it.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"),
            // What is no address ends it.
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, \u{e4}, 10.0.0.2"], "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9", "_hidden, 10.0.0.2"], "10.0.0.2", "10.0.0.2, 10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0, 10.0.0.2"], "10.0.0.2", "10.0.0.2, 10.0.0.1"),
            // Other ways to write the same.
            ("10.0.0.1", &["203.0.113.9:4711, 10.0.0.2:80"], "203.0.113.9", "203.0.113.9, 10.0.0.2, 10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711, [fd00::2]"], "2001:db8::1", "2001:db8::1, fd00::2, 10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9", "203.0.113.9, 10.0.0.2, 10.0.0.1"),
        ] {
            let sender = sent(trusted, peer, &X_FORWARDED_FOR, lines);
            assert_eq!((sender.address, sender.forwarded_for().as_str()), (ip(address), forwarded_for), "{peer} {lines:?}");
        }
        assert_eq!(sent("", "10.0.0.1", &X_FORWARDED_FOR, &["203.0.113.9"]).address, ip("10.0.0.1"), "nobody is believed by default");
    }

    #[test]
    fn how_it_was_sent() {
        for (peer, lines, scheme) in [
            ("10.0.0.1", &["https"][..], "https"),
            ("10.0.0.1", &["HTTPS "], "https"),
            ("10.0.0.1", &["http"], "http"),
            ("10.0.0.1", &[], "http"),
            ("10.0.0.1", &["wss"], "http"),
            ("10.0.0.1", &["\u{e4}"], "http"),
            // The first is what the client says.
            ("10.0.0.1", &["https, http"], "http"),
            ("10.0.0.1", &["https", "http"], "http"),
            ("10.0.0.1", &["http", "https"], "https"),
            ("192.0.2.1", &["https"], "http"),
        ] {
            assert_eq!(sent("10.0.0.0/8", peer, &X_FORWARDED_PROTO, lines).scheme, scheme, "{peer} {lines:?}");
        }
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let a = network_of(ip("2001:db8::1"), 64);
        assert_eq!(a, network_of(ip("2001:db8::ffff:1"), 64));
        assert_ne!(a, network_of(ip("2001:db8:0:1::1"), 64));
        assert_eq!(a, network_of(ip("2001:db8:0:ff::1"), 56));
        assert_ne!(a, network_of(ip("2001:db8:0:100::1"), 56));
        assert_eq!(network_of(ip("2001:db8::1"), 128), ip("2001:db8::1"));
        assert_eq!(network_of(ip("::ffff:192.0.2.1"), 56), ip("192.0.2.1"));
    }
}
