//! What is known of an alarm that is said to have fired.

use std::collections::BTreeSet;

use tripline::job::JobId;
use tripline::notification::{AlarmNotification, AlarmState, Subject, Watched, alarms_in_rule};
use tripline::stop::{Certainty, JobKnowledge, KnownAlarm, KnownSubject, Refusal, job_of, verify};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};

use crate::ask::{DescribeAlarms, DescribeJob, HasFired};
use crate::failed::Cause;

/// Most alarms under a composite alarm that are looked at: CloudWatch's limit on children, and on
/// the names in one call.
const MAX_CHILDREN: usize = 100;
/// How deep composite alarms are followed.
pub(crate) const MAX_DEPTH: usize = 5;

/// What is known before the decision.
pub(crate) struct Evidence {
    pub job: JobId,
    pub certainty: Certainty,
    pub knowledge: JobKnowledge,
    /// The alarm's rule in words: CloudWatch's, or else the message's.
    pub rule: Option<String>,
}

/// Asks CloudWatch and AWS IoT about an alarm.
pub(crate) async fn gather<C>(
    client: &C,
    notification: &AlarmNotification,
) -> Result<Evidence, Cause>
where
    C: DescribeAlarms + HasFired + DescribeJob,
{
    let name = &notification.alarm;
    let known = match &notification.subject {
        Subject::Metrics(watched) => {
            // What names no rollout is refused before anybody is asked.
            job_of(notification, watched)?;
            client.describe_alarms(std::slice::from_ref(name)).await
        }
        // Only CloudWatch can say which rollout this is about: without it, Lambda tries again.
        Subject::Composite { .. } => Ok(client.describe_alarms(std::slice::from_ref(name)).await?),
    };
    let known = match known {
        // An answer, if not a friendly one: CloudWatch has no alarm of such a name.
        Err(failure) if !is_outage(&failure) => Ok(Vec::new()),
        other => other,
    };
    let known = known.map(|alarms| alarms.into_iter().find(|alarm| alarm.name == *name));
    let watched = match (&notification.subject, &known) {
        (Subject::Metrics(watched), _) => watched.clone(),
        (Subject::Composite { triggering }, Ok(Some(alarm))) => {
            under(client, alarm, triggering).await?
        }
        (Subject::Composite { .. }, _) => Watched::default(),
    };
    if let Ok(known) = &known {
        verify(notification, &watched, known.as_ref())?;
    }
    let job = job_of(notification, &watched)?;
    let rule = known.as_ref().ok().and_then(|known| known.as_ref()?.rule.clone());
    let knowledge = match client.describe_job(&job).await {
        Ok(job) => JobKnowledge::Found(job),
        Err(failure) if failure.kind == FailureKind::NotFound => JobKnowledge::Gone,
        Err(failure) => JobKnowledge::Unknown(failure.to_string()),
    };
    let created_at = match &knowledge {
        JobKnowledge::Found(job) => job.created_at,
        _ => None,
    };
    let certainty = match known {
        Ok(Some(alarm)) if !alarm.fires_for_job_of(created_at) => {
            certain(client.has_fired(name, created_at).await, notification)?
        }
        Ok(_) => Certainty::Verified,
        Err(failure) => Certainty::Unverified(failure.to_string()),
    };
    Ok(Evidence { job, certainty, knowledge, rule: rule.or_else(|| notification.rule.clone()) })
}

/// Whether a failure leaves a question open: CloudWatch was busy or away, or may not be asked.
fn is_outage(failure: &Failure) -> bool {
    use FailureKind::{Denied, Throttled, Unavailable};
    matches!(failure.kind, Throttled | Unavailable | Denied)
}

/// An alarm that is no longer in ALARM has fired if its history says so.
fn certain(
    fired: Result<bool, Failure>,
    notification: &AlarmNotification,
) -> Result<Certainty, Refusal> {
    match fired {
        Ok(true) => Ok(Certainty::Verified),
        Ok(false) => Err(Refusal::NeverFired(excerpt(&notification.alarm))),
        Err(failure) => Ok(Certainty::Unverified(failure.to_string())),
    }
}

/// What the alarms under a composite alarm watch: those that the message says have caused the
/// change, if CloudWatch has them under it too, and those that are in ALARM.
async fn under<C: DescribeAlarms>(
    client: &C,
    alarm: &KnownAlarm,
    triggering: &BTreeSet<String>,
) -> Result<Watched, Cause> {
    let mut watched = Watched::default();
    let mut seen = BTreeSet::new();
    let mut names = children(alarm);
    for _ in 0..MAX_DEPTH {
        names.retain(|name| !seen.contains(name));
        let asked: Vec<String> = names.iter().take(MAX_CHILDREN).cloned().collect();
        if asked.is_empty() {
            break;
        }
        seen.extend(asked.iter().cloned());
        names.clear();
        for child in client.describe_alarms(&asked).await? {
            let counts = child.state == AlarmState::Alarm || triggering.contains(&child.name);
            names.extend(children(&child));
            if let KnownSubject::Metrics(metrics) = child.subject
                && counts
            {
                watched.extend(metrics);
            }
        }
    }
    let mut strangers = triggering.difference(&seen);
    match strangers.next() {
        None => Ok(watched),
        Some(stranger) => {
            let claimed = format!("alarm `{}`", excerpt(stranger));
            Err(Refusal::WatchesAnother { alarm: excerpt(&alarm.name), claimed }.into())
        }
    }
}

fn children(alarm: &KnownAlarm) -> BTreeSet<String> {
    match &alarm.subject {
        KnownSubject::Metrics(_) => BTreeSet::new(),
        KnownSubject::Composite { rule } => alarms_in_rule(rule),
    }
}
