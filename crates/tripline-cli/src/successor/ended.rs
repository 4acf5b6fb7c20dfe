//! A job that has ended, and the request for one that is as it was.

use std::collections::BTreeMap;

use aws_sdk_iot::operation::create_job::CreateJobInput;
use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::{Job, TargetSelection};
use tripline::job::{JobId, JobState};
use tripline::text::{clean, excerpt};
use tripline_config::StreamId;

use super::aws::Aws;
use super::inherited::Inherited;
use super::link::{Kind, Link};
use super::owned;
use crate::exit::Error;
use crate::input::buckets::Buckets;

/// Longest description (AWS IoT `CreateJob`).
const MAX_DESCRIPTION: usize = 2_028;

/// A job that has ended.
#[derive(Debug, Clone)]
pub struct EndedJob {
    pub id: JobId,
    pub job: Job,
    pub document: String,
    pub tags: BTreeMap<String, String>,
}

impl EndedJob {
    /// Reads it, if it can be followed in this way.
    pub async fn find(aws: &Aws, id: JobId, kind: Kind) -> Result<Self, Error> {
        let Some(job) = aws.job(&id).await? else {
            return Err(Error::input(format!("there is no job `{id}`"))
                .hint("check the Region and the account"));
        };
        let tags = aws.tags(job.job_arn().unwrap_or_default()).await?;
        owned::check(&id, &job, &tags, kind)?;
        let status = job.status().map_or("unknown", |status| status.as_str());
        match JobState::from_status(status) {
            JobState::Canceled | JobState::Completed => {}
            JobState::Deleting => {
                return Err(Error::input(format!("job `{id}` is being deleted")));
            }
            JobState::Active => {
                return Err(Error::input(format!(
                    "job `{id}` is `{}` (expected one that has ended)",
                    excerpt(status)
                ))
                .hint(format!("`tripline stop --job-id {id}` stops it"))
                .command(format!("tripline stop --job-id {id}")));
            }
        }
        let document = aws.document(&id).await?;
        Ok(Self { id, job, document, tags })
    }

    /// The ARN of a thing of the job's region and account.
    pub fn arn_of(&self, what: &str) -> String {
        let arn = self.job.job_arn().unwrap_or_default();
        let head = arn.split_once(":job/").map_or(arn, |(head, _)| head);
        format!("{head}:{what}")
    }

    /// The buckets of the job's account.
    pub fn buckets(&self, aws: &Aws) -> Buckets {
        Buckets::of_arn(aws.s3.clone(), self.job.job_arn().unwrap_or_default())
    }

    /// The stream of the job's document, as `deploy` or FreeRTOS OTA names it.
    pub fn stream(&self) -> Option<StreamId> {
        let document: serde_json::Value = serde_json::from_str(&self.document).ok()?;
        let of_freertos = || document.get("afr_ota")?.get("streamname");
        StreamId::new(document.get("streamId").or_else(of_freertos)?.as_str()?)
    }

    /// The request for a job that is as this one was, for other targets, and linked to the job that it
    /// follows. A schedule is not taken over: its times have passed.
    pub fn request(
        &self,
        id: &JobId,
        targets: Vec<String>,
        link: &Link,
        about: &str,
        inherited: &Inherited,
    ) -> CreateJobInputBuilder {
        let job = &self.job;
        let about = match job.description() {
            Some(old) => format!("{about}: {old}"),
            None => about.to_owned(),
        };
        let mut tags = inherited.request();
        tags.extend(link.tag());
        let request = CreateJobInput::builder()
            .job_id(id.as_str())
            .set_targets(Some(targets))
            .description(clean(&about, MAX_DESCRIPTION))
            .target_selection(job.target_selection().cloned().unwrap_or(TargetSelection::Snapshot))
            // AWS shows what was never set as something empty, and takes nothing empty.
            .set_presigned_url_config(
                job.presigned_url_config().cloned().filter(|config| {
                    config.role_arn().is_some() || config.expires_in_sec().is_some()
                }),
            )
            .set_job_executions_rollout_config(job.job_executions_rollout_config().cloned().filter(
                |config| {
                    config.maximum_per_minute().is_some() || config.exponential_rate().is_some()
                },
            ))
            .set_abort_config(
                job.abort_config().cloned().filter(|config| !config.criteria_list().is_empty()),
            )
            .set_timeout_config(
                job.timeout_config()
                    .cloned()
                    .filter(|config| config.in_progress_timeout_in_minutes().is_some()),
            )
            .set_job_executions_retry_config(
                job.job_executions_retry_config()
                    .cloned()
                    .filter(|config| !config.criteria_list().is_empty()),
            )
            .set_namespace_id(job.namespace_id().map(str::to_owned))
            .set_destination_package_versions(
                Some(job.destination_package_versions().to_vec()).filter(|list| !list.is_empty()),
            )
            .set_tags(Some(tags));
        // A template with parameters makes the document again; AWS takes parameters with no other.
        match (job.job_template_arn(), job.document_parameters().filter(|map| !map.is_empty())) {
            (Some(template), Some(parameters)) => {
                request.job_template_arn(template).set_document_parameters(Some(parameters.clone()))
            }
            _ => request.document(&self.document),
        }
    }

    /// Whether it had a schedule, which is not taken over.
    pub fn has_schedule(&self) -> bool {
        self.job.scheduling_config().is_some_and(|config| {
            config.start_time().is_some()
                || config.end_time().is_some()
                || !config.maintenance_windows().is_empty()
        })
    }

    pub fn is_continuous(&self) -> bool {
        self.job.target_selection() == Some(&TargetSelection::Continuous)
    }
}
