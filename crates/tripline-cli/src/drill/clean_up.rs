//! Removes what a drill has made, whatever is left of it. Everything is found by the drill's name
//! and removed only if its tag, mark or metric says that it is the drill's.

use std::time::Duration;

use aws_sdk_iot::types::{Job, JobStatus};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use tripline::diagnostic::Diagnostic;
use tripline_aws::Failure;

use super::clients::{DrillClients, none_if_not_found};
use super::mailbox::drill_subscriptions;
use crate::aws::arming::disarm::disarm;
use crate::aws::commands::{in_region, quoted};
use crate::aws::drill_name::DrillName;
use crate::exit::Error;

/// How long a deleted job is waited for. AWS IoT deletes its executions first.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// What is not removed, and the command that does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub what: String,
    pub command: String,
    pub why: String,
}

/// What became of a drill's things.
#[derive(Debug, Default)]
pub struct CleanUpReport {
    pub removed: Vec<String>,
    pub left: Vec<Left>,
    /// What AWS is still at.
    pub notes: Vec<String>,
}

/// A clean-up, which may only look.
#[derive(Debug)]
pub struct CleanUp<'a> {
    pub cloud: &'a DrillClients,
    /// The topic that the drill's queue was subscribed to; any, if it is not known.
    pub topic: Option<&'a str>,
    /// The stack that was tried; none, if it is not known.
    pub stack: Option<&'a str>,
    pub dry_run: bool,
}

impl CleanUp<'_> {
    /// Removes everything of one drill; what fails keeps nothing else from being removed.
    pub async fn remove(&self, name: &DrillName, tidied: &mut CleanUpReport) {
        // The job goes first: its alarm guards it to the end.
        let delete = format!("aws iot delete-job --force --job-id {name}");
        match self.cloud.job(name).await {
            // Somebody else's, with its alarms.
            Ok(Some((_, false))) => {}
            Ok(None) => self.alarms(name, tidied).await,
            Ok(Some((job, true))) => {
                match self.job(name, &job).await {
                    Ok(is_gone) => {
                        tidied.removed.push(format!("job {name}"));
                        if !is_gone {
                            tidied.notes.push(format!("AWS IoT is still deleting job `{name}`"));
                        }
                    }
                    Err(failure) => tidied.left(format!("job {name}"), delete, &failure),
                }
                self.alarms(name, tidied).await;
            }
            // Whose it is cannot be known, nor whose its alarms are.
            Err(failure) => tidied.left(format!("job {name} and its alarms"), delete, &failure),
        }
        for thing in name.things() {
            match self.thing(name, &thing).await {
                Ok(is_removed) => {
                    tidied.removed.extend(is_removed.then(|| format!("thing {thing}")))
                }
                Err(failure) => {
                    let command = format!("aws iot delete-thing --thing-name {thing}");
                    tidied.left(format!("thing {thing}"), command, &failure);
                }
            }
        }
        self.subscriptions(name, tidied).await;
        match self.queue(name).await {
            Ok(is_removed) => tidied.removed.extend(is_removed.then(|| format!("queue {name}"))),
            Err(failure) => {
                let command = format!(
                    "aws sqs delete-queue --queue-url \"$(aws sqs get-queue-url --queue-name {name} --output text)\""
                );
                tidied.left(format!("queue {name}"), command, &failure);
            }
        }
    }

    /// Deletes the drill's job; whether it is gone.
    async fn job(&self, name: &DrillName, job: &Job) -> Result<bool, Failure> {
        if self.dry_run {
            return Ok(true);
        }
        if job.status() != Some(&JobStatus::DeletionInProgress) {
            let deleted = self.cloud.aws.iot.delete_job().job_id(name.as_str()).force(true);
            let deleted = deleted.send().await;
            none_if_not_found(deleted.map_err(|error| Failure::from_sdk("DeleteJob", &error)))?;
        }
        let begun = Instant::now();
        let mut pause = Duration::from_millis(100);
        while begun.elapsed() < GONE_WITHIN {
            if self.cloud.find_job(name).await?.is_none() {
                return Ok(true);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(false)
    }

    /// The alarms of the sentinel, which is gone. What is another stack's is left to that one's keeper.
    async fn alarms(&self, name: &DrillName, tidied: &mut CleanUpReport) {
        let removed = match name.job() {
            Ok(job) => disarm(&self.cloud.aws, self.stack, &job, true, self.dry_run).await,
            Err(error) => Err(Error::input(error.to_string())),
        };
        match removed {
            Ok(alarms) => {
                tidied.notes.extend(alarms.notes());
                tidied.removed.extend(alarms.names.iter().map(|alarm| format!("alarm {alarm}")))
            }
            Err(error) => {
                let stack = self.stack.map(|stack| format!(" --stack {}", quoted(stack)));
                let stack = stack.unwrap_or_default();
                let command = format!("tripline alarms remove --force --job-id {name}{stack}");
                tidied.left(format!("alarms of job {name}"), command, &error);
            }
        }
    }

    async fn thing(&self, name: &DrillName, thing: &str) -> Result<bool, Failure> {
        let is_there = self.cloud.has_thing(name, thing).await?;
        if is_there && !self.dry_run {
            let deleted = self.cloud.aws.iot.delete_thing().thing_name(thing).send().await;
            deleted.map_err(|error| Failure::from_sdk("DeleteThing", &error))?;
        }
        Ok(is_there)
    }

    async fn subscriptions(&self, name: &DrillName, tidied: &mut CleanUpReport) {
        let found = match drill_subscriptions(self.cloud, self.topic).await {
            Ok(found) => found,
            Err(failure) => {
                let command = "aws sns list-subscriptions, and aws sns unsubscribe".to_owned();
                let what = format!("the subscription of queue {name}, if it is there");
                return tidied.left(what, command, &failure);
            }
        };
        for (_, arn) in found.into_iter().filter(|(of, _)| of == name) {
            let unsubscribed = match self.dry_run {
                true => Ok(()),
                false => {
                    let call = self.cloud.aws.sns.unsubscribe().subscription_arn(&arn).send().await;
                    let call = call.map_err(|error| Failure::from_sdk("Unsubscribe", &error));
                    none_if_not_found(call.map(drop)).map(drop)
                }
            };
            match unsubscribed {
                Ok(()) => tidied.removed.push(format!("subscription {arn}")),
                Err(failure) => {
                    let command = format!("aws sns unsubscribe --subscription-arn {arn}");
                    tidied.left(format!("subscription {arn}"), command, &failure);
                }
            }
        }
    }

    async fn queue(&self, name: &DrillName) -> Result<bool, Failure> {
        let Some(url) = self.cloud.queue(name).await? else { return Ok(false) };
        if !self.dry_run {
            let deleted = self.cloud.sqs.delete_queue().queue_url(url).send().await;
            deleted.map_err(|error| Failure::from_sdk("DeleteQueue", &error))?;
        }
        Ok(true)
    }
}

/// What could not be removed, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftData {
    what: String,
    /// The command that removes it.
    command: String,
    why: String,
}

impl CleanUpReport {
    fn left(&mut self, what: String, command: String, why: &dyn std::fmt::Display) {
        self.left.push(Left { what, command, why: why.to_string() });
    }

    /// What is left, for programs.
    pub fn data(&self) -> Vec<LeftData> {
        let left = self.left.iter();
        left.map(|left| LeftData {
            what: left.what.clone(),
            command: left.command.clone(),
            why: left.why.clone(),
        })
        .collect()
    }

    /// Has the commands say their region.
    pub fn in_region(&mut self, region: &str) {
        for left in &mut self.left {
            left.command = in_region(&left.command, region);
        }
    }

    /// What is left, for people.
    pub fn warning(&self, region: &str) -> Option<Diagnostic> {
        if self.left.is_empty() {
            return None;
        }
        let rows = self.left.iter().map(|Left { what, command, why }| {
            let why = why.split('\n').next().unwrap_or_default();
            format!("\n  {what} ({why})\n    {command}")
        });
        Some(Diagnostic::new(format!("not removed:{}", rows.collect::<String>())).with_hint(
            format!(
                "`tripline drill --region {region} --clean-up` removes them all once that is fixed"
            ),
        ))
    }
}
