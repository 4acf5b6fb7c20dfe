//! A replay for programs. `docs/guide/replay.md` documents every field.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::notification::AlarmState;
use tripline::reports::Reports;
use tripline::rollout::AbortCriterion;
use tripline::stop::{Firing, REASON_CODE, comment_for};
use tripline_simulation::evaluation::Transition;
use tripline_simulation::replay::{
    Fired, GuardOf, NoValue, RecordedRollout, Replay, ReplayedAbort, ReplayedAlarm,
    ReplayedEvidence, Stop, TooLate,
};
use tripline_simulation::simulation::AlarmPlan;

use super::replayed::Replayed;
use super::text::then;
use crate::terminal::time::{elapsed, iso};
use tripline_guard::definition::in_words;

/// What a guard would have done with a recorded rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayData {
    recording: RecordingData,
    config: String,
    job_id: String,
    state: ReplayState,
    stop_mode: String,
    /// When the first execution ended.
    first: String,
    last: String,
    /// Executions that ended.
    executions: u32,
    /// How many devices the rollout was for, if that was said.
    devices: Option<u32>,
    devices_ended: u32,
    outcomes: OutcomesData,
    devices_with_firmware: u32,
    stopped: bool,
    /// Whether any guard had what it watches.
    watched: bool,
    stop: Option<StopData>,
    too_late: Option<TooLateData>,
    alarms: Vec<AlarmData>,
    abort: Option<AbortsData>,
    evidence: Option<EvidenceData>,
    /// Names of alarms of which a recording says nothing.
    not_replayed: Vec<String>,
}

/// What would have become of the rollout.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum ReplayState {
    Stopped,
    /// A guard would have stopped it when its last recorded execution had ended.
    TooLate,
    /// No guard had what it watches.
    NotWatched,
    NotStopped,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RecordingData {
    file: String,
    lines: u64,
    malformed: u64,
    of_other_jobs: u64,
    repeated: u64,
    deleted: u64,
    begun: u64,
    misspelled: Vec<MisspelledData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MisspelledData {
    key: String,
    expected: &'static str,
}

/// How executions ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OutcomesData {
    succeeded: u32,
    failed: u32,
    rejected: u32,
    timed_out: u32,
    canceled: u32,
    removed: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StopData {
    guard: String,
    /// The alarm's name in CloudWatch.
    alarm: Option<String>,
    fired_at: String,
    reason: String,
    /// When the stop would have taken effect.
    at: String,
    /// The same in minutes since the first execution ended.
    minute: f64,
    force: bool,
    reason_code: Option<&'static str>,
    comment: Option<String>,
    ended_before: u32,
    ended_after: u32,
    at_work: u32,
    spared_at_most: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TooLateData {
    guard: String,
    /// The alarm's name in CloudWatch.
    alarm: Option<String>,
    fired_at: String,
    reason: String,
    at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AlarmData {
    /// Its name in CloudWatch.
    name: String,
    /// Its name in the config.
    alarm: String,
    /// What it watches, in words.
    watches: String,
    stops: bool,
    evaluated_at_second: u32,
    fired: Option<FiredData>,
    /// Why it never had a value, if so.
    no_value: Option<NoValueData>,
    transitions: Vec<TransitionData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct FiredData {
    at: String,
    reason: String,
    /// What would have followed.
    then: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoValueData {
    detail: &'static str,
    reason: String,
    succeeded: Option<u64>,
    invalid_details: Option<u64>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TransitionData {
    at: String,
    from: &'static str,
    to: &'static str,
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AbortsData {
    criteria: Vec<CriterionData>,
    fired: Option<FiredData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CriterionData {
    failure_type: &'static str,
    threshold_percentage: f64,
    min_number_of_executed_things: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EvidenceData {
    threshold: f64,
    limits: String,
    stops: bool,
    begins: BeginsData,
    highest: f64,
    /// The limit that it was of.
    limit: Option<LimitData>,
    fired: Option<FiredData>,
}

/// How it is known when devices began.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BeginsData {
    recorded: u32,
    reported: u32,
    assumed: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LimitData {
    name: String,
    devices: u32,
    seen: u32,
}

/// Everything but the pictures.
pub fn replay_data(replayed: &Replayed) -> ReplayData {
    let Replayed { rollout, replay, .. } = replayed;
    let counts = rollout.counts;
    let not_replayed = replay.not_replayed.iter().map(|alarm| alarm.name.to_string());
    ReplayData {
        recording: RecordingData {
            file: replayed.file.clone(),
            lines: replayed.lines,
            malformed: replayed.malformed,
            of_other_jobs: counts.of_other_jobs,
            repeated: counts.repeated,
            deleted: counts.deleted,
            begun: counts.begun,
            misspelled: misspelled(rollout),
        },
        config: replayed.config.clone(),
        job_id: rollout.job.to_string(),
        state: state_of(replay),
        stop_mode: replayed.mode.to_string(),
        first: iso(rollout.first),
        last: iso(rollout.last),
        executions: rollout.executions(),
        devices: rollout.devices,
        devices_ended: rollout.devices_ended(),
        outcomes: of_outcomes(rollout),
        devices_with_firmware: rollout.end().exposed,
        stopped: replay.stop.is_some(),
        watched: !replay.is_unwatched,
        stop: replay.stop.as_ref().map(|stop| of_stop(replayed, stop)),
        too_late: replay.too_late.as_ref().map(|late| of_too_late(replayed, late)),
        alarms: replay.alarms.iter().map(|alarm| of_alarm(replayed, alarm)).collect(),
        abort: replay.abort.as_ref().map(of_abort),
        evidence: replay.evidence.as_ref().map(of_evidence),
        not_replayed: not_replayed.collect(),
    }
}

fn state_of(replay: &Replay) -> ReplayState {
    match (&replay.stop, &replay.too_late) {
        (Some(_), _) => ReplayState::Stopped,
        (None, Some(_)) => ReplayState::TooLate,
        (None, None) if replay.is_unwatched => ReplayState::NotWatched,
        (None, None) => ReplayState::NotStopped,
    }
}

fn of_outcomes(rollout: &RecordedRollout) -> OutcomesData {
    let [succeeded, failed, rejected, timed_out, canceled, removed] = rollout.outcomes;
    OutcomesData { succeeded, failed, rejected, timed_out, canceled, removed }
}

/// An alarm's name in CloudWatch; `None` of the abort criteria.
fn name_of(replayed: &Replayed, guard: GuardOf) -> Option<String> {
    Some(replayed.replay.alarm(guard)?.alarm.name_for(&replayed.rollout.job))
}

fn of_stop(replayed: &Replayed, stop: &Stop) -> StopData {
    let rollout = &replayed.rollout;
    let alarm = name_of(replayed, stop.by);
    // AWS IoT's own abort has neither Tripline's reason code nor its comment.
    let firing = Firing { reason: stop.reason.clone(), at: Some(stop.fired_at.seconds()) };
    let comment = alarm.as_ref().map(|name| comment_for(name, Some(&firing), None));
    StopData {
        guard: replayed.replay.name(stop.by),
        alarm,
        fired_at: iso(stop.fired_at),
        reason: stop.reason.clone(),
        at: iso(stop.at),
        minute: elapsed(rollout.first, stop.at).minutes(),
        force: stop.force,
        reason_code: comment.as_ref().map(|_| REASON_CODE),
        comment,
        ended_before: stop.spared.ended_before,
        ended_after: stop.spared.ended_after,
        at_work: stop.spared.at_work,
        spared_at_most: stop.spared.at_most(),
    }
}

fn of_too_late(replayed: &Replayed, late: &TooLate) -> TooLateData {
    TooLateData {
        guard: replayed.replay.name(late.by),
        alarm: name_of(replayed, late.by),
        fired_at: iso(late.fired_at),
        reason: late.reason.clone(),
        at: iso(late.at),
    }
}

fn of_abort(abort: &ReplayedAbort) -> AbortsData {
    let criterion = |criterion: &AbortCriterion| CriterionData {
        failure_type: criterion.failure.name(),
        threshold_percentage: criterion.threshold.percent(),
        min_number_of_executed_things: criterion.min_executed,
    };
    AbortsData {
        criteria: abort.criteria.iter().map(criterion).collect(),
        fired: abort.fired.as_ref().map(of_fired),
    }
}

fn of_evidence(evidence: &ReplayedEvidence) -> EvidenceData {
    let ReplayedEvidence { limits, stops, begins, verdict, fired, .. } = evidence;
    EvidenceData {
        threshold: limits.threshold(),
        limits: limits.source().to_string(),
        stops: *stops,
        begins: BeginsData {
            recorded: begins.recorded,
            reported: begins.reported,
            assumed: begins.assumed,
        },
        highest: verdict.evidence,
        limit: verdict.spoke.map(|spoke| LimitData {
            name: spoke.limit.to_string(),
            devices: spoke.n,
            seen: spoke.x,
        }),
        fired: fired.as_ref().map(of_fired),
    }
}

fn of_fired(fired: &Fired) -> FiredData {
    FiredData { at: iso(fired.at), reason: fired.reason.clone(), then: then(fired) }
}

fn of_alarm(replayed: &Replayed, alarm: &ReplayedAlarm) -> AlarmData {
    let plan = AlarmPlan::new(alarm.alarm.clone(), replayed.mode);
    AlarmData {
        name: alarm.alarm.name_for(&replayed.rollout.job),
        alarm: alarm.alarm.name.to_string(),
        watches: in_words(&alarm.alarm),
        stops: alarm.stops,
        evaluated_at_second: tripline_simulation::replay::evaluation_second(&plan),
        fired: alarm.fired.as_ref().map(of_fired),
        no_value: alarm.no_value.map(of_no_value),
        transitions: alarm.trace.transitions.iter().map(of_transition).collect(),
    }
}

fn of_no_value(no_value: NoValue) -> NoValueData {
    let (succeeded, invalid) = match no_value {
        NoValue::NeverReported(_, Reports::NeverReported { succeeded, invalid }) => {
            (Some(succeeded), Some(invalid))
        }
        NoValue::NotReported(..) => (Some(0), None),
        _ => (None, None),
    };
    NoValueData {
        detail: no_value.detail().name(),
        reason: no_value.sentence(),
        succeeded,
        invalid_details: invalid,
    }
}

fn misspelled(rollout: &RecordedRollout) -> Vec<MisspelledData> {
    let keys = rollout.misspelled.iter();
    keys.map(|(meant, key)| MisspelledData { key: key.clone(), expected: meant.name() }).collect()
}

fn of_transition(transition: &Transition) -> TransitionData {
    TransitionData {
        at: iso(transition.at),
        from: state(transition.from),
        to: state(transition.to),
        reason: transition.reason.clone(),
    }
}

fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Ok => "OK",
        AlarmState::Alarm => "ALARM",
        AlarmState::InsufficientData => "INSUFFICIENT_DATA",
    }
}
