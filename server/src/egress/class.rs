//! What kind of address an address is, by the IANA special-purpose registries (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::values::EgressRule as R;

/// First address, prefix length, rule. The first row that matches counts.
const V4: &[(Ipv4Addr, u8, R)] = &[
    (Ipv4Addr::UNSPECIFIED, 32, R::Unspecified),
    (Ipv4Addr::new(0, 0, 0, 0), 8, R::ThisNetwork),
    (Ipv4Addr::new(10, 0, 0, 0), 8, R::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, R::Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, R::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, R::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, R::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, R::ProtocolAssignment),
    (Ipv4Addr::new(192, 0, 2, 0), 24, R::Documentation),
    // The relays of 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24, R::SixToFour),
    (Ipv4Addr::new(192, 168, 0, 0), 16, R::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, R::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, R::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, R::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, R::Multicast),
    (Ipv4Addr::BROADCAST, 32, R::Broadcast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, R::Reserved),
];

/// As [`V4`]; the last rows are everything outside 2000::/3.
const V6: &[(Ipv6Addr, u8, R)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, R::Unspecified),
    (Ipv6Addr::LOCALHOST, 128, R::Loopback),
    (MAPPED, 96, R::Ipv4Mapped),
    (Ipv6Addr::UNSPECIFIED, 96, R::Ipv4Compatible),
    (NAT64, 96, R::Nat64),
    (NAT64_LOCAL, 48, R::Nat64),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, R::Discard),
    (TEREDO, 32, R::Teredo),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, R::Benchmarking),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, R::ProtocolAssignment),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, R::Documentation),
    (SIX_TO_FOUR, 16, R::SixToFour),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, R::Documentation),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, R::UniqueLocal),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, R::LinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, R::SiteLocal),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, R::Multicast),
    (Ipv6Addr::UNSPECIFIED, 3, R::NotGlobal),
    (Ipv6Addr::new(0x4000, 0, 0, 0, 0, 0, 0, 0), 2, R::NotGlobal),
    (Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0), 1, R::NotGlobal),
];

const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
/// IPv4-translated (RFC 2765), which some stacks still take.
const TRANSLATED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0);
/// RFC 6052.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
/// RFC 8215: each site cuts its own prefix out of it.
const NAT64_LOCAL: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0);
const TEREDO: Ipv6Addr = Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0);
const SIX_TO_FOUR: Ipv6Addr = Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0);

/// Where clouds hand out the credentials of the machine or container that asks, each as its provider documents it.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(169, 254, 169, 254), // nearly all of them
    Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS
    Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS
    Ipv4Addr::new(169, 254, 169, 250), // Rancher
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent
    Ipv4Addr::new(169, 254, 10, 10),   // Tencent
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's WireServer, which is otherwise a public address
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Classic
];
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),      // AWS EC2
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),       // AWS EKS
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),       // Google
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),        // Scaleway
    Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1),    // Akamai
    Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200),  // Alibaba
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),    // OpenStack
];

/// Why an address is not public; `None` for one that is.
pub(super) fn special(address: IpAddr) -> Option<R> {
    match address {
        IpAddr::V4(v4) => V4.iter().find(|(first, length, _)| covers_v4(*first, *length, v4)).map(|(.., rule)| *rule),
        IpAddr::V6(v6) => V6.iter().find(|(first, length, _)| covers_v6(*first, *length, v6)).map(|(.., rule)| *rule),
    }
}

/// Whether these networks together hold every public address of IPv4, or every one of IPv6, however they are written.
#[must_use]
pub fn hold_all_public(networks: &[IpNet]) -> bool {
    let v4 = V4.iter().map(|(first, length, _)| (IpAddr::V4(*first), *length));
    let v6 = V6.iter().map(|(first, length, _)| (IpAddr::V6(*first), *length));
    let special = v4.chain(v6).filter_map(|(first, length)| IpNet::new(first, length).ok());
    let all: Vec<IpNet> = networks.iter().copied().chain(special).collect();
    // With all that is not public they are the whole then: neighbours become one.
    IpNet::aggregate(&all).iter().any(|network| network.prefix_len() == 0)
}

pub(super) fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => METADATA_V6.contains(&v6),
    }
}

/// The IPv4 addresses that a network may deliver to when it is sent to this one; those of [`local_nat64`] aside.
pub(super) fn carried(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return Vec::new() };
    let o = v6.octets();
    let last = Ipv4Addr::new(o[12], o[13], o[14], o[15]);
    if [MAPPED, TRANSLATED, NAT64].iter().any(|prefix| covers_v6(*prefix, 96, v6)) {
        return vec![last];
    }
    if covers_v6(Ipv6Addr::UNSPECIFIED, 96, v6) {
        return if v6.is_unspecified() || v6.is_loopback() { Vec::new() } else { vec![last] };
    }
    if covers_v6(SIX_TO_FOUR, 16, v6) {
        return vec![Ipv4Addr::new(o[2], o[3], o[4], o[5])];
    }
    if covers_v6(TEREDO, 32, v6) {
        // RFC 4380 §4: the server, and the client with its bits inverted.
        return vec![Ipv4Addr::new(o[4], o[5], o[6], o[7]), Ipv4Addr::new(!o[12], !o[13], !o[14], !o[15])];
    }
    Vec::new()
}

/// What an address in 64:ff9b:1::/48 may carry: each length that a site's prefix can have, and the IPv4 address that it makes of this
/// one (RFC 6052 §2.2; octet 8 is left out). Which length is the right one only the site knows. `None` for any other address.
pub(super) fn local_nat64(address: IpAddr) -> Option<[(u8, Ipv4Addr); 4]> {
    let IpAddr::V6(v6) = address else { return None };
    let o = v6.octets();
    let readings = [
        (48, [o[6], o[7], o[9], o[10]]),
        (56, [o[7], o[9], o[10], o[11]]),
        (64, [o[9], o[10], o[11], o[12]]),
        (96, [o[12], o[13], o[14], o[15]]),
    ];
    covers_v6(NAT64_LOCAL, 48, v6).then(|| readings.map(|(length, octets)| (length, Ipv4Addr::from(octets))))
}

fn covers_v4(first: Ipv4Addr, length: u8, address: Ipv4Addr) -> bool {
    (first.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(length)
}

fn covers_v6(first: Ipv6Addr, length: u8, address: Ipv6Addr) -> bool {
    (first.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    /// First and last address of every network, and what lies beside it.
    #[test]
    fn every_class_from_its_first_to_its_last_address() {
        for (rule, inside) in [
            (R::Unspecified, &["0.0.0.0", "::"][..]),
            (R::ThisNetwork, &["0.0.0.1", "0.255.255.255"]),
            (R::Private, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"]),
            (R::Shared, &["100.64.0.0", "100.127.255.255"]),
            (R::Loopback, &["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]),
            (R::LinkLocal, &["169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1"]),
            (R::ProtocolAssignment, &["192.0.0.0", "192.0.0.255", "2001:1::1", "2001:1ff:ffff::1", "2001:20::1"]),
            (
                R::Documentation,
                &["192.0.2.0", "192.0.2.255", "198.51.100.7", "203.0.113.255", "2001:db8::", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1"],
            ),
            (R::SixToFour, &["192.88.99.1", "2002::", "2002:ffff::1"]),
            (R::Benchmarking, &["198.18.0.0", "198.19.255.255", "2001:2::1", "2001:2:0:ffff::1"]),
            (R::Multicast, &["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1", "ffff::1"]),
            (R::Reserved, &["240.0.0.0", "255.255.255.254"]),
            (R::Broadcast, &["255.255.255.255"]),
            (R::Ipv4Mapped, &["::ffff:8.8.8.8", "::ffff:127.0.0.1"]),
            (R::Ipv4Compatible, &["::2", "::8.8.8.8"]),
            (R::Nat64, &["64:ff9b::8.8.8.8", "64:ff9b:1::1", "64:ff9b:1:ffff::1"]),
            (R::Discard, &["100::", "100::ffff:ffff:ffff:ffff"]),
            (R::Teredo, &["2001::", "2001:0:ffff::1"]),
            (R::UniqueLocal, &["fc00::", "fdff:ffff::1"]),
            (R::SiteLocal, &["fec0::", "feff:ffff::1"]),
            (R::NotGlobal, &["64:ff9a::1", "100:0:0:1::", "1fff:ffff::1", "4000::", "5f00::1", "fbff::1", "fe00::1", "::ffff:0:8.8.8.8"]),
        ] {
            for text in inside {
                assert_eq!(special(ip(text)), Some(rule), "{text}");
            }
        }
    }

    #[test]
    fn what_lies_beside_a_class_is_public() {
        for text in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.16",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ] {
            assert_eq!(special(ip(text)), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_public_may_be_missing_where_all_that_is_public_is_there() {
        let hold = |texts: &[&str]| hold_all_public(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpNet>>());
        // Without 0.0.0.0/8, 10.0.0.0/8, 127.0.0.0/8, multicast and what is reserved.
        let v4 = ["1.0.0.0/8", "2.0.0.0/7", "4.0.0.0/6", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/3"];
        let v4 =
            [&v4[..], &["96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8", "128.0.0.0/2", "192.0.0.0/3"]].concat();
        // Without Teredo, 6to4 and what else is special in 2001::/16.
        let v6 =
            ["2001:200::/23", "2001:400::/22", "2001:800::/21", "2001:1000::/20", "2001:2000::/19", "2001:4000::/18", "2001:8000::/17"];
        let v6 =
            [&v6[..], &["2000::/16", "2003::/16", "2004::/14", "2008::/13", "2010::/12", "2020::/11", "2040::/10", "2080::/9"]].concat();
        let v6 = [&v6[..], &["2100::/8", "2200::/7", "2400::/6", "2800::/5", "3000::/4"]].concat();
        for all in [v4, v6] {
            assert!(hold(&all), "{all:?}");
            for (at, missing) in all.iter().enumerate() {
                assert!(!hold(&[&all[..at], &all[at + 1..]].concat()), "without {missing}");
            }
        }
        assert!(!hold(&[]) && !hold(&["::/3", "4000::/2", "8000::/1"]));
    }

    #[test]
    fn what_an_address_carries() {
        for (text, expected) in [
            ("8.8.8.8", &[][..]),
            ("::", &[]),
            ("::1", &[]),
            ("2606:4700::7f00:1", &[]),
            ("::ffff:127.0.0.1", &["127.0.0.1"]),
            ("::ffff:0:10.0.0.1", &["10.0.0.1"]),
            ("::10.1.2.3", &["10.1.2.3"]),
            ("64:ff9b::169.254.169.254", &["169.254.169.254"]),
            ("2002:7f00:1::1", &["127.0.0.1"]),
            ("2001:0:a00:1::f5ff:fffd", &["10.0.0.1", "10.0.0.2"]),
        ] {
            assert_eq!(carried(ip(text)).iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_sites_own_nat64_may_make_of_an_address() {
        let read = |text| local_nat64(ip(text)).map(|all| all.map(|(length, v4)| format!("{length} {v4}")));
        let expected = ["48 1.2.4.5", "56 2.4.5.6", "64 4.5.6.7", "96 7.8.9.10"];
        assert_eq!(read("64:ff9b:1:102:304:506:708:90a"), Some(expected.map(str::to_owned)));
        for text in ["64:ff9b::8.8.8.8", "64:ff9b:2::1", "64:ff9b:0:ffff::1", "::ffff:10.0.0.1", "10.0.0.1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
