//! Guards against rollouts, as one page.

use tripline_simulation::simulation::Study;

use super::forest::{CAPTION, Row, TABLE_HEAD, forest, marks, table_row};
use super::format::counted;
use super::page::Page;
use super::picture::Fact;

/// Guards against rollouts, each pair of which was run many times.
pub struct Comparison {
    /// What the page is about.
    pub title: String,
    /// Devices of every rollout.
    pub devices: u32,
    /// The guards' names.
    pub guards: Vec<String>,
    /// The rollouts.
    pub rollouts: Vec<Compared>,
    /// Key numbers.
    pub facts: Vec<Fact>,
    /// How to make this page again.
    pub made_by: String,
}

/// A rollout under each guard.
pub struct Compared {
    /// Its name.
    pub name: String,
    /// What it is like, in a few words; may be empty.
    pub about: String,
    /// Whether a stop of it is a false one.
    pub healthy: bool,
    /// One a guard, in the order of the guards.
    pub studies: Vec<Study>,
}

impl Compared {
    /// The name, and what a stop of this rollout is.
    pub fn heading(&self) -> String {
        let Self { name, healthy, .. } = self;
        if *healthy {
            format!("{name}: a stop is false")
        } else {
            format!("{name}: a stop is right")
        }
    }
}

/// The page.
pub fn html(comparison: &Comparison) -> String {
    let Comparison { title, devices, guards, rollouts, facts, made_by } = comparison;
    let mut page = Page::new(title);
    page.heading(
        title,
        &format!(
            "{} against {}.",
            counted(&guards.len().to_string(), "guard"),
            counted(&rollouts.len().to_string(), "rollout")
        ),
        None,
    );
    page.facts(facts);
    let groups: Vec<(String, Vec<Row>)> = rollouts
        .iter()
        .map(|rollout| {
            let class = if rollout.healthy { "false-stop" } else { "catch" };
            let rows = guards.iter().zip(&rollout.studies).map(|(guard, study)| Row {
                label: guard.clone(),
                class,
                marks: marks(study),
            });
            (rollout.heading(), rows.collect())
        })
        .collect();
    page.figure(
        "Stops, devices and time",
        &forest("comparison", "Guards against rollouts", *devices, &groups),
        CAPTION,
    );
    for rollout in rollouts {
        let rows: Vec<_> = guards
            .iter()
            .zip(&rollout.studies)
            .map(|(guard, study)| table_row(guard, study))
            .collect();
        let about =
            if rollout.about.is_empty() { String::new() } else { format!(" ({})", rollout.about) };
        page.table(&format!("{}{about}", rollout.heading()), &TABLE_HEAD, &rows);
    }
    page.finish(made_by)
}
