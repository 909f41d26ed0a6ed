//! How a destination is doing, from real traffic, and what a test of it found. Never content.

use serde::{Deserialize, Serialize};

use super::UnixMillis;
use super::values::{EgressRule, Signal};

/// The states a card can be in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportState {
    Off,
    Active,
    /// Active, with the endpoint from the environment.
    Managed,
    Failing {
        since: UnixMillis,
    },
    Paused(PauseView),
    /// The stored settings can't be read; what they say is not exported until they are saved again.
    Broken {
        /// As of a pause.
        going_on: Vec<Signal>,
    },
}

impl ExportState {
    /// Signals that are not stopped where the others are.
    #[must_use]
    pub fn going_on(&self) -> &[Signal] {
        match self {
            Self::Paused(PauseView { going_on, .. }) | Self::Broken { going_on } => going_on,
            Self::Off | Self::Active | Self::Managed | Self::Failing { .. } => &[],
        }
    }
}

/// Since when nothing is collected for the endpoint, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseView {
    pub since: UnixMillis,
    /// `None` when the export paused itself.
    pub by: Option<String>,
    /// Signals that are not stopped: the environment names where they go.
    pub going_on: Vec<Signal>,
}

/// How a destination is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStatus {
    pub state: ExportState,
    pub last_success_at: Option<UnixMillis>,
    pub last_failure: Option<ExportFailure>,
    /// Of each signal that goes on where the state says that the others are stopped, and has had no success since it failed, how it
    /// failed last: the state has no word for it.
    pub still_failing: Vec<ExportFailure>,
    pub counts: ExportCounts,
    /// Why what waits is in memory alone, where it should be on disk.
    pub disk_problem: Option<DiskProblem>,
    /// Bytes on disk besides those of the counts, which only an earlier master key opens.
    pub other_key_bytes: u64,
    /// Minutes of the last hour in which something happened, oldest first.
    pub hour: Vec<ExportMinute>,
    /// The newest first, at most 20.
    pub attempts: Vec<ExportAttempt>,
    /// When it pauses itself if nothing succeeds before; `None` while that is not in sight.
    pub pauses_at: Option<UnixMillis>,
    /// What "Send test" found last, until the server restarts.
    pub test: Option<TestReport>,
    /// The start of the minute it is, by the server's clock: the last of the hour.
    pub now: UnixMillis,
}

impl ExportStatus {
    #[must_use]
    pub fn off() -> Self {
        Self {
            state: ExportState::Off,
            last_success_at: None,
            last_failure: None,
            still_failing: Vec::new(),
            counts: ExportCounts::default(),
            disk_problem: None,
            other_key_bytes: 0,
            hour: Vec::new(),
            attempts: Vec::new(),
            pauses_at: None,
            test: None,
            now: 0,
        }
    }
}

/// Since this destination's settings were last changed, or since the start. Always
/// accepted = delivered + rejected + dropped + queued.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCounts {
    /// Spans and log records taken on for this destination.
    pub accepted: u64,
    pub delivered: u64,
    /// Refused by the collector in a partial success.
    pub rejected: u64,
    /// Dropped, by reason (`queue_full`, `not_retryable`, `expired`, `disabled`, …); only reasons that occurred.
    pub dropped: Vec<(String, u64)>,
    pub queued: u64,
    /// Of these, what waits on disk.
    pub on_disk: u64,
    pub on_disk_bytes: u64,
    /// Metric instruments that have more series than they may: what is new is merged into one series.
    pub overflowing_instruments: u64,
}

/// What became of spans, log records and metric points in one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportMinute {
    /// Its start.
    pub at: UnixMillis,
    pub sent: u64,
    pub rejected: u64,
    /// By reason, as in [`ExportCounts::dropped`].
    pub dropped: Vec<(String, u64)>,
}

/// One request to the collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportAttempt {
    pub at: UnixMillis,
    pub signal: Signal,
    pub outcome: AttemptOutcome,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    /// Why it was not a plain success.
    pub failure: Option<FailureKind>,
    /// Spans, log records or metric points in it.
    pub records: u64,
    /// As it went out: compressed, if the destination wants that.
    pub bytes: u64,
    pub latency_ms: u64,
    /// 1 for the first.
    pub attempt: u32,
    /// As of a failure.
    pub own_endpoint: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptOutcome {
    Delivered,
    /// Taken, but for some records.
    PartlyRejected,
    /// Failed; it is tried again.
    Retrying,
    /// Failed for good.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFailure {
    pub at: UnixMillis,
    pub signal: Signal,
    pub kind: FailureKind,
    /// The collector's host, as configured.
    pub host: String,
    /// The environment names an endpoint for this signal alone, which is used as it is.
    pub own_endpoint: bool,
}

/// What keeps records from being kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DiskProblem {
    Full,
    ReadOnly,
    /// The process has as many files open as it may.
    NoFiles,
    Other,
}

/// What went wrong with an export request, as far as it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    NameNotFound,
    /// Not even tried: the name or address leads where this destination may not go.
    Blocked {
        rule: EgressRule,
    },
    Refused,
    Unreachable,
    Tls,
    Timeout,
    /// The connection broke while a request was under way.
    Closed,
    Redirect {
        status: u16,
    },
    Status {
        status: u16,
    },
    PartialSuccess {
        rejected: u64,
    },
    /// The request was taken, but its answer could not be read to the end.
    AnswerCut,
    /// The answer was not what OTLP says, or too large.
    BadAnswer,
    /// The request would have been larger than 64 MiB.
    TooLarge,
}

/// What "Send test" found, signal by signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    pub at: UnixMillis,
    /// Where it went: the endpoint's authority.
    pub to: String,
    pub results: Vec<TestResult>,
}

impl TestReport {
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.results.is_empty() && self.results.iter().all(|result| result.failure.is_none())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    pub signal: Signal,
    /// The collector's host.
    pub host: String,
    /// As of a failure.
    pub own_endpoint: bool,
    /// The answer's, when there was one.
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// `None`: the collector took the test record.
    pub failure: Option<FailureKind>,
    /// The reason in the words of the TLS library or of the collector's `partial_success`, shortened.
    pub detail: Option<String>,
}
