//! A replay as people read it: the verdict first, then the alarms, then the recording.

use tripline::replay::{RecordedRollout, ReplayedAlarm, Response};
use tripline::stop::Decision;

use super::Replayed;
use super::read::thousands;
use super::time::{elapsed, utc};
use crate::alarms::table::table;
use crate::alarms::watch::Watch;
use crate::report::format::{count, minutes};

/// What the ends of executions are called, in the order of [`RecordedRollout::OUTCOMES`].
pub const OUTCOMES: [&str; 6] =
    ["succeeded", "failed", "rejected", "timed out", "canceled", "removed"];

/// Everything, with a chart if there is one.
pub fn of(replayed: &Replayed, chart: Option<&str>) -> String {
    let mut text = format!("{}\n", verdict(replayed));
    for line in explanation(replayed) {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(chart) = chart {
        text.push_str(&format!("\n{chart}"));
    }
    text.push_str(&format!("\n{}\n", alarms(replayed)));
    for line in recording(replayed) {
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// What came of it, in one sentence.
pub fn verdict(replayed: &Replayed) -> String {
    let Replayed { rollout, replay, .. } = replayed;
    let job = &rollout.job;
    match replay.stopped_by() {
        Some((alarm, stop)) => {
            let after = minutes(elapsed(rollout.first, stop.at));
            let name = &alarm.alarm.name;
            format!(
                "STOPPED: `{name}` would have stopped rollout {job} at {}, {after} minutes after the first device ended.",
                utc(stop.at)
            )
        }
        None => format!("NOT STOPPED: no alarm would have stopped rollout {job}."),
    }
}

/// What is to be said beside the verdict.
fn explanation(replayed: &Replayed) -> Vec<String> {
    let Replayed { rollout, replay, .. } = replayed;
    let mut lines = Vec::new();
    if let Some((alarm, stop)) = replay.stopped_by() {
        lines.extend(alarm.fired.as_ref().map(|fired| fired.reason.clone()));
        let spared = stop.spared;
        lines.push(format!(
            "{} devices had ended with the firmware, or after trying it; {} ended later.",
            count(spared.ended_before),
            count(spared.ended_after)
        ));
        if spared.ended_after > 0 {
            let most = match spared.at_most() {
                0 => "none would have been spared".to_owned(),
                most => format!("at most {} would have been spared", count(most)),
            };
            let does = if stop.force { "been canceled" } else { "gone on" };
            lines.push(match spared.at_work {
                0 => format!("Of these {most}."),
                some => format!(
                    "{} of these were at their download and would have {does}; {most}.",
                    count(some)
                ),
            });
        } else if stop.at > rollout.last {
            lines.push("That is after the last execution of the recording ended: who was still to come is not in it.".to_owned());
        }
    }
    let told = replay.alarms.iter().filter_map(|alarm| {
        let fired = alarm.fired.as_ref()?;
        let why = match fired.response {
            Response::TellsPeople => {
                "people would have been told, and the rollout would have gone on"
            }
            Response::Stopper(Decision::Observe) => {
                "with `observe` people would have been told what would have been stopped"
            }
            Response::Stopper(_) => return None,
        };
        Some(format!("`{}` would have fired at {}: {why}.", alarm.alarm.name, utc(fired.at)))
    });
    lines.extend(told);
    lines.extend(was_stopped(rollout));
    lines
}

/// What a recording leaves out whose rollout was stopped.
pub fn was_stopped(rollout: &RecordedRollout) -> Option<String> {
    let [.., canceled, _] = rollout.outcomes;
    (canceled > 0).then(|| {
        let (were, s) = if canceled == 1 { ("was", "") } else { ("were", "s") };
        format!("{} execution{s} {were} canceled while this was recorded, and devices that were not reached are not in it.", count(canceled))
    })
}

fn alarms(replayed: &Replayed) -> String {
    let row = |alarm: &ReplayedAlarm| {
        let fired = alarm.fired.as_ref().map_or_else(|| "never".to_owned(), |fired| utc(fired.at));
        [
            alarm.alarm.name.to_string(),
            Watch::from(&alarm.alarm).to_string(),
            fired,
            then(alarm).replace("alreadyStopped", "already stopped"),
        ]
    };
    let rows: Vec<_> = replayed.replay.alarms.iter().map(row).collect();
    table(["ALARM", "WATCHES", "FIRED", "THEN"], &rows)
}

/// What would have come of an alarm, in a word.
pub fn then(alarm: &ReplayedAlarm) -> &'static str {
    let Some(fired) = &alarm.fired else { return "" };
    match fired.response {
        Response::TellsPeople => "tell",
        Response::Stopper(Decision::Cancel { force: false }) => "cancel",
        Response::Stopper(Decision::Cancel { force: true }) => "abort",
        Response::Stopper(Decision::Observe) => "observe",
        // By another alarm.
        Response::Stopper(Decision::AlreadyEnded | Decision::AlreadyStopped) => "alreadyStopped",
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
