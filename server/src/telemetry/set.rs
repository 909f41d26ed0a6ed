//! Every destination in force, as one immutable value, and what changes from one configuration to the next. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use crate::live::{ExportTarget, Exports, Owner};
use crate::values::TenantId;

/// Looked up on every request; replaced as a whole.
#[derive(Debug)]
pub struct Set<D> {
    pub operator: Option<Arc<D>>,
    pub tenants: HashMap<TenantId, Arc<D>>,
    /// What it was built from.
    pub exports: Arc<Exports>,
}

impl<D> Default for Set<D> {
    fn default() -> Self {
        Self { operator: None, tenants: HashMap::new(), exports: Arc::default() }
    }
}

impl<D> Set<D> {
    #[must_use]
    pub fn get(&self, owner: Owner) -> Option<&Arc<D>> {
        match owner {
            Owner::Operator => self.operator.as_ref(),
            Owner::Tenant(tenant) => self.tenants.get(&tenant),
        }
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Owner, &Arc<D>)> {
        let tenants = self.tenants.iter().map(|(tenant, destination)| (Owner::Tenant(*tenant), destination));
        self.operator.iter().map(|destination| (Owner::Operator, destination)).chain(tenants)
    }

    /// The set for a new configuration. Destinations that did not change are the same ones; `build` makes the others
    /// and is told which one each takes over from.
    #[must_use]
    pub fn next(&self, exports: Arc<Exports>, mut build: impl FnMut(Arc<ExportTarget>, Option<&D>) -> Arc<D>) -> Self {
        let mut operator = self.operator.clone();
        let mut tenants = self.tenants.clone();
        for change in diff(&self.exports, &exports) {
            match change {
                Change::Build(target) => {
                    let owner = target.owner;
                    let built = build(target, self.get(owner).map(|before| &**before));
                    match owner {
                        Owner::Operator => operator = Some(built),
                        Owner::Tenant(tenant) => {
                            tenants.insert(tenant, built);
                        }
                    }
                }
                Change::Remove(Owner::Operator) => operator = None,
                Change::Remove(Owner::Tenant(tenant)) => {
                    tenants.remove(&tenant);
                }
            }
        }
        Self { operator, tenants, exports }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// New, or different from before.
    Build(Arc<ExportTarget>),
    Remove(Owner),
}

/// What has to be built or removed to get from one configuration to the other.
#[must_use]
pub fn diff(before: &Exports, after: &Exports) -> Vec<Change> {
    fn same(before: Option<&Arc<ExportTarget>>, after: &Arc<ExportTarget>) -> bool {
        before.is_some_and(|before| Arc::ptr_eq(before, after) || before == after)
    }
    let mut changes = Vec::new();
    match (&before.operator, &after.operator) {
        (before, Some(after)) if !same(before.as_ref(), after) => changes.push(Change::Build(Arc::clone(after))),
        (Some(_), None) => changes.push(Change::Remove(Owner::Operator)),
        _ => {}
    }
    for (tenant, target) in &after.tenants {
        if !same(before.tenants.get(tenant), target) {
            changes.push(Change::Build(Arc::clone(target)));
        }
    }
    for tenant in before.tenants.keys().filter(|tenant| !after.tenants.contains_key(tenant)) {
        changes.push(Change::Remove(Owner::Tenant(*tenant)));
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::live::{Batch, Compression, Temporality};

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }

    fn target(owner: Owner, generation: u64) -> Arc<ExportTarget> {
        Arc::new(ExportTarget {
            owner,
            generation,
            managed: false,
            service_name: "knoxcall".to_owned(),
            resource: Vec::new(),
            traces: None,
            logs: None,
            metrics: None,
            withheld: Vec::new(),
            compression: Compression::Gzip,
            temporality: Temporality::Cumulative,
            metric_interval: Duration::from_secs(60),
            span_batch: Batch::default(),
            log_batch: Batch::default(),
            certificate: None,
        })
    }

    /// `(operator's generation, (tenant, generation) …)`.
    fn exports(operator: Option<u64>, tenants: &[(u128, u64)]) -> Exports {
        Exports {
            suspended: Default::default(),
            operator: operator.map(|generation| target(Owner::Operator, generation)),
            tenants: tenants.iter().map(|&(n, generation)| (tenant(n), target(Owner::Tenant(tenant(n)), generation))).collect(),
        }
    }

    #[test]
    fn only_what_differs_changes() {
        let (op, t) = (Owner::Operator, |n| Owner::Tenant(tenant(n)));
        for (name, before, after, built, removed) in [
            ("nothing", exports(None, &[]), exports(None, &[]), vec![], vec![]),
            ("same", exports(Some(1), &[(1, 1)]), exports(Some(1), &[(1, 1)]), vec![], vec![]),
            ("first", exports(None, &[]), exports(Some(1), &[(1, 1)]), vec![op, t(1)], vec![]),
            ("operator saved", exports(Some(1), &[(1, 1)]), exports(Some(2), &[(1, 1)]), vec![op], vec![]),
            ("one tenant saved", exports(Some(1), &[(1, 1), (2, 1)]), exports(Some(1), &[(1, 2), (2, 1)]), vec![t(1)], vec![]),
            ("one added, one removed", exports(None, &[(1, 1), (2, 1)]), exports(None, &[(2, 1), (3, 1)]), vec![t(3)], vec![t(1)]),
            ("all off", exports(Some(1), &[(1, 1)]), exports(None, &[]), vec![], vec![op, t(1)]),
        ] {
            let changes = diff(&before, &after);
            let mut found: (Vec<Owner>, Vec<Owner>) = (Vec::new(), Vec::new());
            for change in &changes {
                match change {
                    Change::Build(target) => found.0.push(target.owner),
                    Change::Remove(owner) => found.1.push(*owner),
                }
            }
            found.0.sort();
            found.1.sort();
            assert_eq!(found, (built, removed), "{name}");
        }
    }

    #[test]
    fn unchanged_destinations_are_the_same_ones() {
        let build = |target: Arc<ExportTarget>, before: Option<&(u64, Option<u64>)>| Arc::new((target.generation, before.map(|b| b.0)));
        let first = Set::default().next(Arc::new(exports(Some(1), &[(1, 1), (2, 1)])), build);
        let second = first.next(Arc::new(exports(Some(2), &[(1, 1), (2, 2)])), build);
        assert_eq!(**second.operator.as_ref().unwrap(), (2, Some(1)));
        assert!(Arc::ptr_eq(&first.tenants[&tenant(1)], &second.tenants[&tenant(1)]));
        assert!(!Arc::ptr_eq(&first.tenants[&tenant(2)], &second.tenants[&tenant(2)]));
        let third = second.next(Arc::new(exports(None, &[(1, 1)])), build);
        assert!(third.operator.is_none() && third.tenants.len() == 1);
    }
}
