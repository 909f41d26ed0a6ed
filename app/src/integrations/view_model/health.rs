//! Counts, sizes, and what they mean.

use crate::contract::{DiskProblem, ExportCounts, ExportMinute, ExportState, ExportStatus};
use crate::ui::counted;

/// One line of the counts: what it counts, the number, and a remark that says what the number means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub label: &'static str,
    pub value: u64,
    pub help: &'static str,
}

/// The counts that are always shown, in the order in which a record passes them.
#[must_use]
pub fn counts(counts: &ExportCounts) -> [Count; 5] {
    let dropped = counts.dropped.iter().map(|(_, n)| n).sum();
    [
        Count { label: "Accepted", value: counts.accepted, help: "Spans and log records taken on for this destination" },
        Count { label: "Delivered", value: counts.delivered, help: "Confirmed by the collector" },
        Count { label: "Rejected", value: counts.rejected, help: "Refused by the collector in a partial success" },
        Count { label: "Dropped", value: dropped, help: "Given up here, for the reasons below" },
        Count { label: "Queued", value: counts.queued, help: "Waiting to be sent" },
    ]
}

/// A reason for dropping, in words.
#[must_use]
pub fn drop_reason(reason: &str) -> String {
    match reason {
        "queue_full" => "The queue was full".to_owned(),
        "spool_full" => "The space on disk was full".to_owned(),
        "damaged" => "What waited on disk was damaged".to_owned(),
        "rejected" => "The collector rejected them".to_owned(),
        "not_retryable" => "The request was refused for good".to_owned(),
        "expired" => "They waited for too long".to_owned(),
        "disabled" => "The export was turned off".to_owned(),
        "shutdown" => "KnoxCall was shutting down".to_owned(),
        "too_large" => "The request would have been too large".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What waits on disk, and until when; nothing while all goes well.
#[must_use]
pub fn disk_sentence(status: &ExportStatus) -> Option<String> {
    let ExportCounts { on_disk, on_disk_bytes, .. } = status.counts;
    if on_disk_bytes == 0 {
        return None;
    }
    let size = bytes_words(on_disk_bytes);
    // Of what is paused, and of metrics, only the size is known.
    let what = match on_disk {
        0 => format!("{size} wait on disk, encrypted"),
        records => format!("{} on disk ({size}, encrypted)", counted(records, "record waits", "records wait")),
    };
    let until = match &status.state {
        ExportState::Paused(pause) if !pause.going_on.is_empty() => "when the export is resumed, or the collector is back",
        ExportState::Paused(_) => "when the export is resumed",
        ExportState::Broken { going_on } if !going_on.is_empty() => {
            "when what can't be read has been entered again, or the collector is back"
        }
        ExportState::Broken { .. } => "when what can't be read has been entered again",
        _ => "once the collector is back",
    };
    Some(format!("{what}, and will be sent {until}, also after a restart."))
}

/// What waits on disk and can't be opened here, and what to do; nothing where there is none.
#[must_use]
pub fn other_key_sentence(bytes: u64) -> Option<String> {
    let size = bytes_words(bytes);
    (bytes > 0).then(|| {
        format!(
            "{size} on disk were encrypted with another master key. They will be sent once KnoxCall starts with that key; what has waited for 7 days is dropped."
        )
    })
}

/// Why nothing can be kept on disk, and what to do.
#[must_use]
pub const fn disk_problem_sentence(problem: DiskProblem) -> &'static str {
    match problem {
        DiskProblem::Full => {
            "The disk is full: what can't be sent waits in memory, is lost with a restart, and makes room when that is full. Free space in the data folder."
        }
        DiskProblem::ReadOnly => {
            "The data folder can't be written to: what can't be sent waits in memory and is lost with a restart. Check its file system and permissions."
        }
        DiskProblem::NoFiles => {
            "KnoxCall has as many files open as it may: what can't be sent waits in memory and is lost with a restart. Raise the limit (ulimit -n)."
        }
        DiskProblem::Other => {
            "The disk reports an error: what can't be sent waits in memory and is lost with a restart. KnoxCall's log says more."
        }
    }
}

/// What metrics that have too many series mean; nothing while none has.
#[must_use]
pub fn overflow_sentence(instruments: u64) -> Option<String> {
    if instruments == 0 {
        return None;
    }
    let which = counted(instruments, "metric has", "metrics have");
    Some(format!(
        "{which} more series than KnoxCall keeps. New combinations are counted together, marked otel.metric.overflow; use fewer routes and environments."
    ))
}

/// Four numbers of the last hour, and of now: sent, rejected, dropped, queued.
#[must_use]
pub fn hour_counts(status: &ExportStatus) -> [(&'static str, u64); 4] {
    let sum = |of: fn(&ExportMinute) -> u64| status.hour.iter().map(of).sum();
    [
        ("Sent", sum(|minute| minute.sent)),
        ("Rejected", sum(|minute| minute.rejected)),
        ("Dropped", sum(dropped_in)),
        ("Queued", status.counts.queued),
    ]
}

/// Of the last hour, by reason, in the order in which they came up.
#[must_use]
pub fn hour_drops(hour: &[ExportMinute]) -> Vec<(String, u64)> {
    let mut out: Vec<(String, u64)> = Vec::new();
    for (reason, count) in hour.iter().flat_map(|minute| &minute.dropped) {
        match out.iter_mut().find(|(other, _)| other == reason) {
            Some((_, sum)) => *sum += count,
            None => out.push((reason.clone(), *count)),
        }
    }
    out
}

/// Records of a minute that were lost to the collector: rejected or dropped.
#[must_use]
pub fn failed_in(minute: &ExportMinute) -> u64 {
    minute.rejected + dropped_in(minute)
}

fn dropped_in(minute: &ExportMinute) -> u64 {
    minute.dropped.iter().map(|(_, count)| count).sum()
}

/// Bytes in the unit that suits them.
#[must_use]
pub fn bytes_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::values::Signal;

    #[test]
    fn what_waits_on_disk_in_words() {
        let sentence = |state, on_disk, on_disk_bytes| {
            disk_sentence(&ExportStatus {
                state,
                counts: ExportCounts { on_disk, on_disk_bytes, ..ExportCounts::default() },
                ..ExportStatus::off()
            })
        };
        let failing = || ExportState::Failing { since: 0 };
        assert_eq!(sentence(ExportState::Active, 0, 0), None);
        assert_eq!(
            sentence(failing(), 1, 2048).unwrap(),
            "1 record waits on disk (2.0 KiB, encrypted), and will be sent once the collector is back, also after a restart."
        );
        assert!(sentence(failing(), 1204, 2048).unwrap().starts_with("1,204 records wait on disk"));
        let paused = ExportState::Paused(crate::contract::PauseView { since: 0, by: None, going_on: Vec::new() });
        assert_eq!(
            sentence(paused, 0, 10).unwrap(),
            "10 B wait on disk, encrypted, and will be sent when the export is resumed, also after a restart."
        );
        let broken = ExportState::Broken { going_on: vec![Signal::Traces] };
        assert!(sentence(broken, 0, 10).unwrap().contains("has been entered again, or the collector is back"));
    }

    #[test]
    fn what_another_key_encrypted_is_told() {
        assert_eq!(other_key_sentence(0), None);
        assert!(other_key_sentence(2048).unwrap().starts_with("2.0 KiB on disk were encrypted with another master key."));
    }

    #[test]
    fn sizes_in_words() {
        assert_eq!([bytes_words(999), bytes_words(1536), bytes_words(5_242_880)], ["999 B", "1.5 KiB", "5.0 MiB"]);
    }

    #[test]
    fn the_last_hour_adds_up() {
        let minute = |sent, dropped: &[(&str, u64)]| ExportMinute {
            at: 0,
            sent,
            rejected: 1,
            dropped: dropped.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        };
        let hour = vec![minute(5, &[("expired", 2)]), minute(7, &[("queue_full", 1), ("expired", 3)])];
        assert_eq!(hour_drops(&hour), [("expired".to_owned(), 5), ("queue_full".to_owned(), 1)]);
        assert_eq!(failed_in(&hour[1]), 5);
        let status = ExportStatus { hour, ..ExportStatus::off() };
        assert_eq!(hour_counts(&status), [("Sent", 12), ("Rejected", 2), ("Dropped", 6), ("Queued", 0)]);
    }

    #[test]
    fn counts_add_up_by_reason() {
        let given = ExportCounts {
            accepted: 10,
            delivered: 4,
            rejected: 1,
            dropped: vec![("queue_full".to_owned(), 2), ("expired".to_owned(), 1)],
            queued: 2,
            ..ExportCounts::default()
        };
        assert_eq!(counts(&given).map(|count| count.value), [10, 4, 1, 3, 2]);
        assert_eq!(drop_reason("queue_full"), "The queue was full");
        assert_eq!(drop_reason("made_up"), "made up");
    }

    #[test]
    fn merged_series_are_told() {
        assert_eq!(overflow_sentence(0), None);
        assert!(overflow_sentence(1).unwrap().starts_with("1 metric has more series"));
        assert!(overflow_sentence(2).unwrap().starts_with("2 metrics have more series"));
    }
}
