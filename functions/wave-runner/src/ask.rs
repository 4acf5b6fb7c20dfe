//! What this function asks of AWS, a verb each.

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use tripline::evidence::Record;
use tripline::job::{Job, JobId};
use tripline::release::hold::Hold;
use tripline::release::{Approval, Plan, ReleaseId, State};
use tripline::time::Timestamp;
use tripline_aws::Failure;
use tripline_guard::desired::GuardAlarm;
use tripline_guard::kept::KeptGuard;

/// A state with the version that it was read with.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned {
    /// The state.
    pub state: State,
    /// Grows with every write.
    pub version: u64,
}

/// The stack's releases.
pub trait Releases {
    /// What a release was started with; `None` if there is no such attempt.
    fn plan(
        &self,
        release: &ReleaseId,
        attempt: u32,
    ) -> impl Future<Output = Result<Option<Plan>, Failure>> + Send;
    /// How far it is.
    fn state(
        &self,
        release: &ReleaseId,
    ) -> impl Future<Output = Result<Option<Versioned>, Failure>> + Send;
    /// Writes it in place of what was read; `false` if somebody has written it meanwhile.
    fn write_state(&self, read: &Versioned) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// A person's word on a wave, by its key.
    fn approval(&self, key: &str)
    -> impl Future<Output = Result<Option<Approval>, Failure>> + Send;
}

/// What the guard-keeper keeps of a job's evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What its last tick came to.
    pub record: Record,
    /// The state, as bytes.
    pub state: Vec<u8>,
}

/// The stack's guards.
pub trait Guards {
    /// Keeps the config of a job, so that the guard-keeper guards it by that, and its alarms stay.
    fn keep(
        &self,
        job: &JobId,
        guard: &KeptGuard,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// What the guard-keeper has written down of a job.
    fn record(&self, job: &JobId) -> impl Future<Output = Result<Option<Kept>, Failure>> + Send;
    /// Every hold, with its job. What cannot be read is left out.
    fn holds(&self) -> impl Future<Output = Result<Vec<(JobId, Hold)>, Failure>> + Send;
    /// Writes a hold in place of what was read; `false` if somebody has written it meanwhile.
    fn write_hold(
        &self,
        job: &JobId,
        read: &Hold,
        hold: &Hold,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// An alarm of a job as CloudWatch has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobAlarm {
    /// Its whole name.
    pub name: String,
    /// Whether it is in ALARM.
    pub is_on: bool,
    /// When its state last changed, in seconds since the epoch.
    pub since: i64,
    /// Where it goes; empty if its actions are off.
    pub actions: Vec<String>,
}

/// CloudWatch's alarms.
pub trait Alarms {
    /// Those of a job, by their names.
    fn alarms(&self, job: &JobId) -> impl Future<Output = Result<Vec<JobAlarm>, Failure>> + Send;
    /// When an alarm was last in ALARM, no earlier than `since`.
    fn last_firing(
        &self,
        alarm: &str,
        since: i64,
    ) -> impl Future<Output = Result<Option<i64>, Failure>> + Send;
    /// Creates or overwrites an alarm.
    fn put_alarm(
        &self,
        alarm: &GuardAlarm,
        job: &JobId,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// AWS IoT's jobs.
pub trait Jobs {
    /// A job as it is now.
    fn describe_job(&self, job: &JobId) -> impl Future<Output = Result<Job, Failure>> + Send;
    /// A job's tags, by its ARN.
    fn job_tags(
        &self,
        job: &JobId,
    ) -> impl Future<Output = Result<Vec<(String, String)>, Failure>> + Send;
    /// Creates a job; `false` if there is one of this name.
    fn create_job(
        &self,
        request: CreateJobInputBuilder,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Cancels a job.
    fn cancel_job(
        &self,
        job: &JobId,
        comment: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Deletes a thing group. That there is none is as good.
    fn delete_group(&self, group: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The state machine's executions.
pub trait Machine {
    /// The names of those that run, a hundred at most.
    fn running(&self, machine: &str) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
    /// Has the execution that waits with this token go on. `false`: nobody waits with it any more.
    fn succeed(&self, token: &str) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Has it fail.
    fn fail(
        &self,
        token: &str,
        error: &str,
        cause: &str,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Says that it is looked after.
    fn heartbeat(&self, token: &str) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// Alerts people.
pub trait People {
    /// By e-mail.
    fn email(&self, subject: &str, text: &str) -> impl Future<Output = Result<(), Failure>> + Send;
    /// By SMS.
    fn sms(&self, text: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// All of it.
pub trait Ask: Releases + Guards + Alarms + Jobs + Machine + People + Clock + Sync {}

impl<T: Releases + Guards + Alarms + Jobs + Machine + People + Clock + Sync> Ask for T {}
