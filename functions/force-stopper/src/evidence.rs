//! Whether what alarms say of a rollout's evidence is what the guard-keeper has written down.

use tripline::evidence::Record;
use tripline::job::{Job, JobId};
use tripline::stop::{EvidenceRule, KnownAlarm, NotBorneOut, Refusal};
use tripline::text::bare_name;

use crate::ask::{ReadEvidence, Surroundings};
use crate::failed::Cause;

/// The alarms on whose word a rollout is to be stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alarms<'a> {
    /// Each of these says that it fired.
    pub fired: &'a [&'a KnownAlarm],
    /// One of these fired, and which is not known.
    pub one_of: &'a [KnownAlarm],
}

/// What people are to read of the evidence, if any of the alarms is on it. That the guard-keeper's item
/// says otherwise is asked twice.
///
/// # Errors
/// That it says otherwise, or cannot be read.
pub(crate) async fn evidence<C: ReadEvidence + Surroundings>(
    client: &C,
    id: &JobId,
    job: &Job,
    alarms: Alarms<'_>,
) -> Result<Option<String>, Cause> {
    let mut all = alarms.fired.iter().copied().chain(alarms.one_of);
    // Without it nobody knows whether the item is of this job; that leaves open whether the alarm
    // fired for it, too.
    let Some(created_at) = job.created_at else { return Ok(None) };
    if !all.any(|alarm| alarm.evidence.is_some()) {
        return Ok(None);
    }
    let mut said = Ok(None);
    for _ in 0..2 {
        let record = client.read_evidence(id).await?;
        // Another job may have had its name before.
        let record = record.filter(|record| record.created == created_at);
        said = alarms.judge(job, record.as_ref(), client.now().seconds());
        if said.is_ok() {
            break;
        }
    }
    Ok(said?)
}

impl Alarms<'_> {
    fn judge(
        self,
        job: &Job,
        record: Option<&Record>,
        now: i64,
    ) -> Result<Option<String>, Refusal> {
        let refused = |alarm: &KnownAlarm, cause: NotBorneOut| Refusal::NotBorneOut {
            alarm: bare_name(&alarm.name),
            cause,
        };
        let mut rules: Vec<EvidenceRule> = Vec::new();
        for alarm in self.fired {
            if let Some(rule) = alarm.evidence {
                rule.borne_out(record, now).map_err(|cause| refused(alarm, cause))?;
                rules.push(rule);
            }
        }
        let mut contradicted = None;
        let can_be_true = |alarm: &KnownAlarm| {
            alarm.failure_rate.is_none_or(|rule| rule.can_have_been_broken(&job.counts))
        };
        let mut one_can = self.one_of.is_empty();
        for alarm in self.one_of {
            match alarm.evidence.map(|rule| (rule, rule.borne_out(record, now))) {
                Some((_, Err(cause))) => contradicted = Some(refused(alarm, cause)),
                Some((rule, Ok(()))) => {
                    rules.push(rule);
                    one_can = true;
                }
                None => one_can |= can_be_true(alarm),
            }
        }
        match contradicted {
            Some(refusal) if !one_can => Err(refusal),
            _ => Ok(rules.into_iter().find_map(|rule| rule.in_words(record, now))),
        }
    }
}
