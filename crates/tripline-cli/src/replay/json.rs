//! A replay for programs. `docs/replay.md` documents every field.

use serde_json::{Map, Value, json};
use tripline::evaluation::Transition;
use tripline::notification::{AlarmNotification, AlarmState, Subject, Watched};
use tripline::replay::{RecordedRollout, ReplayedAlarm, Stop};
use tripline::simulation::AlarmPlan;
use tripline::stop::{REASON_CODE, comment_for};

use super::Replayed;
use super::text::then;
use super::time::{changed_at, elapsed, iso};
use crate::alarms::watch::Watch;

/// Everything but the pictures.
pub fn of(replayed: &Replayed) -> Value {
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
        },
        "config": replayed.config,
        "job": rollout.job.as_str(),
        "stopMode": replayed.mode.to_string(),
        "first": iso(rollout.first),
        "last": iso(rollout.last),
        "executions": rollout.executions(),
        "outcomes": of_outcomes(rollout),
        "devicesWithFirmware": rollout.end().exposed,
        "stopped": replay.stop.is_some(),
        "stop": replay.stopped_by().map(|(alarm, stop)| of_stop(replayed, alarm, stop)),
        "alarms": alarms,
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

fn of_stop(replayed: &Replayed, alarm: &ReplayedAlarm, stop: &Stop) -> Value {
    let rollout = &replayed.rollout;
    let name = alarm.alarm.name_for(&rollout.job);
    let (at, reason) = alarm
        .fired
        .as_ref()
        .map(|fired| (fired.at, fired.reason.clone()))
        .unwrap_or((stop.at, String::new()));
    let comment = comment_for(&AlarmNotification {
        alarm: name.clone(),
        state: AlarmState::Alarm,
        reason: reason.clone(),
        changed_at: changed_at(at),
        subject: Subject::Metrics(Watched::default()),
        rule: None,
    });
    json!({
        "alarm": name,
        "firedAt": iso(at),
        "reason": reason,
        "at": iso(stop.at),
        "minute": elapsed(rollout.first, stop.at).minutes(),
        "force": stop.force,
        "reasonCode": REASON_CODE,
        "comment": comment,
        "endedBefore": stop.spared.ended_before,
        "endedAfter": stop.spared.ended_after,
        "atWork": stop.spared.at_work,
        "sparedAtMost": stop.spared.at_most(),
    })
}

fn of_alarm(replayed: &Replayed, alarm: &ReplayedAlarm) -> Value {
    let plan = AlarmPlan::new(alarm.alarm.clone(), replayed.mode);
    let transitions: Vec<_> = alarm.trace.transitions.iter().map(of_transition).collect();
    json!({
        "name": alarm.alarm.name_for(&replayed.rollout.job),
        "alarm": alarm.alarm.name.as_str(),
        "watches": Watch::from(&alarm.alarm).to_string(),
        "stops": alarm.stops,
        "evaluatedAtSecond": tripline::replay::evaluation_second(&plan),
        "fired": alarm.fired.as_ref().map(|fired| json!({
            "at": iso(fired.at),
            "reason": fired.reason,
            "then": then(alarm),
        })),
        "transitions": transitions,
    })
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
