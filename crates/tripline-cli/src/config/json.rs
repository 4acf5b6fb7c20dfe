//! What a config says, for programs.

use serde_json::{Value, json};
use tripline::faults::Fault;
use tripline::job::JobId;
use tripline::metric::Outcome;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::{Rate, RolloutConfig};
use tripline_config::{DocumentSource, Remark};

use super::checked::Checked;
use super::waves;
use crate::terminal::alarm::json_of;

/// A config that can be deployed.
pub fn config_json(checked: &Checked) -> Value {
    let Checked { input, spec, region, review, planned } = checked;
    let (config, firmware) = (&input.config, &input.firmware);
    let objects: Vec<_> =
        spec.objects.iter().map(|object| json!({"key": object.key, "size": object.size})).collect();
    let document: Value = serde_json::from_str(spec.document.as_str()).unwrap_or_default();
    let source = config.document.as_ref().map(|source| match source {
        DocumentSource::File(place) | DocumentSource::Url(place) => place,
    });
    let evidence = input.evidence.as_ref();
    let alarms: Vec<_> = input.alarms().iter().map(|alarm| json_of(alarm, evidence)).collect();
    json!({
        "file": input.file, "deployment": input.digest,
        "job": config.job.as_str(), "region": region, "bucket": spec.bucket, "objects": objects,
        "firmware": {
            "file": config.firmware, "size": firmware.size, "md5": firmware.md5,
            "sha256": firmware.sha256_hex(), "signature": firmware.signature,
            "imageVer": config.image_version,
        },
        "stream": config.stream.as_ref().map(|stream| json!({
            "id": stream.id.as_str(), "file": stream.file.get(), "role": stream.role.as_str(),
        })),
        "presigned": config.presigned.as_ref().map(|presigned| json!({
            "role": presigned.role.as_str(), "seconds": presigned.expires,
        })),
        "documentSource": source, "document": document,
        "thingList": config.things, "targets": spec.targets, "deviceCount": config.device_count,
        "targetSelection": config.selection.name(),
        "rollout": rollout(&config.rollout, config.staged),
        "rounds": config.rounds, "delaySeconds": config.delay.as_secs(), "cleanUp": config.clean_up,
        "paceMilliseconds": config.pace.as_millis(), "debug": config.debug,
        "onAlarm": match config.alarms.on_alarm {
            OnAlarm::Cancel => "cancel",
            OnAlarm::Hold => "hold",
        },
        "onHoldFailed": match config.alarms.on_hold_failed {
            OnHoldFailed::Cancel => "cancel",
            OnHoldFailed::Alert => "alert",
        },
        "fallback": config.fallback.as_ref().map(JobId::as_str),
        "waves": input.waves.as_ref().map(waves::json),
        "coverage": planned.coverage.to_json(), "alarms": alarms, "unlisted": config.alarms.unlisted,
        "unused": config.unused,
        "faultsOfUnused": config.faults_of_unused.iter().map(fault).collect::<Vec<_>>(),
        "findings": review.findings.iter().map(remark).collect::<Vec<_>>(),
        "notes": review.notes.iter().map(remark).collect::<Vec<_>>(),
        "faults": [],
    })
}

fn fault(fault: &Fault) -> Value {
    json!({"line": fault.line, "text": fault.text, "hint": fault.hint})
}

fn remark(remark: &Remark) -> Value {
    json!({"line": remark.line, "text": remark.text, "hint": remark.hint})
}

fn rollout(rollout: &RolloutConfig, staged: bool) -> Value {
    let rate = match rollout.rate {
        _ if !staged => Value::Null,
        Rate::Constant(maximum) => json!({"maximum": maximum}),
        Rate::Exponential(rate) => json!({
            "maximum": rate.maximum, "base": rate.base, "factor": rate.factor.get(),
            "notified": rate.notified, "succeeded": rate.succeeded,
        }),
    };
    let abort: Vec<_> = rollout
        .abort
        .iter()
        .map(|criterion| {
            json!({
                "failureType": criterion.failure.name(), "percent": criterion.threshold.percent(),
                "minExecuted": criterion.min_executed,
            })
        })
        .collect();
    json!({
        "perMinute": rate, "abort": abort,
        "timeoutMinutes": rollout.timeout.map(|timeout| timeout.minutes()),
        "retries": {
            "failed": rollout.retries.after(Outcome::Failed),
            "timedOut": rollout.retries.after(Outcome::TimedOut),
        },
    })
}
