//! A calibration for programs. `docs/reference/evidence.md` documents every field.

use serde_json::{Value, json};
use tripline::baseline::Baseline;

use super::calibrated::Calibrated;

/// Everything but the picture.
pub fn calibrated_json(calibrated: &Calibrated) -> Value {
    let Calibrated { baseline, past, tolerance, timeout, limits, .. } = calibrated;
    let rollouts = past.iter().map(|past| {
        json!({
            "job": past.job.as_str(),
            "devices": past.devices(),
            "retries": past.retries(),
            "unknownBeginnings": past.unknown,
            "unlisted": past.unlisted,
            "leftOut": past.left_out.map(super::past::Reason::name),
        })
    });
    let limits = limits.iter().map(|limit| {
        json!({
            "minutes": limit.age,
            "pooled": limit.pooled,
            "slowest": limit.slowest,
            "limit": limit.limit,
        })
    });
    let has_curve = baseline.failures() >= Baseline::LEAST_FAILURES;
    json!({
        "name": baseline.name(),
        "file": calibrated.file_name(),
        "rollouts": baseline.rollouts(),
        "devices": baseline.devices(),
        "lastMinute": baseline.last_age(),
        "failures": baseline.failures(),
        "failureMinutes": has_curve.then(|| json!({
            "half": baseline.failed_by(0.5), "nineOfTen": baseline.failed_by(0.9),
        })),
        "slowerBy": tolerance.slower_by.percent(),
        "silentLimit": tolerance.silent * 100.0,
        "timeoutMinutes": timeout,
        "limits": limits.collect::<Vec<_>>(),
        "read": rollouts.collect::<Vec<_>>(),
    })
}
