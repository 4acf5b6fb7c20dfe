//! What a release and its waves are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::excerpt;

/// The name of a release: 1 to [`ReleaseId::MAX`] of `a-z A-Z 0-9 _ -`. Its waves' jobs are called by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId(String);

/// The name of a wave: 1 to [`WaveName::MAX`] of `a-z A-Z 0-9 -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WaveName(String);

/// A text that cannot be the name of a release or a wave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is no release id.
    #[error("`{0}` is no release id (expected 1 to {max} letters, digits, `-` or `_`)", max = ReleaseId::MAX)]
    Release(String),
    /// It is no name of a wave.
    #[error("`{0}` is no name of a wave (expected 1 to {max} letters, digits or `-`)", max = WaveName::MAX)]
    Wave(String),
}

impl ReleaseId {
    /// Longest release id: `wave-<release>-<wave>-a9999` has to fit into a job id
    /// ([`MAX_JOB_ID`](crate::job::MAX_JOB_ID)) with the longest name of a wave.
    pub const MAX: usize = 36;

    /// Checks a release's name.
    pub fn new(id: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let fits = (1..=Self::MAX).contains(&id.len()) && id.bytes().all(allowed);
        fits.then(|| Self(id.to_owned())).ok_or_else(|| InvalidName::Release(excerpt(id)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WaveName {
    /// Longest name of a wave.
    pub const MAX: usize = 16;

    /// Checks a wave's name.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = (1..=Self::MAX).contains(&name.len()) && name.bytes().all(allowed);
        fits.then(|| Self(name.to_owned())).ok_or_else(|| InvalidName::Wave(excerpt(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReleaseId {
    type Err = InvalidName;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl FromStr for WaveName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = InvalidName;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(&id)
    }
}

impl TryFrom<String> for WaveName {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.0
    }
}

impl From<WaveName> for String {
    fn from(name: WaveName) -> Self {
        name.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for WaveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobId, MAX_JOB_ID};

    #[test]
    fn names_are_checked_wherever_they_come_from() {
        for good in ["a", "fw-2_1", &"x".repeat(ReleaseId::MAX)] {
            assert_eq!(ReleaseId::new(good).map(String::from), Ok(good.to_owned()));
            assert!(serde_json::from_str::<ReleaseId>(&format!("{good:?}")).is_ok());
        }
        for bad in ["", "a b", "a/b", "é", "$next", "a#1", &"x".repeat(ReleaseId::MAX + 1)] {
            assert!(ReleaseId::new(bad).is_err(), "{bad}");
            assert!(serde_json::from_str::<ReleaseId>(&format!("{bad:?}")).is_err(), "{bad}");
        }
        for good in ["canary", "2", "a-B-3", &"x".repeat(WaveName::MAX)] {
            assert_eq!(WaveName::new(good).map(String::from), Ok(good.to_owned()));
        }
        for bad in ["", "a_b", "a b", "é", &"x".repeat(WaveName::MAX + 1)] {
            assert!(WaveName::new(bad).is_err(), "{bad}");
            assert!(serde_json::from_str::<WaveName>(&format!("{bad:?}")).is_err(), "{bad}");
        }
        assert_eq!(
            WaveName::new("a_b").unwrap_err().to_string(),
            "`a_b` is no name of a wave (expected 1 to 16 letters, digits or `-`)"
        );
    }

    #[test]
    fn the_longest_names_of_a_late_attempt_fit_into_a_job_id() {
        let (release, wave) = ("r".repeat(ReleaseId::MAX), "w".repeat(WaveName::MAX));
        let job = format!("wave-{release}-{wave}-a9999");
        assert!(JobId::new(&job).is_ok());
        assert_eq!(job.len(), MAX_JOB_ID);
    }
}
