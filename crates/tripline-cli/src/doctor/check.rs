//! What a check is, and what can come of it.

use tripline_aws::{Failure, FailureKind};

use super::facts::{Facts, Need};
use super::fix::Fix;
use crate::aws::commands::in_region;

/// One thing that has to be so, or the guard is dead without a sign.
#[derive(Debug)]
pub struct Check {
    /// Its name, by which `--only` and `--allow` know it. It stays as it is.
    pub name: &'static str,
    /// What it is about.
    pub about: About,
    /// What is so if it ends with `ok`.
    pub proves: &'static str,
    /// What becomes of the guard otherwise.
    pub why: &'static str,
    /// What has to be asked for it.
    pub needs: &'static [Need],
    /// Judges what was asked.
    pub judge: fn(&Facts) -> Judged,
    /// What `--fix` does about it, where that is safe.
    pub fix: Option<Fix>,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The deployed stack, and the account's settings that it depends on.
    Stack,
    /// The guard of one job.
    Job,
}

/// What is so, in a few words; or why the check did not end with that.
pub type Judged = Result<String, Not>;

/// Why a check did not end with `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Not {
    /// It is not as it should be.
    Finding {
        /// What is wrong.
        what: String,
        /// The command that mends it.
        mend: String,
    },
    /// It could not be seen, so that nothing is proven.
    Unknown(String),
    /// AWS does not tell, whoever asks.
    Untold(String),
    /// There is nothing to check.
    Skipped(String),
    /// Another check says what is wrong, if it is made.
    Elsewhere { why: String, check: &'static str },
}

impl Not {
    /// Something is wrong.
    pub fn finding(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Finding { what: what.into(), mend: mend.into() }
    }

    /// There is nothing to check.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }

    /// Another check says what is wrong.
    pub fn elsewhere(why: impl Into<String>, check: &'static str) -> Self {
        Self::Elsewhere { why: why.into(), check }
    }

    /// The same beside these checks: what none of them says is not known.
    pub fn beside(self, checks: &[&Check]) -> Self {
        match self {
            Self::Elsewhere { why, check } => {
                let text = format!("{why}: see `{check}`");
                match checks.iter().any(|other| other.name == check) {
                    true => Self::Skipped(text),
                    false => Self::Unknown(text),
                }
            }
            not => not,
        }
    }

    /// The same with commands that go to this region, wherever they are pasted.
    pub fn in_region(self, region: &str) -> Self {
        match self {
            Self::Finding { what, mend } => Self::Finding { what, mend: in_region(&mend, region) },
            not => not,
        }
    }

    /// A call failed.
    pub fn unknown(failure: &Failure) -> Self {
        let text = failure.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        Self::Unknown(match failure.kind {
            FailureKind::Denied => format!("may not be asked: {text}"),
            _ => format!("could not be asked: {text}"),
        })
    }
}

/// Wrong things of one kind, in one finding.
pub fn all_right(sound: impl Into<String>, wrong: Vec<String>, mends: Vec<String>) -> Judged {
    if wrong.is_empty() {
        return Ok(sound.into());
    }
    let mut different = Vec::new();
    for mend in mends {
        if !different.contains(&mend) {
            different.push(mend);
        }
    }
    Err(Not::finding(wrong.join("; "), different.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_is_said_once() {
        let wrong = vec!["a".to_owned(), "b".to_owned()];
        let same = vec!["mend".to_owned(), "mend".to_owned()];
        assert_eq!(all_right("fine", wrong, same), Err(Not::finding("a; b", "mend")));
        assert_eq!(all_right("fine", vec![], vec![]), Ok("fine".to_owned()));
    }
}
