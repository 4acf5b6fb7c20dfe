//! A simulation as a picture.

use tripline_simulation::simulation::{Record, Study};

use super::simulated::Simulated;
use super::text::{evidence, healthy_fleet, name, verdict};
use crate::report::format::{count, counted, minutes, percent, proportion};
use crate::report::{AlarmPanel, Fact, Known, Picture, StopMark};

/// The record of an outcome that has none.
static NOTHING: Record = Record { minutes: Vec::new(), traces: Vec::new() };

/// What is drawn of a simulation.
pub fn simulation_picture(simulated: &Simulated) -> Picture<'_> {
    let Simulated {
        guards,
        scenario,
        outcome,
        unguarded,
        is_too_late,
        is_everyday: _,
        study,
        healthy,
        healthy_fleet: _,
        healthy_conditions: _,
        healthy_source: _,
        advice,
        is_healthy,
        command,
    } = simulated;
    let record = outcome.record.as_ref().unwrap_or(&NOTHING);
    let stop = outcome.stop().map(|(firing, effect)| StopMark {
        at: effect.at,
        by: name(simulated, firing),
        reason: firing.reason.clone(),
        reached: effect.reached,
    });
    // The alarms are the first of the plans.
    let alarms = guards.alarms.iter().zip(&record.traces).filter_map(|(plan, trace)| {
        Some(AlarmPanel { alarm: &plan.alarm, trace: trace.as_ref()? })
    });
    let this = if *is_healthy { "A healthy fleet" } else { "This fleet" };
    let studies: Vec<(String, &Study)> = std::iter::once((this.to_owned(), study))
        .chain(healthy.as_ref().map(|healthy| ("A healthy fleet".to_owned(), healthy)))
        .collect();
    Picture {
        title: &guards.file,
        verdict: verdict(simulated),
        stopped: stop.is_some() && !is_too_late,
        known: Known::All,
        devices: outcome.devices,
        start: scenario.start.minute(),
        record,
        unguarded: stop.is_some().then_some(unguarded.minutes.as_slice()),
        alarms: alarms.collect(),
        evidence: outcome.evidence.as_ref(),
        facts: facts(simulated),
        stop,
        notes: guards.notes.iter().cloned().chain(advice.iter().map(ToString::to_string)).collect(),
        studies,
        made_by: command.clone(),
    }
}

fn facts(simulated: &Simulated) -> Vec<Fact> {
    let Simulated { outcome, study, healthy, is_healthy, .. } = simulated;
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let part = |devices: u32| {
        format!(
            "{} ({})",
            count(devices),
            percent(f64::from(devices) / f64::from(outcome.devices.max(1)))
        )
    };
    let mut facts = vec![
        fact("devices", count(outcome.devices)),
        fact("got the firmware", part(outcome.exposed())),
    ];
    if let Some((_, effect)) = outcome.stop() {
        facts.push(fact("spared", part(outcome.spared())));
        facts.push(fact("stopped after", counted(&minutes(effect.at), "minute")));
    }
    if let Some(evidence) = evidence(simulated) {
        facts.push(fact("evidence", evidence));
    }
    let name = if *is_healthy { "false stops, of all runs" } else { "stopped, of all runs" };
    facts.push(fact(name, proportion(study.stopped)));
    if let Some(healthy) = healthy {
        facts.push(fact("false stops of a healthy fleet", proportion(healthy.stopped)));
    }
    facts.push(fact("a healthy fleet", healthy_fleet(simulated)));
    facts.push(fact("runs, seed", format!("{}, {}", count(study.runs), study.seed)));
    facts
}
