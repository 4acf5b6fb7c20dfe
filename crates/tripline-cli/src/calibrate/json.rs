//! A calibration for programs. `docs/reference/evidence.md` documents every field.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::baseline::Baseline;

use super::calibrated::{Calibrated, LimitAt};
use super::past::{Past, Reason};

/// A baseline, and the limits that it gives the next rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalibratedData {
    name: String,
    /// Where the baseline was written.
    file: String,
    rollouts: u32,
    devices: u32,
    last_minute: u32,
    failures: u32,
    /// When failures came; of too few nothing is known.
    failure_minutes: Option<FailureMinutes>,
    /// In percent.
    slower_by: u32,
    /// In percent.
    silent_limit: f64,
    timeout_minutes: Option<u32>,
    limits: Vec<LimitData>,
    /// The rollouts that were read.
    read: Vec<PastData>,
}

/// By when so many of the failures had come, in minutes since the execution began.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FailureMinutes {
    half: Option<u32>,
    nine_of_ten: Option<u32>,
}

/// Shares of devices that are unfinished at an age.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LimitData {
    minutes: u32,
    pooled: f64,
    slowest: f64,
    limit: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PastData {
    job_id: String,
    devices: usize,
    retries: usize,
    unknown_beginnings: u32,
    unlisted: u32,
    /// Why it is not part of the baseline, if so.
    left_out: Option<&'static str>,
}

/// Everything but the picture.
pub fn calibrated_data(calibrated: &Calibrated) -> CalibratedData {
    let Calibrated { baseline, past, tolerance, timeout, limits, .. } = calibrated;
    let rollout = |past: &Past| PastData {
        job_id: past.job.to_string(),
        devices: past.devices(),
        retries: past.retries(),
        unknown_beginnings: past.unknown,
        unlisted: past.unlisted,
        left_out: past.left_out.map(Reason::name),
    };
    let limit = |limit: &LimitAt| LimitData {
        minutes: limit.age,
        pooled: limit.pooled,
        slowest: limit.slowest,
        limit: limit.limit,
    };
    let has_curve = baseline.failures() >= Baseline::LEAST_FAILURES;
    CalibratedData {
        name: baseline.name().to_owned(),
        file: calibrated.file_name(),
        rollouts: baseline.rollouts(),
        devices: baseline.devices(),
        last_minute: baseline.last_age(),
        failures: baseline.failures(),
        failure_minutes: has_curve.then(|| FailureMinutes {
            half: baseline.failed_by(0.5),
            nine_of_ten: baseline.failed_by(0.9),
        }),
        slower_by: tolerance.slower_by.percent(),
        silent_limit: tolerance.silent * 100.0,
        timeout_minutes: *timeout,
        limits: limits.iter().map(limit).collect(),
        read: past.iter().map(rollout).collect(),
    }
}
