//! What the force-stopper asks of AWS, a verb each.

use tripline::job::{Job, JobId};
use tripline::stop::KnownAlarm;
use tripline_aws::Failure;

/// Asks CloudWatch for alarms by their names, of which at most 100.
pub trait DescribeAlarms {
    /// The alarms of these names that exist, of every kind.
    fn describe_alarms(
        &self,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<KnownAlarm>, Failure>> + Send;
}

/// Asks CloudWatch for an alarm's history.
pub trait HasFired {
    /// Whether the alarm went to ALARM at or after `since` (seconds since the epoch; as far back as
    /// CloudWatch remembers, if not given).
    fn has_fired(
        &self,
        alarm: &str,
        since: Option<i64>,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// Asks AWS IoT for a job.
pub trait DescribeJob {
    /// The job.
    fn describe_job(&self, job: &JobId) -> impl Future<Output = Result<Job, Failure>> + Send;
}

/// Cancels a job.
pub trait CancelJob {
    /// Cancels, with its executions in progress if `force`.
    fn cancel_job(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Tells people.
pub trait Publish {
    /// Publishes to a topic; `subject` is for e-mail only.
    fn publish(
        &self,
        topic: &str,
        subject: Option<&str>,
        message: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
