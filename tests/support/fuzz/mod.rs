//! Fuzzing: inputs of every reader of what others wrote, mutated, and what has to hold of each.
//!
//! Nothing is needed but the stable compiler. A [`Target`] is a reader with its seeds and its
//! invariants: one that does not hold panics. [`Run`] makes inputs of the corpus with a seeded
//! generator, so that a run can be repeated, and makes the first input that fails as small as it can.
//!
//! - `mutate`, `json`: a new input from those that are there.
//! - `corpus`: the seeds in `events/`, `examples/` and `tests/fuzz/corpus/<target>/`.
//! - `caught`: an invariant that does not hold, as a value; `usage`: time and memory.
//! - `targets`: one file a target. `configparser` is Python's, beside which `dev.ini` is read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "an invariant that does not hold is a panic, and that is a finding"
)]

mod caught;
mod configparser;
mod corpus;
mod json;
mod minimize;
mod mutate;
mod no_aws;
mod said;
mod targets;
mod usage;

use std::fs;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::PathBuf;
use std::time::Duration;

pub use caught::Failed;
use corpus::Corpus;
use mutate::Mutator;
pub use targets::ALL;
use usage::cpu_time;

use crate::workspace::root;
use crate::{Result, at};

/// Longest input in bytes.
pub const MAX_INPUT: usize = 65_536;
/// An input that takes longer is a finding.
const MAX_TIME: Duration = Duration::from_secs(1);
/// An input that makes the process's peak rise by more has a finding, in bytes.
const MAX_MEMORY: u64 = 1 << 30;

/// What inputs look like, which decides how they are mutated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One JSON document.
    Json,
    /// Lines of text.
    Lines,
    /// Lines, each a JSON document.
    JsonLines,
}

/// A reader, and what has to hold of it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `tests/fuzz/corpus/`.
    pub name: &'static str,
    /// What its inputs look like.
    pub shape: Shape,
    /// Files and folders with seeds, beside its own folder.
    pub seeds: &'static [&'static str],
    /// Words that make a difference to it.
    pub words: &'static [&'static str],
    /// Reads an input, and panics if an invariant does not hold.
    pub check: fn(&[u8]),
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|target| target.name == name)
    }

    /// Whether every invariant holds of an input, within the limits of time and memory.
    ///
    /// # Errors
    /// The one that does not.
    pub fn holds(&self, input: &[u8]) -> std::result::Result<(), Failed> {
        let (before, peak_before) = (cpu_time(), usage::peak_memory());
        caught::caught(self.check, input)?;
        let took = cpu_time().saturating_sub(before);
        if took > MAX_TIME {
            return Err(Failed::new("time", format!("it takes {took:?} (at most {MAX_TIME:?})")));
        }
        // What the process had before is not the input's; tests of other things share one.
        let rise = usage::peak_memory().saturating_sub(peak_before);
        if rise > MAX_MEMORY {
            return Err(Failed::new("memory", format!("{rise} bytes (at most {MAX_MEMORY})")));
        }
        Ok(())
    }
}

/// When a run ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After the corpus and so many inputs that are made of it.
    Made(u64),
    /// After so much CPU time of this thread.
    CpuTime(Duration),
}

/// One run of a target.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Of what.
    pub target: &'static Target,
    /// The generator's seed: the same inputs come of the same one, as long as the corpus is the same.
    pub seed: u64,
    /// When it ends.
    pub until: Until,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Inputs that were read, those of the corpus among them.
    pub cases: u64,
    /// CPU time of this thread.
    pub took: Duration,
    /// The input that failed, if one did.
    pub finding: Option<Finding>,
}

/// An input of which an invariant does not hold.
#[derive(Debug)]
pub struct Finding {
    /// Which invariant, in words.
    pub failed: Failed,
    /// The input, made small.
    pub input: Vec<u8>,
    /// Which input of the run it was.
    pub case: u64,
}

impl Run {
    /// Reads the corpus, and then inputs that are made of it, up to the first finding.
    ///
    /// # Errors
    /// A corpus that cannot be read.
    pub fn run(&self) -> Result<Report> {
        let (corpus, started) = (Corpus::of(self.target)?, cpu_time());
        let mut mutator = Mutator::new(self.target, &corpus, self.seed);
        let mut report = Report { cases: 0, took: Duration::ZERO, finding: None };
        let (seeds, given) = (corpus.inputs.iter().cloned(), corpus.inputs.len() as u64);
        let mut inputs = seeds.chain(std::iter::repeat_with(|| mutator.input()));
        while self.goes_on(&report, given) && report.finding.is_none() {
            let Some(input) = inputs.next() else { break };
            report.cases += 1;
            if let Err(failed) = self.target.holds(&input) {
                let input = minimize::minimize(input, &failed, |input| self.target.holds(input));
                report.finding = Some(Finding { failed, input, case: report.cases });
            }
            report.took = cpu_time().saturating_sub(started);
        }
        Ok(report)
    }

    fn goes_on(&self, report: &Report, given: u64) -> bool {
        match self.until {
            Until::Made(most) => report.cases < given + most,
            Until::CpuTime(most) => report.took < most,
        }
    }
}

impl Finding {
    /// Writes the input to `target/fuzz/<target>/<hash>`, and says where.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, target: &Target) -> Result<PathBuf> {
        let folder = root().join("target/fuzz").join(target.name);
        fs::create_dir_all(&folder).map_err(at(folder.display()))?;
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&self.input);
        let path = folder.join(format!("{hash:016x}"));
        fs::write(&path, &self.input).map_err(at(path.display()))?;
        Ok(path)
    }
}
