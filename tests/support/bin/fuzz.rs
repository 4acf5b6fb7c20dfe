//! `make fuzz`: inputs that nobody wrote, for every reader of what others write.
//!
//! `fuzz [--target NAME] [--seconds N] [--seed N] [FILE..]`: runs every target, or one, for so many CPU
//! seconds; with files, reads these alone. Exit code 0: every invariant held. 1: one did not, and the input is
//! in `target/fuzz/<target>/`. 2: a fault in the arguments.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tripline_tests::fuzz::{ALL, Run, Target, Until};
use tripline_tests::{Error, Result, at};

/// Most bytes of an input that are printed.
const SHOWN: usize = 400;

/// What is to be done.
struct Arguments {
    targets: Vec<&'static Target>,
    seconds: u64,
    seed: u64,
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let done = Arguments::read(std::env::args().skip(1)).and_then(|arguments| arguments.run());
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut read =
            Self { targets: ALL.iter().collect(), seconds: 600, seed: 1, files: Vec::new() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Error(format!("{word}: no value")));
            let number = |text: String| {
                text.parse().map_err(|_| Error(format!("`{text}` is no whole number")))
            };
            match word.as_str() {
                "--target" => read.targets = vec![target(&value()?)?],
                "--seconds" => read.seconds = number(value()?)?,
                "--seed" => read.seed = number(value()?)?,
                file => read.files.push(file.into()),
            }
        }
        Ok(read)
    }

    /// Whether every invariant held.
    fn run(&self) -> Result<bool> {
        let mut held = true;
        for target in &self.targets {
            held &=
                if self.files.is_empty() { self.fuzz(target)? } else { self.read_files(target)? };
        }
        Ok(held)
    }

    fn fuzz(&self, target: &'static Target) -> Result<bool> {
        let until = Until::CpuTime(Duration::from_secs(self.seconds));
        let report = Run { target, seed: self.seed, until }.run()?;
        let (name, cases, seconds) = (target.name, report.cases, report.took.as_secs());
        println!("{name}: {cases} cases in {seconds} s with seed {}", self.seed);
        let Some(finding) = report.finding else { return Ok(true) };
        let path = finding.write(target)?;
        println!(
            "  case {} failed at {}: {}",
            finding.case, finding.failed.place, finding.failed.text
        );
        let begins = finding.input.get(..SHOWN).unwrap_or(&finding.input);
        println!("  {:?}", String::from_utf8_lossy(begins));
        println!("  again: fuzz --target {name} {}", path.display());
        Ok(false)
    }

    fn read_files(&self, target: &Target) -> Result<bool> {
        let mut held = true;
        for path in &self.files {
            let input = std::fs::read(path).map_err(at(path.display()))?;
            if let Err(failed) = target.holds(&input) {
                println!(
                    "{}: {} failed at {}: {}",
                    path.display(),
                    target.name,
                    failed.place,
                    failed.text
                );
                held = false;
            }
        }
        Ok(held)
    }
}

fn target(name: &str) -> Result<&'static Target> {
    let names = || ALL.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    Target::named(name)
        .ok_or_else(|| Error(format!("target `{name}` is unknown (expected one of {})", names())))
}
