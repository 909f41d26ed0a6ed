//! The rules by which KnoxCall refuses to connect somewhere.

use serde::{Deserialize, Serialize};

/// What keeps an address from being reached. Names the rule alone: not the address, and not whether anything lives there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EgressRule {
    Unspecified,
    /// 0.0.0.0/8.
    ThisNetwork,
    Loopback,
    /// RFC 1918.
    Private,
    /// Carrier-grade NAT, 100.64.0.0/10.
    Shared,
    LinkLocal,
    /// Where clouds hand out a machine's credentials.
    CloudMetadata,
    ProtocolAssignment,
    Documentation,
    Benchmarking,
    Multicast,
    Broadcast,
    /// 240.0.0.0/4.
    Reserved,
    UniqueLocal,
    SiteLocal,
    Discard,
    Ipv4Mapped,
    Ipv4Compatible,
    SixToFour,
    Teredo,
    Nat64,
    /// IPv6 outside 2000::/3.
    NotGlobal,
    /// A host that some resolvers take for an address, such as `2130706433`, `0x7f.1` or `127.1`.
    HostForm,
}

impl EgressRule {
    pub const ALL: [Self; 23] = [
        Self::Unspecified,
        Self::ThisNetwork,
        Self::Loopback,
        Self::Private,
        Self::Shared,
        Self::LinkLocal,
        Self::CloudMetadata,
        Self::ProtocolAssignment,
        Self::Documentation,
        Self::Benchmarking,
        Self::Multicast,
        Self::Broadcast,
        Self::Reserved,
        Self::UniqueLocal,
        Self::SiteLocal,
        Self::Discard,
        Self::Ipv4Mapped,
        Self::Ipv4Compatible,
        Self::SixToFour,
        Self::Teredo,
        Self::Nat64,
        Self::NotGlobal,
        Self::HostForm,
    ];

    /// As it stands in answers and in telemetry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::ThisNetwork => "this_network",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link_local",
            Self::CloudMetadata => "cloud_metadata",
            Self::ProtocolAssignment => "protocol_assignment",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Reserved => "reserved",
            Self::UniqueLocal => "unique_local",
            Self::SiteLocal => "site_local",
            Self::Discard => "discard",
            Self::Ipv4Mapped => "ipv4_mapped",
            Self::Ipv4Compatible => "ipv4_compatible",
            Self::SixToFour => "6to4",
            Self::Teredo => "teredo",
            Self::Nat64 => "nat64",
            Self::NotGlobal => "not_global",
            Self::HostForm => "host_form",
        }
    }

    /// What the rule is about, to follow "this is".
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Unspecified => "the unspecified address",
            Self::ThisNetwork => "an address of 0.0.0.0/8 (this network)",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a shared address (100.64.0.0/10)",
            Self::LinkLocal => "a link-local address",
            Self::CloudMetadata => "an address of a cloud's metadata service",
            Self::ProtocolAssignment => "an address reserved for protocols",
            Self::Documentation => "an address reserved for documentation",
            Self::Benchmarking => "an address reserved for benchmarks",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Reserved => "a reserved address (240.0.0.0/4)",
            Self::UniqueLocal => "a unique local address (fc00::/7)",
            Self::SiteLocal => "a site-local address (fec0::/10)",
            Self::Discard => "a discard-only address (100::/64)",
            Self::Ipv4Mapped => "an IPv4 address mapped into IPv6",
            Self::Ipv4Compatible => "an IPv4-compatible IPv6 address",
            Self::SixToFour => "a 6to4 address",
            Self::Teredo => "a Teredo address",
            Self::Nat64 => "a NAT64 address",
            Self::NotGlobal => "an IPv6 address that is not global",
            Self::HostForm => "a number or an abbreviation in place of an address",
        }
    }

    /// What may be done about it, as a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::CloudMetadata => "Such addresses hold the machine's credentials; enter another one.",
            Self::HostForm => "Write the address in full, such as 192.0.2.1 or [2001:db8::1].",
            _ => "Use a public address, or ask the operator to allow the network with --allow-egress.",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_and_words_of_its_own() {
        let all: BTreeSet<_> = EgressRule::ALL.into_iter().collect();
        let names: BTreeSet<_> = EgressRule::ALL.iter().map(|rule| rule.name()).collect();
        let phrases: BTreeSet<_> = EgressRule::ALL.iter().map(|rule| rule.phrase()).collect();
        assert_eq!((all.len(), names.len(), phrases.len()), (EgressRule::ALL.len(), EgressRule::ALL.len(), EgressRule::ALL.len()));
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')));
    }
}
