//! False stops and detection of evidence, beside the guards of `examples/guards`:
//! `docs/reference/verdict.md`.
//!
//! ```sh
//! cargo run --release -p tripline-simulation --example verdict -- RUNS [PART [GUARD]]
//! ```
//!
//! Each cell is run so often (a twentieth with 240,000 devices) and kept in a file of its commit, so
//! that a run that was cut off goes on where it was; then the page is written, with what there is.
//! Parts: `detection`, `stops`, `beyond`, `baselines`; all of them if none is named. A guard is named
//! as in the head of the table. The seed is fixed, so that the same commit gives the same numbers.

mod baselines;
mod cell;
mod page;
mod world;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cell::{Cell, Key, Results};
use world::{Guard, Pace, Shape, Situation, TRIED};

/// What all random numbers follow from. Chosen before anything was run.
pub const SEED: u64 = 20_260_801;
/// Devices from which on a cell is run less often, and how much less.
const LARGE: (u32, u32) = (100_000, 20);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let runs = arguments.next().and_then(|runs| runs.parse().ok()).unwrap_or(100);
    let (part, guard) = (arguments.next(), arguments.next());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let commit = commit(&root)?;
    let folder = root.join("target/verdict");
    fs::create_dir_all(&folder)?;
    let file = match std::env::var(TRIED) {
        Ok(tried) => PathBuf::from(tried).with_extension("tsv"),
        Err(_) => folder.join(format!("{commit}.tsv")),
    };
    let mut results = Results::read(&file)?;
    for (key, run) in cells() {
        let [of, .., by] = &key.0;
        let is_chosen = part.as_deref().is_none_or(|part| part == of)
            && guard.as_deref().is_none_or(|guard| guard == by);
        if is_chosen {
            let Run { situation, pace, shape, guard } = run;
            let (devices, less) = LARGE;
            let runs = if pace.devices() >= devices { runs / less } else { runs };
            results.run(key, runs, |runs| {
                let scenario = world::scenario(shape, pace, situation, guard);
                Cell::of(&scenario, &guard.plans_for(shape, situation), runs)
            })?;
        }
    }
    if part.as_deref().is_none_or(|part| part == "baselines") {
        baselines::run(&mut results, SEED, runs)?;
    }
    let page = page::page(&results, &commit);
    if std::env::var(TRIED).is_ok() {
        println!("{page}");
    } else {
        fs::write(root.join("docs/reference/verdict.md"), page)?;
    }
    Ok(())
}

/// What is run: of `COMMIT`, so that results of an earlier commit can be gone on with if nothing that
/// matters has changed, or of what is checked out.
fn commit(root: &Path) -> Result<String, Box<dyn Error>> {
    if let Ok(commit) = std::env::var("COMMIT") {
        return Ok(commit);
    }
    let asked =
        Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root).output()?;
    Ok(String::from_utf8(asked.stdout)?.trim().to_owned())
}

/// A rollout under a guard.
#[derive(Clone, Copy)]
struct Run {
    situation: Situation,
    pace: Pace,
    shape: Shape,
    guard: Guard,
}

impl Run {
    fn key(&self, part: &str) -> Key {
        let Self { situation, pace, shape, guard } = self;
        let words = [part, &situation.to_string(), &pace.to_string(), &shape.to_string()];
        let [part, situation, pace, shape] = words.map(str::to_owned);
        Key([part, situation, pace, shape, guard.name().to_owned()])
    }
}

/// All cells but those of calibrated baselines, the small ones first.
fn cells() -> Vec<(Key, Run)> {
    let mut all = Vec::new();
    let mut add = |part: &str, situation: Situation, pace: Pace, guards: &[Guard]| {
        for shape in Shape::ALL {
            for guard in guards {
                let run = Run { situation, pace, shape, guard: *guard };
                all.push((run.key(part), run));
            }
        }
    };
    for pace in world::DETECTION {
        for situation in Situation::FAULTS {
            add("detection", situation, pace, &Guard::ALL);
        }
    }
    for (situation, paces) in Situation::healthy() {
        for pace in paces {
            add("stops", situation, pace, &Guard::ALL);
        }
    }
    for situation in Situation::BEYOND {
        add("beyond", situation, Pace::Flat(100, 24_000), &Guard::ALL);
    }
    all.sort_by_key(|(_, run)| run.pace.devices());
    all
}
