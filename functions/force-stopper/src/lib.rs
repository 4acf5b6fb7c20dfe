//! Stops the rollout whose alarm fired, and tells people.
//!
//! Each SNS record is handled on its own. What is refused for good and what failed for now both end
//! as an error of the invocation: Lambda tries again and then hands the records to the undelivered
//! queue. Handling a record again does no harm: a job is stopped once, and a told message is
//! remembered.

pub mod ask;
pub mod aws;
mod evidence;
mod failed;
mod records;
pub mod settings;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tripline::announcement::{Announcement, Done};
use tripline::event::EventId;
use tripline::job::{ExecutionCounts, JobId};
use tripline::notification::{AlarmNotification, AlarmState};
use tripline::recent::RecentEvents;
use tripline::stop::{Certainty, Decision, JobKnowledge, Refusal, StopMode, comment_for, decide};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind, OPERATION_TIMEOUT};

use ask::{CancelJob, DescribeAlarms, DescribeJob, HasFired, Publish};
use evidence::Evidence;
pub use failed::Failed;
use records::Record;
use settings::Settings;

/// How many messages an environment remembers, so that people are told once.
const REMEMBERED_MESSAGES: usize = 1_000;

/// The longest that one record can take: every call at its limit, one after the other. The
/// function's timeout in the template has to be longer, or a stop could be cut off.
pub const LONGEST: Duration = {
    // The alarm, the alarms under it, its history; the job, and once more; two messages.
    let calls = 1 + evidence::MAX_DEPTH + aws::MAX_PAGES + 2 + 2;
    let seconds = calls as u64 * OPERATION_TIMEOUT.as_secs() + aws::CANCEL_TIMEOUT.as_secs();
    Duration::from_secs(seconds)
};

/// The function, with what it remembers between invocations.
#[derive(Debug)]
pub struct Stopper<C> {
    client: C,
    settings: Settings,
    told: Mutex<RecentEvents>,
}

impl<C> Stopper<C>
where
    C: DescribeAlarms + HasFired + DescribeJob + CancelJob + Publish + Sync,
{
    /// A stopper that has told nobody yet.
    pub fn new(client: C, settings: Settings) -> Self {
        Self { client, settings, told: Mutex::new(RecentEvents::new(REMEMBERED_MESSAGES)) }
    }

    /// Handles every record of a delivery.
    ///
    /// # Errors
    /// The records that were refused for good or failed for now, after all have been handled.
    pub async fn handle(&self, payload: Value) -> Result<(), Failed> {
        let mut failed = Failed::default();
        for record in records::of(&payload) {
            if let Err(cause) = self.record(&record).await {
                tracing::error!(message_id = excerpt(&record.id), error = %cause, "not handled");
                failed.add(&record.id, cause);
            }
        }
        failed.into_result()
    }

    async fn record(&self, record: &Record) -> Result<(), failed::Cause> {
        match self.judge(record).await {
            Err(failed::Cause::Refused(refusal)) => {
                tracing::warn!(message_id = excerpt(&record.id), %refusal, "refused");
                if refusal.is_announced() {
                    self.tell(record, &Announcement::refusal(&refusal)).await?;
                }
                if refusal.is_undelivered() { Err(refusal.into()) } else { Ok(()) }
            }
            other => other,
        }
    }

    /// Handles one message, in the order of the rules: what it says, whether it is true, what is
    /// to be done, doing it, telling it.
    async fn judge(&self, record: &Record) -> Result<(), failed::Cause> {
        let notification = AlarmNotification::from_json(&record.message).map_err(Refusal::from)?;
        if notification.state != AlarmState::Alarm {
            tracing::info!(alarm = excerpt(&notification.alarm), state = ?notification.state, "ignored");
            return Ok(());
        }
        let Evidence { job, certainty, knowledge, rule } =
            evidence::gather(&self.client, &notification).await?;
        let comment = comment_for(&notification);
        let decision = decide(self.settings.mode, &certainty, &knowledge, &comment);
        tracing::info!(%job, alarm = excerpt(&notification.alarm), ?certainty, ?decision, "decided");
        let done = match decision {
            Decision::AlreadyEnded => return Ok(()),
            Decision::AlreadyStopped if self.settings.mode == StopMode::Abort => Done::Aborted,
            Decision::AlreadyStopped => Done::Cancelled,
            Decision::Observe => Done::Observed,
            Decision::Cancel { force } => match self.cancel(&job, force, &comment).await? {
                Decision::AlreadyEnded => return Ok(()),
                _ if force => Done::Aborted,
                _ => Done::Cancelled,
            },
        };
        let counts: Result<ExecutionCounts, String> = match knowledge {
            JobKnowledge::Found(job) => Ok(job.counts),
            JobKnowledge::Gone => Err("the job is gone".to_owned()),
            JobKnowledge::Unknown(cause) => Err(cause),
        };
        let counts = counts.as_ref().map(|counts| *counts).map_err(String::as_str);
        let told =
            Announcement::stop(&job, &notification, rule.as_deref(), done, &certainty, counts);
        self.tell(record, &told).await
    }

    /// Cancels a job. If that fails, the job is asked what became of it, since AWS does not document
    /// what cancelling an ended job answers: it may have ended by itself, or by an earlier try whose
    /// answer was lost.
    async fn cancel(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
    ) -> Result<Decision, failed::Cause> {
        let Err(failure) = self.client.cancel_job(job, force, comment).await else {
            return Ok(Decision::Cancel { force });
        };
        let now = match self.client.describe_job(job).await {
            Ok(now) => JobKnowledge::Found(now),
            Err(gone) if gone.kind == FailureKind::NotFound => JobKnowledge::Gone,
            Err(_) => return Err(failure.into()),
        };
        match decide(self.settings.mode, &Certainty::Verified, &now, comment) {
            ended @ (Decision::AlreadyEnded | Decision::AlreadyStopped) => Ok(ended),
            _ => Err(failure.into()),
        }
    }

    /// Tells people, each topic once a message: a repetition that this environment sees is not told
    /// again.
    async fn tell(&self, record: &Record, told: &Announcement) -> Result<(), failed::Cause> {
        let Settings { email_topic, sms_topic, .. } = &self.settings;
        // Both are tried, so that one that fails does not silence the other.
        let email = self
            .publish_once(record, email_topic.as_deref(), Some(&told.subject), &told.body)
            .await;
        let sms = self.publish_once(record, sms_topic.as_deref(), None, &told.sms).await;
        Ok(email.and(sms)?)
    }

    async fn publish_once(
        &self,
        record: &Record,
        topic: Option<&str>,
        subject: Option<&str>,
        message: &str,
    ) -> Result<(), Failure> {
        let Some(topic) = topic else { return Ok(()) };
        let medium = if subject.is_some() { "email" } else { "sms" };
        let id = Some(&record.id).filter(|id| !id.is_empty());
        let id = id.and_then(|id| EventId::new(&format!("{id}/{medium}")));
        let is_known = |id| self.told.lock().unwrap_or_else(PoisonError::into_inner).contains(id);
        if id.as_ref().is_some_and(is_known) {
            return Ok(());
        }
        self.client.publish(topic, subject, message).await?;
        if let Some(id) = id {
            self.told.lock().unwrap_or_else(PoisonError::into_inner).remember(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
