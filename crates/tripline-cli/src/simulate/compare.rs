//! Several configs against several rollouts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::arguments::Simulate;
use super::file::stem;
use super::fleet::Rollout;
use super::guard::Guards;
use super::single::study;
use super::table;
use crate::exit::{End, Error};
use crate::input::source::name_of;
use crate::report::comparison::{self, Compared, Comparison};
use crate::report::format::count;
use crate::report::{Fact, ReportFile};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// Compares, and says what it came to.
pub fn run(arguments: &Simulate, page: Option<ReportFile>) -> Result<End, Error> {
    let comparison = compare(arguments)?;
    if let Some(page) = page {
        page.write(&comparison::html(&comparison))?;
    }
    match arguments.output {
        Output::Text => print(&table::text(&comparison, arguments.seed)),
        Output::Json => print_document(&table::data(&comparison, arguments)),
    }
    Ok(End::Done)
}

fn compare(arguments: &Simulate) -> Result<Comparison, Error> {
    refuse_repetitions("--compare", &arguments.compare)?;
    refuse_repetitions("--against", &arguments.against)?;
    let load = |path: &PathBuf| {
        let guards = Guards::load(path, arguments)?;
        guards.notes.iter().for_each(|note| say(&format!("note: {note}")));
        Ok(guards)
    };
    let guards: Vec<Guards> = arguments.compare.iter().map(load).collect::<Result<_, Error>>()?;
    let rollouts = arguments.against.iter().zip(names(&arguments.against));
    let rollouts: Vec<Rollout> = rollouts
        .map(|(path, name)| Ok(Rollout { name, ..Rollout::load(path)? }))
        .collect::<Result<_, Error>>()?;
    let (healthy, faulty): (Vec<_>, Vec<_>) =
        rollouts.into_iter().partition(|rollout| rollout.healthy);
    let devices = devices(&guards, arguments.devices)?;
    let runs = arguments.runs(devices);
    let mut compared = Vec::new();
    for Rollout { name, about, healthy, options } in healthy.into_iter().chain(faulty) {
        let population = options.population(devices)?;
        let studies = guards.iter().map(|guards| {
            study(guards, &guards.scenario(population, &arguments.open), runs, &name)
        });
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
        return Err(Error::input("--compare: no config".to_owned()));
    };
    match all.iter().find(|(devices, _)| devices != first) {
        Some((devices, other)) => Err(Error::in_file(
            other,
            format!(
                "{devices} devices, but {file} has {first}, so that their rollouts do not compare"
            ),
        )
        .hint("give the number for all with `--devices`")),
        None => Ok(*first),
    }
}

/// A file that is compared with itself.
fn refuse_repetitions(option: &str, paths: &[PathBuf]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for path in paths {
        // A file that is not there is named when it is read.
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            return Err(Error::input(format!("{option}: {} is given twice", name_of(path))));
        }
    }
    Ok(())
}

/// What the files are called: their stems, and where these are not distinct, with as many of the
/// folders above as make them so.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let name = |(path, stem): (&PathBuf, &String)| {
        let alike: Vec<&PathBuf> = paths
            .iter()
            .zip(&stems)
            .filter(|(_, other)| *other == stem)
            .map(|(path, _)| path)
            .collect();
        let most = path.components().count();
        let folders = (0..most).find(|folders| {
            let end = ending(path, *folders);
            alike.iter().filter(|other| ending(other, *folders) == end).count() == 1
        });
        folders.map_or_else(|| name_of(path), |folders| name_of(&ending(path, folders)))
    };
    paths.iter().zip(&stems).map(name).collect()
}

/// The end of a path: the file's stem with so many folders above it.
fn ending(path: &Path, folders: usize) -> PathBuf {
    let skipped = path.components().count().saturating_sub(folders + 1);
    let end: PathBuf = path.components().skip(skipped).collect();
    end.with_extension("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["x/a.ini", "y/b.ini"]), ["a", "b"]);
        assert_eq!(of(&["/t/x/a.ini", "/t/y/a.ini", "/t/x/b.ini"]), ["x/a", "y/a", "b"]);
        assert_eq!(of(&["u/x/a.ini", "v/x/a.ini"]), ["u/x/a", "v/x/a"]);
        assert_eq!(of(&["a.ini", "x/a.ini"]), ["a.ini", "x/a"]);
        assert_eq!(of(&["a.ini", "a.cfg"]), ["a.ini", "a.cfg"]);
    }
}
