//! What a config says, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tripline::metric::Outcome;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::{AbortCriterion, Rate, RolloutConfig};
use tripline_config::DocumentSource;

use super::checked::Checked;
use super::waves::{self, WavesData};
use crate::aws::deployment::spec::Object;
use crate::terminal::alarm::AlarmData;
use crate::terminal::coverage::CoverageData;
use crate::terminal::fault::{FaultData, RemarkData};

/// A config that can be deployed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedData {
    file: String,
    /// The digest of the config and all its files.
    deployment: String,
    job_id: String,
    region: String,
    bucket: String,
    objects: Vec<ObjectData>,
    firmware: FirmwareData,
    stream: Option<StreamData>,
    presigned: Option<PresignedData>,
    /// Where the job document comes from; `null`: Tripline's own.
    document_source: Option<String>,
    /// The job document.
    document: Value,
    thing_list: String,
    /// ARNs of things and thing groups.
    targets: Vec<String>,
    device_count: Option<u32>,
    target_selection: &'static str,
    rollout: RolloutData,
    rounds: u32,
    delay_seconds: u64,
    /// Whether job, stream and alarms are removed if it ends well.
    clean_up: bool,
    pace_milliseconds: u64,
    debug: bool,
    /// What an alarm does that stops: `cancel` or `hold`.
    on_alarm: &'static str,
    /// What becomes of a rollout that goes on although it is held: `cancel` or `alert`.
    on_hold_failed: &'static str,
    /// The job whose firmware devices get if the rollout is reverted.
    fallback: Option<String>,
    waves: Option<WavesData>,
    /// What would be seen if the rollout went wrong.
    coverage: CoverageData,
    alarms: Vec<AlarmData>,
    /// Alarms that are described and not in `alarmList`.
    unlisted: Vec<String>,
    /// Sections that are there and not used.
    unused: Vec<String>,
    faults_of_unused: Vec<FaultData>,
    findings: Vec<RemarkData>,
    notes: Vec<RemarkData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ObjectData {
    key: String,
    size: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FirmwareData {
    file: String,
    size: u64,
    md5: String,
    sha256: String,
    signature: Option<String>,
    image_ver: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StreamData {
    id: String,
    /// The file's ID.
    file: u32,
    /// The ARN of its role.
    role: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PresignedData {
    /// The ARN of the role.
    role: String,
    /// How long URLs are valid.
    seconds: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RolloutData {
    /// How fast it goes; `null`: as fast as AWS IoT does.
    per_minute: Option<RateData>,
    abort: Vec<AbortData>,
    timeout_minutes: Option<u32>,
    retries: RetriesData,
}

/// Devices a minute; all but `maximum` of a rate that rises.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RateData {
    maximum: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notified: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeded: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AbortData {
    failure_type: &'static str,
    percent: f64,
    min_executed: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RetriesData {
    failed: u32,
    timed_out: u32,
}

/// A config that can be deployed.
pub fn checked_data(checked: &Checked) -> CheckedData {
    let Checked { input, spec, region, review, planned, .. } = checked;
    let (config, firmware) = (&input.config, &input.firmware);
    let object = |object: &Object| ObjectData { key: object.key.clone(), size: object.size };
    let evidence = input.evidence.as_ref();
    CheckedData {
        file: input.file.clone(),
        deployment: input.digest.clone(),
        job_id: config.job.to_string(),
        region: region.clone(),
        bucket: spec.bucket.clone(),
        objects: spec.objects.iter().map(object).collect(),
        firmware: FirmwareData {
            file: config.firmware.clone(),
            size: firmware.size,
            md5: firmware.md5.clone(),
            sha256: firmware.sha256_hex(),
            signature: firmware.signature.clone(),
            image_ver: config.image_version.clone(),
        },
        stream: config.stream.as_ref().map(|stream| StreamData {
            id: stream.id.to_string(),
            file: stream.file.get().into(),
            role: stream.role.as_str().to_owned(),
        }),
        presigned: config.presigned.as_ref().map(|presigned| PresignedData {
            role: presigned.role.as_str().to_owned(),
            seconds: presigned.expires,
        }),
        document_source: config.document.as_ref().map(|source| match source {
            DocumentSource::File(place) | DocumentSource::Url(place) => place.clone(),
        }),
        document: serde_json::from_str(spec.document.as_str()).unwrap_or_default(),
        thing_list: config.things.clone(),
        targets: spec.targets.clone(),
        device_count: config.device_count,
        target_selection: config.selection.name(),
        rollout: rollout(&config.rollout, config.staged),
        rounds: config.rounds,
        delay_seconds: config.delay.as_secs(),
        clean_up: config.clean_up,
        pace_milliseconds: u64::try_from(config.pace.as_millis()).unwrap_or(u64::MAX),
        debug: config.debug,
        on_alarm: match config.alarms.on_alarm {
            OnAlarm::Cancel => "cancel",
            OnAlarm::Hold => "hold",
        },
        on_hold_failed: match config.alarms.on_hold_failed {
            OnHoldFailed::Cancel => "cancel",
            OnHoldFailed::Alert => "alert",
        },
        fallback: config.fallback.as_ref().map(ToString::to_string),
        waves: input.waves.as_ref().map(waves::data),
        coverage: (&planned.coverage).into(),
        alarms: input.alarms().iter().map(|alarm| AlarmData::new(alarm, evidence)).collect(),
        unlisted: config.alarms.unlisted.clone(),
        unused: config.unused.iter().map(ToString::to_string).collect(),
        faults_of_unused: config.faults_of_unused.iter().map(FaultData::from).collect(),
        findings: review.findings.iter().map(RemarkData::from).collect(),
        notes: review.notes.iter().map(RemarkData::from).collect(),
    }
}

fn rollout(rollout: &RolloutConfig, staged: bool) -> RolloutData {
    let constant =
        |maximum| RateData { maximum, base: None, factor: None, notified: None, succeeded: None };
    let per_minute = match rollout.rate {
        _ if !staged => None,
        Rate::Constant(maximum) => Some(constant(maximum)),
        Rate::Exponential(rate) => Some(RateData {
            base: Some(rate.base),
            factor: Some(rate.factor.get()),
            notified: rate.notified,
            succeeded: rate.succeeded,
            ..constant(rate.maximum)
        }),
    };
    let criterion = |criterion: &AbortCriterion| AbortData {
        failure_type: criterion.failure.name(),
        percent: criterion.threshold.percent(),
        min_executed: criterion.min_executed,
    };
    RolloutData {
        per_minute,
        abort: rollout.abort.iter().map(criterion).collect(),
        timeout_minutes: rollout.timeout.map(|timeout| timeout.minutes()),
        retries: RetriesData {
            failed: rollout.retries.after(Outcome::Failed).into(),
            timed_out: rollout.retries.after(Outcome::TimedOut).into(),
        },
    }
}
