//! What is asked of S3 and AWS IoT for a deployment.

use std::time::Duration;

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::{Job, StreamInfo, Tag};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType};
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind};
use tripline_config::{Target, TargetKind};

use super::firmware::{ObservedObject, Stored};
use super::spec::{Content, Object, StreamSpec};
use crate::aws::clients::Aws;
use crate::aws::job::find_job;
use crate::aws::tags::JOB_TAG;
use crate::input::buckets::Buckets;

/// Slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;
/// Page size of listings, the most that AWS IoT gives.
const PAGE: i32 = 250;

/// The clients of a deployment.
#[derive(Debug)]
pub struct Cloud {
    pub aws: Aws,
    pub s3: Buckets,
    /// How long to wait before each call to AWS IoT.
    pub pace: Duration,
}

impl Cloud {
    /// Whether a bucket is there and may be used.
    pub async fn has_bucket(&self, bucket: &str) -> Result<bool, Failure> {
        let found = self.s3.bucket(bucket).head().send().await;
        let found = absent(found.map_err(|error| Failure::from_sdk("HeadBucket", &error)));
        let named = |failure: Failure| failure.of(format_args!("bucket `{}`", excerpt(bucket)));
        found.map(|it| it.is_some()).map_err(named)
    }

    /// An object with exactly this content, if it is there. S3's own checksum says so: what whoever
    /// stored it wrote beside it proves nothing.
    pub async fn find_object(
        &self,
        bucket: &str,
        object: &Object,
    ) -> Result<Option<Stored>, Failure> {
        let seen = seen_object(&self.s3, bucket, &object.key).await?;
        let is_it = |seen: &ObservedObject| {
            seen.checksum.as_ref() == Some(&object.sha256) && seen.size == Some(object.size)
        };
        Ok(seen.filter(is_it).map(|seen| seen.stored))
    }

    /// Stores an object unless it is there with exactly this content.
    pub async fn have_object(&self, bucket: &str, object: &Object) -> Result<Stored, Failure> {
        match self.find_object(bucket, object).await? {
            Some(stored) => Ok(stored),
            None => self.put_object(bucket, object).await,
        }
    }

    /// Stores an object. S3 refuses it if it is not what was read before.
    async fn put_object(&self, bucket: &str, object: &Object) -> Result<Stored, Failure> {
        const PUT: &str = "PutObject";
        let body = match &object.content {
            Content::Text(text) => ByteStream::from(text.clone().into_bytes()),
            Content::File(path) => ByteStream::from_path(path).await.map_err(|fault| {
                Failure::new(PUT, FailureKind::Refused, format!("{}: {fault}", path.display()))
            })?,
        };
        let within = Duration::from_secs(30 + object.size / SLOWEST);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(within)
            .operation_timeout(within * 3);
        let stored = self
            .s3
            .bucket(bucket)
            .put_object(&object.key)
            .content_type(object.content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(&object.sha256)
            .body(body)
            .customize()
            .config_override(aws_sdk_s3::config::Builder::new().timeout_config(timeouts.build()))
            .send()
            .await;
        let stored = stored.map_err(|error| Failure::from_sdk(PUT, &error))?;
        Ok(Stored::new(stored.version_id(), stored.e_tag()))
    }

    /// Writes an object if there is none of this key; `None` if there is none now, or else what it says.
    pub async fn claim(
        &self,
        bucket: &str,
        key: &str,
        says: &str,
    ) -> Result<Option<String>, Failure> {
        let body = ByteStream::from(says.as_bytes().to_vec());
        let put = self.s3.bucket(bucket).put_object(key).if_none_match("*").body(body);
        match put.send().await {
            Ok(_) => Ok(None),
            // Of somebody who claims it at the same moment, S3 says that there is a conflict.
            Err(error)
                if matches!(
                    error.code(),
                    Some("PreconditionFailed" | "ConditionalRequestConflict")
                ) =>
            {
                let found = self.s3.bucket(bucket).get_object(key).send().await;
                let found = found.map_err(|error| Failure::from_sdk("GetObject", &error))?;
                let text = found.body.collect().await.map_err(|fault| {
                    Failure::new("GetObject", FailureKind::Unavailable, fault.to_string())
                })?;
                Ok(Some(excerpt(&String::from_utf8_lossy(&text.to_vec()))))
            }
            Err(error) => Err(Failure::from_sdk("PutObject", &error)),
        }
    }

    /// Removes an object; one that is not there is no failure.
    pub async fn delete_object(&self, bucket: &str, key: &str) -> Result<(), Failure> {
        let deleted = self.s3.bucket(bucket).delete_object(key).send().await;
        deleted.map(drop).map_err(|error| Failure::from_sdk("DeleteObject", &error))
    }

    /// A job; `None` if there is none of this name.
    pub async fn job(&self, job: &JobId) -> Result<Option<Job>, Failure> {
        self.paced().await;
        find_job(&self.aws.iot, job).await
    }

    /// A job's, stream's or group's tag.
    pub async fn tag(&self, arn: &str, key: &str) -> Result<Option<String>, Failure> {
        let mut pages =
            self.aws.iot.list_tags_for_resource().resource_arn(arn).into_paginator().send();
        loop {
            self.paced().await;
            let Some(page) = pages.next().await else { return Ok(None) };
            let page = page.map_err(|error| Failure::from_sdk("ListTagsForResource", &error))?;
            if let Some(tag) = page.tags().iter().find(|tag| tag.key() == key) {
                return Ok(Some(tag.value().unwrap_or_default().to_owned()));
            }
        }
    }

    pub async fn create_job(&self, request: CreateJobInputBuilder) -> Result<(), Failure> {
        self.paced().await;
        let created = request.send_with(&self.aws.iot).await;
        created.map(drop).map_err(|error| Failure::from_sdk("CreateJob", &error))
    }

    /// Deletes a job. `force`: even though it is in progress.
    pub async fn delete_job(&self, job: &JobId, force: bool) -> Result<(), Failure> {
        self.paced().await;
        let deleted = self.aws.iot.delete_job().job_id(job.as_str()).force(force).send().await;
        absent(deleted.map_err(|error| Failure::from_sdk("DeleteJob", &error))).map(drop)
    }

    /// A stream; `None` if there is none of this name.
    pub async fn stream(&self, id: &str) -> Result<Option<StreamInfo>, Failure> {
        self.paced().await;
        let found = self.aws.iot.describe_stream().stream_id(id).send().await;
        let found = absent(found.map_err(|error| Failure::from_sdk("DescribeStream", &error)))?;
        Ok(found.and_then(|found| found.stream_info))
    }

    pub async fn create_stream(&self, stream: &StreamSpec, job: &JobId) -> Result<(), Failure> {
        self.paced().await;
        let tag = Tag::builder().key(JOB_TAG).value(job.as_str()).build().ok();
        let created = self
            .aws
            .iot
            .create_stream()
            .stream_id(&stream.id)
            .description(&stream.description)
            .role_arn(&stream.role)
            .files(stream.file.clone())
            .set_tags(tag.map(|tag| vec![tag]))
            .send()
            .await;
        created.map(drop).map_err(|error| Failure::from_sdk("CreateStream", &error))
    }

    pub async fn delete_stream(&self, id: &str) -> Result<(), Failure> {
        self.paced().await;
        let deleted = self.aws.iot.delete_stream().stream_id(id).send().await;
        absent(deleted.map_err(|error| Failure::from_sdk("DeleteStream", &error))).map(drop)
    }

    /// How many devices a target is, counted up to `most`; `None` if there is no such target.
    pub async fn devices(&self, target: &Target, most: usize) -> Result<Option<usize>, Failure> {
        let iot = &self.aws.iot;
        match target.kind() {
            TargetKind::Thing => {
                self.paced().await;
                let found = iot.describe_thing().thing_name(target.name()).send().await;
                let found =
                    absent(found.map_err(|error| Failure::from_sdk("DescribeThing", &error)));
                Ok(found?.map(|_| 1))
            }
            TargetKind::Group => {
                let listed = iot.list_things_in_thing_group().thing_group_name(target.name());
                let mut pages = listed.recursive(true).max_results(PAGE).into_paginator().send();
                let mut count = 0;
                loop {
                    self.paced().await;
                    let Some(page) = pages.next().await else { return Ok(Some(count)) };
                    let page =
                        page.map_err(|error| Failure::from_sdk("ListThingsInThingGroup", &error));
                    let Some(page) = absent(page)? else { return Ok(None) };
                    count += page.things().len();
                    if count > most {
                        return Ok(Some(count));
                    }
                }
            }
        }
    }

    async fn paced(&self) {
        if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
    }
}

/// An object as S3 shows it without its content; `None` if there is none.
pub async fn seen_object(
    s3: &Buckets,
    bucket: &str,
    key: &str,
) -> Result<Option<ObservedObject>, Failure> {
    let head = s3.bucket(bucket).head_object(key).send().await;
    let head = absent(head.map_err(|error| Failure::from_sdk("HeadObject", &error)))?;
    Ok(head.map(|head| ObservedObject {
        size: head.content_length().and_then(|size| u64::try_from(size).ok()),
        // That of an object in parts is of their checksums.
        checksum: head
            .checksum_sha256()
            .filter(|_| head.checksum_type() != Some(&ChecksumType::Composite))
            .map(str::to_owned),
        stored: Stored::new(head.version_id(), head.e_tag()),
    }))
}

/// What is not there is an answer.
fn absent<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
