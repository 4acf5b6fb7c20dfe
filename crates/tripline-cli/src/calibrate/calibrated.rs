//! A baseline, and the limits that it gives the next rollout.

use std::path::PathBuf;

use tripline::baseline::{Baseline, Calibration, SlowerBy, Tolerance, calibrate};
use tripline::evidence::Parameters;

use super::past::Past;
use crate::exit::Error;
use crate::input::source::name_of;

/// What the options ask for.
pub struct Asked {
    pub name: String,
    pub file: PathBuf,
    pub slower_by: Option<SlowerBy>,
    /// As a share.
    pub silent: f64,
    /// In minutes.
    pub timeout: Option<u32>,
}

/// What came of a calibration.
pub struct Calibrated {
    pub baseline: Baseline,
    /// The rollouts that were read, in their order.
    pub past: Vec<Past>,
    /// Where the baseline was written.
    pub file: PathBuf,
    pub tolerance: Tolerance,
    /// The timeout of the next rollout, in minutes.
    pub timeout: Option<u32>,
    pub parameters: Parameters,
    pub limits: Vec<LimitAt>,
}

/// A limit of the next rollout, and what past ones were like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitAt {
    /// The age in minutes.
    pub age: u32,
    /// The share that was unfinished, of all rollouts together.
    pub pooled: f64,
    /// The same of the slowest one.
    pub slowest: f64,
    /// The share that may be unfinished.
    pub limit: f64,
}

impl Calibrated {
    pub fn of(past: Vec<Past>, asked: Asked) -> Result<Self, Error> {
        let Asked { name, file, slower_by, silent, timeout } = asked;
        let calibration = calibrate(&name, past.iter().map(Past::rollout));
        let Calibration { baseline, .. } = calibration.map_err(|why| {
            let left_out = past
                .iter()
                .filter_map(|past| Some(format!("\n  {}: {}", past.job, past.left_out?.words())));
            Error::input(format!("{why}{}", left_out.collect::<String>()))
        })?;
        let usual = SlowerBy::for_rollouts(baseline.rollouts());
        let slower_by = slower_by.unwrap_or(usual);
        if usual == SlowerBy::OF_ONE_ROLLOUT && slower_by < usual {
            return Err(Error::input(format!(
                "--slower-by {}: too little for a baseline of one rollout (expected at least {})",
                slower_by.percent(),
                usual.percent()
            ))
            .hint("calibrate several rollouts, since one does not show how much they differ"));
        }
        let tolerance = Tolerance { slower_by, silent };
        let parameters = baseline.parameters(tolerance, timeout);
        let limits = limits(&baseline, &parameters);
        Ok(Self { baseline, past, file, tolerance, timeout, parameters, limits })
    }

    /// Where the baseline was written, for people.
    pub fn file_name(&self) -> String {
        name_of(&self.file)
    }
}

/// The limits at the ages at which devices are followed one by one, and at the last age.
fn limits(baseline: &Baseline, parameters: &Parameters) -> Vec<LimitAt> {
    let followed = |age: &u32| parameters.rungs.as_ref().is_some_and(|ages| ages.contains(age));
    let last = parameters.unfinished.last().map(|(age, _)| *age);
    let shown = |age: u32| followed(&age) || last == Some(age);
    let pairs = parameters.unfinished.iter().filter(|(age, _)| shown(*age));
    let of = |(age, limit): &(u32, f64)| LimitAt {
        age: *age,
        pooled: baseline.unfinished(*age),
        slowest: baseline.slowest_unfinished(*age),
        limit: *limit,
    };
    pairs.map(of).collect()
}
