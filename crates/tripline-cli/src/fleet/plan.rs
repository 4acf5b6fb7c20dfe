//! A run of a fleet: every device is a task of its own that waits for the rollout to reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tripline_aws::{Failure, FailureKind};

use super::board::{Board, DeviceEnding};
use super::device::Behavior;
use super::value::Speedup;
use crate::aws::job_side::{DeviceOutcome, JobSide, JobStatus, Offer, Taken};
use crate::aws::pace::Pace;
use crate::terminal::progress::Progress;

/// How often the job's own status is asked for; the account's limit is 10 calls a second.
const STATUS_EVERY: Duration = Duration::from_secs(2);
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// Failures in a row after which a device gives up, each one already retried by the SDK.
const PATIENCE: u32 = 5;

/// What is to be run.
pub struct Plan {
    pub names: Vec<String>,
    pub behavior: Behavior,
    pub seed: u64,
    pub speedup: Speedup,
    pub poll: Duration,
    pub longest: Duration,
    /// Looking for the job, and taking it and reporting: AWS limits them apart, and a device that
    /// has something to report must not queue behind all those that wait.
    pub looks: Pace,
    pub acts: Pace,
}

impl Plan {
    /// Runs until every device has ended, the job has, or the time is up; then some are open.
    pub async fn run<S: JobSide>(self, side: Arc<S>) -> Result<(Board, JobStatus), Failure> {
        let mut status = side.status().await?;
        let (report_end, end) = watch::channel(status.ended);
        let mut board = Board::new(self.names.len(), self.seed);
        let mut progress = Progress::new();
        let busy = Arc::new(AtomicUsize::new(0));
        let time_is_up = sleep(self.longest);
        tokio::pin!(time_is_up);

        let plan = Arc::new(self);
        let mut devices = JoinSet::new();
        for name in &plan.names {
            devices.spawn(
                Device {
                    name: name.clone(),
                    plan: Arc::clone(&plan),
                    side: Arc::clone(&side),
                    end: end.clone(),
                    busy: Arc::clone(&busy),
                }
                .live(),
            );
        }

        let mut ask_status = interval(STATUS_EVERY);
        let mut show = interval(PROGRESS_EVERY);
        let mut patience = Patience::default();
        loop {
            tokio::select! {
                ended = devices.join_next() => match ended {
                    Some(Ok(ending)) => board.record(ending?),
                    Some(Err(lost)) => {
                        return Err(Failure::new("fleet", FailureKind::Unavailable, lost.to_string()));
                    }
                    None => break,
                },
                _ = ask_status.tick() => match side.status().await {
                    Ok(now) => {
                        status = now;
                        report_end.send_if_modified(|ended| status.ended && !std::mem::replace(ended, true));
                        patience = Patience::default();
                    }
                    Err(failure) => patience.with(failure)?,
                },
                _ = show.tick() => {
                    board.busy = busy.load(Ordering::Relaxed);
                    progress.show(board.to_string());
                }
                () = &mut time_is_up => break,
            }
        }
        // The last report may have ended the job.
        Ok((board, side.status().await.unwrap_or(status)))
    }
}

/// One device, until its part has ended.
struct Device<S> {
    name: String,
    plan: Arc<Plan>,
    side: Arc<S>,
    /// Becomes true when the job has ended.
    end: watch::Receiver<bool>,
    busy: Arc<AtomicUsize>,
}

impl<S: JobSide> Device<S> {
    async fn live(mut self) -> Result<DeviceEnding, Failure> {
        if !self.take().await? {
            return Ok(DeviceEnding::Spared);
        }
        let fate = self.plan.behavior.fate_of(self.plan.seed, &self.name);
        if matches!(fate.outcome, DeviceOutcome::Succeeded | DeviceOutcome::Failed) {
            self.busy.fetch_add(1, Ordering::Relaxed);
            sleep(self.plan.speedup.wait(fate.download_time)).await;
            self.busy.fetch_sub(1, Ordering::Relaxed);
        }
        let acts = &self.plan.acts;
        let report = async move |device: &Self| device.side.report(&device.name, fate).await;
        let taken = self.insist(acts, report).await?;
        Ok(match taken {
            Taken::Yes => DeviceEnding::Reported(fate.outcome, fate.download_time),
            Taken::TooLate => DeviceEnding::Canceled,
        })
    }

    /// Waits for the rollout and takes the execution. `false`: it ended before.
    async fn take(&mut self) -> Result<bool, Failure> {
        loop {
            let looks = &self.plan.looks;
            match self.insist(looks, async |device| device.side.offer(&device.name).await).await? {
                Offer::Pending => break,
                Offer::Ended => return Ok(false),
                Offer::Nothing if *self.end.borrow() => return Ok(false),
                Offer::Nothing => {}
            }
            tokio::select! {
                () = sleep(self.plan.poll) => {}
                // A job that has ended has nothing more for a device that waits.
                _ = self.end.changed() => return Ok(false),
            }
        }
        let acts = &self.plan.acts;
        let taken = self.insist(acts, async |device| device.side.start(&device.name).await).await?;
        Ok(taken == Taken::Yes)
    }

    /// Makes a call at a pace, and again while the service is busy or away.
    async fn insist<T>(
        &self,
        pace: &Pace,
        call: impl AsyncFn(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut patience = Patience::default();
        loop {
            let permit = pace.permit().await;
            let answer = call(self).await;
            drop(permit);
            match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => patience.with(failure)?,
            }
            sleep(self.plan.poll).await;
        }
    }
}

/// Failures in a row.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    /// The failure itself when waiting does not help, or has not.
    fn with(&mut self, failure: Failure) -> Result<(), Failure> {
        self.0 += 1;
        match failure.kind {
            FailureKind::Throttled | FailureKind::Unavailable if self.0 < PATIENCE => Ok(()),
            _ => Err(failure),
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
