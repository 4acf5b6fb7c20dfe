//! What is asked of CloudWatch and AWS IoT about a job's alarms.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm, Tag};
use tripline::job::{JobId, JobState};
use tripline_aws::{Failure, FailureKind};

use super::owner::{Watched, watched};
use super::put::{JOB_TAG, STACK_TAG};
use crate::connect::{Connection, Region, connect};
use crate::exit::Error;

/// `DeleteAlarms` takes so many names.
const MOST_DELETED: usize = 100;

/// The clients, all of one region.
#[derive(Debug)]
pub struct Aws {
    pub region: String,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iot: aws_sdk_iot::Client,
    pub sns: aws_sdk_sns::Client,
}

/// What is there under a prefix.
#[derive(Debug, Default)]
pub struct Alarms {
    pub metric: Vec<MetricAlarm>,
    /// Names of composite alarms: metric alarms and they have their names in common.
    pub composite: Vec<String>,
}

impl Aws {
    /// Clients for a region, or for the environment's if there is none.
    pub async fn connect(region: Option<Region>) -> Result<Self, Error> {
        Ok(Self::of(connect(region).await?))
    }

    /// Clients for a connection.
    pub fn of(Connection { region, config }: Connection) -> Self {
        Self {
            region,
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
        }
    }

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

    /// The job of an alarm's tag.
    pub async fn tagged_job(&self, alarm: &MetricAlarm) -> Result<Option<String>, Failure> {
        Ok(self.job_and_stack(alarm).await?.0)
    }

    /// The job and the stack of an alarm's tags.
    pub async fn job_and_stack(
        &self,
        alarm: &MetricAlarm,
    ) -> Result<(Option<String>, Option<String>), Failure> {
        let Some(arn) = alarm.alarm_arn() else {
            return Ok((None, None));
        };
        let tags = self
            .cloudwatch
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
        let value = |key| {
            let tag = tags.tags().iter().find(|tag| tag.key() == Some(key));
            tag.and_then(Tag::value).map(str::to_owned)
        };
        Ok((value(JOB_TAG), value(STACK_TAG)))
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
            let deleted =
                self.cloudwatch.delete_alarms().set_alarm_names(Some(names.to_vec())).send().await;
            deleted.map_err(|error| Failure::from_sdk("DeleteAlarms", &error))?;
        }
        Ok(())
    }

    /// Whether a job still reaches devices; `None` if there is no such job.
    pub async fn job_state(&self, job: &JobId) -> Result<Option<JobState>, Failure> {
        match self.iot.describe_job().job_id(job.as_str()).send().await {
            Ok(described) => {
                let status = described.job().and_then(|job| job.status());
                Ok(Some(JobState::from_status(status.map_or("", |status| status.as_str()))))
            }
            Err(error) => {
                let failure = Failure::from_sdk("DescribeJob", &error);
                if failure.kind == FailureKind::NotFound { Ok(None) } else { Err(failure) }
            }
        }
    }
}
