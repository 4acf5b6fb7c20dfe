//! Stops the rollout whose alarm fired, and alerts people.
//!
//! Each SNS record is handled on its own, on a way of four steps: what it says (`records`), whether
//! it is true (`verification`), what is to be done (`tripline::stop`), and doing it (`stopping`) and
//! announcing it (`alerting`). What is refused for good and what failed for now both end as an error of
//! the invocation: Lambda tries again and then hands the records to the undelivered queue. Handling
//! a record again does no harm: a job is stopped once, and what was said is remembered.

mod alerting;
pub mod ask;
pub mod aws;
mod evidence;
mod failed;
mod holding;
mod records;
pub mod settings;
mod stopping;
mod under;
mod verification;

use std::time::Duration;

use serde_json::Value;
use tripline::announcement::{Alarm, Announcement, Done};
use tripline::job::{ExecutionCounts, JobId};
use tripline::notification::{AlarmNotification, AlarmState, Subject};
use tripline::stop::{
    Asked, Certainty, Decision, JobKnowledge, Refusal, UNVERIFIED_AFTER, WithoutAnswer, decide,
    without_answer,
};
use tripline::text::{bare_name, excerpt};
use tripline_aws::{Failure, OPERATION_TIMEOUT};

use alerting::{Alerts, Change, Rollout, Said};
use ask::{
    CancelJob, DescribeAlarms, DescribeJob, HasOptedOut, HoldJob, LastFiring, Publish,
    ReadEvidence, ReadFallback, Surroundings, TakeTurn, Turn,
};
use failed::Cause;
pub use failed::Failed;
use records::Record;
use settings::Settings;
use stopping::{Order, Outcome};
use verification::{Verification, verification};

/// The longest that one record can take: every call at its limit, one after the other. The
/// function's timeout in the template has to be longer, or a stop could be cut off.
pub const LONGEST: Duration = {
    // The alarm twice; the job, and once more for a failure rate; for a hold its rates, the table twice, and the new
    // rate; whether it has opted out, and the
    // turn, which may take three requests; three times the proof; and people, by e-mail and SMS at
    // once. That a stop fails is said while it is tried again.
    let calls = 2 + 2 + 4 + 1 + 3 + 3 + 1;
    // The alarms under a composite one, histories, and evidence.
    let several = 3 * verification::SEVERAL_CALLS.as_secs();
    let cancel = 2 * stopping::FIRST_PATIENCE.as_secs() + stopping::SECOND_PATIENCE.as_secs();
    // Whether it asks for a hold, and the way back.
    let tags = 2 * <aws::Aws as ReadFallback>::PATIENCE.as_secs();
    Duration::from_secs(calls * OPERATION_TIMEOUT.as_secs() + several + cancel + tags)
};

/// A message of this age, in seconds, has been tried before: Lambda waits a minute.
const SECOND_ATTEMPT: i64 = 45;

/// What Lambda says of an invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Its id, which is the same for each attempt.
    pub request: String,
    /// The ARN by which the function was invoked.
    pub function: String,
}

/// The function, with what it remembers between invocations.
#[derive(Debug)]
pub struct Stopper<C> {
    client: C,
    settings: Settings,
    alerts: Alerts,
}

impl<C> Stopper<C>
where
    C: DescribeAlarms
        + LastFiring
        + DescribeJob
        + ReadEvidence
        + HasOptedOut
        + ReadFallback
        + CancelJob
        + HoldJob
        + Publish
        + TakeTurn
        + Surroundings
        + Sync,
{
    /// A stopper that has alerted nobody yet.
    pub fn new(client: C, settings: Settings) -> Self {
        Self { client, settings, alerts: Alerts::default() }
    }

    /// Handles every record of a delivery.
    ///
    /// # Errors
    /// The records that were refused for good or failed for now, after all have been handled.
    pub async fn handle(&self, payload: Value, invocation: &Invocation) -> Result<(), Failed> {
        let mut failed = Failed::default();
        for record in records::of(&payload, &invocation.request) {
            let asked = Asked {
                action: if record.is_direct {
                    invocation.function.clone()
                } else {
                    self.settings.force_stop_topic.as_str().to_owned()
                },
                account: self.settings.force_stop_topic.account().to_owned(),
            };
            if let Err(cause) = self.record(&record, &asked).await {
                tracing::error!(message_id = excerpt(&record.id), error = %cause, "message_not_handled");
                failed.add(&record.id, cause);
            }
        }
        failed.into_result()
    }

    async fn record(&self, record: &Record, asked: &Asked) -> Result<(), Cause> {
        match self.judge(record, asked).await {
            Err(Cause::Refused(refusal)) => {
                tracing::warn!(message_id = excerpt(&record.id), %refusal, "message_refused");
                self.client.count_refusal();
                if refusal.is_announced() {
                    self.mail_refusal(&record.id, &Announcement::refusal(&refusal)).await?;
                }
                if refusal.is_undelivered() { Err(refusal.into()) } else { Ok(()) }
            }
            other => other,
        }
    }

    /// Handles one message, in the order of the rules: what it says, whether it is true, what is
    /// to be done, doing it, announcing it.
    async fn judge(&self, record: &Record, asked: &Asked) -> Result<(), Cause> {
        let notification = AlarmNotification::from_json(&record.message).map_err(Refusal::from)?;
        if notification.state != AlarmState::Alarm {
            tracing::info!(alarm = excerpt(&notification.alarm), state = ?notification.state, "message_ignored");
            return Ok(());
        }
        let verified = match verification(&self.client, &notification, asked).await {
            Ok(verified) => verified,
            Err(Cause::Refused(refusal)) => {
                return self.refuse(record, &notification, refusal).await;
            }
            Err(Cause::Aws(failure)) => {
                return self.leave(record, &notification, failure).await;
            }
        };
        let certainty = match &verified.open {
            None => Certainty::Verified,
            Some(failure) => {
                tracing::warn!(%failure, "alarm_unverified");
                Certainty::Unverified(failure.in_short())
            }
        };
        let decision = decide(self.settings.mode, &certainty, &verified.knowledge, &record.id);
        let job = verified.job.clone();
        tracing::info!(%job, alarm = excerpt(&notification.alarm), ?certainty, ?decision, "stop_decided");
        if let (Decision::Cancel { .. } | Decision::Observe, Some(failure)) =
            (decision, &verified.open)
        {
            self.permit(record, &verified, failure).await?;
        }
        self.carry_out(decision, certainty, verified, record).await
    }

    /// Refuses a message, unless an earlier attempt of this very delivery has stopped the rollout: its
    /// alarm may have been deleted since, and people are still to be alerted to the stop.
    async fn refuse(
        &self,
        record: &Record,
        notification: &AlarmNotification,
        refusal: Refusal,
    ) -> Result<(), Cause> {
        if self.age(record).is_none_or(|age| age < SECOND_ATTEMPT) {
            return Err(refusal.into());
        }
        let Subject::Metrics(watched) = &notification.subject else { return Err(refusal.into()) };
        let Ok(job) = watched.job() else { return Err(refusal.into()) };
        let Ok(described) = self.client.describe_job(&job).await else {
            return Err(refusal.into());
        };
        let knowledge = JobKnowledge::Found(described);
        let (mode, certainty) = (self.settings.mode, Certainty::Verified);
        let decision = decide(mode, &certainty, &knowledge, &record.id);
        if !matches!(decision, Decision::AlreadyStopped { .. }) {
            return Err(refusal.into());
        }
        let alarm = Alarm::named(&notification.alarm);
        let verified = Verification { job, open: None, knowledge, alarm };
        self.carry_out(decision, certainty, verified, record).await
    }

    /// Leaves a message to Lambda's next attempt. Of a composite alarm only CloudWatch can say which
    /// rollout it is about: after the last attempt people have to look.
    async fn leave(
        &self,
        record: &Record,
        notification: &AlarmNotification,
        failure: Failure,
    ) -> Result<(), Cause> {
        if self.age(record).is_some_and(|age| age >= UNVERIFIED_AFTER) {
            let announcement =
                Announcement::unknown_rollout(&notification.alarm, &failure.in_short());
            let said = Said::Unverified(bare_name(&notification.alarm));
            self.mail_not_stopped(said, &record.id, &announcement).await;
        }
        Err(failure.into())
    }

    /// Seconds since the message was sent, as far as that is known.
    fn age(&self, record: &Record) -> Option<i64> {
        record.sent_at.map(|sent| self.client.now().seconds_after(sent))
    }

    async fn carry_out(
        &self,
        decision: Decision,
        mut certainty: Certainty,
        verified: Verification,
        record: &Record,
    ) -> Result<(), Cause> {
        let Verification { job, knowledge, alarm, .. } = verified;
        let fired_at = alarm.firing.as_ref().and_then(|firing| firing.at);
        let change = fired_at.map_or_else(|| Change::AlertedBy(record.id.clone()), Change::At);
        let mut rollout = Rollout(job.clone(), knowledge.created_at());
        let stopped = |force| if force { Done::Aborted } else { Done::Canceled };
        let held = match decision {
            Decision::Cancel { .. } => {
                let known = (&knowledge, &certainty);
                let said = Said::NotStopped(rollout.clone(), change.clone());
                let held = self.hold_instead(&job, &alarm, known, (&said, &record.id));
                held.await.transpose()?
            }
            _ => None,
        };
        let counts = match knowledge {
            JobKnowledge::Found(job) => Ok(job.counts),
            JobKnowledge::Gone => Err("there is no such job".to_owned()),
            JobKnowledge::Unknown(cause) => Err(cause),
        };
        let (done, counts, unproven) = match decision {
            Decision::AlreadyEnded => return Ok(()),
            Decision::Missing => {
                return Err(Refusal::NoSuchJob { alarm: bare_name(&alarm.name), job }.into());
            }
            Decision::AlreadyStopped { force, is_verified } => {
                certainty = if is_verified {
                    Certainty::Verified
                } else {
                    Certainty::Unverified("at the time of the stop".to_owned())
                };
                (stopped(force), counts, None)
            }
            Decision::Observe => (Done::Observed, counts, None),
            Decision::Cancel { .. } if held.is_some() => (Done::Held, counts, None),
            Decision::Cancel { force } => {
                let comment = alarm.comment(&record.id);
                let order = Order { job: &job, force, comment: &comment, delivery: &record.id };
                let said = Said::NotStopped(rollout.clone(), change.clone());
                let outcome = self.stop(&order, async |failure: &Failure| {
                    tracing::error!(%job, %failure, "stop_failed");
                    let announcement = Announcement::not_stopped(&job, &alarm, &failure.in_short())
                        .with_place(&self.settings.force_stop_topic.job_arn(&job));
                    if let Err(error) = self.alert(&said, &record.id, &announcement).await {
                        tracing::error!(%job, %error, "alert_failed");
                    }
                });
                match outcome.await? {
                    Outcome::Elsewhere => return Ok(()),
                    Outcome::Gone => {
                        return Err(
                            Refusal::NoSuchJob { alarm: bare_name(&alarm.name), job }.into()
                        );
                    }
                    Outcome::Stopped(now) => {
                        rollout.1 = rollout.1.or(now.created_at);
                        // A forced stop cancels devices in progress: people learn how many there were.
                        let before = counts.ok().filter(|_| force);
                        (stopped(force), Ok(before.unwrap_or(now.counts)), None)
                    }
                    Outcome::Unproven(cause) => (Done::Taken, Err(cause.in_short()), Some(cause)),
                }
            }
        };
        let counts: Result<ExecutionCounts, &str> =
            counts.as_ref().copied().map_err(String::as_str);
        let fallback = match done {
            Done::Canceled | Done::Aborted => self.fallback(&job).await,
            Done::Taken | Done::Observed | Done::Held => None,
        };
        let announcement =
            Announcement::stop(&job, &alarm, done, &certainty, counts, fallback.as_ref())
                .with_place(&self.settings.force_stop_topic.job_arn(&job));
        let said = match done {
            // A job is stopped once.
            Done::Canceled | Done::Aborted => Said::Stopped(rollout),
            Done::Taken => Said::Taken(rollout),
            Done::Observed => Said::Observed(rollout, bare_name(&alarm.name), change),
            Done::Held => Said::Held(rollout, bare_name(&alarm.name), change),
        };
        self.alert(&said, &record.id, &announcement).await?;
        // Lambda comes again and proves it.
        unproven.map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// The job that devices can be taken back to. A message without it is better than none.
    async fn fallback(&self, job: &JobId) -> Option<JobId> {
        let fallback = self.client.read_fallback(job).await;
        fallback.unwrap_or_else(|failure| {
            tracing::warn!(%job, %failure, "fallback_unread");
            None
        })
    }

    /// Whether a stop may be made although AWS could not be asked whether the alarm fired. A message
    /// that was sent before the job was created is about another one of that id.
    async fn permit(
        &self,
        record: &Record,
        verified: &Verification,
        failure: &Failure,
    ) -> Result<(), Cause> {
        let Verification { job, alarm, knowledge, .. } = verified;
        if let (Some(sent), Some(created_at)) = (record.sent_at, knowledge.created_at())
            && sent.seconds() < created_at
        {
            return Err(Refusal::OlderThanJob(bare_name(&alarm.name)).into());
        }
        let now = self.client.now();
        let why = match without_answer(self.age(record), &alarm.name, job) {
            WithoutAnswer::AskAgain => return Err(failure.clone().into()),
            WithoutAnswer::GiveUp(why) => why.to_owned(),
            // A tag that cannot be read opts nobody out: the guard must stop in the end.
            WithoutAnswer::Stop if self.client.has_opted_out(job).await == Ok(true) => {
                "the rollout has opted out of being guarded".to_owned()
            }
            WithoutAnswer::Stop => {
                let turn = Turn::UnverifiedStop;
                match self.client.take_turn(turn, &record.id, now).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => format!("{} were stopped so within ten minutes", turn.most()),
                    Err(cause) => {
                        tracing::warn!(%cause, "unverified_stops_uncounted");
                        format!("how many were stopped so is not known ({})", cause.in_short())
                    }
                }
            }
        };
        let cause = format!(
            "AWS could not be asked whether the alarm fired ({}), and {why}",
            failure.in_short()
        );
        let announcement = Announcement::not_verified(job, alarm, &cause)
            .with_place(&self.settings.force_stop_topic.job_arn(job));
        self.mail_not_stopped(Said::Unverified(job.to_string()), &record.id, &announcement).await;
        Err(failure.clone().into())
    }
}

#[cfg(test)]
mod tests;
