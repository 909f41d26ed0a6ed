//! Each workspace's share of the operator's series, so that one with many routes, statuses or models of its own making leaves
//! the others theirs: what it has beyond is merged, for itself alone.

use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use opentelemetry::KeyValue;

use super::names;

/// Of one instrument.
const MOST: usize = 2_000;

/// The series that workspaces have begun in one instrument, or in some that have the same.
#[derive(Debug, Default)]
pub(super) struct Shares {
    hasher: RandomState,
    by_tenant: Mutex<HashMap<Box<str>, HashSet<u64>>>,
}

impl Shares {
    /// These attributes; or, where the workspace that they name has used up its share, those of the one series that takes in the
    /// rest of it.
    pub(super) fn within(&self, tenant: Option<&str>, attributes: Vec<KeyValue>) -> Vec<KeyValue> {
        let Some(tenant) = tenant else { return attributes };
        let texts: Vec<_> = attributes.iter().map(|attribute| (attribute.key.as_str(), attribute.value.as_str())).collect();
        let series = self.hasher.hash_one(texts);
        let mut by_tenant = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        if !by_tenant.contains_key(tenant) {
            by_tenant.insert(tenant.into(), HashSet::default());
        }
        let Some(begun) = by_tenant.get_mut(tenant) else { return attributes };
        if begun.len() < MOST || begun.contains(&series) {
            begun.insert(series);
            return attributes;
        }
        drop(by_tenant);
        vec![KeyValue::new(names::TENANT_ID, tenant.to_owned()), KeyValue::new(names::OVERFLOW, true)]
    }

    /// No series goes on from here.
    pub(super) fn clear(&self) {
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(tenant: &str, n: usize) -> Vec<KeyValue> {
        vec![KeyValue::new("knoxcall.route_name", n.to_string()), KeyValue::new(names::TENANT_ID, tenant.to_owned())]
    }

    #[test]
    fn one_workspace_is_merged_and_others_are_not() {
        let shares = Shares::default();
        for n in 0..MOST {
            assert_eq!(shares.within(Some("a"), route("a", n)), route("a", n));
        }
        let rest = vec![KeyValue::new(names::TENANT_ID, "a"), KeyValue::new(names::OVERFLOW, true)];
        for n in MOST..2 * MOST {
            assert_eq!(shares.within(Some("a"), route("a", n)), rest);
        }
        assert_eq!(shares.within(Some("a"), route("a", 7)), route("a", 7), "it has begun");
        assert_eq!(shares.within(Some("b"), route("b", MOST)), route("b", MOST));
        assert_eq!(shares.within(None, route("", MOST)), route("", MOST));
        shares.clear();
        assert_eq!(shares.within(Some("a"), route("a", MOST)), route("a", MOST));
    }
}
