//! The job and its guard.

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::Job;
use tripline::job::JobId;

use super::answer::Answer;
use crate::aws::arming::plan::Plan;

/// A job and its guard.
#[derive(Debug)]
pub struct JobFacts {
    pub id: JobId,
    /// The config file that was given.
    pub file: Option<String>,
    /// How many devices it is for, if the operator says so.
    pub devices: Option<u32>,
    pub job: Answer<Option<Job>>,
    /// The job's tags, by which it changes the guard-keeper's guard or goes without.
    pub tags: Answer<Vec<(String, String)>>,
    /// The config that the job was armed with, as the stack's table has it.
    pub kept_config: Answer<Option<String>>,
    /// Alarms of the job that another stack's guard-keeper has made, with that stack.
    pub elsewhere: Answer<Vec<(String, String)>>,
    /// Executions that were counted, since the job was created.
    pub counted: Answer<f64>,
    pub alarms: Answer<Vec<MetricAlarm>>,
    /// What would have to be changed to have the alarms of the config, if one is given.
    pub plan: Option<Answer<Plan>>,
}

impl JobFacts {
    /// The config file: the one that was given, or what it is called otherwise.
    pub fn config_file(&self) -> &str {
        self.file.as_deref().unwrap_or("dev.ini")
    }
}
