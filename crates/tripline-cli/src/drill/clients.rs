//! The clients of a drill.

use aws_sdk_iot::types::Job;
use tripline::job::InvalidJobId;
use tripline_aws::{Failure, FailureKind, SdkConfig};

use crate::aws::clients::Aws;
use crate::aws::connect::Connection;
use crate::aws::drill_name::DrillName;
use crate::aws::job;

/// The tag of a drill's job and queue, with the drill's name.
pub const TAG: &str = "tripline:drill";
/// Attributes of a drill's things: whose they are, and the drill's name.
pub const MARK: (&str, &str) = ("drilledBy", "tripline");
pub const NAME: &str = "drill";

#[derive(Debug)]
pub struct DrillClients {
    pub aws: Aws,
    pub lambda: aws_sdk_lambda::Client,
    pub sqs: aws_sdk_sqs::Client,
    /// For the device's side of a job.
    pub config: SdkConfig,
}

impl DrillClients {
    pub fn new(connection: Connection) -> Self {
        let config = connection.config.clone();
        Self {
            lambda: aws_sdk_lambda::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            aws: Aws::for_connection(connection),
            config,
        }
    }

    /// The job of a drill's name, whoever made it.
    pub async fn find_job(&self, name: &DrillName) -> Result<Option<Job>, Failure> {
        let refused = |error: InvalidJobId| {
            Failure::new("DescribeJob", FailureKind::Refused, error.to_string())
        };
        job::find_job(&self.aws.iot, &name.job().map_err(refused)?).await
    }

    /// The job of a drill's name, with whether it is the drill's: whether it has its tag.
    pub async fn job(&self, name: &DrillName) -> Result<Option<(Job, bool)>, Failure> {
        let Some(job) = self.find_job(name).await? else { return Ok(None) };
        let tagged = self.job_tag(job.job_arn().unwrap_or_default()).await?;
        Ok(Some((job, tagged.as_deref() == Some(name.as_str()))))
    }

    async fn job_tag(&self, arn: &str) -> Result<Option<String>, Failure> {
        let listed = self.aws.iot.list_tags_for_resource().resource_arn(arn);
        let mut pages = listed.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::from_sdk("ListTagsForResource", &error));
            // Gone in the meantime.
            let Some(page) = none_if_not_found(page)? else { return Ok(None) };
            if let Some(tag) = page.tags().iter().find(|tag| tag.key() == TAG) {
                return Ok(tag.value().map(str::to_owned));
            }
        }
        Ok(None)
    }

    /// Whether there is a thing of this name that is the drill's.
    pub async fn has_thing(&self, name: &DrillName, thing: &str) -> Result<bool, Failure> {
        let found = self.aws.iot.describe_thing().thing_name(thing).send().await;
        let found =
            none_if_not_found(found.map_err(|error| Failure::from_sdk("DescribeThing", &error)))?;
        let attribute = |key: &str| found.as_ref()?.attributes()?.get(key).map(String::as_str);
        Ok(attribute(MARK.0) == Some(MARK.1) && attribute(NAME) == Some(name.as_str()))
    }

    /// The address of the drill's queue, if it is there.
    pub async fn queue(&self, name: &DrillName) -> Result<Option<String>, Failure> {
        let found = self.sqs.get_queue_url().queue_name(name.as_str()).send().await;
        let url = match found {
            Ok(found) => found.queue_url,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_queue_does_not_exist()) => {
                None
            }
            Err(error) => return Err(Failure::from_sdk("GetQueueUrl", &error)),
        };
        let Some(url) = url else { return Ok(None) };
        let tags = match self.sqs.list_queue_tags().queue_url(&url).send().await {
            Ok(tags) => tags.tags.unwrap_or_default(),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_queue_does_not_exist()) => {
                return Ok(None);
            }
            Err(error) => return Err(Failure::from_sdk("ListQueueTags", &error)),
        };
        Ok((tags.get(TAG).map(String::as_str) == Some(name.as_str())).then_some(url))
    }
}

/// What is not there is an answer.
pub fn none_if_not_found<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
