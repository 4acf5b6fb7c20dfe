//! What the keeper asks of AWS, a verb each. Each is one call: whoever wants another page asks again, once
//! the minute allows it.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::attempts::Attempt;
use tripline::job::{Job, JobId};
use tripline::metric::{KeptMetric, Outcome};
use tripline::release::hold::HeldBriefly;
use tripline::time::Timestamp;
use tripline_aws::Failure;
use tripline_aws::cloudwatch::MuteRule;
use tripline_guard::desired::GuardAlarm;
use tripline_guard::kept::FirstSeen;
use tripline_guard::reconcile::Put;

/// Some of what there is, and where the rest begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// What to ask for next.
    pub next: Option<String>,
}

/// A job in progress, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The job.
    pub job: JobId,
    /// Its ARN, by which its tags are found.
    pub arn: String,
    /// When it was created.
    pub created: Timestamp,
}

/// An item of the stack's table.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A job's own config, as text.
    Config {
        /// The job.
        job: JobId,
        /// `[ALARM_CONFIG]` and its alarms.
        text: String,
        /// When the job was armed with it.
        armed: Timestamp,
        /// That it stops nothing is meant.
        alert_only: bool,
        /// The baseline that its limits are of, as text.
        baseline: Option<String>,
    },
    /// A job's evidence.
    Evidence {
        /// The job.
        job: JobId,
        /// The record, as text.
        text: String,
        /// The state, as bytes.
        state: Vec<u8>,
        /// The minute that it is of.
        tick: u32,
    },
    /// What a job was when it was first seen.
    FirstSeen {
        /// The job.
        job: JobId,
        /// What it was.
        first: FirstSeen,
    },
    /// Rollouts that are held, or were.
    Holds(Vec<(JobId, HeldBriefly)>),
    /// What the keeper remembers, as text.
    Memory(String),
}

/// Which executions of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Those at work.
    InProgress,
    /// Those that succeeded.
    Succeeded,
}

/// Most entries of a page of jobs or executions (AWS IoT `ListJobs`, `ListJobExecutionsForJob`, `maxResults`).
pub const PAGE: u32 = 250;

/// An execution in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: Timestamp,
    /// When it was last heard of.
    pub updated: Timestamp,
    /// It is not the device's first attempt.
    pub is_retry: bool,
    /// A number of its thing: one that is on two pages of a list is the same.
    pub thing: u64,
}

/// A job's evidence, as it is kept: see [`Record`](tripline::evidence::Record).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceItem {
    /// The record, as text.
    pub text: String,
    /// The state, as bytes.
    pub state: Vec<u8>,
    /// The minute that it is of.
    pub tick: u32,
    /// The minute that was read before, which it takes the place of; `None` if there was nothing.
    pub instead_of: Option<u32>,
}

/// Most configs that are deleted at once: with what is remembered, what DynamoDB takes in one request.
pub const MAX_FORGOTTEN: usize = 24;

/// Most items that are written and deleted at once: what DynamoDB takes in one request.
pub const MAX_WRITES: usize = 25;

/// A number of the stack to publish, by the metric's name.
pub type StackGauge = (&'static str, f64);
/// A number of a job to publish.
pub type JobGauge = (JobId, KeptMetric, f64);
/// Most numbers that are published at once: what CloudWatch takes in one request.
pub const MAX_GAUGES: usize = 1_000;

/// Job events of the account.
pub trait JobEvents {
    /// Whether AWS IoT sends them.
    fn job_events_are_on(&self) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Has AWS IoT send them.
    fn enable_job_events(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Lists jobs in progress.
pub trait ListJobs {
    /// A page of them.
    fn list_jobs(
        &self,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<Listed>, Failure>> + Send;
}

/// Reads a job's tags.
pub trait JobTags {
    /// A page of keys and values.
    fn job_tags(
        &self,
        arn: &str,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<(String, String)>, Failure>> + Send;
}

/// Describes a job.
pub trait DescribeJob {
    /// The job as it is now.
    fn describe_job(&self, job: &JobId) -> impl Future<Output = Result<Job, Failure>> + Send;
}

/// Lists executions.
pub trait ListExecutions {
    /// A page of them.
    fn list_executions(
        &self,
        job: &JobId,
        phase: Phase,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<Span>, Failure>> + Send;
}

/// Lists executions that ended unsuccessfully.
pub trait ListAttempts {
    /// A page of those of one outcome, each with a number of its thing.
    fn list_attempts(
        &self,
        job: &JobId,
        outcome: Outcome,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<Attempt<u64>>, Failure>> + Send;
}

/// Lists the things of a group.
pub trait ListThings {
    /// A page of them, each as a number.
    fn list_things(
        &self,
        group: &str,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<u64>, Failure>> + Send;
}

/// What is counted of what devices report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reported {
    /// Executions that ended this way, by themselves.
    Ended(Outcome),
    /// Values of `downloadTime`.
    DownloadTimes,
    /// Details that could not be used.
    InvalidDetails,
}

impl Reported {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Ended(Outcome::Succeeded),
        Self::Ended(Outcome::Failed),
        Self::Ended(Outcome::Rejected),
        Self::Ended(Outcome::TimedOut),
        Self::DownloadTimes,
        Self::InvalidDetails,
    ];
}

/// An alarm whose name begins as Tripline's do.
#[derive(Debug, Clone)]
pub enum Alarm {
    /// On a metric, or on metric math.
    Metric(Box<MetricAlarm>),
    /// On other alarms, and so nobody's of Tripline. Its name is taken.
    Composite(String),
}

impl Alarm {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Metric(alarm) => alarm.alarm_name().unwrap_or_default(),
            Self::Composite(name) => name,
        }
    }
}

/// Lists alarms whose names begin as Tripline's do.
pub trait ListAlarms {
    /// A page of them.
    fn list_alarms(
        &self,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<Alarm>, Failure>> + Send;
}

/// Reads an alarm's tags.
pub trait AlarmTags {
    /// Keys and values.
    fn alarm_tags(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<Vec<(String, String)>, Failure>> + Send;
}

/// Creates or overwrites an alarm.
pub trait PutAlarm {
    /// With tags, if it is new: CloudWatch ignores them otherwise.
    fn put_alarm(&self, put: &Put, job: &JobId)
    -> impl Future<Output = Result<(), Failure>> + Send;
    /// Whether an alarm that is there shows no difference from what is wanted.
    fn is_as_wanted(&self, there: &MetricAlarm, wanted: &GuardAlarm, job: &JobId) -> bool;
}

/// Deletes alarms.
pub trait DeleteAlarms {
    /// At most a hundred.
    fn delete_alarms(&self, names: &[String]) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Asks how many events were counted.
pub trait CountEvents {
    /// Of everything in [`Reported::ALL`], since the job was created and until now (`life`): numbers that add up, on
    /// as many pages as there are.
    fn count_events(
        &self,
        job: &JobId,
        life: (Timestamp, Timestamp),
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<(Reported, u32)>, Failure>> + Send;
}

/// Asks which alarms are muted.
pub trait MuteRules {
    /// A page of the rules that are active.
    fn list_mute_rules(
        &self,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<MuteRule>, Failure>> + Send;
    /// The names of the alarms that a rule mutes.
    fn muted_alarms(&self, rule: &str)
    -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
}

/// Has an alarm fire again.
pub trait FireAgain {
    /// Sets it to OK: the next number that breaches makes its actions run again.
    fn fire_again(&self, alarm: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Publishes numbers.
pub trait Publish {
    /// Evidence of jobs, at most [`MAX_GAUGES`], dated into the minute before `now`: that one is over, so
    /// that alarms look at it at once.
    fn publish_evidence(
        &self,
        evidence: &[(JobId, f64)],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Those of the stack.
    fn publish_stack(
        &self,
        gauges: &[StackGauge],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Those of jobs, at most [`MAX_GAUGES`].
    fn publish_jobs(&self, gauges: &[JobGauge])
    -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The stack's table.
pub trait Table {
    /// A page of its items.
    fn read_table(
        &self,
        next: Option<String>,
    ) -> impl Future<Output = Result<Page<Item>, Failure>> + Send;
    /// Writes down what is to be remembered, and deletes the configs of at most [`MAX_FORGOTTEN`] jobs.
    fn write_table(
        &self,
        memory: Option<&str>,
        forget: &[JobId],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Writes a job's evidence down, unless somebody has written since it was read: `false`.
    fn write_evidence(
        &self,
        job: &JobId,
        item: &EvidenceItem,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
    /// Deletes the evidence of at most [`MAX_WRITES`] jobs.
    fn forget_evidence(&self, jobs: &[JobId]) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Writes down what jobs were when they were first seen, and deletes what is kept of others: at most
    /// [`MAX_WRITES`] in all.
    fn write_first_seen(
        &self,
        seen: &[(JobId, FirstSeen)],
        forget: &[JobId],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Alerts people.
pub trait Alert {
    /// By e-mail. The subject is ASCII, and has fewer than 100 characters.
    fn alert(&self, subject: &str, body: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Finds alarms by name.
pub trait NamedAlarms {
    /// Those that there are, of at most a hundred names.
    fn alarms_named(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<Alarm>, Failure>> + Send;
}

/// All of it.
pub trait Ask:
    JobEvents
    + ListJobs
    + JobTags
    + DescribeJob
    + ListExecutions
    + ListAttempts
    + ListThings
    + ListAlarms
    + AlarmTags
    + PutAlarm
    + DeleteAlarms
    + CountEvents
    + MuteRules
    + FireAgain
    + Publish
    + Table
    + Alert
    + NamedAlarms
    + Sync
{
}

impl<T> Ask for T where
    T: JobEvents
        + ListJobs
        + JobTags
        + DescribeJob
        + ListExecutions
        + ListAttempts
        + ListThings
        + ListAlarms
        + AlarmTags
        + PutAlarm
        + DeleteAlarms
        + CountEvents
        + MuteRules
        + FireAgain
        + Publish
        + Table
        + Alert
        + NamedAlarms
        + Sync
{
}
