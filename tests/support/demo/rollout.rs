//! A rollout as an operator sees it: the job, its guard, and the metric that the guard watches.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue, Statistic};
use aws_sdk_iot::types::{
    JobExecutionsRolloutConfig, JobProcessDetails, JobStatus, TargetSelection,
};

use crate::local_aws::LocalAws;
use crate::{Error, Result, call};

const NAMESPACE: &str = "IoT:OTA:JobExecution";

pub struct Rollout {
    iot: aws_sdk_iot::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    job_id: String,
}

/// A rollout at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    pub job: Job,
    pub guards: Vec<Guard>,
    /// Reports that have become a metric.
    pub measured: i32,
}

#[derive(Debug, Clone, Default)]
pub struct Job {
    pub id: String,
    pub status: String,
    pub reason: Option<String>,
    pub comment: Option<String>,
    pub succeeded: i32,
    pub failed: i32,
    pub rejected: i32,
    pub in_progress: i32,
}

/// An alarm of the rollout.
#[derive(Debug, Clone)]
pub struct Guard {
    pub metric: String,
    pub statistic: String,
    pub threshold: f64,
    pub state: String,
    /// The value now, as CloudWatch has it.
    pub value: Option<f64>,
    /// The topics that are notified, by the last part of their ARN.
    pub notifies: Vec<String>,
}

impl Job {
    pub fn ended(&self) -> bool {
        ["COMPLETED", "CANCELED"].contains(&self.status.as_str())
    }

    pub fn reported(&self) -> i32 {
        self.succeeded + self.failed + self.rejected
    }

    /// Devices that got the firmware: those that have it, and those that are at it.
    pub fn reached(&self) -> i32 {
        self.reported() + self.in_progress
    }
}

impl Moment {
    pub fn is_settled(&self) -> bool {
        self.measured >= self.job.succeeded
    }

    pub fn is_alarming(&self) -> bool {
        self.guards.iter().any(Guard::is_alarming)
    }
}

impl Guard {
    pub fn is_alarming(&self) -> bool {
        self.state == StateValue::Alarm.as_str()
    }
}

impl Rollout {
    pub async fn create(
        aws: &LocalAws,
        job_id: &str,
        target: &str,
        per_minute: Option<i32>,
    ) -> Result<Self> {
        let rollout = Self {
            iot: aws_sdk_iot::Client::new(&aws.config()),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&aws.config()),
            job_id: job_id.to_owned(),
        };
        let waves = per_minute
            .map(|most| JobExecutionsRolloutConfig::builder().maximum_per_minute(most).build());
        rollout
            .iot
            .create_job()
            .job_id(job_id)
            .targets(target)
            .target_selection(TargetSelection::Snapshot)
            .document(format!(r#"{{"operation": "install", "image": "{job_id}.bin"}}"#))
            .set_job_executions_rollout_config(waves)
            .send()
            .await
            .map_err(call("CreateJob"))?;
        Ok(rollout)
    }

    pub async fn moment(&self) -> Result<Moment> {
        let job = self.job().await?;
        let described = self
            .cloudwatch
            .describe_alarms()
            .alarm_name_prefix(format!("tripline-{}-", self.job_id))
            .send()
            .await
            .map_err(call("DescribeAlarms"))?;
        let mut guards = Vec::new();
        for alarm in described.metric_alarms.unwrap_or_default() {
            guards.push(self.guard(alarm).await?);
        }
        let measured = self.value("succeededCount", "Sum").await?.unwrap_or(0.0);
        Ok(Moment { job, guards, measured: measured as i32 })
    }

    pub async fn job(&self) -> Result<Job> {
        let described = self.iot.describe_job().job_id(&self.job_id).send().await;
        let job = described.map_err(call("DescribeJob"))?.job;
        let job = job.ok_or_else(|| Error("DescribeJob: the answer has no job".into()))?;
        let counts = job.job_process_details.as_ref();
        let count = |of: fn(&JobProcessDetails) -> Option<i32>| counts.and_then(of).unwrap_or(0);
        Ok(Job {
            id: self.job_id.clone(),
            status: job.status.as_ref().map_or("UNKNOWN", JobStatus::as_str).to_owned(),
            succeeded: count(JobProcessDetails::number_of_succeeded_things),
            failed: count(JobProcessDetails::number_of_failed_things),
            rejected: count(JobProcessDetails::number_of_rejected_things),
            in_progress: count(JobProcessDetails::number_of_in_progress_things),
            reason: job.reason_code,
            comment: job.comment,
        })
    }

    async fn guard(&self, alarm: MetricAlarm) -> Result<Guard> {
        let metric = alarm.metric_name.unwrap_or_default();
        let statistic = alarm
            .extended_statistic
            .or(alarm.statistic.map(|statistic| statistic.as_str().to_owned()))
            .unwrap_or_default();
        let value = self.value(&metric, &statistic).await?;
        let notifies = alarm.alarm_actions.unwrap_or_default();
        Ok(Guard {
            threshold: alarm.threshold.unwrap_or_default(),
            state: alarm.state_value.map_or_else(String::new, |state| state.as_str().to_owned()),
            notifies: notifies.iter().filter_map(|arn| arn.rsplit(':').next()).map(topic).collect(),
            metric,
            statistic,
            value,
        })
    }

    /// One statistic over the rollout so far.
    async fn value(&self, metric: &str, statistic: &str) -> Result<Option<f64>> {
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        let mut query = self
            .cloudwatch
            .get_metric_statistics()
            .namespace(NAMESPACE)
            .metric_name(metric)
            .dimensions(Dimension::builder().name("jobId").value(&self.job_id).build())
            .start_time((now - hour).into())
            .end_time((now + hour).into())
            // Longer than any demo: one point, but for midnight.
            .period(86_400);
        query = match Statistic::from(statistic) {
            known if Statistic::values().contains(&statistic) => query.statistics(known),
            _ => query.extended_statistics(statistic),
        };
        let points = query.send().await.map_err(call("GetMetricStatistics"))?.datapoints;
        let Some(point) = points.unwrap_or_default().pop() else { return Ok(None) };
        Ok(point.extended_statistics.as_ref().and_then(|values| values.get(statistic).copied()).or(
            match statistic {
                "SampleCount" => point.sample_count,
                "Average" => point.average,
                "Sum" => point.sum,
                "Minimum" => point.minimum,
                _ => point.maximum,
            },
        ))
    }
}

/// `tripline-demo-ForceStopTopic-1A2B3C` is the topic that CloudFormation called `ForceStopTopic`.
fn topic(name: &str) -> String {
    name.split('-').find(|part| part.ends_with("Topic")).unwrap_or(name).to_owned()
}
