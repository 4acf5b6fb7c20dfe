//! Alarms: of which job they may be, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_guard::desired::DEFAULT_PREFIX;
use tripline_guard::observed::{ObservedAlarm, Watched, watched};
use tripline_guard::ownership::{AlarmTags, Owner, owner_of};

use super::{Account, LOOK, name};
use crate::ask::Ask;
use crate::clock::{Call, Clock, Minute};
use crate::keeper::Keeper;

/// How the names of all of Tripline's alarms begin.
const PREFIX: &str = "tripline-";

impl<C: Ask, K: Clock + Sync> Keeper<C, K> {
    /// Alarms by the job whose guard they may be of: by what they watch, or by their name where somebody
    /// may have changed that. `named` are the jobs that alarms can be called after.
    pub(super) async fn by_job(
        &self,
        minute: &Minute<'_, K>,
        alarms: Vec<MetricAlarm>,
        named: BTreeSet<&JobId>,
    ) -> BTreeMap<JobId, Vec<MetricAlarm>> {
        let mut by_job: BTreeMap<JobId, Vec<MetricAlarm>> = BTreeMap::new();
        for alarm in alarms {
            let is_called_after = |job: &JobId| name(&alarm).starts_with(&alarm_name_prefix(job));
            let watched = match watched(&alarm) {
                Watched::Job(job) => JobId::new(job).ok().filter(is_called_after),
                Watched::Other | Watched::Unseen => None,
            };
            let job = match watched.or_else(|| job_by_name(name(&alarm), &named)) {
                Some(job) => Some(job),
                // CloudWatch shows metrics; whatever does not, is asked for its tags.
                None => match self.tags_of(minute, &alarm, LOOK).await.and_then(|is| is.job) {
                    Some(job) => JobId::new(&job).ok().filter(is_called_after),
                    None => None,
                },
            };
            if let Some(job) = job {
                by_job.entry(job).or_default().push(alarm);
            }
        }
        by_job
    }

    /// An alarm's tags, as far as they are known or can be had.
    async fn tags_of(
        &self,
        minute: &Minute<'_, K>,
        alarm: &MetricAlarm,
        percent: u32,
    ) -> Option<AlarmTags> {
        match self.cache.owner(name(alarm), minute.now()) {
            Some(tags) => Some(tags),
            None => self.fresh_tags_of(minute, alarm, percent).await,
        }
    }

    /// An alarm's tags now; `None` if they cannot be had.
    pub(crate) async fn fresh_tags_of(
        &self,
        minute: &Minute<'_, K>,
        alarm: &MetricAlarm,
        percent: u32,
    ) -> Option<AlarmTags> {
        let arn = alarm.alarm_arn()?;
        if !minute.may(Call::AlarmTags, percent).await {
            return None;
        }
        let read = match self.client.alarm_tags(arn).await {
            Ok(read) => read,
            Err(failure) => {
                tracing::warn!(alarm = name(alarm), %failure, "alarm_tags_unknown");
                return None;
            }
        };
        let tags = AlarmTags::read(&read);
        self.cache.learn_owner(name(alarm), minute.now(), tags.clone());
        Some(tags)
    }

    /// Whose an alarm is, as far as that is known.
    pub(crate) fn owner(&self, minute: &Minute<'_, K>, job: &JobId, alarm: &str) -> Owner {
        let tags = self.cache.owner(alarm, minute.now());
        owner_of(tags.as_ref(), job, &self.settings.stack)
    }

    /// The alarms that may be of a job's guard, with what is known of them.
    pub(crate) fn observed<'a>(
        &self,
        minute: &Minute<'_, K>,
        account: &'a Account,
        job: &JobId,
    ) -> Vec<ObservedAlarm<'a>> {
        let alarms = account.alarms_of(job).iter();
        alarms
            .map(|alarm| ObservedAlarm {
                muted_by: account.muted.get(name(alarm)).cloned(),
                ..ObservedAlarm::new(alarm, self.cache.owner(name(alarm), minute.now()))
            })
            .collect()
    }

    /// Reads whose alarms are that is not known, for the next minutes: those that are as they are wanted
    /// guard meanwhile.
    pub(crate) async fn learn_owners(
        &self,
        minute: &Minute<'_, K>,
        account: &Account,
        percent: u32,
    ) {
        for job in account.jobs.keys() {
            for alarm in account.alarms_of(job) {
                if self.owner(minute, job, name(alarm)) == Owner::NotKnown
                    && self.fresh_tags_of(minute, alarm, percent).await.is_none()
                {
                    return;
                }
            }
        }
    }
}

/// The job that an alarm is called after: one of those that are known, or for an alarm of a default guard
/// any; the longest that fits.
fn job_by_name(alarm: &str, named: &BTreeSet<&JobId>) -> Option<JobId> {
    let rest = alarm.strip_prefix(PREFIX)?;
    let mut jobs = rest.match_indices('-').rev().filter_map(|(at, _)| {
        let (job, rest) = (rest.get(..at)?, rest.get(at + 1..)?);
        let job = JobId::new(job).ok()?;
        (named.contains(&job) || rest.starts_with(DEFAULT_PREFIX)).then_some(job)
    });
    jobs.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_called_after_the_longest_job_that_fits() {
        let jobs = ["fw", "fw-1"].map(|id| JobId::new(id).unwrap());
        let named: BTreeSet<&JobId> = jobs.iter().collect();
        for (alarm, job) in [
            ("tripline-fw-slow", Some("fw")),
            ("tripline-fw-1-slow", Some("fw-1")),
            ("tripline-fw-1-default-DownloadTime", Some("fw-1")),
            ("tripline-gone-default-FailureRate-2", Some("gone")),
            ("tripline-gone-slow", None),
            ("another", None),
        ] {
            assert_eq!(job_by_name(alarm, &named).as_ref().map(JobId::as_str), job, "{alarm}");
        }
    }
}
