//! What AWS is going to be asked for, worked out beforehand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_sdk_iot::operation::create_job::CreateJobInput;
use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::{PresignedUrlConfig, S3Location, StreamFile, TargetSelection};
use tripline::job::JobId;
use tripline::release::FALLBACK_TAG;
use tripline::release::hold::{ON_ALARM_TAG, ON_HOLD_FAILED_TAG, OnAlarm, OnHoldFailed};
use tripline_aws::iot::request::{abort, rate, retries, timeout};
use tripline_config::JobDocument;

use super::firmware::{FirmwareRecord, Stored};
use crate::aws::tags::{CONFIG_DIGEST_TAG, CONFIG_TAG, DEPLOYMENT_TAG, ROUND_TAG};
use crate::exit::Error;
use crate::input::deployment::Input;

/// What the baseline is called in S3, beside its config.
pub const BASELINE_OBJECT: &str = "baseline.json";
/// What the config is called in S3, whatever its file is called.
pub const CONFIG_OBJECT: &str = "dev.ini";

/// The object that says which deployment a job's name is taken by.
pub fn claim_key(job: &JobId) -> String {
    format!("{job}/deployment")
}

/// An object in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    pub content: Content,
    pub content_type: &'static str,
    /// In base64.
    pub sha256: String,
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    File(PathBuf),
    Text(String),
}

/// A stream with one file in it.
#[derive(Debug, Clone)]
pub struct StreamSpec {
    pub id: String,
    pub role: String,
    pub description: String,
    pub file: StreamFile,
}

/// All of a deployment.
#[derive(Debug, Clone)]
pub struct Spec {
    pub job: JobId,
    pub digest: String,
    pub bucket: String,
    /// The firmware first.
    pub objects: Vec<Object>,
    pub stream: Option<StreamSpec>,
    pub document: JobDocument,
    pub targets: Vec<String>,
    /// The firmware's, as it stands in the document.
    signature: Option<String>,
    /// The job that devices can be taken back to.
    fallback: Option<JobId>,
    on_alarm: OnAlarm,
    on_hold_failed: OnHoldFailed,
    request: CreateJobInputBuilder,
}

impl Spec {
    /// Works a deployment out, for a job in this region.
    pub fn new(input: &Input, region: &str) -> Result<Self, Error> {
        let config = &input.config;
        let (job, firmware) = (&config.job, &input.firmware);
        let short: String = firmware.sha256_hex().chars().take(16).collect();
        let key = format!("{job}/{short}/{}", firmware.name);
        // Path style: it also works for buckets with dots in their names.
        let url = format!("https://s3.{region}.{}/{}/{key}", domain(region), config.bucket);
        let document = input.document(config.presigned.is_some().then_some(url))?;
        let folder = format!("{job}/{}", input.digest);
        let mut objects = vec![Object {
            key: key.clone(),
            content: Content::File(firmware.path.clone()),
            content_type: "application/octet-stream",
            sha256: firmware.sha256_base64(),
            size: firmware.size,
        }];
        for (name, content_type, text) in [
            ("job-document.json", "application/json", document.as_str()),
            (CONFIG_OBJECT, "text/plain", &input.text),
            ("things.txt", "text/plain", &input.things_text),
        ] {
            objects.push(Object::of_text(format!("{folder}/{name}"), content_type, text));
        }
        let baseline = input.evidence.as_ref().and_then(|limits| limits.baseline.as_ref());
        objects.extend(baseline.map(|baseline| {
            let (key, text) = (format!("{folder}/{BASELINE_OBJECT}"), baseline.to_json());
            Object::of_text(key, "application/json", &text)
        }));
        let stream = config.stream.as_ref().map(|stream| StreamSpec {
            id: stream.id.to_string(),
            role: stream.role.as_str().to_owned(),
            description: format!("Firmware of rollout {job}"),
            file: StreamFile::builder()
                .file_id(i32::from(stream.file.get()))
                .s3_location(S3Location::builder().bucket(config.bucket.as_str()).key(key).build())
                .build(),
        });
        let targets: Vec<String> =
            input.things.targets().iter().map(|target| target.arn().to_owned()).collect();
        let request = CreateJobInput::builder()
            .job_id(job.as_str())
            .set_targets(Some(targets.clone()))
            .document(document.as_str())
            .target_selection(TargetSelection::from(config.selection.name()))
            .set_presigned_url_config(config.presigned.as_ref().map(|presigned| {
                PresignedUrlConfig::builder()
                    .role_arn(presigned.role.as_str())
                    .expires_in_sec(i64::from(presigned.expires))
                    .build()
            }))
            .set_job_executions_rollout_config(config.staged.then(|| rate(config.rollout.rate)))
            .set_abort_config(abort(&config.rollout).map_err(incomplete)?)
            .set_timeout_config(timeout(&config.rollout))
            .set_job_executions_retry_config(retries(&config.rollout).map_err(incomplete)?);
        Ok(Self {
            job: job.clone(),
            digest: input.digest.clone(),
            bucket: config.bucket.to_string(),
            objects,
            stream,
            document,
            targets,
            signature: firmware.signature.clone(),
            on_alarm: config.alarms.on_alarm,
            on_hold_failed: config.alarms.on_hold_failed,
            fallback: config.fallback.clone().filter(|fallback| fallback != job),
            request,
        })
    }

    /// The request for the job of a round, of so many.
    pub fn request(&self, round: u32, rounds: u32, stored: &Stored) -> CreateJobInputBuilder {
        let of = if rounds > 1 { format!(", round {round} of {rounds}") } else { String::new() };
        let tags = self.tags(round, stored).into_iter().filter_map(|(key, value)| {
            aws_sdk_iot::types::Tag::builder().key(key).value(value).build().ok()
        });
        self.request
            .clone()
            .description(format!("Deployed by Tripline{of}"))
            .set_tags(Some(tags.collect()))
    }

    /// The tags of the job of a round, once the firmware is stored.
    pub fn tags(&self, round: u32, stored: &Stored) -> BTreeMap<&'static str, String> {
        let config = format!("s3://{}/{}/{}/{CONFIG_OBJECT}", self.bucket, self.job, self.digest);
        let sha256 = |name: &str| {
            let key = format!("{}/{}/{name}", self.job, self.digest);
            self.objects
                .iter()
                .find(|object| object.key == key)
                .map(|object| object.sha256.as_str())
        };
        let digests: Vec<_> =
            [sha256(CONFIG_OBJECT), sha256(BASELINE_OBJECT)].into_iter().flatten().collect();
        let mut tags = BTreeMap::from([
            (DEPLOYMENT_TAG, self.digest.clone()),
            (ROUND_TAG, round.to_string()),
            (CONFIG_TAG, config),
            (CONFIG_DIGEST_TAG, digests.join(" ")),
        ]);
        tags.extend(self.record(stored).iter().flat_map(FirmwareRecord::tags));
        if self.on_alarm == OnAlarm::Hold {
            tags.insert(ON_ALARM_TAG, self.on_alarm.to_string());
            tags.insert(ON_HOLD_FAILED_TAG, self.on_hold_failed.to_string());
        }
        tags.extend(self.fallback.as_ref().map(|fallback| (FALLBACK_TAG, fallback.to_string())));
        tags
    }

    /// What is noted of the firmware, the first of the objects.
    fn record(&self, stored: &Stored) -> Option<FirmwareRecord> {
        self.objects.first().map(|object| FirmwareRecord {
            key: object.key.clone(),
            sha256: object.sha256.clone(),
            size: object.size,
            stored: stored.clone(),
            signature: self.signature.clone(),
        })
    }
}

impl Object {
    fn of_text(key: String, content_type: &'static str, text: &str) -> Self {
        use base64::Engine;
        use sha2::Digest;
        let digest = sha2::Sha256::digest(text.as_bytes());
        Self {
            key,
            content: Content::Text(text.to_owned()),
            content_type,
            sha256: base64::engine::general_purpose::STANDARD.encode(digest),
            size: text.len() as u64,
        }
    }
}

/// Where a region's services are.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// All parts are set, so that this is never seen.
fn incomplete(fault: aws_sdk_iot::error::BuildError) -> Error {
    Error::input(fault.to_string())
}
