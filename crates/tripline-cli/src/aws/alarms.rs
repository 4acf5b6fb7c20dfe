//! A job's alarms in CloudWatch: read, written, tagged, deleted.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm, Tag};
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_aws::cloudwatch::{self, MOST_DELETED};
use tripline_aws::{Failure, FailureKind};
use tripline_guard::definition::{Watch, failure_rate_of};
use tripline_guard::observed::{ObservedAlarm, Watched, watched};
use tripline_guard::ownership::AlarmTags;

use super::clients::Aws;

/// How the names of all of Tripline's alarms begin.
const PREFIX: &str = "tripline-";

/// What is there under a prefix.
#[derive(Debug, Default)]
pub struct Alarms {
    pub metric: Vec<MetricAlarm>,
    /// Names of composite alarms: metric alarms and they have their names in common.
    pub composite: Vec<String>,
}

/// An alarm with all that CloudWatch says of it, by whichever call.
#[derive(Debug, Clone)]
pub struct NamedAlarm {
    pub alarm: MetricAlarm,
    pub tags: AlarmTags,
    /// The mute rule that keeps its actions from running now.
    pub muted_by: Option<String>,
}

impl NamedAlarm {
    pub fn observed(&self) -> ObservedAlarm<'_> {
        ObservedAlarm {
            muted_by: self.muted_by.clone(),
            ..ObservedAlarm::new(&self.alarm, Some(self.tags.clone()))
        }
    }
}

/// What is there that is called as a job's alarms are.
#[derive(Debug, Default)]
pub struct NamedAlarms {
    pub alarms: Vec<NamedAlarm>,
    /// The names of all of them, and of composite alarms.
    pub taken: BTreeSet<String>,
}

/// An alarm that guards a job.
#[derive(Debug)]
pub struct Listed {
    pub job: String,
    pub alarm: MetricAlarm,
}

impl Aws {
    /// All alarms whose names begin like this.
    pub async fn alarms(&self, prefix: &str) -> Result<Alarms, Failure> {
        let mut pages = self
            .cloudwatch
            .describe_alarms()
            .alarm_name_prefix(prefix)
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .into_paginator()
            .send();
        let mut alarms = Alarms::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::from_sdk("DescribeAlarms", &error))?;
            alarms.metric.extend_from_slice(page.metric_alarms());
            let composite = page.composite_alarms().iter();
            alarms
                .composite
                .extend(composite.filter_map(|alarm| Some(alarm.alarm_name()?.to_owned())));
        }
        Ok(alarms)
    }

    /// Everything that is called as a job's alarms are, with its tags, and whether it is muted.
    pub async fn see(&self, job: &JobId) -> Result<NamedAlarms, Failure> {
        let mut seen = self.see_owners(job).await?;
        // Without an alarm nothing is muted.
        if !seen.alarms.is_empty() {
            let muted = self.muted().await?;
            for alarm in &mut seen.alarms {
                alarm.muted_by = muted.get(alarm.observed().name()).cloned();
            }
        }
        Ok(seen)
    }

    /// The same without whether it is muted, which takes rights of its own.
    pub async fn see_owners(&self, job: &JobId) -> Result<NamedAlarms, Failure> {
        let there = self.alarms(&alarm_name_prefix(job)).await?;
        let mut seen =
            NamedAlarms { taken: there.composite.into_iter().collect(), ..NamedAlarms::default() };
        for alarm in there.metric {
            let name = alarm.alarm_name().unwrap_or_default().to_owned();
            let tags = match self.tags_of(&alarm).await {
                Ok(tags) => tags,
                // It was deleted since it was listed.
                Err(failure) if failure.kind == FailureKind::NotFound => continue,
                Err(failure) => return Err(failure),
            };
            seen.alarms.push(NamedAlarm { alarm, tags, muted_by: None });
            seen.taken.insert(name);
        }
        Ok(seen)
    }

    /// The muted alarms, each with the rule that mutes it.
    pub async fn muted(&self) -> Result<BTreeMap<String, String>, Failure> {
        let (mut muted, mut next) = (BTreeMap::new(), None);
        loop {
            let (rules, more) = cloudwatch::active_mute_rules(&self.cloudwatch, next).await?;
            for rule in rules {
                let alarms = cloudwatch::muted_alarms(&self.cloudwatch, &rule.name).await?;
                muted.extend(alarms.into_iter().map(|alarm| (alarm, rule.name.clone())));
            }
            next = more;
            if next.is_none() {
                return Ok(muted);
            }
        }
    }

    /// The job of an alarm's tag.
    pub async fn tagged_job(&self, alarm: &MetricAlarm) -> Result<Option<String>, Failure> {
        Ok(self.tags_of(alarm).await?.job)
    }

    /// An alarm's tags.
    pub async fn tags_of(&self, alarm: &MetricAlarm) -> Result<AlarmTags, Failure> {
        let Some(arn) = alarm.alarm_arn() else {
            return Ok(AlarmTags::default());
        };
        let tags = cloudwatch::alarm_tags(&self.cloudwatch, arn).await?;
        Ok(AlarmTags::read(&tags))
    }

    /// The job that an alarm guards: by its metrics, or, if it shows none, by its tag.
    pub async fn owner(&self, alarm: &MetricAlarm) -> Result<Option<String>, Failure> {
        match watched(alarm) {
            Watched::Job(job) => Ok(Some(job.to_owned())),
            Watched::Other => Ok(None),
            Watched::Unseen => self.tagged_job(alarm).await,
        }
    }

    pub async fn put(&self, request: PutMetricAlarmInputBuilder) -> Result<(), Failure> {
        let put = request.send_with(&self.cloudwatch).await;
        put.map(drop).map_err(|error| Failure::from_sdk("PutMetricAlarm", &error))
    }

    pub async fn tag(&self, arn: &str, tags: Vec<Tag>) -> Result<(), Failure> {
        let tag =
            self.cloudwatch.tag_resource().resource_arn(arn).set_tags(Some(tags)).send().await;
        tag.map(drop).map_err(|error| Failure::from_sdk("TagResource", &error))
    }

    /// Deletes alarms in as few calls as there can be.
    pub async fn delete(&self, names: &[String]) -> Result<(), Failure> {
        for names in names.chunks(MOST_DELETED) {
            cloudwatch::delete_alarms(&self.cloudwatch, names).await?;
        }
        Ok(())
    }
}

/// The alarms of a job, or of all jobs, by their names. Alarms of other kinds that are called alike
/// are left out.
pub async fn listed(aws: &Aws, job: Option<&JobId>) -> Result<Vec<Listed>, Failure> {
    let prefix = job.map_or_else(|| PREFIX.to_owned(), alarm_name_prefix);
    let mut listed = Vec::new();
    for alarm in aws.alarms(&prefix).await?.metric {
        match aws.owner(&alarm).await? {
            Some(owner) if job.is_none_or(|job| job.as_str() == owner) => {
                listed.push(Listed { job: owner, alarm });
            }
            _ => {}
        }
    }
    Ok(listed)
}

impl Listed {
    pub fn name(&self) -> &str {
        self.alarm.alarm_name().unwrap_or_default()
    }

    /// Why nothing follows from this alarm.
    pub fn idle(&self) -> Option<&'static str> {
        match self.alarm.actions_enabled() {
            _ if self.alarm.alarm_actions().is_empty() => Some("no actions"),
            Some(true) => None,
            _ => Some("actions off"),
        }
    }

    pub fn state(&self) -> &str {
        self.alarm.state_value().map_or("unknown", |state| state.as_str())
    }

    pub fn watches(&self) -> String {
        let job = JobId::new(&self.job).ok();
        if let Some(rate) = job.and_then(|job| failure_rate_of(&self.alarm, &job)) {
            return rate.to_string();
        }
        // Metric math of another shape than Tripline's still has Tripline's words in it.
        Watch::from_alarm(&self.alarm).map_or_else(
            || self.alarm.alarm_description().unwrap_or("?").to_owned(),
            |watch| watch.to_string(),
        )
    }
}
