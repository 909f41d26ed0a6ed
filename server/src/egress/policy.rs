//! Who may reach what.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;

use super::class::{carried, is_metadata, local_nat64, special};
use super::host::Host;
use crate::values::EgressRule;

/// On whose behalf something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Somewhere that a workspace chose.
    Tenant,
    /// Somewhere that the operator chose.
    Operator,
}

/// The networks that the operator opened (`--allow-egress`). Fixed for the life of the process, so that a connection
/// that was allowed stays allowed. The default opens none.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allowed: Arc<[IpNet]>,
}

impl Policy {
    #[must_use]
    pub fn new(allowed: impl IntoIterator<Item = IpNet>) -> Self {
        Self { allowed: allowed.into_iter().collect() }
    }

    /// Judges an address that a connection would be made to.
    ///
    /// A workspace reaches public addresses and allowed networks; the operator reaches anything. A cloud's metadata service
    /// is reached by nobody, unless a network of exactly that address is allowed. An address that carries an IPv4 address
    /// (mapped, NAT64, 6to4 and the like) needs both to be allowed; one in the prefix of sites' own NAT64, an allowed network that says
    /// where the IPv4 address stands.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn address(&self, scope: Scope, address: IpAddr) -> Result<(), EgressRule> {
        if is_metadata(address) {
            return if self.names_exactly(address) { Ok(()) } else { Err(EgressRule::CloudMetadata) };
        }
        for inner in carried(address) {
            self.address(scope, inner.into())?;
        }
        if let Some(readings) = local_nat64(address) {
            return self.through_nat64(scope, address, readings);
        }
        match special(address) {
            Some(rule) if scope == Scope::Tenant && !self.allows(address) => Err(rule),
            _ => Ok(()),
        }
    }

    /// Of a site's own NAT64 only the site knows where the IPv4 address stands, so whoever chooses the address could have another one
    /// judged than the one that is reached. A workspace gets through where a network of one of the possible lengths is allowed: that
    /// length says it; or where exactly this address is. Metadata is looked for in every place.
    fn through_nat64(&self, scope: Scope, address: IpAddr, readings: [(u8, Ipv4Addr); 4]) -> Result<(), EgressRule> {
        let mut known = scope == Scope::Operator || self.names_exactly(address);
        for (length, inner) in readings {
            let named = self.allowed.iter().any(|network| network.prefix_len() == length && network.contains(&address));
            if named || is_metadata(inner.into()) {
                self.address(scope, inner.into())?;
            }
            known |= named;
        }
        if known { Ok(()) } else { Err(EgressRule::Nat64) }
    }

    /// Judges a host as it is written. A name passes: it is judged by the addresses it has when a connection is made. A
    /// workspace may not abbreviate addresses, so that no resolver gets to read them in its own way.
    ///
    /// # Errors
    /// The rule that forbids it whatever it may resolve to.
    pub fn host(&self, scope: Scope, host: &str) -> Result<(), EgressRule> {
        match Host::read(host) {
            Host::Name(_) => Ok(()),
            Host::Address(address) => self.address(scope, address),
            Host::Shorthand(address) => {
                address.map_or(Ok(()), |address| self.address(scope, address.into()))?;
                if scope == Scope::Tenant { Err(EgressRule::HostForm) } else { Ok(()) }
            }
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }

    fn names_exactly(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.prefix_len() == network.max_prefix_len() && network.addr() == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(networks: &str) -> Policy {
        Policy::new(networks.split_whitespace().map(|network| network.parse().unwrap()))
    }

    fn judge(networks: &str, scope: Scope, address: &str) -> Option<&'static str> {
        policy(networks).address(scope, address.parse().unwrap()).err().map(EgressRule::name)
    }

    const METADATA: [&str; 18] = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.169.250",
        "169.254.0.23",
        "169.254.10.10",
        "169.254.42.42",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd00:100::100:200",
        "fe80::a9fe:a9fe",
    ];
    const EVERYTHING: &str = "0.0.0.0/0 ::/0";

    #[test]
    fn by_default_a_workspace_reaches_what_is_public_and_nothing_else() {
        for (address, rule) in [
            ("8.8.8.8", None),
            ("2606:4700::1111", None),
            ("127.0.0.1", Some("loopback")),
            ("::1", Some("loopback")),
            ("0.0.0.0", Some("unspecified")),
            ("::", Some("unspecified")),
            ("0.1.2.3", Some("this_network")),
            ("10.0.0.1", Some("private")),
            ("172.31.0.1", Some("private")),
            ("192.168.1.1", Some("private")),
            ("100.64.0.1", Some("shared")),
            ("169.254.1.1", Some("link_local")),
            ("192.0.0.1", Some("protocol_assignment")),
            ("198.18.0.1", Some("benchmarking")),
            ("203.0.113.9", Some("documentation")),
            ("224.0.0.1", Some("multicast")),
            ("240.0.0.1", Some("reserved")),
            ("255.255.255.255", Some("broadcast")),
            ("fe80::1", Some("link_local")),
            ("fc00::1", Some("unique_local")),
            ("fec0::1", Some("site_local")),
            ("100::1", Some("discard")),
            ("2001:db8::1", Some("documentation")),
            ("4000::1", Some("not_global")),
            // The address that is carried says it best; one that is fine itself is still no public address.
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:8.8.8.8", Some("ipv4_mapped")),
            ("::127.0.0.1", Some("loopback")),
            ("::8.8.8.8", Some("ipv4_compatible")),
            ("64:ff9b::10.0.0.1", Some("private")),
            ("64:ff9b::8.8.8.8", Some("nat64")),
            ("64:ff9b:1::8.8.8.8", Some("nat64")),
            ("64:ff9b:1::10.0.0.1", Some("nat64")),
            ("2002:a00:1::1", Some("private")),
            ("2002:808:808::1", Some("6to4")),
            ("2001:0:808:808::f7f7:f7f7", Some("teredo")),
            ("2001:0:808:808::f5ff:fffe", Some("private")),
        ] {
            assert_eq!(judge("", Scope::Tenant, address), rule, "{address}");
        }
    }

    #[test]
    fn an_allowed_network_opens_itself_and_nothing_beside() {
        for (networks, address, rule) in [
            ("10.0.0.0/8", "10.1.2.3", None),
            ("10.0.0.0/8", "11.1.2.3", None),
            ("10.0.0.0/8", "192.168.0.1", Some("private")),
            ("10.1.0.0/16", "10.2.0.1", Some("private")),
            ("127.0.0.0/8 ::1/128", "::1", None),
            ("127.0.0.0/8", "::ffff:127.0.0.1", Some("ipv4_mapped")),
            ("127.0.0.0/8 ::ffff:0:0/96", "::ffff:127.0.0.1", None),
            ("::ffff:0:0/96", "::ffff:127.0.0.1", Some("loopback")),
            // An IPv6-only network with DNS64.
            ("64:ff9b::/96", "64:ff9b::8.8.8.8", None),
            ("64:ff9b::/96", "64:ff9b::10.0.0.1", Some("private")),
            ("64:ff9b::/96 10.0.0.0/8", "64:ff9b::10.0.0.1", None),
            (EVERYTHING, "192.168.0.1", None),
            (EVERYTHING, "fe80::1", None),
            ("0.0.0.0/0", "::1", Some("loopback")),
        ] {
            assert_eq!(judge(networks, Scope::Tenant, address), rule, "{address} with {networks}");
        }
    }

    /// The same address is another one for each length that the site's prefix may have.
    #[test]
    fn a_sites_own_nat64_is_judged_by_the_prefix_that_was_allowed() {
        let by_64_private = "64:ff9b:1:0:a:0:108:808";
        for (networks, address, rule) in [
            ("64:ff9b:1::/96", "64:ff9b:1::8.8.8.8", None),
            ("64:ff9b:1::/96", "64:ff9b:1::10.0.0.1", Some("private")),
            ("64:ff9b:1::/96 10.0.0.0/8", "64:ff9b:1::10.0.0.1", None),
            ("64:ff9b:1:7::/64", "64:ff9b:1:7:8:808:800::", None),
            ("64:ff9b:1:7::/64", "64:ff9b:1:7:a:0:108:808", Some("private")),
            ("64:ff9b:1::/64", by_64_private, Some("private")),
            ("64:ff9b:1::/64 10.0.0.0/8", by_64_private, None),
            ("64:ff9b:1:aa00::/56", "64:ff9b:1:aa08:8:808::", None),
            ("64:ff9b:1:aa00::/56", "64:ff9b:1:aa0a:0:1:808:808", Some("private")),
            ("64:ff9b:1::/48", "64:ff9b:1:808:8:800::", None),
            ("64:ff9b:1::/48", "64:ff9b:1:a00:0:100:808:808", Some("private")),
            // Both may be meant, so both have to be fine.
            ("64:ff9b:1::/64 64:ff9b:1::/96", "64:ff9b:1::8.8.8.8", Some("this_network")),
            ("64:ff9b:1::a00:1/128", "64:ff9b:1::10.0.0.1", None),
            // Where the IPv4 address stands is not said.
            (EVERYTHING, "64:ff9b:1::8.8.8.8", Some("nat64")),
            ("64:ff9b::/16", by_64_private, Some("nat64")),
            ("64:ff9b:1::/120", "64:ff9b:1::8", Some("nat64")),
            ("64:ff9b:1:8::/64", "64:ff9b:1:7:8:808:800::", Some("nat64")),
            ("64:ff9b:1:a9fe::/64", "64:ff9b:1:a9fe:a9:fe00::", Some("cloud_metadata")),
            ("64:ff9b:1::/48", "64:ff9b:1:a9fe:a9:fe00::", Some("cloud_metadata")),
        ] {
            assert_eq!(judge(networks, Scope::Tenant, address), rule, "{address} with {networks}");
        }
        for (address, rule) in [
            ("64:ff9b:1::10.0.0.1", None),
            (by_64_private, None),
            ("64:ff9b:1:a9fe:a9:fe00::", Some("cloud_metadata")),
            ("64:ff9b:1:a9:fe:a9fe:0:1", Some("cloud_metadata")),
            ("64:ff9b:1::169.254.169.254", Some("cloud_metadata")),
        ] {
            assert_eq!(judge("", Scope::Operator, address), rule, "{address}");
        }
    }

    #[test]
    fn metadata_is_out_of_reach_for_everybody_unless_it_is_named_exactly() {
        for address in METADATA {
            for scope in [Scope::Tenant, Scope::Operator] {
                for networks in ["", EVERYTHING, "169.254.0.0/16 fd00::/8 100.64.0.0/10", "169.254.169.254/31 fd00:ec2::254/127"] {
                    assert_eq!(judge(networks, scope, address), Some("cloud_metadata"), "{address} with {networks}");
                }
                assert_eq!(judge(address_alone(address).as_str(), scope, address), None, "{address}");
            }
        }
        for carrying in
            ["::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"]
        {
            for scope in [Scope::Tenant, Scope::Operator] {
                assert_eq!(judge(EVERYTHING, scope, carrying), Some("cloud_metadata"), "{carrying}");
            }
        }
    }

    fn address_alone(address: &str) -> String {
        format!("{address}/{}", if address.contains(':') { 128 } else { 32 })
    }

    #[test]
    fn the_operator_reaches_anything_else() {
        for address in ["127.0.0.1", "10.0.0.1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "169.254.1.1", "fd00::1", "8.8.8.8"] {
            assert_eq!(judge("", Scope::Operator, address), None, "{address}");
        }
    }

    #[test]
    fn hosts_as_they_are_written() {
        let host = |networks, scope, text| policy(networks).host(scope, text).err().map(EgressRule::name);
        let loopback = "127.0.0.0/8 ::1/128";
        for (text, closed, open) in [
            ("127.0.0.1", Some("loopback"), None),
            ("[::1]", Some("loopback"), None),
            ("::1", Some("loopback"), None),
            ("2130706433", Some("loopback"), Some("host_form")),
            ("0177.0.0.1", Some("loopback"), Some("host_form")),
            ("0x7f.1", Some("loopback"), Some("host_form")),
            ("127.1", Some("loopback"), Some("host_form")),
            ("127.0.0.1.", Some("loopback"), Some("host_form")),
            ("134744072", Some("host_form"), Some("host_form")),
            ("2852039166", Some("cloud_metadata"), Some("cloud_metadata")),
            ("1.2.3.4.5", Some("host_form"), Some("host_form")),
            ("[fe80::1%25eth0]", Some("host_form"), Some("host_form")),
            ("8.8.8.8", None, None),
            ("localhost", None, None),
            ("metadata.google.internal", None, None),
        ] {
            assert_eq!(host("", Scope::Tenant, text), closed, "{text}");
            assert_eq!(host(loopback, Scope::Tenant, text), open, "{text} with loopback allowed");
        }
        assert_eq!(host("", Scope::Operator, "2130706433"), None);
        assert_eq!(host("", Scope::Operator, "2852039166"), Some("cloud_metadata"));
    }
}
