//! A config with the baseline that it names.

use tripline::baseline::Baseline;
use tripline::evidence::{LimitName, Limits};
use tripline::faults::{Fault, Faults, reported};

use super::{EvidenceConfig, NoLimits};
use crate::keys::EVIDENCE_CONFIG;

impl EvidenceConfig {
    /// The limits with the baseline that the config names, if it names one and it was read, or why not;
    /// otherwise what is wrong with them, each with its line. A limit that a fleet of the config's
    /// `deviceCount` can never be outside of guards nothing: that none of a baseline's ages can be
    /// decided is a fault, and that failures cannot. `file` is what the faults call the config.
    pub fn checked(
        &self,
        file: &str,
        baseline: Option<Result<Baseline, String>>,
    ) -> Result<Limits, Faults> {
        let one = |line, text: String, hint: Option<&str>| {
            let text = format!("`[{EVIDENCE_CONFIG}]`: {text}");
            Faults {
                file: file.to_owned(),
                faults: vec![Fault::at(line, text).hint(hint.map(str::to_owned))],
                more: 0,
            }
        };
        let baseline = match baseline.transpose() {
            Ok(baseline) => baseline,
            Err(why) => {
                let hint = "`tripline calibrate` makes a baseline of past rollouts";
                return Err(one(self.lines.baseline, format!("baseline: {why}"), Some(hint)));
            }
        };
        let limits = self.limits(baseline.as_ref(), true).map_err(|why| {
            let line = match why {
                NoLimits::OneRollout(_) => self.lines.slower_by,
                NoLimits::NoBaseline(_) | NoLimits::Invalid(_) => self.lines.baseline,
            };
            one(line, why.to_string(), None)
        })?;
        if baseline.is_none() {
            // Declared limits were looked at with their own lines.
            return Ok(limits);
        }
        let faults = self.devices.map_or_else(Vec::new, |devices| {
            self.undecided(&limits, devices)
                .into_iter()
                .map(|(line, text)| Fault::at(line, format!("`[{EVIDENCE_CONFIG}]`: {text}")))
                .collect()
        });
        reported(file, limits, faults)
    }

    fn undecided(&self, limits: &Limits, devices: u32) -> Vec<(usize, String)> {
        let small = limits.too_small_for(devices);
        let is_small = |limit: LimitName| small.iter().any(|too_small| too_small.limit == limit);
        let of_ages =
            |limit: &LimitName| !matches!(limit, LimitName::Failed | LimitName::FailedCurve);
        let mut undecided = Vec::new();
        if limits.names().filter(of_ages).all(is_small) {
            let ages = small.iter().filter(|too_small| of_ages(&too_small.limit));
            let fewest = ages.filter_map(|too_small| too_small.needed).min();
            let needed = fewest.map_or_else(
                || "no number of devices is enough".to_owned(),
                |fewest| format!("it takes {fewest}"),
            );
            undecided.push((
                self.lines.baseline,
                format!(
                    "baseline: slow and silent devices cannot be decided by {devices} devices: {needed} (expected a baseline with less slack, or a higher `falseStops`)"
                ),
            ));
        }
        if let Some(failed) = small.iter().find(|too_small| too_small.limit == LimitName::Failed) {
            undecided.push((
                self.lines.failed,
                format!(
                    "failedLimit cannot be decided by {devices} devices: {failed} (expected a lower limit, or a higher `falseStops`)"
                ),
            ));
        }
        undecided
    }
}
