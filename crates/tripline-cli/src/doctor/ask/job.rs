//! A job, its alarms, and how many of its executions were counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iot::types::Job;
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline_aws::{Failure, FailureKind, iot};
use tripline_guard::kept::{self, FirstSeen, KeptItem};

use super::clients::Clients;
use super::reported::is_silent;
use crate::aws::alarms::{NamedAlarm, NamedAlarms};
use crate::aws::arming::guard::Guard;
use crate::aws::arming::plan::Plan;
use crate::aws::job::find_job;
use crate::doctor::facts::{Answer, JobFacts, Need, NoAnswer, StackFacts};
use crate::exit::Error;
use tripline_guard::observed::{Watched, watched};
use tripline_guard::ownership::{Foreign, Owner, owner_of};

type Item = HashMap<String, AttributeValue>;

/// An item's text.
fn text(item: &mut Item, attribute: &str) -> Option<String> {
    match item.remove(attribute) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

impl Clients {
    /// The job and its guard, as far as they are needed.
    pub async fn ask_about_job(
        &self,
        stack: &StackFacts,
        id: &JobId,
        devices: Option<u32>,
        plan: Option<Answer<Plan>>,
        needs: &BTreeSet<Need>,
        now: i64,
    ) -> JobFacts {
        let wants = |need| needs.contains(&need);
        let job = match wants(Need::Job) || wants(Need::Counted) {
            true => self.describe_job(id).await,
            false => Err(NoAnswer::NotAsked),
        };
        let seen = match wants(Need::Alarms) {
            true => self.alarms.see(id).await.map_err(NoAnswer::from),
            false => Err(NoAnswer::NotAsked),
        };
        let counted = match &job {
            Ok(Some(job)) if wants(Need::Counted) => self.count_executions(id, job, now).await,
            _ => Err(NoAnswer::NotAsked),
        };
        let misspelled = match &counted {
            Ok(counted) if is_silent(counted) => self.look_for_misspelled(id).await,
            _ => Err(NoAnswer::NotAsked),
        };
        let has_keeper = stack.outputs.contains_key("GuardKeeperFunctionArn");
        let wants_kept = has_keeper && wants(Need::Kept);
        JobFacts {
            id: id.clone(),
            file: None,
            devices,
            tags: match &job {
                Ok(Some(job)) if has_keeper && wants(Need::Tags) => self.list_job_tags(job).await,
                _ => Err(NoAnswer::NotAsked),
            },
            first_seen: match has_keeper && wants(Need::Tags) {
                true => self.read_first_seen(stack, id).await,
                false => Err(NoAnswer::NotAsked),
            },
            kept_config: match wants_kept {
                true => self.read_kept_config(stack, id).await,
                false => Err(NoAnswer::NotAsked),
            },
            evidence: match has_keeper && wants(Need::Evidence) {
                true => self.read_evidence(stack, id).await,
                false => Err(NoAnswer::NotAsked),
            },
            asked_at: now,
            foreign: seen.as_ref().map(|seen| foreign(seen, id, stack)).map_err(Clone::clone),
            muted: seen.as_ref().map(muted).map_err(Clone::clone),
            alarms: seen.map(|seen| ours(seen, id, stack)),
            counted,
            misspelled,
            job,
            plan,
        }
    }

    /// What would have to be changed to have the alarms of a config.
    pub async fn plan_alarms(&self, guard: &Guard) -> Answer<Plan> {
        match guard.apply(&self.alarms).await {
            Ok(report) => Ok(report.plan),
            Err(Error::Aws(failure)) => Err(failure.into()),
            Err(Error::Input(wrong)) => {
                let text = wrong.to_string();
                Err(Failure::new("the config", FailureKind::Refused, text).into())
            }
        }
    }

    async fn describe_job(&self, id: &JobId) -> Answer<Option<Job>> {
        Ok(find_job(&self.alarms.iot, id).await?)
    }

    async fn list_job_tags(&self, job: &Job) -> Answer<Vec<(String, String)>> {
        let arn = job.job_arn().unwrap_or_default();
        Ok(iot::tags(&self.alarms.iot, arn).await?)
    }

    async fn read_kept_config(&self, stack: &StackFacts, id: &JobId) -> Answer<Option<KeptItem>> {
        Ok(kept::find(&self.alarms.dynamodb, stack.output("GuardsTableName")?, id).await?)
    }

    async fn read_evidence(&self, stack: &StackFacts, id: &JobId) -> Answer<Option<Record>> {
        Ok(self.alarms.evidence(stack.output("GuardsTableName")?, id).await?)
    }

    async fn read_first_seen(&self, stack: &StackFacts, id: &JobId) -> Answer<Option<FirstSeen>> {
        let key = format!("{}{id}", kept::FIRST_SEEN_PREFIX);
        let found = self.read_item(stack, &key).await?;
        let text = found.and_then(|mut item| text(&mut item, kept::FIRST_SEEN));
        // The guard-keeper does not know what it cannot read either, and writes it again.
        Ok(text.and_then(|text| FirstSeen::from_text(&text)))
    }

    /// An item of the stack's table.
    async fn read_item(&self, stack: &StackFacts, key: &str) -> Answer<Option<Item>> {
        let found = self
            .alarms
            .dynamodb
            .get_item()
            .table_name(stack.output("GuardsTableName")?)
            .key(kept::JOB, AttributeValue::S(key.to_owned()))
            .send()
            .await;
        let found = found.map_err(|error| Failure::from_sdk("GetItem", &error))?;
        Ok(found.item)
    }
}

/// The alarms that are the stack's and the job's.
pub(crate) fn ours(seen: NamedAlarms, id: &JobId, stack: &StackFacts) -> Vec<MetricAlarm> {
    let is_ours = |alarm: &NamedAlarm| owner_of(Some(&alarm.tags), id, &stack.name) == Owner::Ours;
    seen.alarms.into_iter().filter(is_ours).map(|alarm| alarm.alarm).collect()
}

/// The alarms that watch the job and are somebody else's.
fn foreign(seen: &NamedAlarms, id: &JobId, stack: &StackFacts) -> Vec<(String, Foreign)> {
    let watches = |alarm: &&NamedAlarm| watched(&alarm.alarm) == Watched::Job(id.as_str());
    let whose = |alarm: &NamedAlarm| match owner_of(Some(&alarm.tags), id, &stack.name) {
        Owner::Foreign(foreign) => Some((alarm.observed().name().to_owned(), foreign)),
        Owner::Ours | Owner::NotKnown => None,
    };
    seen.alarms.iter().filter(watches).filter_map(whose).collect()
}

/// The muted alarms, each with the rule that mutes it.
pub(crate) fn muted(seen: &NamedAlarms) -> BTreeMap<String, String> {
    let muted =
        |alarm: &NamedAlarm| Some((alarm.observed().name().to_owned(), alarm.muted_by.clone()?));
    seen.alarms.iter().filter_map(muted).collect()
}
