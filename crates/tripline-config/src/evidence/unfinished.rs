//! How many devices may be unfinished: written down, or from a baseline.

use tripline::baseline::{Baseline, SlowerBy};
use tripline::evidence::Limits;
use tripline::text::excerpt;

use super::{EvidenceConfig, percent};
use crate::ini::Section;
use crate::reader::{Place, Reader, positive};
use crate::slips::slip_in_list;

/// How many devices may be unfinished.
#[derive(Debug, Clone, PartialEq)]
pub enum Unfinished {
    /// The share by age in minutes: ages rise, shares never do.
    Declared(Vec<(u32, f64)>),
    /// As in past rollouts.
    Baseline {
        /// The baseline's file, as it stands there.
        file: String,
        /// How much slower a healthy rollout may be; `None`: what the baseline takes.
        slower_by: Option<SlowerBy>,
        /// The share of devices that may never end.
        silent: f64,
    },
}

const EXPECTED: &str = "`minutes:percent`, .., such as `60:3, 75:2`";
const OF_BASELINE: [&str; 2] = ["slowerBy", "silentLimit"];

impl<'a> Reader<'a> {
    pub(super) fn unfinished(
        &mut self,
        section: &'a Section,
        timeout: Option<u32>,
    ) -> Option<Unfinished> {
        let place = Place::from(section);
        let has = |key: &str| self.ini.get(section, key).is_some();
        let (declared, baseline) = (has("unfinishedLimits"), has("baseline"));
        if declared && baseline {
            let line = self.line_of(section, "baseline");
            let text =
                "`baseline` and `unfinishedLimits` exclude each other (expected one of them)";
            self.fault(place, line, text, None);
        }
        if !baseline {
            for key in OF_BASELINE.into_iter().filter(|key| self.ini.get(section, key).is_some()) {
                let text = format!("{key} needs a `baseline`");
                self.fault(place, self.line_of(section, key), &text, None);
            }
            self.require(place, "unfinishedLimits", &format!("{EXPECTED}, or else `baseline`"));
            return self.declared(section, timeout).map(Unfinished::Declared);
        }
        let file = self.optional(place, "baseline", "a file", |text| {
            Some(text.to_owned()).filter(|file| !file.is_empty())
        });
        let slower_by = self.optional(place, "slowerBy", SlowerBy::EXPECTED, |text| {
            text.parse().ok().and_then(|it| SlowerBy::new(it).ok())
        });
        let silent = self.optional(place, "silentLimit", "percent, 0 to 50", |text| {
            percent(text).filter(|share| (0.0..=0.5).contains(share))
        });
        let silent = silent.unwrap_or(EvidenceConfig::SILENT);
        Some(Unfinished::Baseline { file: file?, slower_by, silent })
    }

    /// Every fault of the list, each with its pair.
    fn declared(&mut self, section: &'a Section, timeout: Option<u32>) -> Option<Vec<(u32, f64)>> {
        let entry = self.entry(section, "unfinishedLimits")?;
        let mut pairs: Vec<(u32, f64)> = Vec::new();
        let before = self.faults.len();
        let mut fault = |text: String, hint: Option<String>| {
            let text = format!("unfinishedLimits: {text}");
            self.fault(Place::from(section), entry.line, &text, hint);
        };
        let items = entry.value.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
        for item in items {
            let Some((age, share)) = pair(item) else {
                let text = format!("`{}` is no limit (expected {EXPECTED})", excerpt(item));
                let hint = slip_in_list(item, |part| pair(part).is_some()).or_else(|| units(item));
                fault(text, hint);
                continue;
            };
            if age > Baseline::MAX_AGE {
                fault(
                    format!("{age} minutes (expected at most {}: seven days)", Baseline::MAX_AGE),
                    None,
                );
            }
            if let Some(timeout) = timeout.filter(|timeout| age > *timeout) {
                fault(
                    format!(
                        "{age} minutes lie beyond the timeout (expected at most {timeout}: `inProgressTimeoutInMinutes`)"
                    ),
                    None,
                );
            }
            if let Some((last, level)) = pairs.last().copied() {
                if age <= last {
                    fault(format!("{age} minutes after {last} (expected ages that rise)"), None);
                } else if share > level {
                    fault(
                        format!(
                            "{} % at {age} minutes is more than before (expected shares that never rise with age)",
                            share * 100.0
                        ),
                        None,
                    );
                }
            }
            if pairs.len() == Limits::MAX_RUNGS {
                fault(format!("more than {} limits", Limits::MAX_RUNGS), None);
                break;
            }
            pairs.push((age, share));
        }
        if pairs.is_empty() && self.faults.len() == before {
            let text = format!(
                "unfinishedLimits is empty, so that no slow device is seen (expected {EXPECTED})"
            );
            self.fault(Place::from(section), entry.line, &text, None);
        }
        Some(pairs).filter(|_| self.faults.len() == before)
    }
}

/// What to do about numbers with units.
fn units(item: &str) -> Option<String> {
    let is_unit = |c: char| c.is_alphabetic() || c == '%' || c.is_whitespace();
    let plain: String = item.chars().filter(|c| !is_unit(*c)).collect();
    (plain != item && pair(&plain).is_some()).then(|| "write both numbers without units".to_owned())
}

/// `minutes:percent`, from a minute on and below 99.99 %, from where on a limit says nothing.
fn pair(text: &str) -> Option<(u32, f64)> {
    let (age, share) = text.split_once(':')?;
    let share = percent(share.trim()).filter(|share| (0.0..0.9999).contains(share))?;
    Some((positive(age.trim())?, share))
}
