//! The file of a baseline, `<name>.baseline.json`: counts by whole minute, from 1.

use serde::{Deserialize, Serialize};

use super::calibrate::MAX_NAME;
use super::{Baseline, Unfinished};
use crate::text::{clean, excerpt};

/// Longest file in bytes.
pub const MAX_BYTES: usize = 512_000;
/// The version of this format.
const VERSION: u32 = 1;
/// More rollouts than anybody has.
const MAX_ROLLOUTS: u32 = 100_000;

/// More devices than any fleet has.
const MAX_DEVICES: u32 = 100_000_000;

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    name: String,
    rollouts: u32,
    pooled: UnfinishedOfFile,
    slowest: UnfinishedOfFile,
    failures: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnfinishedOfFile {
    devices: u32,
    unfinished: Vec<u32>,
}

/// A text that is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseline {
    /// Longer than any baseline.
    #[error("{0} bytes long (expected at most {MAX_BYTES})")]
    TooLong(usize),
    /// Not the JSON of a baseline.
    #[error("no baseline: {0} (expected a file that `tripline calibrate` wrote)")]
    Foreign(String),
    /// Written by another version.
    #[error("a baseline of version {0} (expected {VERSION})")]
    OtherVersion(u32),
    /// Numbers that no rollouts have.
    #[error("no baseline: {0}")]
    Impossible(&'static str),
}

impl Baseline {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseline> {
        if text.len() > MAX_BYTES {
            return Err(InvalidBaseline::TooLong(text.len()));
        }
        let foreign =
            |error: serde_json::Error| InvalidBaseline::Foreign(excerpt(&error.to_string()));
        let File { version, name, rollouts, pooled, slowest, failures } =
            serde_json::from_str(text).map_err(foreign)?;
        if version != VERSION {
            return Err(InvalidBaseline::OtherVersion(version));
        }
        let baseline = Self {
            name: clean(&name, MAX_NAME),
            rollouts,
            pooled: Unfinished { devices: pooled.devices, at: pooled.unfinished },
            slowest: Unfinished { devices: slowest.devices, at: slowest.unfinished },
            failures,
        };
        match baseline.impossible() {
            Some(why) => Err(InvalidBaseline::Impossible(why)),
            None => Ok(baseline),
        }
    }

    /// The text of its file.
    pub fn to_json(&self) -> String {
        let of_file = |Unfinished { devices, at }: &Unfinished| UnfinishedOfFile {
            devices: *devices,
            unfinished: at.clone(),
        };
        let file = File {
            version: VERSION,
            name: self.name.clone(),
            rollouts: self.rollouts,
            pooled: of_file(&self.pooled),
            slowest: of_file(&self.slowest),
            failures: self.failures.clone(),
        };
        // Numbers and a name always have a text.
        serde_json::to_string(&file).map(|text| text + "\n").unwrap_or_default()
    }

    /// What no rollouts can have.
    fn impossible(&self) -> Option<&'static str> {
        let Self { rollouts, pooled, slowest, failures, .. } = self;
        let longest = usize::try_from(Self::MAX_AGE).unwrap_or(usize::MAX);
        let rises = failures.windows(2).all(|pair| pair.first() <= pair.last());
        if !(1..=MAX_ROLLOUTS).contains(rollouts) {
            Some("`rollouts` is not 1 to 100000")
        } else if !(1..=MAX_DEVICES).contains(&pooled.devices) {
            Some("`devices` is not 1 to 100000000")
        } else if !pooled.is_possible() || !slowest.is_possible() {
            Some("more devices are unfinished than there are, or than were at the minute before")
        } else if slowest.devices > pooled.devices || slowest.at.len() > pooled.at.len() {
            Some("`slowest` is no part of `pooled`")
        } else if pooled.at.len() > longest || failures.len() > pooled.at.len() {
            Some("ages go beyond the last ending")
        } else if !rises || self.failures() > pooled.devices {
            Some("`failures` fall, or are more than the devices")
        } else {
            None
        }
    }
}

impl Unfinished {
    fn is_possible(&self) -> bool {
        let falls = self.at.windows(2).all(|pair| pair.first() >= pair.last());
        self.devices > 0 && falls && self.at.first().is_none_or(|first| *first <= self.devices)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Execution, PastRollout, calibrate};
    use super::*;

    const FILE: &str = "{\"version\":1,\"name\":\"fw\",\"rollouts\":2,\"pooled\":{\"devices\":9,\"unfinished\":[8,3,1]},\"slowest\":{\"devices\":4,\"unfinished\":[4,2,1]},\"failures\":[0,2]}\n";

    #[test]
    fn a_baseline_is_written_and_read() {
        let baseline = Baseline::parse(FILE).unwrap();
        assert_eq!(baseline.to_json(), FILE);
        let execution = |n: u32| Execution {
            lasted: (!n.is_multiple_of(7)).then_some(n * 13),
            failed: n % 9 == 1,
            is_retry: false,
        };
        let rollout =
            PastRollout { was_stopped: false, executions: (0..500).map(execution).collect() };
        let calibrated = calibrate("fw\u{7}-2", [rollout.clone(), rollout]).unwrap().baseline;
        assert_eq!(Baseline::parse(&calibrated.to_json()), Ok(calibrated));
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        let with = |from: &str, to: &str| {
            let text = FILE.replace(from, to);
            assert_ne!(text, FILE, "{from}");
            Baseline::parse(&text).unwrap_err().to_string()
        };
        for (fault, expected) in [
            (with("\"version\":1", "\"version\":2"), "a baseline of version 2 (expected 1)"),
            (
                with("\"rollouts\":2", "\"rollouts\":0"),
                "no baseline: `rollouts` is not 1 to 100000",
            ),
            (
                with("[8,3,1]", "[8,9,1]"),
                "no baseline: more devices are unfinished than there are, or than were at the minute before",
            ),
            (
                with("[8,3,1]", "[10,9,1]"),
                "no baseline: more devices are unfinished than there are, or than were at the minute before",
            ),
            (with(":9,", ":0,"), "no baseline: `devices` is not 1 to 100000000"),
            (with("[8,3,1]", "[8]"), "no baseline: `slowest` is no part of `pooled`"),
            (with("[0,2]", "[0,2,3,4]"), "no baseline: ages go beyond the last ending"),
            (with("[0,2]", "[2,0]"), "no baseline: `failures` fall, or are more than the devices"),
            (with("[0,2]", "[0,10]"), "no baseline: `failures` fall, or are more than the devices"),
        ] {
            assert_eq!(fault, expected);
        }
        for text in [
            "",
            "{}",
            "[]",
            &FILE.replace("8,3", "NaN,3"),
            &FILE.replace("[8", "[-8"),
            &FILE.replace("\"name\"", "\"mane\""),
            &FILE.replace("[0,2]", "[0,2e99]"),
        ] {
            let fault = Baseline::parse(text).unwrap_err();
            assert!(matches!(fault, InvalidBaseline::Foreign(_)), "{text}: {fault}");
        }
        let long = " ".repeat(MAX_BYTES + 1);
        assert_eq!(Baseline::parse(&long), Err(InvalidBaseline::TooLong(MAX_BYTES + 1)));
    }
}
