//! Jobs that another service makes for its own agents: a copy of one would reach no agent that
//! understands it.

use std::collections::BTreeMap;

use aws_sdk_iot::types::Job;
use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_aws::iot;
use tripline_guard::desired::is_named_as_deployment;

use super::link::Kind;
use crate::aws::tags::DEPLOYMENT_TAG;
use crate::exit::Error;

/// How the jobs are named that Greengrass V1 updates its cores with.
const UPDATE_OF_V1: &str = "GreengrassUpdateJob_";
/// How the jobs are named that FreeRTOS OTA makes.
const FREERTOS: &str = "AFR_OTA-";

/// Refuses a job of Greengrass, with the command that does there what was asked for.
///
/// A deployment to a thing group (Greengrass V2) is a job with a `namespaceId`, called by a UUID; what
/// `deploy` made is none, whatever its name. An update of the core software (V1) is a job without.
pub fn check(
    id: &JobId,
    job: &Job,
    tags: &BTreeMap<String, String>,
    kind: Kind,
) -> Result<(), Error> {
    let is_named = is_named_as_deployment(id) && !tags.contains_key(DEPLOYMENT_TAG);
    if iot::job_of(job).is_greengrass || is_named {
        return Err(deployment(id, job, kind));
    }
    if id.as_str().starts_with(UPDATE_OF_V1) {
        return Err(update(id, kind));
    }
    Ok(())
}

fn deployment(id: &JobId, job: &Job, kind: Kind) -> Error {
    let target = match job.targets() {
        [target] => excerpt(target),
        _ => "TARGET".to_owned(),
    };
    let which = match kind {
        Kind::Resumes => format!(
            "its components are in `aws greengrassv2 list-deployments --target-arn {target}` and `get-deployment`"
        ),
        Kind::Reverts => format!(
            "`aws greengrassv2 list-deployments --target-arn {target} --history-filter ALL` lists the earlier deployments, `get-deployment` shows the components of one"
        ),
    };
    Error::input(format!(
        "job `{id}` is a deployment of AWS IoT Greengrass V2, which only Greengrass can {} with another deployment",
        kind.infinitive()
    ))
    .hint(format!(
        "`aws greengrassv2 create-deployment --target-arn {target} --components file://components.json`; {which}"
    ))
}

fn update(id: &JobId, kind: Kind) -> Error {
    let note = match kind {
        Kind::Resumes => "",
        Kind::Reverts => {
            "; it installs the newest version, and a core whose update fails goes back by itself"
        }
    };
    Error::input(format!(
        "job `{id}` is an update of AWS IoT Greengrass V1, which only Greengrass can make again"
    ))
    .hint(format!(
        "`aws greengrass create-software-update-job --software-to-update core --update-targets ARN .. --update-targets-architecture ARCHITECTURE --update-targets-operating-system SYSTEM --s3-url-signer-role ROLE`{note}"
    ))
}

/// What to know of a job of FreeRTOS OTA: the stream that its devices read goes with the update.
pub fn note(id: &JobId) -> Option<String> {
    let update = id.as_str().strip_prefix(FREERTOS)?;
    Some(format!(
        "hint: job `{id}` is of OTA update `{update}`: `aws iot delete-ota-update --ota-update-id {update} --delete-stream --force-delete-aws-job` is for cleaning up, once no job that follows it is in progress: they read the same stream"
    ))
}
