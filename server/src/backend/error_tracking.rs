//! The card of error tracking: what is set, and how the reporting goes.

use app::contract::{
    ApiError, ErrorTracking, ServerTrackingStatus, TrackingCounts, TrackingFailure, TrackingForm, TrackingState, TrackingTest, TrackingView,
};
use async_trait::async_trait;

use super::Bound;
use super::health::{shortened, throttled, whole_millis};
use super::integrations::managed;
use crate::error_tracking::{Status, Tested};
use crate::settings::{Tracking, TrackingChange};
use crate::store::unix_millis;

#[async_trait]
impl ErrorTracking for Bound {
    async fn tracking(&self) -> Result<TrackingView, ApiError> {
        let tracking = self.settings().error_tracking(&self.visitor.operator()?)?;
        let (browser, server) = (browser_state(&tracking), server_state(&tracking));
        let test = self.parts.errors.last_probe().map(test);
        Ok(TrackingView {
            dsn_browser: managed(tracking.dsn_browser),
            dsn_server: managed(tracking.dsn_server),
            environment: managed(tracking.environment),
            release: managed(tracking.release),
            generation: tracking.generation,
            saved_at: tracking.saved_at,
            saved_by: tracking.saved_by.map(String::from),
            browser,
            server: status(self.parts.errors.status().unwrap_or_default(), server, test),
        })
    }

    async fn save_tracking(&self, form: TrackingForm) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        Ok(self.settings().save_error_tracking(&operator, &change(form)).await?)
    }

    async fn test_tracking(&self, form: TrackingForm) -> Result<TrackingTest, ApiError> {
        let operator = self.visitor.operator()?;
        let target = self.settings().server_tracking_of(&operator, &change(form))?;
        let tested = self.parts.errors.probe(&target, &self.parts.outbound).await;
        tested.map(test).map_err(throttled)
    }
}

fn change(form: TrackingForm) -> TrackingChange {
    let TrackingForm { dsn_browser, dsn_server, environment, generation } = form;
    TrackingChange { dsn_browser, dsn_server, environment, generation }
}

fn browser_state(tracking: &Tracking) -> TrackingState {
    state(&tracking.dsn_browser.value, tracking.dsn_browser.by.is_some(), tracking.broken)
}

fn server_state(tracking: &Tracking) -> TrackingState {
    state(&tracking.dsn_server.value, tracking.dsn_server.by.is_some(), tracking.broken)
}

/// What the environment names works whatever became of the stored record.
fn state(dsn: &str, from_environment: bool, broken: bool) -> TrackingState {
    match (from_environment, broken, dsn.is_empty()) {
        (true, ..) => TrackingState::Managed,
        (false, true, _) => TrackingState::Broken,
        (false, false, true) => TrackingState::Off,
        (false, false, false) => TrackingState::Active,
    }
}

fn status(reading: Status, set: TrackingState, test: Option<TrackingTest>) -> ServerTrackingStatus {
    let failing = reading.failing_since.filter(|_| matches!(set, TrackingState::Active | TrackingState::Managed));
    ServerTrackingStatus {
        state: failing.map_or(set, |since| TrackingState::Failing { since: unix_millis(since) }),
        last_sent_at: reading.last_sent.map(unix_millis),
        last_failure: reading.last_failure.map(|failure| TrackingFailure {
            at: unix_millis(failure.at),
            kind: failure.kind,
            host: failure.host,
        }),
        counts: TrackingCounts {
            accepted: reading.accepted,
            sent: reading.sent,
            dropped: reading.dropped.into_iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
            queued: reading.queued,
        },
        test,
    }
}

fn test(tested: Tested) -> TrackingTest {
    TrackingTest {
        at: unix_millis(tested.at),
        error_id: tested.error_id,
        host: tested.host,
        status: tested.status,
        latency_ms: whole_millis(tested.latency),
        failure: tested.failure,
        detail: tested.detail.map(|text| shortened(&text)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn what_is_set_and_how_it_goes_make_one_state() {
        assert_eq!(state("", false, false), TrackingState::Off);
        assert_eq!(state("x", false, false), TrackingState::Active);
        assert_eq!(state("x", true, true), TrackingState::Managed);
        assert_eq!(state("", false, true), TrackingState::Broken);
        let failing = || Status { failing_since: Some(UNIX_EPOCH + Duration::from_millis(5)), ..Status::default() };
        assert_eq!(status(failing(), TrackingState::Managed, None).state, TrackingState::Failing { since: 5 });
        assert_eq!(status(failing(), TrackingState::Off, None).state, TrackingState::Off);
    }
}
