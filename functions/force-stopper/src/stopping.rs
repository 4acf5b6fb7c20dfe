//! Canceling a job, and the proof of it.

use std::time::Duration;

use tripline::job::{Job, JobId, JobState};
use tripline::stop::{Certainty, Decision, JobKnowledge, decide, plain_comment};
use tripline_aws::{Failure, FailureKind};

use crate::Stopper;
use crate::ask::{CancelJob, DescribeJob};

/// How long a stop is tried before people are alerted that it fails ..
pub(crate) const FIRST_PATIENCE: Duration = Duration::from_secs(15);
/// .. and how long after that: a stop is what all this is for, and AWS IoT allows ten a second.
pub(crate) const SECOND_PATIENCE: Duration = Duration::from_secs(60);

/// A stop to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub job: &'a JobId,
    pub force: bool,
    pub comment: &'a str,
    pub delivery: &'a str,
}

/// What came of a stop.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The job is canceled, by this delivery; as it is after that.
    Stopped(Box<Job>),
    /// AWS IoT took it, and could not be asked what became of it.
    Unproven(Failure),
    /// The job ended by itself, or by another delivery, which alerts people.
    Elsewhere,
    /// There is no such job any more: it was deleted, before or after it was stopped.
    Gone,
}

impl<C: CancelJob + DescribeJob + Sync> Stopper<C> {
    /// Cancels a job and asks what became of it. What canceling an ended job answers is not
    /// documented, an answer can be lost, and one of success may not be AWS IoT's. `alert` is given
    /// the first failure, while the second and longer attempt is made. If AWS IoT refused the first, it
    /// may be for a character of the comment, whose pattern depends on a version of Unicode: one in
    /// ASCII is tried before.
    ///
    /// # Errors
    /// The failure of the last attempt, if the job is not known to have ended.
    pub(crate) async fn stop(
        &self,
        order: &Order<'_>,
        alert: impl AsyncFn(&Failure),
    ) -> Result<Outcome, Failure> {
        let mut first = match self.attempt(order, FIRST_PATIENCE).await {
            Err(failure) => failure,
            done => return done,
        };
        let plain = plain_comment(order.comment);
        let plain = Order { comment: &plain, ..*order };
        if first.kind == FailureKind::Refused && plain.comment != order.comment {
            first = match self.attempt(&plain, FIRST_PATIENCE).await {
                Err(failure) => failure,
                done => return done,
            };
        }
        // People who cannot be reached do not hold up the stop.
        let order = if first.kind == FailureKind::Refused { &plain } else { order };
        tokio::join!(alert(&first), self.attempt(order, SECOND_PATIENCE)).1
    }

    async fn attempt(&self, order: &Order<'_>, patience: Duration) -> Result<Outcome, Failure> {
        let Order { job, force, comment, delivery } = order;
        let canceled = self.client.cancel_job(job, *force, comment, patience).await;
        let now = match self.client.describe_job(job).await {
            Ok(now) => now,
            Err(gone) if gone.kind == FailureKind::NotFound => return Ok(Outcome::Gone),
            Err(cause) => {
                return match canceled {
                    Err(gone) if gone.kind == FailureKind::NotFound => Ok(Outcome::Gone),
                    canceled => canceled.map(|()| Outcome::Unproven(cause)),
                };
            }
        };
        let unsigned = canceled.is_ok() && now.comment.is_none() && now.state == JobState::Canceled;
        let known = JobKnowledge::Found(now.clone());
        match decide(self.settings.mode, &Certainty::Verified, &known, delivery) {
            Decision::AlreadyStopped { .. } => Ok(Outcome::Stopped(Box::new(now))),
            // Taken, by an AWS IoT that does not say why a job was canceled.
            Decision::AlreadyEnded if unsigned => Ok(Outcome::Stopped(Box::new(now))),
            Decision::AlreadyEnded | Decision::Missing => Ok(Outcome::Elsewhere),
            Decision::Observe | Decision::Cancel { .. } => {
                Err(canceled.err().unwrap_or_else(|| {
                    let text = "taken, but the job is still in progress";
                    Failure::new("CancelJob", FailureKind::Unavailable, text)
                }))
            }
        }
    }
}
