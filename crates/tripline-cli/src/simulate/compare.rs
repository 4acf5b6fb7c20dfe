//! Several configs against several rollouts.

use std::path::PathBuf;

use super::fleet::Rollout;
use super::guard::Guards;
use super::single::study;
use super::{Output, Simulate, stem, table};
use crate::alarms::table::{print, print_json};
use crate::exit::{End, Error};
use crate::report::comparison::{self, Compared, Comparison};
use crate::report::format::count;
use crate::report::{Fact, ReportFile};

/// Compares, and says what it came to.
pub fn run(arguments: &Simulate, page: Option<ReportFile>) -> Result<End, Error> {
    let comparison = compare(arguments)?;
    if let Some(page) = page {
        page.write(&comparison::html(&comparison))?;
    }
    match arguments.output {
        Output::Text => print(&table::text(&comparison, arguments.seed)),
        Output::Json => print_json(&table::json(&comparison, arguments.seed)),
    }
    Ok(End::Done)
}

fn compare(arguments: &Simulate) -> Result<Comparison, Error> {
    let load = |path: &PathBuf| Guards::load(path, arguments.stop_mode, &arguments.open);
    let guards: Vec<Guards> = arguments.compare.iter().map(load).collect::<Result<_, _>>()?;
    let rollouts: Vec<Rollout> =
        arguments.against.iter().map(|path| Rollout::load(path)).collect::<Result<_, _>>()?;
    let (healthy, faulty): (Vec<_>, Vec<_>) =
        rollouts.into_iter().partition(|rollout| rollout.healthy);
    let devices = devices(&guards, arguments.devices)?;
    let runs = arguments.runs(devices);
    let mut compared = Vec::new();
    for Rollout { name, about, healthy, options } in healthy.into_iter().chain(faulty) {
        let fleet = options.fleet(devices)?;
        let studies = guards
            .iter()
            .map(|guards| study(guards, &guards.scenario(fleet, &arguments.open), runs, &name));
        compared.push(Compared { studies: studies.collect(), name, about, healthy });
    }
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    Ok(Comparison {
        title: "Guards compared".to_owned(),
        devices,
        guards: names(&arguments.compare),
        rollouts: compared,
        facts: vec![
            fact("devices", count(devices)),
            fact("runs of each pair", count(runs.runs)),
            fact("seed", runs.seed.to_string()),
        ],
        made_by: arguments.command(),
    })
}

/// The number of devices, which has to be the same for all.
fn devices(guards: &[Guards], option: Option<u32>) -> Result<u32, Error> {
    let mut all = Vec::new();
    for guards in guards {
        all.push((guards.devices(option)?, &guards.file));
    }
    let Some((first, file)) = all.first() else {
        return Err(Error::Input("--compare: no config".to_owned()));
    };
    match all.iter().find(|(devices, _)| devices != first) {
        Some((devices, other)) => Err(Error::Input(format!(
            "{other}: {devices} devices, but {file} has {first}, so that their rollouts do not compare\n\n  hint: give the number for all with `--devices`"
        ))),
        None => Ok(*first),
    }
}

/// What the configs are called: their stems, or where these are not distinct, the paths.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let name = |(path, stem): (&PathBuf, &String)| {
        let distinct = stems.iter().filter(|other| *other == stem).count() == 1;
        if distinct { stem.clone() } else { crate::alarms::source::name_of(path) }
    };
    paths.iter().zip(&stems).map(name).collect()
}
