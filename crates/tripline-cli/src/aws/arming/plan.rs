//! What has to be changed so that a job has exactly the alarms of its config.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{MetricAlarm, StateValue};
use tripline::alarm::{AlarmDefinition, alarm_name_prefix};
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_aws::Failure;

use crate::aws::clients::Aws;
use crate::exit::Error;
use tripline_guard::owner::{Watched, watched};
use tripline_guard::put;

/// An alarm of the config, and what becomes of it.
#[derive(Debug)]
pub struct Planned {
    pub definition: AlarmDefinition,
    /// The name in CloudWatch.
    pub name: String,
    /// ARNs of its topics.
    pub actions: Vec<String>,
    pub request: PutMetricAlarmInputBuilder,
    pub change: Change,
    /// It is in ALARM already: its actions run when it gets there, and so not again.
    pub mute: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Create,
    /// With the ARN of the alarm that is there.
    Update(String),
    Keep,
}

#[derive(Debug)]
pub struct Plan {
    pub alarms: Vec<Planned>,
    /// Names of this job's alarms that are no longer in the config.
    pub strays: Vec<String>,
    /// Names of alarms that watch this job and that Tripline did not make.
    pub others: Vec<String>,
}

/// An alarm that is there.
struct ExistingAlarm<'a> {
    alarm: &'a MetricAlarm,
    /// Its metrics are of this job, or it shows none and is tagged with this job.
    ours: bool,
    /// The job of its tag.
    tag: Option<String>,
    /// The stack of its tag.
    stack: Option<String>,
}

impl Plan {
    /// Compares the config's alarms, each with the ARNs of its topics, with what is there. Alarms
    /// of another job under a name that is wanted are an error: to overwrite one would disarm the
    /// other job.
    pub async fn make(
        aws: &Aws,
        job: &JobId,
        stack: &str,
        wanted: Vec<(AlarmDefinition, Vec<String>)>,
    ) -> Result<Self, Error> {
        let there = aws.alarms(&alarm_name_prefix(job)).await?;
        let mut found = BTreeMap::new();
        for alarm in &there.metric {
            if let Some(name) = alarm.alarm_name() {
                found.insert(name, ExistingAlarm::read(aws, job, alarm).await?);
            }
        }
        let mut plan = Self { alarms: Vec::new(), strays: Vec::new(), others: Vec::new() };
        let mut foreign = String::new();
        for (definition, actions) in wanted {
            let name = definition.name_for(job);
            let whose = match found.remove(name.as_str()) {
                _ if there.composite.contains(&name) => Err("is a composite alarm".to_owned()),
                None => Ok(None),
                Some(found) => found.checked(job, stack).map(Some),
            };
            match whose {
                Ok(found) => {
                    plan.alarms.push(Planned::new(definition, name, actions, (job, stack), found))
                }
                Err(whose) => {
                    let alarm = excerpt(definition.name.as_str());
                    foreign += &format!("\n  alarm `{alarm}`: `{name}` {whose}");
                }
            }
        }
        if !foreign.is_empty() {
            return Err(Error::Input(format!(
                "job `{job}`: alarms of these names are there already and are not this job's and stack's; nothing was changed{foreign}\n\n  hint: give the alarms other names in the config, or `--stack` the stack that they belong to"
            )));
        }
        for (name, found) in found.into_iter().filter(|(_, found)| found.ours) {
            let ours = found.tag.as_deref() == Some(job.as_str()) && !found.is_of_another(stack);
            let names = if ours { &mut plan.strays } else { &mut plan.others };
            names.push(name.to_owned());
        }
        Ok(plan)
    }
}

impl<'a> ExistingAlarm<'a> {
    async fn read(aws: &Aws, job: &JobId, alarm: &'a MetricAlarm) -> Result<Self, Failure> {
        // Somebody else's alarm needs no second look.
        let (tag, stack) = match watched(alarm) {
            Watched::Job(watched) if watched == job.as_str() => aws.job_and_stack(alarm).await?,
            Watched::Unseen => aws.job_and_stack(alarm).await?,
            Watched::Job(_) | Watched::Other => (None, None),
        };
        let ours = match watched(alarm) {
            Watched::Job(watched) => watched == job.as_str(),
            Watched::Unseen => tag.as_deref() == Some(job.as_str()),
            Watched::Other => false,
        };
        Ok(Self { alarm, ours, tag, stack })
    }

    /// Another stack's keeper looks after it.
    fn is_of_another(&self, stack: &str) -> bool {
        self.stack.as_deref().is_some_and(|of| of != stack)
    }

    /// Itself if it is this job's to overwrite, or else whose it is.
    fn checked(self, job: &JobId, stack: &str) -> Result<Self, String> {
        let other = match (watched(self.alarm), self.tag.as_deref()) {
            (Watched::Job(watched), _) if watched != job.as_str() => Some(watched),
            (_, Some(tag)) if tag != job.as_str() => Some(tag),
            _ => None,
        };
        match other {
            Some(other) => Err(format!("guards job `{}`", excerpt(other))),
            None if !self.ours => Err("watches something else".to_owned()),
            None if self.is_of_another(stack) => {
                let of = self.stack.unwrap_or_default();
                Err(format!("belongs to the stack `{}`", excerpt(&of)))
            }
            None => Ok(self),
        }
    }
}

impl Planned {
    fn new(
        definition: AlarmDefinition,
        name: String,
        actions: Vec<String>,
        (job, stack): (&JobId, &str),
        found: Option<ExistingAlarm<'_>>,
    ) -> Self {
        let tags = put::tags(&definition.name, job, stack);
        let request = put::request(&definition, job, &actions).set_tags(Some(tags));
        let mute = found
            .as_ref()
            .is_some_and(|found| found.alarm.state_value() == Some(&StateValue::Alarm));
        let change = match found {
            None => Change::Create,
            Some(found)
                if found.tag.is_some()
                    && found.stack.as_deref() == Some(stack)
                    && put::is_as_wanted(found.alarm, &request) =>
            {
                Change::Keep
            }
            Some(found) => Change::Update(found.alarm.alarm_arn().unwrap_or_default().to_owned()),
        };
        Self { definition, name, actions, request, change, mute }
    }
}
