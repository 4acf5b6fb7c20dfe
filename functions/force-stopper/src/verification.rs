//! Whether an alarm that is said to have fired really did, for a job of this account.

use std::time::Duration;

use tripline::announcement::Alarm;
use tripline::job::{ExecutionCounts, Job, JobId};
use tripline::notification::{AlarmNotification, Subject, Watched};
use tripline::stop::{Asked, Firing, JobKnowledge, KnownAlarm, Refusal, job_of, verify};
use tripline::text::bare_name;
use tripline_aws::{Failure, FailureKind};

use crate::ask::{DescribeAlarms, DescribeJob, LastFiring, ReadEvidence, Surroundings};
use crate::evidence::{Alarms, evidence};
use crate::failed::Cause;
use crate::under::{Under, under};

/// Longest time for all the alarms under a composite alarm, for all histories, and for the evidence.
pub(crate) const SEVERAL_CALLS: Duration = Duration::from_secs(20);

/// What is known before the decision.
#[derive(Debug)]
pub(crate) struct Verification {
    pub job: JobId,
    /// Why it is open whether the alarm fired for this job, if it is.
    pub open: Option<Failure>,
    pub knowledge: JobKnowledge,
    /// The alarm, as far as CloudWatch vouches for it.
    pub alarm: Alarm,
}

/// Asks CloudWatch and AWS IoT about an alarm, and the stack's table about evidence.
pub(crate) async fn verification<C>(
    client: &C,
    notification: &AlarmNotification,
    asked: &Asked,
) -> Result<Verification, Cause>
where
    C: DescribeAlarms + LastFiring + DescribeJob + ReadEvidence + Surroundings,
{
    let known = match &notification.subject {
        Subject::Metrics(watched) => {
            // What names no rollout is refused before anybody is asked.
            job_of(notification, watched, asked)?;
            known_alarm(client, &notification.alarm).await
        }
        // Only CloudWatch can say which rollout this is about: without it, Lambda tries again.
        Subject::Composite { .. } => Ok(known_alarm(client, &notification.alarm).await?),
    };
    let claimed = match &notification.subject {
        Subject::Metrics(watched) => watched.clone(),
        Subject::Composite { .. } => Watched::default(),
    };
    if let Ok(known) = &known {
        verify(notification, &claimed, known.as_ref(), asked)?;
    }
    let under = match (&notification.subject, &known) {
        (Subject::Composite { triggering }, Ok(Some(alarm))) => {
            let under = within("DescribeAlarms", under(client, alarm, triggering));
            Some(under.await.map_err(Cause::from)??)
        }
        _ => None,
    };
    let watched = under.as_ref().map_or(&claimed, |under| &under.watched);
    let job = job_of(notification, watched, asked)?;
    let described = client.describe_job(&job).await;
    let undescribed = described.as_ref().err().cloned();
    let knowledge = match described {
        Ok(job) => JobKnowledge::Found(job),
        Err(failure) if failure.kind == FailureKind::NotFound => JobKnowledge::Gone,
        Err(failure) => {
            tracing::warn!(%job, %failure, "aws_call_failed");
            JobKnowledge::Unknown(failure.in_short())
        }
    };
    let (open, alarm) = match known {
        Ok(Some(known)) => {
            let under = under.unwrap_or_default();
            fired(client, &job, (&knowledge, undescribed), known, under).await?
        }
        // It was refused before.
        Ok(None) => (None, None),
        Err(failure) => (Some(failure), None),
    };
    let bare = || Alarm::named(&notification.alarm);
    let alarm = alarm.filter(|_| open.is_none()).unwrap_or_else(bare);
    Ok(Verification { job, open, knowledge, alarm })
}

/// The alarm of a name. That there is none is asked twice: only a forger or a deleted alarm has to
/// wait for it.
async fn known_alarm<C: DescribeAlarms>(
    client: &C,
    name: &str,
) -> Result<Option<KnownAlarm>, Failure> {
    let names = [name.to_owned()];
    for _ in 0..2 {
        let alarms = client.describe_alarms(&names).await?;
        if let Some(known) = alarms.into_iter().find(|alarm| alarm.name == name) {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

type Fired = (Option<Failure>, Option<Alarm>);

/// Whether an alarm fired since the job was created, and if a message names alarms under it as the
/// cause, whether those did.
async fn fired<C>(
    client: &C,
    job: &JobId,
    (knowledge, undescribed): (&JobKnowledge, Option<Failure>),
    known: KnownAlarm,
    under: Under,
) -> Result<Fired, Cause>
where
    C: LastFiring + DescribeJob + ReadEvidence + Surroundings,
{
    let created_at = match knowledge {
        JobKnowledge::Found(job) => job.created_at,
        JobKnowledge::Gone => return Ok((None, None)),
        JobKnowledge::Unknown(_) => None,
    };
    let histories = async {
        let fired = firing(client, &known, (created_at, None)).await?;
        // What caused it came before it: another alarm under it may have fired since.
        let until = fired.at.map(|at| at.saturating_add(SAME_MOMENT));
        for cause in under.causes.iter().filter(|_| created_at.is_some()) {
            firing(client, cause, (created_at, until)).await?;
        }
        Ok(fired)
    };
    let firing = match within("DescribeAlarmHistory", histories).await.map_err(Cause::from) {
        Ok(Ok(firing)) => firing,
        Ok(Err(Cause::Aws(failure))) | Err(Cause::Aws(failure)) => {
            return Ok((Some(failure), None));
        }
        Ok(Err(refused)) | Err(refused) => return Err(refused),
    };
    let mut evidence = None;
    if let JobKnowledge::Found(found) = knowledge {
        match can_be_true(client, job, found, (&known, &under)).await {
            Ok(words) => evidence = words,
            Err(Cause::Aws(failure)) => return Ok((Some(failure), None)),
            Err(refused @ Cause::Refused(_)) => return Err(refused),
        }
    }
    let open = created_at.is_none().then(|| {
        let text = "when the job was created is not known";
        match undescribed {
            Some(cause) => cause,
            None => Failure::new("DescribeJob", FailureKind::Unavailable, text),
        }
    });
    let KnownAlarm { name, rule, .. } = known;
    Ok((open, Some(Alarm { name, rule, firing: Some(firing), evidence })))
}

/// Seconds by which the times of alarms may differ that changed together.
const SAME_MOMENT: i64 = 5;

/// An alarm that is no longer in ALARM, or since too late, has fired if its history says so. That it
/// does not is asked twice, within the time that there is for all histories.
async fn firing<C: LastFiring>(
    client: &C,
    alarm: &KnownAlarm,
    (since, until): (Option<i64>, Option<i64>),
) -> Result<Firing, Cause> {
    let is_in_time = |firing: &Firing| firing.at.zip(until).is_none_or(|(at, until)| at <= until);
    if let Some(firing) = alarm.firing_since(since).filter(is_in_time) {
        return Ok(firing);
    }
    for _ in 0..2 {
        if let Some(firing) = client.last_firing(&alarm.name, since, until).await? {
            return Ok(firing);
        }
    }
    Err(Refusal::NeverFired(bare_name(&alarm.name)).into())
}

/// Whether what the alarms say can be so, by AWS IoT's counts and by the guard-keeper's item. Returns
/// what people are to read of the evidence.
async fn can_be_true<C>(
    client: &C,
    id: &JobId,
    job: &Job,
    (known, under): (&KnownAlarm, &Under),
) -> Result<Option<String>, Cause>
where
    C: DescribeJob + ReadEvidence + Surroundings,
{
    let fired: Vec<&KnownAlarm> = under.causes.iter().chain([known]).collect();
    failure_rate_can_be(client, id, job, &fired).await?;
    let alarms = Alarms { fired: &fired, one_of: &under.one_of };
    let evidence = within("GetItem", evidence(client, id, job, alarms));
    match evidence.await.map_err(Cause::from).flatten() {
        // With its job the item may have gone, which says nothing of whether the alarm was true: there
        // is nothing left to be stopped.
        Err(_) if job.state.has_ended() => Ok(None),
        words => words,
    }
}

/// Whether what the alarms on the failure rate say can have been so, by what AWS IoT counts. Before
/// one is refused AWS IoT is asked once more: it may have been behind. An answer without counts says
/// nothing.
async fn failure_rate_can_be<C: DescribeJob>(
    client: &C,
    id: &JobId,
    job: &Job,
    alarms: &[&KnownAlarm],
) -> Result<(), Cause> {
    let broken = |alarm: &KnownAlarm, counts: &ExecutionCounts| {
        alarm.failure_rate.is_none_or(|rule| rule.can_have_been_broken(counts))
    };
    let alarms = alarms.iter().copied();
    let doubted: Vec<&KnownAlarm> = alarms.filter(|alarm| !broken(alarm, &job.counts)).collect();
    if doubted.is_empty() {
        return Ok(());
    }
    let Job { counts, is_counted, .. } = client.describe_job(id).await?;
    let (notified, unsuccessful) = (counts.notified(), counts.ended.unsuccessful());
    match doubted.iter().find(|alarm| !broken(alarm, &counts)) {
        Some(alarm) if is_counted => {
            let alarm = bare_name(&alarm.name);
            Err(Refusal::NeverTrue { alarm, notified, unsuccessful }.into())
        }
        _ => Ok(()),
    }
}

/// Bounds several calls that are made one after another.
async fn within<T>(operation: &'static str, calls: impl Future<Output = T>) -> Result<T, Failure> {
    let late = |_| Failure::new(operation, FailureKind::Unavailable, "no answer in time");
    tokio::time::timeout(SEVERAL_CALLS, calls).await.map_err(late)
}
