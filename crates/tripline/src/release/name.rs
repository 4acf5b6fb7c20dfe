//! What releases and waves are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::job::JobId;
use crate::text::excerpt;

/// Longest name of a release: with a wave's and an attempt's it fits a job id.
const MAX_RELEASE: usize = 36;
/// Longest name of a wave.
const MAX_WAVE: usize = 16;
/// How the names of the jobs of waves begin. The wave-runner's role may create no others.
pub const JOB_PREFIX: &str = "wave-";

/// The name of a release: 1 to 36 letters, digits, `-` or `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId(String);

/// The name of a wave: 1 to 16 letters, digits or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WaveName(String);

/// A text that cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Of a release.
    #[error("`{0}` is no name of a release (expected 1 to 36 letters, digits, `-` or `_`)")]
    Release(String),
    /// Of a wave.
    #[error("`{0}` is no name of a wave (expected 1 to 16 letters, digits or `-`)")]
    Wave(String),
}

fn is_made_of(text: &str, most: usize, others: &[u8]) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (1..=most).contains(&text.len()) && text.bytes().all(allowed)
}

impl ReleaseId {
    /// Checks a release's name.
    ///
    /// # Errors
    /// A text that cannot be one.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        match is_made_of(text, MAX_RELEASE, b"-_") {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidName::Release(excerpt(text))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The job of a wave, in this attempt at the release: `wave-<release>-<wave>`, from the second attempt
    /// on with `-a2` behind it, since the first attempt's jobs stay.
    pub fn job(&self, attempt: u32, wave: &WaveName) -> Result<JobId, crate::job::InvalidJobId> {
        let again = if attempt > 1 { format!("-a{attempt}") } else { String::new() };
        JobId::new(&format!("{JOB_PREFIX}{self}-{wave}{again}"))
    }
}

impl WaveName {
    /// Checks a wave's name.
    ///
    /// # Errors
    /// A text that cannot be one.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        match is_made_of(text, MAX_WAVE, b"-") {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidName::Wave(excerpt(text))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text {
    ($name:ty) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text!(ReleaseId);
text!(WaveName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_a_job_id_whatever_they_are() {
        let release = ReleaseId::new(&"r".repeat(36)).unwrap();
        let wave = WaveName::new(&"w".repeat(16)).unwrap();
        for attempt in [1, 2, 99, 999] {
            assert!(release.job(attempt, &wave).is_ok(), "{attempt}");
        }
        let (release, wave) = (ReleaseId::new("fw-2_1").unwrap(), WaveName::new("canary").unwrap());
        let job = |attempt| release.job(attempt, &wave).unwrap().to_string();
        assert_eq!((job(1), job(2)), ("wave-fw-2_1-canary".into(), "wave-fw-2_1-canary-a2".into()));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for bad in ["", "a b", "a#b", "é", "$next", &"x".repeat(37)] {
            assert!(ReleaseId::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "a_b", "a b", &"x".repeat(17)] {
            assert!(WaveName::new(bad).is_err(), "{bad}");
        }
    }
}
