//! The earlier job whose firmware devices get again: whether it ended well, and whether its firmware is
//! still what it was.

use aws_sdk_iot::types::StreamFile;
use tripline::job::{JobId, JobState};
use tripline::text::{clean, excerpt};
use tripline_aws::iot;

use crate::aws::deployment::cloud::seen_object;
use crate::aws::deployment::firmware::FirmwareRecord;
use crate::aws::tags::CONFIG_TAG;
use crate::exit::Error;
use crate::successor::aws::Aws;
use crate::successor::ended::EndedJob;
use crate::successor::link::Kind;

/// Where else firmware may come from.
const OR_OWN: &str = "give a firmware of your own with `--bin FILE --config dev.ini`";

/// Reads the job, if it ended well: nobody stopped it, and devices have its firmware.
pub async fn find(aws: &Aws, id: JobId, bad: &JobId) -> Result<EndedJob, Error> {
    if id == *bad {
        return Err(Error::input(format!(
            "`--to`: job `{id}` is the one to revert (expected an earlier one that succeeded)"
        )));
    }
    let good = EndedJob::find(aws, id, Kind::Reverts).await?;
    let job = iot::job_of(&good.job);
    let fault = match job.state {
        JobState::Completed if job.counts.ended.succeeded > 0 => return Ok(good),
        JobState::Completed => "no device succeeded with it".to_owned(),
        _ => {
            let comment = job.comment.map(|text| format!(" ({})", clean(&text, 200)));
            format!("it was canceled{}", comment.unwrap_or_default())
        }
    };
    Err(Error::input(format!("job `{}` did not end well: {fault} (expected one that completed, and that devices succeeded with)", good.id)).hint(format!("give another one with `--to`, or {OR_OWN}")))
}

/// Whether a job's firmware is what `deploy` stored. Whoever can change the object could have devices
/// install, as a way back, what never was a release.
///
/// # Errors
/// A difference, or firmware that is gone; and a job of which nothing was noted, unless `unrecorded`
/// says that it is meant.
pub async fn check_firmware(
    aws: &Aws,
    good: &EndedJob,
    unrecorded: bool,
) -> Result<Checked, Error> {
    let Some(record) = FirmwareRecord::from_tags(&good.tags) else {
        if !unrecorded {
            return Err(Error::input(format!("job `{}` has no record of its firmware, so Tripline cannot see whether it has changed", good.id)).hint(format!("check its document and objects and accept them with `--unrecorded`, or {OR_OWN}")));
        }
        stream_files(aws, good).await?;
        return Ok(Checked::Unrecorded);
    };
    let place = good.tags.get(CONFIG_TAG).and_then(|place| place.strip_prefix("s3://"));
    let Some((bucket, _)) = place.and_then(|place| place.split_once('/')) else {
        return Err(Error::input(format!("job `{}` has no tag `{CONFIG_TAG}` that names its bucket, so that its firmware cannot be compared", good.id)).hint(OR_OWN));
    };
    let mut differences = Vec::new();
    if let Some(signature) = &record.signature
        && signature_of(&good.document).as_ref() != Some(signature)
    {
        differences.push("the signature in its document is not the one that was noted".to_owned());
    }
    if let Some(files) = stream_files(aws, good).await?
        && !files.iter().any(|file| is_of(file, bucket, &record))
    {
        differences.push("its stream does not have that object".to_owned());
    }
    let name = clean(&format!("s3://{bucket}/{}", record.key), 512);
    match seen_object(&good.buckets(aws), bucket, &record.key).await? {
        Some(seen) => differences.extend(record.differences(&seen)),
        None => {
            return Err(Error::input(format!(
                "job `{}`: its firmware does not exist: there is no object {name}",
                good.id
            ))
            .hint(OR_OWN));
        }
    }
    if differences.is_empty() {
        return Ok(Checked::Same);
    }
    let differences: String = differences.iter().map(|it| format!("\n  {it}")).collect();
    Err(Error::input(format!("job `{}`: its firmware {name} is not what was deployed: a downgrade is an attack{differences}", good.id)).hint(format!("find out who changed it; {OR_OWN}")))
}

/// How the firmware was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// As it was noted.
    Same,
    /// Nothing was noted.
    Unrecorded,
}

/// The files of the stream that the document names; `None` if it names none.
async fn stream_files(aws: &Aws, good: &EndedJob) -> Result<Option<Vec<StreamFile>>, Error> {
    let Some(stream) = good.stream() else { return Ok(None) };
    match aws.stream(stream.as_str()).await? {
        Some(found) => Ok(Some(found.files.unwrap_or_default())),
        None => Err(Error::input(format!(
            "job `{}`: its stream `{}` does not exist, so devices could not read the firmware",
            good.id,
            excerpt(stream.as_str())
        ))
        .hint(OR_OWN)),
    }
}

/// Whether a file of a stream is the object. A version that it names has to be the one that was noted.
fn is_of(file: &StreamFile, bucket: &str, record: &FirmwareRecord) -> bool {
    file.s3_location().is_some_and(|location| {
        location.bucket() == Some(bucket)
            && location.key() == Some(record.key.as_str())
            && location.version().is_none_or(|version| {
                version.is_empty() || record.stored.version.as_deref() == Some(version)
            })
    })
}

fn signature_of(document: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document.get("signature")?.as_str().map(str::to_owned)
}
