//! What the force-stopper asks of AWS, a verb each.

use std::time::Duration;

use tripline::evidence::Record;
use tripline::job::{Job, JobId};
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::stop::{Firing, KnownAlarm};
use tripline::time::Timestamp;
use tripline_aws::Failure;

/// Asks CloudWatch for alarms by their names, of which at most 100.
pub trait DescribeAlarms {
    /// The alarms of these names that exist, of every kind. An answer that is none is a failure.
    fn describe_alarms(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<KnownAlarm>, Failure>> + Send;
}

/// Asks CloudWatch for an alarm's history.
pub trait LastFiring {
    /// The last time that the alarm went to ALARM at or after `since` and not after `until` (seconds
    /// since the epoch; as far as CloudWatch remembers, if not given).
    fn last_firing(
        &self,
        alarm: &str,
        since: Option<i64>,
        until: Option<i64>,
    ) -> impl Future<Output = Result<Option<Firing>, Failure>> + Send;
}

/// Asks AWS IoT for a job.
pub trait DescribeJob {
    /// The job.
    fn describe_job(&self, job: &JobId) -> impl Future<Output = Result<Job, Failure>> + Send;
}

/// Asks the stack's table for what the guard-keeper has written down of a job's evidence.
pub trait ReadEvidence {
    /// The item of a job of this name, as it was written last; `None` if there is none. One that cannot
    /// be read is a failure.
    fn read_evidence(
        &self,
        job: &JobId,
    ) -> impl Future<Output = Result<Option<Record>, Failure>> + Send;
}

/// Asks AWS IoT whether a job has opted out of being guarded.
pub trait HasOptedOut {
    /// Whether it has the tag `tripline:guard` with the value `off`.
    fn has_opted_out(&self, job: &JobId) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// A hold to be made.
#[derive(Debug, Clone, Copy)]
pub struct HoldOrder<'a> {
    /// The alarm that holds it.
    pub by: &'a str,
    /// When, in seconds since the epoch.
    pub at: i64,
    /// What is done if it goes on all the same.
    pub on_failed: OnHoldFailed,
    /// When the job was created.
    pub created: i64,
}

/// Takes a rollout down to its least rate.
pub trait HoldJob {
    /// What the job's tags say: `tripline:onAlarm` and `tripline:onHoldFailed`.
    fn on_alarm(
        &self,
        job: &JobId,
    ) -> impl Future<Output = Result<(OnAlarm, OnHoldFailed), Failure>> + Send;
    /// Keeps how fast it was, unless it is held already, then lowers its rate.
    fn hold(
        &self,
        job: &JobId,
        order: &HoldOrder<'_>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Asks AWS IoT which job devices can be taken back to.
pub trait ReadFallback {
    /// The job that the tag `tripline:fallback` names; `None` without the tag, or if it names none. The
    /// answer is waited for as long as [`Self::PATIENCE`].
    fn read_fallback(
        &self,
        job: &JobId,
    ) -> impl Future<Output = Result<Option<JobId>, Failure>> + Send;

    /// People are not kept waiting for it.
    const PATIENCE: Duration = Duration::from_secs(2);
}

/// Cancels a job.
pub trait CancelJob {
    /// Cancels, with its executions in progress if `force`, and tries for as long as `patience`.
    fn cancel_job(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
        patience: Duration,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Alerts people.
pub trait Publish {
    /// Publishes to a topic; `subject` is for e-mail only.
    fn publish(
        &self,
        topic: &str,
        subject: Option<&str>,
        message: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What is done a few times at most by all environments of the function together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// A stop that could not be verified.
    UnverifiedStop,
    /// An e-mail that reports a refused message.
    RefusalMail,
    /// An e-mail that reports a stop that was not made for want of verification.
    UnverifiedMail,
    /// An SMS about a rollout that is not stopped: there may be one for each message, and SMS have a
    /// budget.
    OtherSms,
}

impl Turn {
    /// Seconds that have to pass after the last turn before all of them can be taken again.
    pub const WINDOW: i64 = 600;

    /// How many can be taken before a [`Self::WINDOW`] without any. So there are never more in any
    /// ten minutes.
    pub fn most(self) -> u32 {
        match self {
            Self::UnverifiedStop | Self::UnverifiedMail | Self::OtherSms => 5,
            Self::RefusalMail => 1,
        }
    }
}

/// Counts turns for the whole stack.
pub trait TakeTurn {
    /// Whether something may be said to people: it was not by another delivery within a
    /// [`Turn::WINDOW`], as far as a few things at a time are remembered. `key` is what is said.
    fn may_say(
        &self,
        key: u64,
        delivery: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Takes a turn, if one is left. Where there is one only, `delivery` has again what it took
    /// last, until it [ends](Self::end_turn): an answer can be lost, and what the turn was for can
    /// fail.
    fn take_turn(
        &self,
        turn: Turn,
        delivery: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Ends the only turn of its kind, once what it was for is done.
    fn end_turn(
        &self,
        turn: Turn,
        delivery: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What needs no answer of AWS.
pub trait Surroundings {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Counts a refused message in the metric that has an alarm.
    fn count_refusal(&self);
}
