//! What is there before anything is made, and whether it is of this deployment.

use aws_sdk_iot::types::{Job, StreamInfo};
use tripline::text::excerpt;
use tripline_config::TargetSelection;
use tripline_guard::coverage;

use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::spec::{Spec, StreamSpec};
use crate::aws::tags::{DEPLOYMENT_TAG, JOB_TAG, ROUND_TAG};
use crate::exit::Error;
use crate::input::deployment::Input;

/// Most devices that are counted: a page of AWS IoT has 250.
const MOST_COUNTED: usize = 10_000;

/// What is there of a deployment.
#[derive(Debug, Default)]
pub struct ExistingDeployment {
    /// The round of the deployment's own job.
    pub round: Option<u32>,
    pub stream: bool,
}

/// How many devices the targets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    Counted(u32),
    MoreThan(u32),
}

impl ExistingDeployment {
    /// Looks for the job and the stream. What is there and not of this deployment is never touched.
    pub async fn find(cloud: &Cloud, spec: &Spec) -> Result<Self, Error> {
        let round = match cloud.job(&spec.job).await? {
            None => None,
            Some(job) => Some(round_of(cloud, spec, &job).await?),
        };
        let stream = match &spec.stream {
            None => false,
            Some(stream) => match cloud.stream(&stream.id).await? {
                None => false,
                Some(found) => {
                    check_stream(cloud, spec, stream, &found).await?;
                    true
                }
            },
        };
        Ok(Self { round, stream })
    }

    /// What of it is there, for people.
    pub fn text(&self, spec: &Spec) -> String {
        let job = self.round.map(|round| format!("job `{}` of round {round}", spec.job));
        let stream = spec.stream.as_ref().filter(|_| self.stream);
        let stream = stream.map(|stream| format!("stream `{}`", stream.id));
        let parts: Vec<_> = job.into_iter().chain(stream).collect();
        parts.join(" and ")
    }

    pub fn is_nothing(&self) -> bool {
        self.round.is_none() && !self.stream
    }
}

async fn round_of(cloud: &Cloud, spec: &Spec, job: &Job) -> Result<u32, Error> {
    let id = &spec.job;
    let arn = job.job_arn().unwrap_or_default();
    let deployment = cloud.tag(arn, DEPLOYMENT_TAG).await?;
    if deployment.as_deref() != Some(&spec.digest) {
        let status = job.status().map_or("unknown", |status| status.as_str());
        let whose = match deployment {
            Some(_) => "was deployed from other files",
            None => "was not deployed by `tripline deploy`",
        };
        return Err(Error::input(format!("job `{id}` exists, in `{status}`, and {whose}; nothing was changed")).hint(format!("give the rollout another jobId, or remove the old one with `tripline cleanup --job-id {id}`")).command(format!("tripline cleanup --job-id {id}")));
    }
    let round = cloud.tag(arn, ROUND_TAG).await?;
    Ok(round.and_then(|round| round.parse().ok()).unwrap_or(1))
}

async fn check_stream(
    cloud: &Cloud,
    spec: &Spec,
    stream: &StreamSpec,
    found: &StreamInfo,
) -> Result<(), Error> {
    let job = cloud.tag(found.stream_arn().unwrap_or_default(), JOB_TAG).await?;
    let is_ours = job.as_deref() == Some(spec.job.as_str());
    let is_same = found.files() == std::slice::from_ref(&stream.file)
        && found.role_arn() == Some(stream.role.as_str());
    if is_ours && is_same {
        return Ok(());
    }
    let id = &stream.id;
    let whose = match job {
        Some(job) if is_ours => format!("is of another deployment of job `{}`", excerpt(&job)),
        Some(job) => format!("is of job `{}`", excerpt(&job)),
        None => "was not made by `tripline deploy`".to_owned(),
    };
    Err(Error::input(format!("stream `{id}` exists, and {whose}; nothing was changed")).hint(format!("give the rollout another streamId, or remove the old one with `aws iot delete-stream --stream-id {id}`")).command(format!("aws iot delete-stream --stream-id {id}")))
}

/// Looks for the bucket and every target, and counts the devices.
pub async fn devices(cloud: &Cloud, input: &Input, spec: &Spec) -> Result<Devices, Error> {
    if !cloud.has_bucket(&spec.bucket).await? {
        return Err(Error::in_file(
            &input.file,
            format!("there is no bucket `{}`; nothing was changed", spec.bucket),
        )
        .hint(format!("create it in the job's region: `aws s3 mb s3://{}`", spec.bucket))
        .command(format!("aws s3 mb s3://{}", spec.bucket)));
    }
    let (mut count, mut absent) = (0_usize, Vec::new());
    for target in input.things.targets() {
        match cloud.devices(target, MOST_COUNTED.saturating_sub(count)).await? {
            Some(devices) => count += devices,
            None => absent.push(format!("\n  {}", target.arn())),
        }
    }
    if !absent.is_empty() {
        return Err(Error::in_file(
            &excerpt(&input.config.things),
            format!("targets that are not there{}; nothing was changed", absent.concat()),
        ));
    }
    if count == 0 && input.config.selection == TargetSelection::Snapshot {
        return Err(Error::in_file(
            &excerpt(&input.config.things),
            "no device is in any of the targets; nothing was changed",
        )
        .hint("add things to the group, or wait for them with `targetSelection = CONTINUOUS`"));
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let most = u32::try_from(MOST_COUNTED).unwrap_or(u32::MAX);
    Ok(if count > most { Devices::MoreThan(most) } else { Devices::Counted(count) })
}

impl From<Devices> for coverage::Devices {
    fn from(devices: Devices) -> Self {
        match devices {
            Devices::Counted(count) => Self::Exactly(count),
            Devices::MoreThan(count) => Self::AtLeast(count),
        }
    }
}

impl Devices {
    pub fn text(self) -> String {
        match self {
            Self::Counted(1) => "1 device".to_owned(),
            Self::Counted(count) => format!("{count} devices"),
            Self::MoreThan(count) => format!("more than {count} devices"),
        }
    }

    /// The number, where it is known.
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Counted(count) => Some(count),
            Self::MoreThan(_) => None,
        }
    }
}
