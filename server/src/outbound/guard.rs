//! Decides whether a connection is made: first by the host as it is written, then by every address it resolved to.
//!
//! One address that is not allowed refuses the whole host, even if others are: with a mix, whoever answers for the name
//! would choose among them by order or by letting the public one fail (OWASP's SSRF cheat sheet: check all A and AAAA
//! records). Pure: it neither resolves nor connects.

use std::net::{IpAddr, SocketAddr};

use crate::egress::{Host, Policy, Scope};
use crate::values::EgressRule;

/// What one scope may reach.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    scope: Scope,
    policy: Policy,
}

/// What has to be done to get at a host's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Address(IpAddr),
    /// To be resolved, once.
    Name(&'a str),
}

/// Addresses that may be connected to; only [`Guard::resolved`] makes them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked(Vec<SocketAddr>);

impl Checked {
    pub(super) fn into_inner(self) -> Vec<SocketAddr> {
        self.0
    }
}

impl Guard {
    pub(super) const fn new(scope: Scope, policy: Policy) -> Self {
        Self { scope, policy }
    }

    /// Before anything is resolved.
    pub(super) fn host<'a>(&self, host: &'a str) -> Result<Target<'a>, EgressRule> {
        self.policy.host(self.scope, host)?;
        Ok(match Host::read(host) {
            Host::Address(address) => Target::Address(address),
            Host::Name(name) => Target::Name(name),
            // Only the operator gets here; the resolver's answer is judged as any other.
            Host::Shorthand(_) => Target::Name(host),
        })
    }

    /// Before anything is connected to.
    pub(super) fn resolved(&self, addresses: Vec<SocketAddr>) -> Result<Checked, EgressRule> {
        addresses.iter().try_for_each(|address| self.policy.address(self.scope, address.ip()))?;
        Ok(Checked(addresses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(scope: Scope, allowed: &str) -> Guard {
        Guard::new(scope, Policy::new(allowed.split_whitespace().map(|network| network.parse().unwrap())))
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 443)).collect()
    }

    #[test]
    fn one_address_that_is_not_allowed_refuses_all() {
        for (scope, allowed, found, expected) in [
            (Scope::Tenant, "", &["8.8.8.8", "2606:4700::1111"][..], Ok(())),
            (Scope::Tenant, "", &[], Ok(())),
            (Scope::Tenant, "", &["8.8.8.8", "10.0.0.1"], Err(EgressRule::Private)),
            (Scope::Tenant, "", &["10.0.0.1", "8.8.8.8"], Err(EgressRule::Private)),
            (Scope::Tenant, "", &["8.8.8.8", "fd00::1"], Err(EgressRule::UniqueLocal)),
            (Scope::Tenant, "10.0.0.0/8", &["8.8.8.8", "10.0.0.1"], Ok(())),
            (Scope::Tenant, "10.0.0.0/8", &["10.0.0.1", "169.254.169.254"], Err(EgressRule::CloudMetadata)),
            (Scope::Operator, "", &["8.8.8.8", "10.0.0.1"], Ok(())),
            (Scope::Operator, "", &["10.0.0.1", "169.254.169.254"], Err(EgressRule::CloudMetadata)),
        ] {
            let checked = guard(scope, allowed).resolved(addresses(found));
            assert_eq!(checked.map(|checked| assert_eq!(checked.into_inner(), addresses(found))), expected, "{found:?} with {allowed:?}");
        }
    }

    #[test]
    fn names_are_resolved_and_addresses_are_not() {
        let tenant = guard(Scope::Tenant, "127.0.0.0/8");
        assert_eq!(tenant.host("[2606:4700::1111]"), Ok(Target::Address("2606:4700::1111".parse().unwrap())));
        assert_eq!(tenant.host("localhost"), Ok(Target::Name("localhost")));
        assert_eq!(tenant.host("LocalHost."), Ok(Target::Name("LocalHost.")));
        assert_eq!(tenant.host("2130706433"), Err(EgressRule::HostForm), "it never gets to the resolver");
        assert_eq!(guard(Scope::Tenant, "").host("10.0.0.1"), Err(EgressRule::Private));
        assert_eq!(guard(Scope::Operator, "").host("2130706433"), Ok(Target::Name("2130706433")));
        assert_eq!(guard(Scope::Operator, "").host("2852039166"), Err(EgressRule::CloudMetadata));
    }
}
