//! A replay as people read it: the verdict first, then the guards, then the recording.

use tripline::alarm::AlarmDefinition;
use tripline::rollout::AbortCriterion;
use tripline_simulation::replay::{
    Fired, GuardOf, RecordedRollout, Replay, ReplayedAbort, ReplayedEvidence, Response, Stop,
};

use super::replayed::Replayed;
use crate::recording::read::thousands;
use crate::report::format::{count, minutes, number};
use crate::terminal::table::table;
use crate::terminal::time::{elapsed, utc};
use tripline_guard::definition::in_words;

/// What the ends of executions are called, in the order of [`RecordedRollout::OUTCOMES`].
pub const OUTCOMES: [&str; 6] =
    ["succeeded", "failed", "rejected", "timed out", "canceled", "removed"];

/// Everything, with a chart if there is one.
pub fn replay_text(replayed: &Replayed, chart: Option<&str>) -> String {
    let mut text = format!("{}\n", verdict(replayed));
    for line in explanation(replayed) {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(chart) = chart {
        text.push_str(&format!("\n{chart}"));
    }
    text.push_str(&format!("\n{}\n", guards(replayed)));
    for line in recording(replayed) {
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// What came of it, in one sentence.
pub fn verdict(replayed: &Replayed) -> String {
    let Replayed { rollout, replay, .. } = replayed;
    let job = &rollout.job;
    match (&replay.stop, &replay.too_late) {
        (Some(stop), _) => {
            let name = replay.name(stop.by);
            let after = if stop.at < rollout.first {
                "before the first device ended".to_owned()
            } else {
                let after = minutes(elapsed(rollout.first, stop.at));
                format!("{after} minutes after the first device ended")
            };
            format!(
                "STOPPED: `{name}` would have stopped rollout {job} at {}, {after}.",
                utc(stop.at)
            )
        }
        (None, Some(late)) => format!(
            "TOO LATE: `{}` would have stopped rollout {job} at {}, but its last recorded execution ended at {}.",
            replay.name(late.by),
            utc(late.at),
            utc(rollout.last)
        ),
        (None, None) if replay.is_unwatched => {
            format!(
                "NOT WATCHED: no guard of rollout {job} had what it watches, so none would have stopped it."
            )
        }
        (None, None) => format!("NOT STOPPED: no guard would have stopped rollout {job}."),
    }
}

/// What is to be said beside the verdict.
fn explanation(replayed: &Replayed) -> Vec<String> {
    let Replayed { rollout, replay, .. } = replayed;
    let mut lines = Vec::new();
    if let Some(stop) = &replay.stop {
        lines.push(stop.reason.clone());
        lines.extend(spared(rollout, stop));
    }
    if let Some(late) = &replay.too_late {
        lines.push(late.reason.clone());
        lines.push(CUT_SHORT.to_owned());
    }
    let guards = replay.alarms.iter().map(|alarm| (alarm.alarm.name.as_str(), &alarm.fired));
    let evidence = replay.evidence.iter().map(|evidence| ("evidence", &evidence.fired));
    let alerted = guards.chain(evidence).filter_map(|(name, fired)| {
        // What alarms would have seen after a stop is not recorded.
        let before = |fired: &&Fired| replay.stop.as_ref().is_none_or(|stop| fired.at <= stop.at);
        let fired = fired.as_ref().filter(before)?;
        let why = match fired.response {
            Response::AlertsPeople if fired.at >= rollout.last => {
                "people would have been alerted, after the last recorded execution had ended"
            }
            Response::AlertsPeople => {
                "people would have been alerted, and the rollout would have gone on"
            }
            Response::Observes => {
                "with `observe` people would have been alerted, and nothing would have been stopped"
            }
            Response::Stops { .. } | Response::AlreadyStopped | Response::AfterTheEnd => {
                return None;
            }
        };
        Some(format!("`{name}` would have fired at {}: {why}.", utc(fired.at)))
    });
    lines.extend(alerted);
    lines.extend(no_values(replay));
    lines.extend(misspelled(rollout));
    lines.extend(goes_on(rollout));
    lines
}

/// Which alarms never had a value, and why.
pub fn no_values(replay: &Replay) -> impl Iterator<Item = String> {
    replay.alarms.iter().filter_map(|alarm| {
        let why = alarm.no_value?.sentence();
        Some(format!("`{}` never had a value: {why}.", alarm.alarm.name))
    })
}

/// Which keys of details are misspelled.
pub fn misspelled(rollout: &RecordedRollout) -> impl Iterator<Item = String> {
    rollout.misspelled.iter().map(|(meant, key)| {
        format!("Devices report `{key}`, which is not used: the key is `{meant}`.")
    })
}

/// What a stop after the last recorded ending may be all the same.
pub const CUT_SHORT: &str = "With the last execution the job was over, and there was nothing to stop, unless devices were still to come or in progress (`--devices` says how many there were): of them a recording says nothing.";

/// Whom a stop would have come in time for.
fn spared(rollout: &RecordedRollout, stop: &Stop) -> Vec<String> {
    let spared = stop.spared;
    let mut lines = vec![format!(
        "{} devices had ended with the firmware, or after trying it; {} ended later.",
        count(spared.ended_before),
        count(spared.ended_after)
    )];
    if spared.ended_after > 0 {
        let most = match spared.at_most() {
            0 => "none would have been spared".to_owned(),
            most => format!("at most {} would have been spared", count(most)),
        };
        let does = if stop.force { "been canceled" } else { "gone on" };
        lines.push(match spared.at_work {
            0 => format!("Of these {most}."),
            some => format!("{} of these were at work and would have {does}; {most}.", count(some)),
        });
    } else if stop.at >= rollout.last {
        lines.push("That is after the last execution of the recording ended: who was still to come is not in it.".to_owned());
    }
    lines
}

/// What a recording leaves out of a rollout that was not over.
pub fn goes_on(rollout: &RecordedRollout) -> Vec<String> {
    let were = |number| if number == 1 { ("was", "") } else { ("were", "s") };
    let mut lines = Vec::new();
    let (canceled, open) = (rollout.canceled(), rollout.devices_open());
    if canceled > 0 {
        let (were, s) = were(canceled);
        lines.push(format!("{} execution{s} {were} canceled while this was recorded, and devices that were not reached are not in it.", count(canceled)));
    }
    if open > 0 {
        let (_, s) = were(open);
        lines.push(format!("{} device{s} had not ended with the last event.", count(open)));
    }
    let silent = rollout.devices_silent();
    if silent > 0 {
        let (_, s) = were(silent);
        lines.push(format!("{} device{s} had begun, and never ended.", count(silent)));
    }
    lines
}

fn guards(replayed: &Replayed) -> String {
    let Replay { alarms, abort, .. } = &replayed.replay;
    let row = |name: String, watches: String, fired: Option<&Fired>| {
        let then = fired.map_or("", then);
        let then = then.replace("alreadyStopped", "already stopped");
        let then = then.replace("alreadyEnded", "already ended");
        [name, watches, fired.map_or_else(|| "never".to_owned(), |fired| utc(fired.at)), then]
    };
    let mut rows: Vec<_> = alarms
        .iter()
        .map(|alarm| {
            let watches = in_words(&alarm.alarm);
            row(alarm.alarm.name.to_string(), watches, alarm.fired.as_ref())
        })
        .collect();
    rows.extend(abort.iter().map(|abort| {
        row(replayed.replay.name(GuardOf::Abort), criteria(abort), abort.fired.as_ref())
    }));
    let evidence = &replayed.replay.evidence;
    rows.extend(
        evidence
            .iter()
            .map(|evidence| row("evidence".to_owned(), watches(evidence), evidence.fired.as_ref())),
    );
    let mut text = table(["GUARD", "WATCHES", "FIRED", "THEN"], &rows);
    if let Some(evidence) = evidence {
        let highest = evidence.verdict.brief(&evidence.limits);
        text.push_str(&format!("At its highest: {highest}.\n"));
    }
    if abort.is_some() {
        text.push_str(&format!("{EXECUTED}\n"));
    }
    text
}

/// How abort criteria are read.
pub const EXECUTED: &str = "Abort criteria go by executions that have ended: a recording does not say how many devices were notified.";

/// What evidence is of.
fn watches(evidence: &ReplayedEvidence) -> String {
    let threshold = number(evidence.limits.threshold());
    format!("limits: {}; evidence of {threshold} or more", evidence.limits.source())
}

/// What is to be said of how it is known when devices began.
pub fn begins(file: &str, evidence: Option<&ReplayedEvidence>) -> Vec<String> {
    let Some(evidence) = evidence else {
        return vec![format!(
            "{file}: evidence is not replayed: nothing in it says when any device began (`tripline watch --record` records it)"
        )];
    };
    let begins = evidence.begins;
    if begins.are_recorded() {
        return Vec::new();
    }
    let parts = [
        (begins.recorded, "recorded"),
        (begins.reported, "taken from its `downloadTime`, and may have been earlier"),
        (begins.assumed, "assumed, as long before the end as the median of the others"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> =
        parts.map(|(number, how)| format!("of {} {how}", count(*number))).collect();
    vec![format!(
        "{file}: evidence is approximate: when a device began is {}; devices that never ended are in no event (`tripline watch --record` records when each began)",
        parts.join(", ")
    )]
}

/// What is to be said of alarms on the failure rate.
pub fn unsuccessful_rate(file: &str, replay: &Replay) -> Vec<String> {
    let named = |alarm: &AlarmDefinition| {
        alarm.is_on_unsuccessful_rate().then(|| alarm.name.as_str().to_owned())
    };
    let replayed = replay.alarms.iter().filter_map(|alarm| named(&alarm.alarm)).map(|name| {
        format!(
            "{file}: alarm `{name}` counts a device as notified when it began: queued devices are in no event, so the share is at least what AWS IoT had"
        )
    });
    let others = replay.not_replayed.iter().filter_map(named).map(|name| {
        format!(
            "{file}: alarm `{name}` is not replayed: nothing in it says when any device began (`tripline watch --record` records it)"
        )
    });
    replayed.chain(others).collect()
}

/// Abort criteria in words.
fn criteria(abort: &ReplayedAbort) -> String {
    let words = |criterion: &AbortCriterion| {
        let AbortCriterion { failure, threshold, min_executed } = criterion;
        format!("{} {} % of {min_executed} or more", failure.name(), threshold.percent())
    };
    abort.criteria.iter().map(words).collect::<Vec<_>>().join(", ")
}

/// What would have come of a guard that fired, in a word.
pub fn then(fired: &Fired) -> &'static str {
    match fired.response {
        Response::AlertsPeople => "alert",
        Response::Observes => "observe",
        Response::Stops { force: false } => "cancel",
        Response::Stops { force: true } => "abort",
        Response::AlreadyStopped => "alreadyStopped",
        Response::AfterTheEnd => "alreadyEnded",
    }
}

fn recording(replayed: &Replayed) -> Vec<String> {
    let Replayed { rollout, lines, malformed, file, .. } = replayed;
    let counts = rollout.counts;
    let ended = OUTCOMES.iter().zip(rollout.outcomes).filter(|(_, number)| *number > 0);
    let ended: Vec<String> =
        ended.map(|(name, number)| format!("{} {name}", count(number))).collect();
    let left_out = [
        (*malformed, "malformed"),
        (counts.of_other_jobs, "of other jobs"),
        (counts.repeated, "repeated"),
        (counts.deleted, "of deleted executions"),
        (counts.begun, "of executions that began"),
    ];
    let left_out: String = left_out
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!(", {} {what}", thousands(*number)))
        .collect();
    vec![
        format!("{file}: {} lines{left_out}", thousands(*lines)),
        format!(
            "{} executions ended from {} to {}: {}",
            count(rollout.executions()),
            utc(rollout.first),
            utc(rollout.last),
            ended.join(", ")
        ),
    ]
}
