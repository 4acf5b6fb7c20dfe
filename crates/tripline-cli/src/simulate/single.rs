//! One config and one fleet.

use tripline_simulation::simulation::{Detail, Runs, Scenario, Simulator, Study, Trial, advice};

use super::arguments::Simulate;
use super::fleet::Fleets;
use super::guard::Guards;
use super::progress::Progress;
use super::simulated::Simulated;
use super::{json, picture, text};
use crate::exit::{End, Error};
use crate::report::{self, ReportFile};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// Most runs in which a hint is tried.
const TRIAL_RUNS: u32 = 20;

/// Simulates, and says what it came to.
pub fn run(arguments: &Simulate, page: Option<ReportFile>) -> Result<End, Error> {
    let simulated = simulate(arguments)?;
    if let Some(page) = page {
        page.write(&report::html(&picture::simulation_picture(&simulated)))?;
    }
    match arguments.output {
        Output::Json => print_document(&json::simulation_data(&simulated, arguments)),
        Output::Text => {
            let chart = |width| report::terminal(&picture::simulation_picture(&simulated), width);
            let chart = arguments.chart.width().map(chart);
            print(&text::simulation_text(&simulated, chart.as_deref()));
        }
    }
    Ok(match simulated.outcome.stop() {
        None => End::Done,
        Some(_) if simulated.is_too_late => End::Finding,
        Some(_) => End::Stopped,
    })
}

fn simulate(arguments: &Simulate) -> Result<Simulated, Error> {
    let guards = Guards::of(arguments)?;
    guards.notes.iter().for_each(|note| say(&format!("note: {note}")));
    let devices = guards.devices(arguments.devices)?;
    let fleets = Fleets::new(
        &arguments.fleet(),
        arguments.rollout.as_deref(),
        arguments.healthy.as_deref(),
        devices,
    )?;
    let scenario = guards.scenario(fleets.given, &arguments.open);
    let runs = arguments.runs(devices);
    let plans = guards.plans();
    let outcome = Simulator::new(&scenario, &plans).run(runs.seed, 0, Detail::Full);
    let unguarded = Simulator::new(&scenario, &[]).run(runs.seed, 0, Detail::Full);
    let is_too_late = outcome.stop().is_some() && outcome.exposed() >= unguarded.end.exposed;
    let healthy_scenario =
        (!fleets.is_healthy()).then(|| guards.scenario(fleets.healthy, &arguments.open));
    let healthy =
        healthy_scenario.as_ref().map(|scenario| study(&guards, scenario, runs, "a healthy fleet"));
    let study = study(&guards, &scenario, runs, "this fleet");
    let few = Runs { runs: (runs.runs / 10).clamp(5, TRIAL_RUNS), ..runs };
    let Guards { alarms, abort, evidence, .. } = &guards;
    let trial = Trial::new(&scenario, healthy_scenario.as_ref(), alarms, abort, few)
        .with_evidence(evidence.as_ref());
    let unguarded = unguarded.record.unwrap_or_default();
    let mut advice = advice(&scenario, &unguarded.minutes, alarms, abort, &trial);
    for advice in &mut advice {
        advice.setting = guards.setting_of(advice);
    }
    let is_healthy = fleets.is_healthy();
    Ok(Simulated {
        guards,
        scenario,
        is_healthy,
        outcome,
        unguarded,
        is_too_late,
        study,
        healthy,
        healthy_fleet: fleets.healthy.fleet,
        healthy_conditions: fleets.healthy.conditions,
        healthy_source: fleets.source,
        is_everyday: fleets.is_everyday,
        advice,
        command: arguments.command(),
    })
}

/// Many runs of a rollout under the guards of a config.
pub fn study(guards: &Guards, scenario: &Scenario, runs: Runs, what: &str) -> Study {
    let progress = Progress::new(format!("{}, {what}", guards.file), runs.runs);
    Study::new(scenario, &guards.plans(), runs, &|done| progress.show(done))
}
