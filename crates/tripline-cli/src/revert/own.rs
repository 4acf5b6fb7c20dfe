//! A firmware of one's own, for devices that no earlier release is good enough for.

use std::path::{Path, PathBuf};

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::TargetSelection;
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_config::StreamId;

use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::firmware::Stored;
use crate::aws::deployment::spec::Spec;
use crate::aws::tags::JOB_TAG;
use crate::exit::Error;
use crate::input::deployment;
use crate::input::source;
use crate::successor::aws::Aws;
use crate::successor::link::Link;

/// What the counter-job's stream is called: `<job>-stream`.
const STREAM: &str = "-stream";

/// The firmware, and the config that says how it is rolled out.
#[derive(Debug, Clone)]
pub struct Own {
    pub bin: PathBuf,
    pub config: PathBuf,
}

/// What it comes to in AWS.
pub struct OwnRelease {
    cloud: Cloud,
    spec: Spec,
    /// What messages call the firmware.
    name: String,
}

impl Own {
    /// Reads it all, for a job of this name. The config's own `jobId`, `streamId` and firmware are not
    /// used, nor are its things.
    pub async fn read(&self, aws: &Aws, job: &JobId) -> Result<OwnRelease, Error> {
        let mut loaded = deployment::load(&self.config)?;
        loaded.config.job = job.clone();
        loaded.config.firmware = absolute(&self.bin)?;
        loaded.config.lines = std::mem::take(&mut loaded.config.lines).without("binName");
        if let Some(stream) = &mut loaded.config.stream
            && let Some(id) = StreamId::new(&format!("{job}{STREAM}"))
        {
            stream.id = id;
        }
        let s3 = loaded.buckets(aws.s3.clone());
        let input = loaded.read(&s3).await?;
        let spec = Spec::new(&input, &aws.alarms.region)?;
        let cloud = Cloud { aws: aws.alarms.clone(), s3, pace: input.config.pace };
        if !cloud.has_bucket(&spec.bucket).await? {
            return Err(Error::in_file(
                &input.file,
                format!("there is no bucket `{}`; nothing was changed", spec.bucket),
            ));
        }
        Ok(OwnRelease { cloud, spec, name: input.firmware.name.clone() })
    }
}

impl OwnRelease {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Stores what is not there yet, the stream among it.
    pub async fn store(&self) -> Result<Stored, Error> {
        let Self { cloud, spec, .. } = self;
        let mut stored = None;
        for object in &spec.objects {
            let object = cloud.have_object(&spec.bucket, object).await?;
            stored.get_or_insert(object);
        }
        if let Some(stream) = &spec.stream {
            match cloud.stream(&stream.id).await? {
                None => cloud.create_stream(stream, &spec.job).await?,
                Some(found) => {
                    let of = cloud.tag(found.stream_arn().unwrap_or_default(), JOB_TAG).await?;
                    let is_same = found.files() == std::slice::from_ref(&stream.file);
                    if of.as_deref() != Some(spec.job.as_str()) || !is_same {
                        return Err(Error::input(format!(
                            "stream `{}` exists, and has something else",
                            excerpt(&stream.id)
                        ))
                        .hint("give the new job another name with `--new-job-id`"));
                    }
                }
            }
        }
        Ok(stored.unwrap_or_default())
    }

    /// The request for the job.
    pub fn request(
        &self,
        targets: Vec<String>,
        link: &Link,
        about: &str,
        stored: &Stored,
    ) -> CreateJobInputBuilder {
        let request = self.spec.request(1, 1, stored);
        let mut tags = request.get_tags().clone().unwrap_or_default();
        tags.extend(link.tag());
        request
            .set_targets(Some(targets))
            .target_selection(TargetSelection::Snapshot)
            .description(about)
            .set_tags(Some(tags))
    }
}

/// A path that means the same in whatever folder it is looked for.
fn absolute(path: &Path) -> Result<String, Error> {
    let shown = source::name_of(path);
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::in_file(&shown, format!("cannot be read: {error}")))?;
    absolute
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::in_file(&shown, "not UTF-8 text (expected a file's name)"))
}
