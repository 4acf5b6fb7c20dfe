//! A replay for programs. `docs/guide/replay.md` documents every field.

use serde_json::{Map, Value, json};
use tripline::notification::AlarmState;
use tripline::reports::Reports;
use tripline::stop::{Firing, REASON_CODE, comment_for};
use tripline_simulation::evaluation::Transition;
use tripline_simulation::replay::{
    Fired, GuardOf, NoValue, RecordedRollout, ReplayedAbort, ReplayedAlarm, ReplayedEvidence, Stop,
    TooLate,
};
use tripline_simulation::simulation::AlarmPlan;

use super::replayed::Replayed;
use super::text::then;
use crate::terminal::time::{elapsed, iso};
use tripline_guard::definition::in_words;

/// Everything but the pictures.
pub fn replay_json(replayed: &Replayed) -> Value {
    let Replayed { rollout, replay, .. } = replayed;
    let counts = rollout.counts;
    let alarms: Vec<_> = replay.alarms.iter().map(|alarm| of_alarm(replayed, alarm)).collect();
    let not_replayed: Vec<_> =
        replay.not_replayed.iter().map(|alarm| alarm.name.as_str()).collect();
    json!({
        "recording": {
            "file": replayed.file,
            "lines": replayed.lines,
            "malformed": replayed.malformed,
            "ofOtherJobs": counts.of_other_jobs,
            "repeated": counts.repeated,
            "deleted": counts.deleted,
            "begun": counts.begun,
            "misspelled": misspelled(rollout),
        },
        "config": replayed.config,
        "job": rollout.job.as_str(),
        "stopMode": replayed.mode.to_string(),
        "first": iso(rollout.first),
        "last": iso(rollout.last),
        "executions": rollout.executions(),
        "devices": rollout.devices,
        "devicesEnded": rollout.devices_ended(),
        "outcomes": of_outcomes(rollout),
        "devicesWithFirmware": rollout.end().exposed,
        "stopped": replay.stop.is_some(),
        "watched": !replay.is_unwatched,
        "stop": replay.stop.as_ref().map(|stop| of_stop(replayed, stop)),
        "tooLate": replay.too_late.as_ref().map(|late| of_too_late(replayed, late)),
        "alarms": alarms,
        "abort": replay.abort.as_ref().map(of_abort),
        "evidence": replay.evidence.as_ref().map(of_evidence),
        "notReplayed": not_replayed,
    })
}

fn of_outcomes(rollout: &RecordedRollout) -> Value {
    let names = ["succeeded", "failed", "rejected", "timedOut", "canceled", "removed"];
    let outcomes = names.iter().zip(rollout.outcomes);
    Value::Object(
        outcomes.map(|(name, number)| ((*name).to_owned(), json!(number))).collect::<Map<_, _>>(),
    )
}

/// An alarm's name in CloudWatch; `None` of the abort criteria.
fn name_of(replayed: &Replayed, guard: GuardOf) -> Option<String> {
    Some(replayed.replay.alarm(guard)?.alarm.name_for(&replayed.rollout.job))
}

fn of_stop(replayed: &Replayed, stop: &Stop) -> Value {
    let rollout = &replayed.rollout;
    let alarm = name_of(replayed, stop.by);
    // AWS IoT's own abort has neither Tripline's reason code nor its comment.
    let firing = Firing { reason: stop.reason.clone(), at: Some(stop.fired_at.seconds()) };
    let comment = alarm.as_ref().map(|name| comment_for(name, Some(&firing), None));
    json!({
        "guard": replayed.replay.name(stop.by),
        "alarm": alarm,
        "firedAt": iso(stop.fired_at),
        "reason": stop.reason,
        "at": iso(stop.at),
        "minute": elapsed(rollout.first, stop.at).minutes(),
        "force": stop.force,
        "reasonCode": comment.as_ref().map(|_| REASON_CODE),
        "comment": comment,
        "endedBefore": stop.spared.ended_before,
        "endedAfter": stop.spared.ended_after,
        "atWork": stop.spared.at_work,
        "sparedAtMost": stop.spared.at_most(),
    })
}

fn of_too_late(replayed: &Replayed, late: &TooLate) -> Value {
    json!({
        "guard": replayed.replay.name(late.by),
        "alarm": name_of(replayed, late.by),
        "firedAt": iso(late.fired_at),
        "reason": late.reason,
        "at": iso(late.at),
    })
}

fn of_abort(abort: &ReplayedAbort) -> Value {
    let criteria = abort.criteria.iter().map(|criterion| {
        json!({
            "failureType": criterion.failure.name(),
            "thresholdPercentage": criterion.threshold.percent(),
            "minNumberOfExecutedThings": criterion.min_executed,
        })
    });
    json!({
        "criteria": criteria.collect::<Vec<_>>(),
        "fired": abort.fired.as_ref().map(of_fired),
    })
}

fn of_evidence(evidence: &ReplayedEvidence) -> Value {
    let ReplayedEvidence { limits, stops, begins, verdict, fired, .. } = evidence;
    let limit = verdict
        .spoke
        .map(|spoke| json!({"name": spoke.limit.to_string(), "devices": spoke.n, "seen": spoke.x}));
    json!({
        "threshold": limits.threshold(),
        "limits": limits.source().to_string(),
        "stops": stops,
        "begins": {
            "recorded": begins.recorded, "reported": begins.reported, "assumed": begins.assumed,
        },
        "highest": verdict.evidence,
        "limit": limit,
        "fired": fired.as_ref().map(of_fired),
    })
}

fn of_fired(fired: &Fired) -> Value {
    json!({"at": iso(fired.at), "reason": fired.reason, "then": then(fired)})
}

fn of_alarm(replayed: &Replayed, alarm: &ReplayedAlarm) -> Value {
    let plan = AlarmPlan::new(alarm.alarm.clone(), replayed.mode);
    let transitions: Vec<_> = alarm.trace.transitions.iter().map(of_transition).collect();
    json!({
        "name": alarm.alarm.name_for(&replayed.rollout.job),
        "alarm": alarm.alarm.name.as_str(),
        "watches": in_words(&alarm.alarm),
        "stops": alarm.stops,
        "evaluatedAtSecond": tripline_simulation::replay::evaluation_second(&plan),
        "fired": alarm.fired.as_ref().map(of_fired),
        "noValue": alarm.no_value.map(of_no_value),
        "transitions": transitions,
    })
}

fn of_no_value(no_value: NoValue) -> Value {
    let (succeeded, invalid) = match no_value {
        NoValue::NeverReported(_, Reports::NeverReported { succeeded, invalid }) => {
            (Some(succeeded), Some(invalid))
        }
        NoValue::NotReported(..) => (Some(0), None),
        _ => (None, None),
    };
    json!({
        "detail": no_value.detail().name(),
        "reason": no_value.sentence(),
        "succeeded": succeeded,
        "invalidDetails": invalid,
    })
}

fn misspelled(rollout: &RecordedRollout) -> Vec<Value> {
    let keys = rollout.misspelled.iter();
    keys.map(|(meant, key)| json!({"key": key, "expected": meant.name()})).collect()
}

fn of_transition(transition: &Transition) -> Value {
    json!({
        "at": iso(transition.at),
        "from": state(transition.from),
        "to": state(transition.to),
        "reason": transition.reason,
    })
}

fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Ok => "OK",
        AlarmState::Alarm => "ALARM",
        AlarmState::InsufficientData => "INSUFFICIENT_DATA",
    }
}
