//! A comparison as a table, and for programs.

use schemars::JsonSchema;
use serde::Serialize;
use tripline_simulation::simulation::Study;

use super::arguments::Simulate;
use super::json::{InputsData, SimulateData, StudyData};
use crate::report::comparison::{Compared, Comparison};
use crate::report::format::{count, counted, number_of_minutes, proportion, quantile};
use crate::terminal::table::table;

/// The comparison as one table.
pub fn text(comparison: &Comparison, seed: u64) -> String {
    let mut rows = Vec::new();
    for rollout in &comparison.rollouts {
        for (guard, study) in comparison.guards.iter().zip(&rollout.studies) {
            rows.push(row(rollout, guard, study));
        }
    }
    let head = [
        "ROLLOUT",
        "GUARD",
        "STOPPED",
        "FIRES",
        "DEVICES WITH THE FIRMWARE",
        "MINUTES TO THE STOP",
    ];
    let runs = comparison
        .rollouts
        .iter()
        .flat_map(|rollout| &rollout.studies)
        .map(|study| study.runs)
        .next();
    format!(
        "{}\nA stop of a rollout marked * is a false one. Devices and minutes: medians. In brackets: 95 % intervals.\n{} each, seed {seed}, {}\n",
        table(head, &rows),
        counted(&count(runs.unwrap_or(0)), "run"),
        counted(&count(comparison.devices), "device")
    )
}

fn row(rollout: &Compared, guard: &str, study: &Study) -> [String; 6] {
    let mark = if rollout.healthy { "*" } else { "" };
    [
        format!("{}{mark}", rollout.name),
        guard.to_owned(),
        proportion(study.stopped),
        // Only what the column before does not say.
        if study.fired == study.stopped { "as often".to_owned() } else { proportion(study.fired) },
        study.exposed.map_or_else(String::new, |spread| quantile(spread.p50, count::<f64>)),
        study
            .minutes_to_stop
            .map_or_else(|| "never".to_owned(), |spread| quantile(spread.p50, number_of_minutes)),
    ]
}

/// Several configs against several rollouts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonData {
    /// What all random numbers follow from.
    seed: u64,
    /// Devices of every fleet.
    devices: u32,
    comparison: Vec<ComparedData>,
    #[serde(flatten)]
    inputs: InputsData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ComparedData {
    rollout: String,
    /// What the file says of itself.
    about: String,
    /// Whether a stop is a false one.
    healthy: bool,
    guards: Vec<PairData>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PairData {
    config: String,
    /// All runs of this pair.
    study: StudyData,
}

/// The comparison for programs. `docs/guide/simulation.md` documents every field.
pub fn data(comparison: &Comparison, arguments: &Simulate) -> SimulateData {
    let rollout = |rollout: &Compared| {
        let pairs = comparison.guards.iter().zip(&rollout.studies);
        let pairs =
            pairs.map(|(guard, study)| PairData { config: guard.clone(), study: study.into() });
        ComparedData {
            rollout: rollout.name.clone(),
            about: rollout.about.clone(),
            healthy: rollout.healthy,
            guards: pairs.collect(),
        }
    };
    SimulateData::Comparison(Box::new(ComparisonData {
        seed: arguments.seed,
        devices: comparison.devices,
        comparison: comparison.rollouts.iter().map(rollout).collect(),
        inputs: InputsData::of(arguments),
    }))
}
