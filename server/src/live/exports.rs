//! Where telemetry goes: the operator's destination and each workspace's own.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub use crate::values::{Compression, Temporality};
use crate::values::{ExactUrl, HeaderList, Signal, TenantId};

/// Every destination in force. One that is off is simply not here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exports {
    pub operator: Option<Arc<ExportTarget>>,
    pub tenants: HashMap<TenantId, Arc<ExportTarget>>,
    /// Those that are set and not in force now: paused, unreadable, or of a workspace that is disabled. What waits for them
    /// is kept.
    pub suspended: BTreeSet<Owner>,
}

impl Exports {
    /// Whoever has a destination in force, in no order.
    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        self.operator.iter().map(|_| Owner::Operator).chain(self.tenants.keys().copied().map(Owner::Tenant))
    }

    /// Whether nobody has one, in force or not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operator.is_none() && self.tenants.is_empty() && self.suspended.is_empty()
    }

    /// Whether somebody has one, in force or not.
    #[must_use]
    pub fn knows(&self, owner: Owner) -> bool {
        self.suspended.contains(&owner)
            || match owner {
                Owner::Operator => self.operator.is_some(),
                Owner::Tenant(tenant) => self.tenants.contains_key(&tenant),
            }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    Operator,
    Tenant(TenantId),
}

/// One destination, complete. Equality decides whether a reload has to rebuild it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportTarget {
    pub owner: Owner,
    /// Counts the saves of these settings.
    pub generation: u64,
    /// The endpoint comes from the environment.
    pub managed: bool,
    pub service_name: String,
    /// Besides `service.name` and `service.version`: the operator's `OTEL_RESOURCE_ATTRIBUTES` and
    /// `service.instance.id`; always empty for a workspace.
    pub resource: Vec<(String, String)>,
    pub traces: Option<SignalTarget>,
    pub logs: Option<SignalTarget>,
    pub metrics: Option<SignalTarget>,
    /// Signals that are set and not in force now, while others are: paused, or something of theirs that is stored can't be read. What waits
    /// for them is kept.
    pub suspended: Vec<Signal>,
    pub compression: Compression,
    pub temporality: Temporality,
    pub metric_interval: Duration,
    pub span_batch: Batch,
    pub log_batch: Batch,
    /// PEM text of further trusted roots (`OTEL_EXPORTER_OTLP_CERTIFICATE`); operator only.
    pub certificate: Option<Arc<str>>,
}

impl ExportTarget {
    #[must_use]
    pub fn signal(&self, signal: Signal) -> Option<&SignalTarget> {
        match signal {
            Signal::Traces => self.traces.as_ref(),
            Signal::Logs => self.logs.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
        }
    }

    /// Whether the signal is not sent now, and will be once what is stored can be read again, or is resumed.
    #[must_use]
    pub fn suspends(&self, signal: Signal) -> bool {
        self.suspended.contains(&signal)
    }

    /// How records of this signal are batched; metrics are not.
    #[must_use]
    pub const fn batch(&self, signal: Signal) -> Option<Batch> {
        match signal {
            Signal::Traces => Some(self.span_batch),
            Signal::Logs => Some(self.log_batch),
            Signal::Metrics => None,
        }
    }
}

/// Where one signal goes: `url` is complete, and `headers` are all that is sent besides what OTLP itself needs.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTarget {
    pub url: ExactUrl,
    pub headers: HeaderList,
    pub timeout: Duration,
}

/// When a batch is sent: at `max_records` or `max_delay` after its first record; and what becomes of it while it can't be
/// (`OTEL_BSP_*`, `OTEL_BLRP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub max_records: usize,
    /// Somebody chose that number: none is ever larger. Else batches may be joined while the collector is slow.
    pub fixed: bool,
    pub max_delay: Duration,
    /// Records that may wait to be sent; `None` leaves it to the bound in bytes alone.
    pub max_queue: Option<usize>,
    /// How long a batch is tried before it expires; `None` is as long as the product tries.
    pub max_elapsed: Option<Duration>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { max_records: 512, fixed: false, max_delay: Duration::from_secs(1), max_queue: None, max_elapsed: None }
    }
}
