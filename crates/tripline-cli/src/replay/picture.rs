//! A replay as a picture.

use super::replayed::Replayed;
use super::text::{CUT_SHORT, EXECUTED, OUTCOMES, begins, goes_on, misspelled, no_values, verdict};
use crate::report::format::count;
use crate::report::{AlarmPanel, Fact, Known, Picture, StopMark};
use crate::terminal::time::{elapsed, utc};

/// What is drawn of a replay.
pub fn replay_picture(replayed: &Replayed) -> Picture<'_> {
    let Replayed { rollout, replay, record, .. } = replayed;
    let stop = replay.stop.as_ref().map(|stop| StopMark {
        at: elapsed(rollout.start(), stop.at),
        by: replay.name(stop.by),
        reason: stop.reason.clone(),
        reached: rollout.reached(stop.at),
    });
    let alarms =
        replay.alarms.iter().map(|alarm| AlarmPanel { alarm: &alarm.alarm, trace: &alarm.trace });
    let mut notes = vec![
        "Recorded, not simulated: only what had ended is known. Devices that had been notified or had begun are in no line before they ended."
            .to_owned(),
    ];
    if replay.too_late.is_some() {
        notes.push(CUT_SHORT.to_owned());
    }
    if replay.abort.is_some() {
        notes.push(EXECUTED.to_owned());
    }
    if replay.evidence.is_some() {
        notes.extend(begins(&replayed.file, replay.evidence.as_ref()));
    }
    notes.extend(no_values(replay));
    notes.extend(misspelled(rollout));
    notes.extend(goes_on(rollout));
    Picture {
        title: rollout.job.as_str(),
        verdict: verdict(replayed),
        stopped: stop.is_some(),
        known: Known::Ended,
        devices: rollout.executions(),
        start: rollout.start(),
        record,
        unguarded: None,
        alarms: alarms.collect(),
        evidence: None,
        stop,
        facts: facts(replayed),
        notes,
        studies: Vec::new(),
        made_by: format!(
            "tripline replay {} --config {} --job-id {}",
            replayed.file, replayed.config, rollout.job
        ),
    }
}

fn facts(replayed: &Replayed) -> Vec<Fact> {
    let Replayed { rollout, replay, .. } = replayed;
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let mut facts = vec![fact("executions that ended", count(rollout.executions()))];
    let ended = OUTCOMES.iter().zip(rollout.outcomes).filter(|(_, number)| *number > 0);
    facts.extend(ended.map(|(name, number)| fact(name, count(number))));
    if let Some(abort) = &replay.abort {
        let met = abort.fired.as_ref().map_or_else(|| "never".to_owned(), |fired| utc(fired.at));
        facts.push(fact("an abort criterion was met", met));
    }
    if let Some(evidence) = &replay.evidence {
        let highest = evidence.verdict.brief(&evidence.limits).to_string();
        facts.push(fact("evidence at its highest", highest));
    }
    if let Some(late) = &replay.too_late {
        facts.push(fact("would have stopped it too late", replay.name(late.by)));
    }
    if let Some(stop) = &replay.stop {
        facts.push(fact("stopped at", utc(stop.at)));
        facts.push(fact("had ended with the firmware by then", count(stop.spared.ended_before)));
        facts.push(fact("ended with it later", count(stop.spared.ended_after)));
        facts.push(fact("of these, at work by then", count(stop.spared.at_work)));
        facts.push(fact("spared at most", count(stop.spared.at_most())));
    }
    facts
}
