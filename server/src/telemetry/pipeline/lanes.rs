//! Where a destination's batches go.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Pipeline;
use crate::telemetry::delivery::{Backlog, Lane, Limit, Payload, Way, Worker};
use crate::telemetry::status::Load;
use crate::values::Signal;

/// One lane and one worker for each signal that is on.
pub(super) struct Lanes {
    lanes: [Option<Arc<Lane>>; Signal::ALL.len()],
    workers: TaskTracker,
    abort: CancellationToken,
}

impl Lanes {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let common = &pipeline.common;
        let abort = common.abort.child_token();
        let workers = TaskTracker::new();
        let lanes = Signal::ALL.map(|signal| {
            if pipeline.target.signal(signal).is_none() && pipeline.target.suspends(signal) {
                // What waits stays where it lies until the signal can be sent again.
                return None;
            }
            if pipeline.target.signal(signal).is_none() {
                let mut backlog = Backlog::new(pipeline.home.clone(), signal, Arc::clone(&pipeline.ledger));
                common.threads.spawn(workers.track_future(async move { backlog.discard().await }));
                return None;
            }
            let batch = pipeline.target.batch(signal);
            let limit = Limit { bytes: common.options.lane_bytes, records: batch.and_then(|batch| batch.max_queue) };
            let lane = Arc::new(Lane::new(limit, Arc::clone(&common.memory)));
            let way = Way {
                signal,
                target: Arc::clone(&pipeline.target),
                ledger: Arc::clone(&pipeline.ledger),
                transport: Arc::clone(&common.transport),
                alarm: Arc::clone(&common.alarm),
                retry: common.options.retry,
                expires: batch.and_then(|batch| batch.max_elapsed),
                give_up: common.options.give_up.clone(),
                max_request: common.options.max_request,
                heirs: Arc::clone(&common.heirs),
                estate: Arc::clone(&pipeline.estate),
            };
            let backlog = Backlog::new(pipeline.home.clone(), signal, Arc::clone(&pipeline.ledger));
            common.threads.spawn(workers.track_future(Worker::new(way, Arc::clone(&lane), backlog, abort.clone()).run()));
            Some(lane)
        });
        Self { lanes, workers, abort }
    }

    pub(super) fn is_behind(&self, signal: Signal) -> bool {
        self.lanes[signal as usize].as_ref().is_some_and(|lane| lane.is_behind())
    }

    pub(super) fn push(&self, signal: Signal, payload: Payload) -> Load {
        match &self.lanes[signal as usize] {
            Some(lane) => lane.push(payload),
            None => payload.load,
        }
    }

    fn close(&self) {
        self.lanes.iter().flatten().for_each(|lane| lane.close());
    }

    /// Sends what is left, for so long; then gives up.
    pub(super) async fn finish(self, drain: Duration) {
        self.close();
        self.workers.close();
        if timeout(drain, self.workers.wait()).await.is_err() {
            self.abort.cancel();
            self.workers.wait().await;
        }
    }
}

/// Also where the task that fills them has panicked: what they hold is still sent.
impl Drop for Lanes {
    fn drop(&mut self) {
        self.close();
    }
}
