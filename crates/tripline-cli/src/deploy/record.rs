//! What became of each round: kept in the bucket, so that whoever goes on knows it, and in a file
//! for people.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tripline_aws::{Failure, FailureKind};

use super::ending::{RoundEnding, RoundOutcome};
use crate::aws::deployment::cloud::Cloud;
use crate::aws::deployment::spec::Spec;
use crate::exit::Error;
use crate::input::source;

/// Largest record that is read back.
const MAX_BYTES: i64 = 10_000_000;

/// The rounds of a deployment that have ended, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    #[serde(alias = "job")]
    pub job_id: String,
    /// Of which files.
    pub deployment: String,
    /// How many there are to be.
    pub rounds: u32,
    pub ended: Vec<Round>,
}

/// A round that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// From 1.
    pub round: u32,
    /// The alarms that guarded it.
    pub alarms: Vec<String>,
    #[serde(flatten)]
    pub ending: RoundEnding,
}

impl Record {
    pub fn new(spec: &Spec, rounds: u32) -> Self {
        Self {
            job_id: spec.job.to_string(),
            deployment: spec.digest.clone(),
            rounds,
            ended: Vec::new(),
        }
    }

    /// How many rounds have ended.
    pub fn done(&self) -> u32 {
        u32::try_from(self.ended.len()).unwrap_or(u32::MAX)
    }

    /// How the last round ended, if one has.
    pub fn last(&self) -> Option<RoundOutcome> {
        self.ended.last().map(|round| round.ending.outcome)
    }

    /// Whether there is no other round to come: all were, or one did not end well.
    pub fn is_over(&self) -> bool {
        self.done() >= self.rounds
            || self.last().is_some_and(|last| last != RoundOutcome::Succeeded)
    }

    fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Keeps it, in the bucket first.
    pub async fn keep(&self, cloud: &Cloud, spec: &Spec, file: Option<&Path>) -> Result<(), Error> {
        let stored = cloud
            .s3
            .bucket(&spec.bucket)
            .put_object(&key(spec))
            .content_type("application/json")
            .body(ByteStream::from(self.json().into_bytes()))
            .send()
            .await;
        stored.map_err(|error| Failure::from_sdk("PutObject", &error))?;
        file.map_or(Ok(()), |file| self.write(file))
    }

    /// Writes it for people.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        write(file, &self.json())
    }

    /// What was kept of this deployment.
    pub async fn find(cloud: &Cloud, spec: &Spec) -> Result<Option<Self>, Error> {
        const GET: &str = "GetObject";
        let found = cloud.s3.bucket(&spec.bucket).get_object(&key(spec)).send().await;
        let found = match found.map_err(|error| Failure::from_sdk(GET, &error)) {
            Ok(found) => found,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let unreadable = |fault: String| {
            Failure::new(
                GET,
                FailureKind::Refused,
                format!("s3://{}/{}: {fault}", spec.bucket, key(spec)),
            )
        };
        if found.content_length().is_none_or(|length| length > MAX_BYTES) {
            return Err(unreadable("too long for a record of rounds".to_owned()).into());
        }
        let bytes = found.body.collect().await.map_err(|fault| unreadable(fault.to_string()))?;
        let record: Self = serde_json::from_slice(&bytes.to_vec())
            .map_err(|fault| unreadable(format!("no record of rounds: {fault}")))?;
        Ok((record.deployment == spec.digest).then_some(record))
    }
}

fn key(spec: &Spec) -> String {
    format!("{}/{}/rounds.json", spec.job, spec.digest)
}

/// Whoever reads the file sees the old text or the new one, and nothing in between.
fn write(file: &Path, text: &str) -> Result<(), Error> {
    let cannot = |error: std::io::Error| {
        Error::in_file(&source::name_of(file), format!("cannot be written: {error}"))
    };
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text).map_err(cannot)?;
    std::fs::rename(&part, file).map_err(cannot)
}
