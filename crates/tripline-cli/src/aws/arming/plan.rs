//! What has to be changed so that a job has exactly the alarms of its config.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::alarm::{AlarmDefinition, alarm_name_prefix};
use tripline::rollout::Rate;
use tripline::time::Timestamp;
use tripline_guard::coverage;
use tripline_guard::desired::{
    ConfigFault, DEFAULT_PREFIX, DefaultGuard, Desired, GuardAlarm, InvalidValue, KeptConfig,
    Known, Policy, Rules, watches_evidence_s_absence,
};
use tripline_guard::observed::{ObservedAlarm, Watched, watched};
use tripline_guard::ownership::{self, Owner};
use tripline_guard::reconcile::{Observed, Reconciled, Taken};
use tripline_guard::request;
use tripline_guard::verdict::Stack;

use super::guard::Guard;
use crate::aws::alarms::NamedAlarms;
use crate::aws::clients::Aws;
use crate::exit::Error;
use crate::input::declared::watches;

/// An alarm of the config, and what becomes of it.
#[derive(Debug)]
pub struct Planned {
    pub definition: AlarmDefinition,
    /// The name in CloudWatch.
    pub name: String,
    /// What it watches, in words.
    pub watches: String,
    /// ARNs of its topics.
    pub actions: Vec<String>,
    pub request: PutMetricAlarmInputBuilder,
    pub change: Change,
    /// It is in ALARM already: its actions run when it gets there, and so not again.
    pub mute: bool,
    /// The mute rule that keeps its actions from running.
    pub muted_by: Option<String>,
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
    /// Names of this job's alarms that are no longer in the config, and are removed.
    pub strays: Vec<String>,
    /// Names of those that stay, because no alarm of the config can stop the rollout and that is not said
    /// to be meant: the default guard's, and those that stop it.
    pub spared: Vec<String>,
    /// Names of alarms that watch this job and that Tripline did not make.
    pub others: Vec<String>,
    /// Names that the config's alarms could not have, since somebody else's alarms have them.
    pub taken: Vec<Taken>,
}

impl Plan {
    /// Compares the alarms of a guard, each with the ARNs of its topics, with what is there. What is not this
    /// job's and stack's by its tags is left as it is, whatever it is called.
    pub async fn make(
        aws: &Aws,
        guard: &Guard,
        stack: Stack<'_>,
        wanted: Vec<(AlarmDefinition, Vec<String>)>,
    ) -> Result<Self, Error> {
        let Guard { job, alarms, alert_only, default_guard, .. } = guard;
        let evidence = guard.evidence.as_ref().map(|limits| &limits.config);
        let kept =
            KeptConfig::Alarms { alarms, evidence, alert_only: *alert_only, fills: *default_guard };
        let desired = desired(kept, stack)
            .map_err(|fault| Error::input(format!("the default guard: {fault}")))?;
        Ok(Self::of(&aws.see(job).await?, guard, stack, wanted, &desired))
    }

    fn of(
        seen: &NamedAlarms,
        guard: &Guard,
        stack: Stack<'_>,
        wanted: Vec<(AlarmDefinition, Vec<String>)>,
        desired: &Desired,
    ) -> Self {
        let (job, evidence) = (&guard.job, guard.evidence.as_ref());
        let there: Vec<ObservedAlarm<'_>> =
            seen.alarms.iter().map(|alarm| alarm.observed()).collect();
        let actions_of = |alarm: &GuardAlarm| {
            let of_it = wanted.iter().find(|(wanted, _)| wanted.name == *alarm.name());
            of_it.map_or(&[][..], |(_, actions)| actions.as_slice())
        };
        let is_as_wanted = |alarm: &MetricAlarm, wanted: &GuardAlarm| {
            let request = request::request_for(wanted, job, actions_of(wanted));
            request::is_as_wanted(alarm, &request)
        };
        let reconciled = Reconciled::new(
            desired,
            &Observed {
                job,
                created: Timestamp::from_seconds(0),
                is_sure: true,
                is_described: true,
                alarms: &there,
                is_taken: &|name| seen.taken.contains(name),
                is_as_wanted: &is_as_wanted,
                stack,
            },
        );
        let planned = |(definition, actions): (AlarmDefinition, Vec<String>)| {
            let is_it = |(alarm, _): &&(GuardAlarm, String)| *alarm.name() == definition.name;
            let (_, name) = reconciled.places.iter().find(is_it)?;
            let found = there.iter().find(|alarm| alarm.name() == name);
            let is_put = reconciled.puts().iter().any(|put| put.name == *name);
            let change = match found {
                None => Change::Create,
                Some(_) if !is_put => Change::Keep,
                Some(found) => {
                    Change::Update(found.alarm.alarm_arn().unwrap_or_default().to_owned())
                }
            };
            let tags = ownership::tags(&definition.name, job, stack.name);
            let request = request::request_for(&GuardAlarm::of(definition.clone()), job, &actions);
            Some(Planned {
                name: name.clone(),
                request: request.alarm_name(name).set_tags(Some(tags)),
                mute: found.is_some_and(ObservedAlarm::has_fired),
                muted_by: found.and_then(|found| found.muted_by.clone()),
                watches: watches(&definition, evidence),
                definition,
                actions,
                change,
            })
        };
        let alarms: Vec<Planned> = wanted.iter().cloned().filter_map(planned).collect();
        let default = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(job));
        // The keeper arms the default guard within a minute or two: until then, what stops it stays.
        let is_spared = |alarm: &ObservedAlarm<'_>| {
            desired.config_fault == Some(ConfigFault::CannotStop)
                && (alarm.name().starts_with(&default) || alarm.goes_to(stack.force_stop_topic))
        };
        // The guard-keeper's to put: what fills the guard, and that there is no evidence, since it knows when
        // there has been some.
        let is_default = |name: &str| name.starts_with(&default);
        let is_the_keeper_s = |alarm: &ObservedAlarm<'_>| {
            let (name, is_absence) = (alarm.name(), watches_evidence_s_absence(alarm.alarm));
            reconciled.places.iter().any(|(wanted, place)| {
                let is_of_it = wanted.is_on_evidence() && is_default(place) == is_default(name);
                place == name || is_absence && is_of_it
            })
        };
        let (mut strays, mut spared, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let is_left =
            |alarm: &&ObservedAlarm<'_>| !alarms.iter().any(|planned| planned.name == alarm.name());
        for alarm in there.iter().filter(is_left) {
            let name = alarm.name().to_owned();
            if alarm.owner(job, stack.name) == Owner::Ours {
                match (is_spared(alarm), is_the_keeper_s(alarm)) {
                    (true, _) => spared.push(name),
                    (false, true) => {}
                    (false, false) => strays.push(name),
                }
            } else if watched(alarm.alarm) == Watched::Job(job.as_str()) {
                others.push(name);
            }
        }
        Self { alarms, strays, spared, others, taken: reconciled.taken }
    }
}

/// What the keeper will take the job to want, by the config that is kept. What the stack's default guard is,
/// the keeper knows: beside a config only its alarms' names matter here.
fn desired(kept: KeptConfig<'_>, stack: Stack<'_>) -> Result<Desired, InvalidValue> {
    let default_guard = DefaultGuard::new(Vec::new(), |_| None)?;
    // The keeper arms the alarm on evidence's absence once there is some.
    let has_evidence = false;
    let (tagged, is_greengrass, rate, shape) = (None, false, Rate::QUOTA, None);
    let known = Known { kept, tagged, is_greengrass, rate, has_evidence, shape };
    let rules = Rules {
        default_guard: &default_guard,
        policy: Policy::default(),
        force_stop_topic: stack.force_stop_topic,
    };
    Ok(coverage::desired(known, rules))
}
