//! `tripline alarms list`.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::diagnostic::Diagnostic;
use tripline::job::JobId;

use super::arguments::Common;
use crate::aws::alarms::{Listed, listed};
use crate::aws::clients::Aws;
use crate::exit::{End, Error};
use crate::input::job::OptionalJob;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline alarms list
  tripline alarms list fw-1-3-0 --output json

Exit code 1: the named job has no alarms, or some with disabled actions or without a
topic.",
    mut_arg("job", |arg| arg.help("Only the alarms of this job")))]
pub struct List {
    #[command(flatten)]
    job: OptionalJob,
    #[command(flatten)]
    common: Common,
}

impl List {
    pub async fn run(self) -> Result<End, Error> {
        let job = self.job.id();
        let aws = Aws::connect(self.common.region).await?;
        let listed = listed(&aws, job.as_ref()).await?;
        match self.common.output {
            Output::Text if listed.is_empty() => {}
            Output::Text => {
                let rows: Vec<_> = listed.iter().map(Listed::row).collect();
                print(&table(["JOB", "ALARM", "STATE", "WATCHES", "ALERTS"], &rows));
            }
            Output::Json => {
                let alarms = listed.iter().map(Listed::data).collect();
                print_document(&ListData { region: aws.region.clone(), alarms });
            }
        }
        match &job {
            None if listed.is_empty() => {
                say(&format!("no alarms in `{}`: no job is guarded", aws.region));
            }
            None => {}
            Some(job) => {
                if let Some(finding) = unguarded(job, &listed, &aws.region) {
                    say(&format!("finding: {finding}"));
                    return Ok(End::Finding);
                }
            }
        }
        Ok(End::Done)
    }
}

/// What is wrong with a job's guard, as far as its alarms show it.
pub fn unguarded(job: &JobId, listed: &[Listed], region: &str) -> Option<Diagnostic> {
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
    let hint = format!("`tripline alarms apply --job-id {job}` arms it");
    Some(Diagnostic::new(what).with_hint(hint))
}

impl Listed {
    fn row(&self) -> [String; 5] {
        let on = self.alarm.actions_enabled() == Some(true);
        let state = format!("{}{}", self.state(), if on { "" } else { " (actions off)" });
        let topic = |arn: &String| arn.rsplit(':').next().unwrap_or_default().to_owned();
        let topics: Vec<_> = self.alarm.alarm_actions().iter().map(topic).collect();
        let notified = if topics.is_empty() { "nobody".to_owned() } else { topics.join(", ") };
        [self.job.clone(), self.name().to_owned(), state, self.watches(), notified]
    }

    fn data(&self) -> ListedAlarm {
        ListedAlarm {
            job_id: self.job.clone(),
            name: self.name().to_owned(),
            state: self.state().to_owned(),
            watches: self.watches(),
            actions_enabled: self.alarm.actions_enabled(),
            actions: self.alarm.alarm_actions().to_vec(),
        }
    }
}

/// The alarms of jobs, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListData {
    region: String,
    alarms: Vec<ListedAlarm>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListedAlarm {
    job_id: String,
    /// Its name in CloudWatch.
    name: String,
    /// As CloudWatch has it: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    state: String,
    /// What it watches, in words.
    watches: String,
    actions_enabled: Option<bool>,
    /// ARNs of its topics.
    actions: Vec<String>,
}
