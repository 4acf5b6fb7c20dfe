//! What a drill calls its things, its job and its queue: never as an operator would.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use tripline::job::{InvalidJobId, JobId};

/// How every name begins.
pub const PREFIX: &str = "tripline-drill-";
/// How many random characters follow.
const RANDOM: usize = 12;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A drill's name, which is its job's and its queue's: [`PREFIX`] and twelve letters or digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DrillName(String);

impl DrillName {
    /// A name that nothing has. The standard library's hasher has its keys from the operating
    /// system's randomness.
    pub fn random() -> Self {
        let mut left = RandomState::new().hash_one((SystemTime::now(), std::process::id()));
        let base = ALPHABET.len() as u64;
        let random = std::iter::repeat_with(|| {
            let digit = usize::try_from(left % base).unwrap_or(0);
            left /= base;
            char::from(ALPHABET.get(digit).copied().unwrap_or(b'a'))
        });
        Self(PREFIX.chars().chain(random.take(RANDOM)).collect())
    }

    /// The drill of this name, if it can be one's.
    pub fn new(name: &str) -> Option<Self> {
        let random = name.strip_prefix(PREFIX)?;
        let fits = random.len() == RANDOM && random.bytes().all(|byte| ALPHABET.contains(&byte));
        fits.then(|| Self(name.to_owned()))
    }

    /// The drill that a thing is of, if it is called like one's.
    pub fn of_thing(thing: &str) -> Option<Self> {
        let (name, role) = thing.rsplit_once('-')?;
        matches!(role, REPORTS | WAITS).then(|| Self::new(name))?
    }

    /// The drill whose queue has this ARN.
    pub fn of_queue_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':');
        (parts.nth(2) == Some("sqs")).then(|| parts.nth(2).and_then(Self::new))?
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn job(&self) -> Result<JobId, InvalidJobId> {
        JobId::new(&self.0)
    }

    /// The thing that reports.
    pub fn reports(&self) -> String {
        format!("{self}-{REPORTS}")
    }

    /// The thing that never begins: a job whose executions have all ended is completed, and there
    /// would be nothing to stop.
    pub fn waits(&self) -> String {
        format!("{self}-{WAITS}")
    }

    pub fn things(&self) -> [String; 2] {
        [self.reports(), self.waits()]
    }
}

const REPORTS: &str = "reports";
const WAITS: &str = "waits";

impl fmt::Display for DrillName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_random_and_known_again() {
        let names: BTreeSet<_> = (0..1_000).map(|_| DrillName::random()).collect();
        assert_eq!(names.len(), 1_000);
        for name in names {
            assert_eq!(DrillName::new(name.as_str()), Some(name.clone()));
            assert_eq!(name.job().unwrap().as_str(), name.as_str());
            for thing in name.things() {
                assert_eq!(DrillName::of_thing(&thing), Some(name.clone()));
            }
            let arn = format!("arn:aws:sqs:us-east-1:111122223333:{name}");
            assert_eq!(DrillName::of_queue_arn(&arn), Some(name));
        }
    }

    #[test]
    fn nobody_else_s_name_is_a_drill_s() {
        for name in [
            "",
            "tripline-drill-",
            "tripline-drill-fw-2-1",
            "tripline-drill-abcdefghijk",
            "tripline-drill-abcdefghijklm",
            "tripline-drill-ABCDEFGHIJKL",
            "fw-tripline-drill-abcdefghijkl",
        ] {
            assert_eq!(DrillName::new(name), None, "{name}");
            assert_eq!(DrillName::of_thing(&format!("{name}-waits")), None, "{name}");
        }
        assert_eq!(DrillName::of_thing("tripline-drill-abcdefghijkl"), None);
        assert_eq!(DrillName::of_thing("tripline-drill-abcdefghijkl-pump"), None);
        let topic = "arn:aws:sns:us-east-1:111122223333:tripline-drill-abcdefghijkl";
        assert_eq!(DrillName::of_queue_arn(topic), None);
    }
}
