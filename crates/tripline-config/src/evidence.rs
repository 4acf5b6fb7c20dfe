//! The `[EVIDENCE_CONFIG]` section: the limits of a healthy rollout.

mod checked;
mod unfinished;

use std::collections::BTreeMap;

use tripline::alarm::Topic;
use tripline::baseline::{Baseline, SlowerBy, Tolerance};
use tripline::evidence::{InvalidLimits, LimitName, Limits, Parameters};
use tripline::faults::Faults;
use tripline::rollout::RolloutConfig;
use tripline::text::excerpt;

use crate::ini::{Section, read_whole};
use crate::keys::{ALARM_PREFIX, DEFAULT, EVIDENCE_CONFIG};
use crate::reader::{Place, Reader, positive, unknown_keys};
use crate::rollout::parse_rollout;
pub use unfinished::Unfinished;

/// The limits of a healthy rollout: evidence that a rollout is outside of them stops it.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceConfig {
    /// The share of healthy rollouts that may be stopped.
    pub false_stops: f64,
    /// The share of the devices that began which may fail or be rejected.
    pub failed: f64,
    /// How many devices may be unfinished.
    pub unfinished: Unfinished,
    /// Whom the alarm on evidence reaches.
    pub topics: Vec<Topic>,
    /// After how many minutes without evidence its absence is an alarm: 5 to 60.
    pub blind_minutes: u32,
    /// Whom that alarm reaches.
    pub blind_topics: Vec<Topic>,
    /// The job's timeout in minutes.
    timeout: Option<u32>,
    /// How many devices the rollout is for, if the config says so.
    devices: Option<u32>,
    lines: KeyLines,
}

/// Where keys of the section stand: the line of each, or of the section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct KeyLines {
    baseline: usize,
    slower_by: usize,
    failed: usize,
}

/// Reads the evidence section from the text of a `dev.ini`; `None` if there is none or it is switched
/// off. `file` is what the errors call it.
pub fn parse_evidence(file: &str, text: &str) -> Result<Option<EvidenceConfig>, Faults> {
    // What is wrong with the rollout is whoever reads that to say.
    let rollout = parse_rollout(file, text).unwrap_or_default();
    read_whole(file, text, |ini, faults| Reader::new(ini, faults).evidence(&rollout))
}

impl EvidenceConfig {
    /// The section with these limits, declared in percent and minutes by nobody's file: that of the
    /// stack's default guard.
    pub fn declared(
        unfinished: Vec<(u32, f64)>,
        (failed, false_stops): (f64, f64),
        topics: Vec<Topic>,
    ) -> Self {
        Self {
            false_stops,
            failed,
            unfinished: Unfinished::Declared(unfinished),
            topics,
            blind_minutes: Self::BLIND_MINUTES,
            blind_topics: vec![Topic::Email],
            timeout: None,
            devices: None,
            lines: KeyLines::default(),
        }
    }

    /// The same for a job with this timeout in minutes.
    #[must_use]
    pub fn with_timeout(self, timeout: Option<u32>) -> Self {
        Self { timeout, ..self }
    }

    /// Permitted false stops if none are given: 1 in 100 healthy rollouts.
    pub const FALSE_STOPS: f64 = 0.01;
    /// The limit on failures if none is given.
    pub const FAILED: f64 = 0.03;
    /// The share of devices that may never end, with a baseline, if none is given.
    pub const SILENT: f64 = 0.01;
    /// The names of its two alarms: that there is evidence, and that it is missing.
    pub const ALARMS: [&str; 2] = ["Evidence", "EvidenceMissing"];
    /// Minutes without evidence until people are alerted, if none are given.
    pub const BLIND_MINUTES: u32 = 10;

    /// The file of its baseline, as it stands there.
    pub fn baseline(&self) -> Option<&str> {
        match &self.unfinished {
            Unfinished::Baseline { file, .. } => Some(file),
            Unfinished::Declared(_) => None,
        }
    }

    /// The limits, with the baseline that the config names if it names one. `list`: whether the
    /// executions in progress are listed.
    pub fn limits(&self, baseline: Option<&Baseline>, list: bool) -> Result<Limits, NoLimits> {
        let parameters = match (&self.unfinished, baseline) {
            (Unfinished::Declared(pairs), _) => Parameters {
                unfinished: pairs.clone(),
                timeout: self.timeout,
                ..Parameters::default()
            },
            (Unfinished::Baseline { slower_by, silent, .. }, Some(baseline)) => {
                let usual = SlowerBy::for_rollouts(baseline.rollouts());
                let slower_by = slower_by.unwrap_or(usual);
                if slower_by < usual && usual == SlowerBy::OF_ONE_ROLLOUT {
                    return Err(NoLimits::OneRollout(slower_by.percent()));
                }
                baseline.parameters(Tolerance { slower_by, silent: *silent }, self.timeout)
            }
            (Unfinished::Baseline { file, .. }, None) => {
                return Err(NoLimits::NoBaseline(excerpt(file)));
            }
        };
        let Self { failed, false_stops, .. } = *self;
        Ok(Limits::new(Parameters { failed, false_stops, list, ..parameters })?)
    }
}

/// A config and a baseline that make no limits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoLimits {
    /// The baseline that the config names was not given.
    #[error("baseline `{0}` was not read")]
    NoBaseline(String),
    /// A baseline of one rollout, and less slack than it takes.
    #[error("slowerBy {0} is too little for a baseline of one rollout (expected at least {least}: two healthy rollouts that each drift by 20 % differ by up to half)", least = SlowerBy::OF_ONE_ROLLOUT.percent())]
    OneRollout(u32),
    /// The limits cannot be tested.
    #[error(transparent)]
    Invalid(#[from] InvalidLimits),
}

impl<'a> Reader<'a> {
    /// The evidence section, if it is there and switched on.
    pub(crate) fn evidence(&mut self, rollout: &RolloutConfig) -> Option<EvidenceConfig> {
        let section = self.ini.section(EVIDENCE_CONFIG)?;
        unknown_keys(section, self.faults);
        let place = Place::from(section);
        self.require(place, "useEvidence", "True or False");
        let is_used = self.flag(section, "useEvidence");
        let before = self.faults.len();
        for name in EvidenceConfig::ALARMS {
            let theirs = format!("{ALARM_PREFIX}{name}");
            if let Some(taken) = self.ini.section(&theirs) {
                let text = format!(
                    "alarm `{name}` is the name of an alarm of `[{EVIDENCE_CONFIG}]` (expected another name)"
                );
                self.fault(Place::from(taken), taken.line, &text, None);
            }
        }
        let config = self.evidence_of(section, rollout);
        if !is_used {
            // What is switched off is checked all the same, since it will be switched on.
            return None;
        }
        config.filter(|_| self.faults.len() == before)
    }

    fn evidence_of(
        &mut self,
        section: &'a Section,
        rollout: &RolloutConfig,
    ) -> Option<EvidenceConfig> {
        let place = Place::from(section);
        let false_stops = self
            .optional(place, "falseStops", "percent, 0.0001 to 50", |text| {
                percent(text).filter(|share| (1e-6..=0.5).contains(share))
            })
            .unwrap_or(EvidenceConfig::FALSE_STOPS);
        let failed = self
            .optional(place, "failedLimit", "percent, 0.01 to 99.99", |text| {
                percent(text).filter(|share| (1e-4..=0.9999).contains(share))
            })
            .unwrap_or(EvidenceConfig::FAILED);
        let timeout = rollout.timeout.map(|timeout| timeout.minutes());
        let unfinished = self.unfinished(section, timeout);
        let topics = self.topics(place);
        let blind_minutes = self
            .optional(place, "blindMinutes", "minutes, 5 to 60", |text| {
                text.parse().ok().filter(|minutes| (5..=60).contains(minutes))
            })
            .unwrap_or(EvidenceConfig::BLIND_MINUTES);
        let has_blind_topics = self.ini.get(section, "blindTopics").is_some();
        let blind_topics = match has_blind_topics {
            true => self.topics_of(place, "blindTopics"),
            false => Some(vec![Topic::Email]),
        };
        let config = EvidenceConfig {
            false_stops,
            failed,
            unfinished: unfinished?,
            topics: topics?,
            blind_minutes,
            blind_topics: blind_topics?,
            timeout,
            devices: self.device_count(),
            lines: KeyLines {
                baseline: self.line_of(section, "baseline"),
                slower_by: self.line_of(section, "slowerBy"),
                failed: self.line_of(section, "failedLimit"),
            },
        };
        self.can_be_decided(section, &config);
        Some(config)
    }

    /// How many devices the config says that there are; what is wrong with it is said elsewhere.
    fn device_count(&self) -> Option<u32> {
        let default = self.ini.section(DEFAULT)?;
        positive(&self.ini.get(default, "deviceCount")?.ok()?.value)
    }

    /// A declared limit that a fleet of this size can never be outside of guards nothing.
    fn can_be_decided(&mut self, section: &'a Section, config: &EvidenceConfig) {
        let Unfinished::Declared(_) = config.unfinished else { return };
        let Some(devices) = config.devices else { return };
        let limits = match config.limits(None, true) {
            Ok(limits) => limits,
            Err(error) => {
                let line = self.line_of(section, "unfinishedLimits");
                return self.fault(Place::from(section), line, &error.to_string(), None);
            }
        };
        let mut needed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for limit in limits.too_small_for(devices) {
            let key = match limit.limit {
                LimitName::Rung(_) | LimitName::Timeout(_) => "unfinishedLimits",
                LimitName::Failed => "failedLimit",
                LimitName::Count | LimitName::FailedCurve => continue,
            };
            needed.entry(key).or_default().push(limit.to_string());
        }
        for (key, limits) in needed {
            let line = self.line_of(section, key);
            let text = format!(
                "{key} cannot be decided by {devices} devices: {} (expected a lower limit, or a higher `falseStops`)",
                limits.join(", ")
            );
            self.fault(Place::from(section), line, &text, None);
        }
    }
}

/// Percent as a share.
pub(crate) fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number / 100.0)
}

#[cfg(test)]
#[path = "tests/evidence.rs"]
mod tests;
