//! `tripline alarms list`.

use aws_sdk_cloudwatch::types::MetricAlarm;
use serde_json::json;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_aws::Failure;

use super::aws::Aws;
use super::table::{print, print_json, table};
use super::watch::Watch;
use super::{Common, Output};
use crate::exit::{End, Error};

/// How the names of all of Tripline's alarms begin.
const PREFIX: &str = "tripline-";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tripline alarms list
  tripline alarms list --job-id fw-1-3-0 --output json

Exit code 1: the job that --job-id names has no alarms, or some whose actions are off or tell
nobody.")]
pub struct List {
    /// Only the alarms of this job
    #[arg(long, value_name = "ID")]
    job_id: Option<JobId>,
    #[command(flatten)]
    common: Common,
}

/// An alarm that guards a job.
#[derive(Debug)]
pub struct Listed {
    pub job: String,
    pub alarm: MetricAlarm,
}

impl List {
    pub async fn run(self) -> Result<End, Error> {
        let aws = Aws::connect(self.common.region).await?;
        let listed = listed(&aws, self.job_id.as_ref()).await?;
        match self.common.output {
            Output::Text if listed.is_empty() => {}
            Output::Text => {
                let rows: Vec<_> = listed.iter().map(Listed::row).collect();
                print(&table(["JOB", "ALARM", "STATE", "WATCHES", "TELLS"], &rows));
            }
            Output::Json => {
                let alarms: Vec<_> = listed.iter().map(Listed::json).collect();
                print_json(&json!({"region": aws.region, "alarms": alarms}));
            }
        }
        match &self.job_id {
            None if listed.is_empty() => {
                eprintln!("no alarms in `{}`: no job is guarded", aws.region);
            }
            None => {}
            Some(job) => {
                if let Some(finding) = unguarded(job, &listed, &aws.region) {
                    eprintln!("finding: {finding}");
                    return Ok(End::Finding);
                }
            }
        }
        Ok(End::Done)
    }
}

/// What is wrong with a job's guard, as far as its alarms show it.
pub fn unguarded(job: &JobId, listed: &[Listed], region: &str) -> Option<String> {
    let what = if listed.is_empty() {
        format!("no alarms in `{region}`: job `{job}` is not guarded")
    } else {
        let idle: Vec<_> = listed
            .iter()
            .filter_map(|listed| Some(format!("`{}` ({})", listed.name(), listed.idle()?)))
            .collect();
        if idle.is_empty() {
            return None;
        }
        format!("job `{job}` has alarms that come to nothing: {}", idle.join(", "))
    };
    Some(format!("{what}\n\n  hint: `tripline alarms apply --job-id {job}` arms it"))
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
            _ if self.alarm.alarm_actions().is_empty() => Some("tells nobody"),
            Some(true) => None,
            _ => Some("actions off"),
        }
    }

    pub fn state(&self) -> &str {
        self.alarm.state_value().map_or("unknown", |state| state.as_str())
    }

    pub fn watches(&self) -> String {
        // Metric math of another shape than Tripline's still has Tripline's words in it.
        Watch::of(&self.alarm).map_or_else(
            || self.alarm.alarm_description().unwrap_or("?").to_owned(),
            |watch| watch.to_string(),
        )
    }

    fn row(&self) -> [String; 5] {
        let on = self.alarm.actions_enabled() == Some(true);
        let state = format!("{}{}", self.state(), if on { "" } else { " (actions off)" });
        let topic = |arn: &String| arn.rsplit(':').next().unwrap_or_default().to_owned();
        let topics: Vec<_> = self.alarm.alarm_actions().iter().map(topic).collect();
        let tells = if topics.is_empty() { "nobody".to_owned() } else { topics.join(", ") };
        [self.job.clone(), self.name().to_owned(), state, self.watches(), tells]
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "job": self.job, "name": self.name(), "state": self.state(),
            "watches": self.watches(), "actionsEnabled": self.alarm.actions_enabled(),
            "actions": self.alarm.alarm_actions(),
        })
    }
}
