//! What is asked of AWS IoT, and of S3, to follow a rollout with another.

use std::collections::BTreeMap;

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::{Job, JobExecutionStatus, StreamInfo, Tag, ThingGroupProperties};
use tripline::job::JobId;
use tripline_aws::{Failure, FailureKind, iot};
use tripline_config::MAX_FILE_BYTES;

use crate::aws::clients;
use crate::aws::connect::Connection;
use crate::aws::job::find_job;
use crate::aws::pace::Pace;
use crate::aws::s3;
use crate::input::buckets::Bucket;

/// AWS IoT lists so many at a time.
const PAGE: i32 = 250;
/// AWS allows an account about ten lists a second ..
const LISTS_A_SECOND: u32 = 8;
/// .. and more changes of thing groups.
const CHANGES_A_SECOND: u32 = 50;
const CHANGES_AT_ONCE: u32 = 16;

/// The clients, all of one region.
pub struct Aws {
    pub alarms: clients::Aws,
    pub iot: aws_sdk_iot::Client,
    pub s3: aws_sdk_s3::Client,
    pub lists: Pace,
    pub changes: std::sync::Arc<Pace>,
}

/// A page of names, and the token of the next.
pub type Page = (Vec<String>, Option<String>);

/// An execution of a job as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedExecution {
    /// The thing's name.
    pub thing: String,
    /// Which of its executions of the job it is: the latest has the highest.
    pub number: i64,
    pub status: JobExecutionStatus,
}

impl Aws {
    pub fn for_connection(connection: Connection) -> Self {
        let s3 = s3::client(&connection.config);
        let alarms = clients::Aws::for_connection(connection);
        let iot = alarms.iot.clone();
        Self::new(alarms, iot, s3)
    }

    pub fn new(alarms: clients::Aws, iot: aws_sdk_iot::Client, s3: aws_sdk_s3::Client) -> Self {
        let changes = Pace::new(CHANGES_A_SECOND, CHANGES_AT_ONCE).into();
        Self { alarms, iot, s3, lists: Pace::new(LISTS_A_SECOND, 1), changes }
    }

    /// A job; `None` if there is none.
    pub async fn job(&self, job: &JobId) -> Result<Option<Job>, Failure> {
        find_job(&self.iot, job).await
    }

    /// A job's document as it was given: what AWS puts in for its placeholders it puts in again.
    pub async fn document(&self, job: &JobId) -> Result<String, Failure> {
        let document =
            self.iot.get_job_document().job_id(job.as_str()).before_substitution(true).send().await;
        let document = document.map_err(|error| Failure::from_sdk("GetJobDocument", &error))?;
        document.document.ok_or_else(|| {
            Failure::new("GetJobDocument", FailureKind::Unavailable, "the answer has no document")
        })
    }

    /// The tags of a job or thing group.
    pub async fn tags(&self, arn: &str) -> Result<BTreeMap<String, String>, Failure> {
        Ok(iot::tags(&self.iot, arn).await?.into_iter().collect())
    }

    /// Sets a tag of a stream.
    pub async fn tag(&self, arn: &str, tag: Option<Tag>) -> Result<(), Failure> {
        let tagged = self.iot.tag_resource().resource_arn(arn).set_tags(tag.map(|tag| vec![tag]));
        let tagged = tagged.send().await;
        tagged.map(drop).map_err(|error| Failure::from_sdk("TagResource", &error))
    }

    /// A page of the devices whose execution is in this state, or in any.
    pub async fn executions(
        &self,
        job: &JobId,
        status: Option<JobExecutionStatus>,
        token: Option<String>,
    ) -> Result<Page, Failure> {
        let _permit = self.lists.permit().await;
        let page = self
            .iot
            .list_job_executions_for_job()
            .job_id(job.as_str())
            .set_status(status)
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        let name = |arn: &str| Some(arn.split_once(":thing/")?.1.to_owned());
        let things = page.execution_summaries().iter();
        let things = things.filter_map(|execution| name(execution.thing_arn()?)).collect();
        Ok((things, page.next_token.filter(|token| !token.is_empty())))
    }

    /// A page of a job's executions, of every device and in every state.
    pub async fn every_execution(
        &self,
        job: &JobId,
        token: Option<String>,
    ) -> Result<(Vec<ListedExecution>, Option<String>), Failure> {
        let _permit = self.lists.permit().await;
        let list = self.iot.list_job_executions_for_job().job_id(job.as_str());
        let page = list.max_results(PAGE).set_next_token(token).send().await;
        let page = page.map_err(|error| Failure::from_sdk("ListJobExecutionsForJob", &error))?;
        let listed = page.execution_summaries().iter().filter_map(|execution| {
            let summary = execution.job_execution_summary()?;
            let again = || summary.retry_attempt().map(|retries| i64::from(retries) + 1);
            Some(ListedExecution {
                thing: execution.thing_arn()?.split_once(":thing/")?.1.to_owned(),
                number: summary.execution_number().or_else(again).unwrap_or(1),
                status: summary.status()?.clone(),
            })
        });
        Ok((listed.collect(), page.next_token.filter(|token| !token.is_empty())))
    }

    /// A page of the jobs of which a thing has an execution in this state.
    pub async fn jobs_of(
        &self,
        thing: &str,
        status: JobExecutionStatus,
        token: Option<String>,
    ) -> Result<Page, Failure> {
        let _permit = self.lists.permit().await;
        let list = self.iot.list_job_executions_for_thing().thing_name(thing).status(status);
        let page = list.max_results(PAGE).set_next_token(token).send().await;
        let page = page.map_err(|error| Failure::from_sdk("ListJobExecutionsForThing", &error))?;
        let jobs = page.execution_summaries().iter();
        let jobs = jobs.filter_map(|execution| execution.job_id().map(str::to_owned)).collect();
        Ok((jobs, page.next_token.filter(|token| !token.is_empty())))
    }

    /// A stream; `None` if there is none of this name.
    pub async fn stream(&self, id: &str) -> Result<Option<StreamInfo>, Failure> {
        let described = self.iot.describe_stream().stream_id(id).send().await;
        match described.map_err(|error| Failure::from_sdk("DescribeStream", &error)) {
            Ok(described) => Ok(described.stream_info),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A page of a group's members, those of its subgroups among them; `None` if there is no such
    /// group.
    pub async fn members(
        &self,
        group: &str,
        token: Option<String>,
    ) -> Result<Option<Page>, Failure> {
        let _permit = self.lists.permit().await;
        let page = self
            .iot
            .list_things_in_thing_group()
            .thing_group_name(group)
            .recursive(true)
            .max_results(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| Failure::from_sdk("ListThingsInThingGroup", &error));
        match page {
            Ok(page) => {
                let token = page.next_token.filter(|token| !token.is_empty());
                Ok(Some((page.things.unwrap_or_default(), token)))
            }
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether there is such a thing.
    pub async fn has_thing(&self, thing: &str) -> Result<bool, Failure> {
        let _permit = self.lists.permit().await;
        let described = self.iot.describe_thing().thing_name(thing).send().await;
        match described.map_err(|error| Failure::from_sdk("DescribeThing", &error)) {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// The ARN of a thing group; `None` if there is none.
    pub async fn group(&self, group: &str) -> Result<Option<String>, Failure> {
        let described = self.iot.describe_thing_group().thing_group_name(group).send().await;
        match described.map_err(|error| Failure::from_sdk("DescribeThingGroup", &error)) {
            Ok(described) => described.thing_group_arn.map(Some).ok_or_else(|| {
                let text = "the answer has no ARN of the thing group";
                Failure::new("DescribeThingGroup", FailureKind::Unavailable, text)
            }),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub async fn create_group(
        &self,
        group: &str,
        description: &str,
        tag: Option<Tag>,
    ) -> Result<(), Failure> {
        let properties =
            ThingGroupProperties::builder().thing_group_description(description).build();
        let created = self
            .iot
            .create_thing_group()
            .thing_group_name(group)
            .thing_group_properties(properties)
            .set_tags(tag.map(|tag| vec![tag]))
            .send()
            .await;
        created.map(drop).map_err(|error| Failure::from_sdk("CreateThingGroup", &error))
    }

    /// Creates a job; `false` if there is one of this name already.
    pub async fn create_job(&self, request: CreateJobInputBuilder) -> Result<bool, Failure> {
        iot::write::create_job(&self.iot, request).await
    }

    /// The text of an object, no longer than a config may be; `None` if there is no such object.
    pub async fn config(&self, bucket: Bucket<'_>, key: &str) -> Result<Option<String>, Failure> {
        let got = bucket.get_object(key).send().await;
        let bucket = bucket.name;
        let mut body = match got.map_err(|error| Failure::from_sdk("GetObject", &error)) {
            Ok(got) => got.body,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let fault = |kind, text: String| Failure::new("GetObject", kind, text);
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| fault(FailureKind::Unavailable, error.to_string()))?;
            bytes.extend_from_slice(&part);
            if bytes.len() > MAX_FILE_BYTES {
                let text = format!(
                    "`s3://{bucket}/{key}` is too long (expected at most {MAX_FILE_BYTES} bytes)"
                );
                return Err(fault(FailureKind::Refused, text));
            }
        }
        let text = String::from_utf8(bytes);
        text.map(Some).map_err(|_| {
            fault(FailureKind::Refused, format!("`s3://{bucket}/{key}` is not UTF-8 text"))
        })
    }
}
