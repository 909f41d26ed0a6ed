//! How a destination is doing, as the cards show it: what is set and what telemetry saw make one state.

use std::time::{Duration, SystemTime};

use app::contract::{
    ApiError, AttemptOutcome, ExportAttempt, ExportCounts, ExportFailure, ExportMinute, ExportState, ExportStatus, PauseView, TestReport,
    TestResult, UnixMillis,
};

use crate::live::Owner;
use crate::per_minute::TooMany;
use crate::settings::Standing;
use crate::store::unix_millis;
use crate::telemetry::{Attempt, Failure, Lately, Minute, OnDisk, Outcome, ProbeReport, Reason, Status, Streak, Telemetry};
use crate::values::Signal;

/// Longer reasons are cut: they are somebody else's words.
const LONGEST_DETAIL: usize = 200;
/// How long a page still shows what a test found.
const TEST_IS_NEWS: Duration = Duration::from_secs(60 * 60);
/// A streak of failures is told of once it has lasted this long; a restart of the collector is no news.
const WORTH_TELLING: Duration = Duration::from_secs(60 * 60);

/// What is set decides between off, broken, paused and on; only what is on can fail. `own`: signals that have endpoints of their own.
pub(super) fn status(telemetry: &Telemetry, owner: Owner, standing: Standing, own: &[Signal]) -> ExportStatus {
    let set = state(standing);
    let stopped = matches!(set, ExportState::Paused(_) | ExportState::Broken { .. });
    let goes_on = matches!(set, ExportState::Active | ExportState::Managed) || !set.going_on().is_empty();
    let reading = if goes_on { telemetry.status(owner) } else { None };
    let known = set != ExportState::Off;
    // Of what is stopped nobody knows how many records they are.
    let on_disk = || OnDisk { bytes: telemetry.bytes_on_disk(owner), records: 0 };
    let (reading, lately) = match reading {
        Some(reading) if stopped => (Status { on_disk: on_disk(), ..reading.clone() }, reading.lately),
        Some(reading) => (reading.clone(), reading.lately),
        None if known => (Status { on_disk: on_disk(), ..Status::default() }, telemetry.lately(owner)),
        None => (Status::default(), Lately::default()),
    };
    // Of earlier settings, where these have had no success yet.
    let succeeded = |attempt: &&Attempt| matches!(attempt.outcome, Outcome::Delivered | Outcome::PartlyRejected);
    let before = lately.attempts.iter().find(succeeded).map(|attempt| unix_millis(attempt.at));
    let pauses_at = lately.streak.filter(|_| set == ExportState::Active).and_then(|streak| pauses_at(telemetry, &streak));
    let other_key_bytes = if known { telemetry.other_key_bytes(owner) } else { 0 };
    let shown = of_reading(reading, set, own);
    ExportStatus {
        last_success_at: shown.last_success_at.or(before),
        hour: lately.minutes.iter().map(minute).collect(),
        attempts: lately.attempts.iter().map(|made| attempt(made, own)).collect(),
        pauses_at,
        test: telemetry
            .last_probe(owner)
            .filter(|probe| probe.at.elapsed().is_ok_and(|age| age < TEST_IS_NEWS))
            .map(|probe| report(probe, own)),
        now: this_minute(SystemTime::now()),
        other_key_bytes,
        ..shown
    }
}

fn state(standing: Standing) -> ExportState {
    match standing {
        Standing { broken: true, going_on, .. } => ExportState::Broken { going_on },
        Standing { paused: Some(pause), going_on, .. } => {
            ExportState::Paused(PauseView { since: pause.at, by: pause.by.map(String::from), going_on })
        }
        Standing { on: false, .. } => ExportState::Off,
        // What is on without anything stored is the environment's too, signal by signal.
        Standing { from_environment: true, .. } | Standing { nothing_stored: true, .. } => ExportState::Managed,
        Standing { .. } => ExportState::Active,
    }
}

fn of_reading(reading: Status, set: ExportState, own: &[Signal]) -> ExportStatus {
    let goes_on = |failure: &Failure| set.going_on().contains(&failure.signal);
    let still_failing = reading.failing.into_iter().filter(goes_on).map(|failed| failure(failed, own)).collect();
    ExportStatus {
        state: match (reading.failing_since, set) {
            (Some(since), ExportState::Active | ExportState::Managed) => ExportState::Failing { since: unix_millis(since) },
            (_, set) => set,
        },
        last_success_at: reading.last_success.map(unix_millis),
        last_failure: reading.last_failure.map(|failed| failure(failed, own)),
        still_failing,
        disk_problem: reading.disk_problem,
        counts: ExportCounts {
            accepted: reading.accepted,
            delivered: reading.delivered,
            rejected: reading.rejected,
            dropped: reading.dropped.into_iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
            queued: reading.queued,
            on_disk: reading.on_disk.records,
            on_disk_bytes: reading.on_disk.bytes,
            overflowing_instruments: reading.overflowing_instruments,
        },
        ..ExportStatus::off()
    }
}

fn failure(failure: Failure, own: &[Signal]) -> ExportFailure {
    ExportFailure {
        at: unix_millis(failure.at),
        signal: failure.signal,
        kind: failure.kind,
        host: failure.host,
        own_endpoint: own.contains(&failure.signal),
    }
}

fn pauses_at(telemetry: &Telemetry, streak: &Streak) -> Option<UnixMillis> {
    let lasted = SystemTime::now().duration_since(streak.since).unwrap_or_default();
    let at = telemetry.gives_up_at(streak);
    // With a short limit the warning comes at once.
    let whole = at.duration_since(streak.since).unwrap_or_default();
    (lasted >= WORTH_TELLING.min(whole / 2)).then(|| unix_millis(at))
}

fn minute(minute: &Minute) -> ExportMinute {
    let dropped = Reason::ALL.into_iter().map(|reason| (reason.name().to_owned(), minute.dropped[reason as usize]));
    ExportMinute {
        at: UnixMillis::try_from(minute.number * 60_000).unwrap_or(UnixMillis::MAX),
        sent: minute.sent,
        rejected: minute.rejected,
        dropped: dropped.filter(|(_, count)| *count > 0).collect(),
    }
}

fn attempt(attempt: &Attempt, own: &[Signal]) -> ExportAttempt {
    ExportAttempt {
        at: unix_millis(attempt.at),
        signal: attempt.signal,
        outcome: match attempt.outcome {
            Outcome::Delivered => AttemptOutcome::Delivered,
            Outcome::PartlyRejected => AttemptOutcome::PartlyRejected,
            Outcome::Retrying => AttemptOutcome::Retrying,
            Outcome::GivenUp => AttemptOutcome::GivenUp,
        },
        status: attempt.status,
        failure: attempt.failure,
        records: attempt.items,
        bytes: attempt.bytes,
        latency_ms: whole_millis(attempt.latency),
        attempt: attempt.number,
        own_endpoint: own.contains(&attempt.signal),
    }
}

pub(super) fn report(report: ProbeReport, own: &[Signal]) -> TestReport {
    let results = report.probes.into_iter().map(|probe| TestResult {
        signal: probe.signal,
        host: probe.host,
        own_endpoint: own.contains(&probe.signal),
        status: probe.status,
        latency_ms: whole_millis(probe.latency),
        failure: probe.failure,
        detail: probe.detail.map(|text| shortened(&text)),
    });
    TestReport { at: unix_millis(report.at), to: report.to, results: results.collect() }
}

pub(super) fn throttled(too_many: TooMany) -> ApiError {
    ApiError::Throttled { retry_after_s: u32::try_from(too_many.retry_after.as_secs()).unwrap_or(u32::MAX).max(1) }
}

/// On one line, without control characters.
pub(super) fn shortened(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_DETAIL + 1).collect();
    if clean.chars().count() > LONGEST_DETAIL { clean.chars().take(LONGEST_DETAIL).chain(['…']).collect() } else { clean }
}

fn this_minute(at: SystemTime) -> UnixMillis {
    let now = unix_millis(at);
    now - now.rem_euclid(60_000)
}

pub(super) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::store::Pause;
    use crate::values::FailureKind;

    fn standing() -> Standing {
        Standing { on: true, ..Standing::default() }
    }

    #[test]
    fn what_is_set_and_how_it_goes_make_one_state() {
        assert_eq!(state(Standing::default()), ExportState::Off);
        assert_eq!(state(standing()), ExportState::Active);
        assert_eq!(state(Standing { broken: true, ..standing() }), ExportState::Broken { going_on: Vec::new() });
        let partly = state(Standing { broken: true, going_on: vec![Signal::Traces], ..standing() });
        assert_eq!(partly, ExportState::Broken { going_on: vec![Signal::Traces] });
        assert_eq!(state(Standing { from_environment: true, ..standing() }), ExportState::Managed);
        assert_eq!(state(Standing { nothing_stored: true, ..standing() }), ExportState::Managed, "signals of the environment");
        let paused = Standing { on: false, paused: Some(Pause { at: 7, by: None }), ..Standing::default() };
        assert_eq!(state(paused.clone()), ExportState::Paused(PauseView { since: 7, by: None, going_on: Vec::new() }));
        let partly = state(Standing { on: true, going_on: vec![Signal::Traces], ..paused });
        assert_eq!(partly, ExportState::Paused(PauseView { since: 7, by: None, going_on: vec![Signal::Traces] }));
        let failing = Status { failing_since: Some(UNIX_EPOCH + Duration::from_millis(5)), ..Status::default() };
        assert_eq!(of_reading(failing.clone(), ExportState::Managed, &[]).state, ExportState::Failing { since: 5 });
        assert_eq!(of_reading(failing, partly.clone(), &[]).state, partly, "whoever paused it has to be able to resume it");
        assert_eq!(of_reading(Status::default(), ExportState::Active, &[]).state, ExportState::Active);
    }

    #[test]
    fn what_goes_on_and_fails_is_told_where_the_state_has_no_word_for_it() {
        let failed = |signal| Failure { at: UNIX_EPOCH, signal, kind: FailureKind::Refused, host: "t".to_owned() };
        let reading = Status { failing: vec![failed(Signal::Traces), failed(Signal::Logs)], ..Status::default() };
        let still = |set| of_reading(reading.clone(), set, &[]).still_failing.iter().map(|failure| failure.signal).collect::<Vec<_>>();
        for set in [
            state(Standing { broken: true, going_on: vec![Signal::Traces], ..standing() }),
            state(Standing { paused: Some(Pause { at: 7, by: None }), going_on: vec![Signal::Traces], ..standing() }),
        ] {
            // That the logs failed is of the moment before they were stopped.
            assert_eq!(still(set.clone()), [Signal::Traces], "{set:?}");
        }
        for set in [ExportState::Active, ExportState::Managed, state(Standing { broken: true, ..standing() })] {
            assert!(still(set.clone()).is_empty(), "{set:?}");
        }
    }

    #[test]
    fn what_has_an_endpoint_of_its_own_is_told_apart() {
        let failed = |signal| Failure { at: UNIX_EPOCH, signal, kind: FailureKind::Status { status: 404 }, host: "t".to_owned() };
        for (signal, own_endpoint) in [(Signal::Traces, true), (Signal::Logs, false)] {
            let reading = Status { last_failure: Some(failed(signal)), ..Status::default() };
            let told = of_reading(reading, ExportState::Active, &[Signal::Traces]).last_failure;
            assert_eq!(told.map(|failure| failure.own_endpoint), Some(own_endpoint), "{signal:?}");
        }
    }

    #[test]
    fn foreign_words_are_one_short_line() {
        assert_eq!(shortened("a\nb"), "a b");
        assert_eq!(shortened(&"ä".repeat(500)).chars().count(), LONGEST_DETAIL + 1);
    }
}
