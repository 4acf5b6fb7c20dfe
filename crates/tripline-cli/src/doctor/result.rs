//! What can come of a check.

use tripline_aws::{Failure, FailureKind};

use super::facts::NoAnswer;
use crate::aws::commands::in_region;

/// What is so, in a few words; or why the check did not end with that.
pub type CheckResult = Result<String, NotProven>;

/// Why a check did not end with `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotProven {
    /// It is not as it should be.
    Finding {
        /// What is wrong.
        what: String,
        /// The command that fixes it.
        fix: String,
    },
    /// It could not be seen, so that nothing is proven.
    Unknown(String),
    /// AWS does not say, whoever asks.
    Untold(String),
    /// There is nothing to check.
    Skipped(String),
    /// Another check says what is wrong, if it is made.
    Elsewhere { why: String, check: &'static str },
}

impl NotProven {
    /// Something is wrong.
    pub fn finding(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Finding { what: what.into(), fix: fix.into() }
    }

    /// There is nothing to check.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped(why.into())
    }

    /// Another check says what is wrong.
    pub fn elsewhere(why: impl Into<String>, check: &'static str) -> Self {
        Self::Elsewhere { why: why.into(), check }
    }

    /// The same beside the checks that are made: what none of them says is not known.
    pub fn beside(self, is_made: impl Fn(&str) -> bool) -> Self {
        match self {
            Self::Elsewhere { why, check } => {
                let text = format!("{why}: see `{check}`");
                match is_made(check) {
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
            Self::Finding { what, fix } => Self::Finding { what, fix: in_region(&fix, region) },
            not => not,
        }
    }

    /// The policy of something has conditions that are not understood, so that it cannot be judged.
    pub fn unclear_policy(whose: &str) -> Self {
        Self::Unknown(format!(
            "the policy of `{whose}` has conditions that are not understood here"
        ))
    }

    /// A call failed.
    pub fn unknown(failure: &Failure) -> Self {
        let text = failure.what();
        Self::Unknown(match failure.kind {
            FailureKind::Denied => format!("may not be asked: {text}"),
            _ => format!("could not be asked: {text}"),
        })
    }
}

/// What a check needs was not answered.
impl From<&NoAnswer> for NotProven {
    fn from(gap: &NoAnswer) -> Self {
        match gap {
            NoAnswer::Failed(failure) => Self::unknown(failure),
            NoAnswer::NoOutput(output) => Self::elsewhere(
                format!("the stack has no output `{output}`"),
                "stack-outputs-present",
            ),
            NoAnswer::NoJob => Self::skipped("no `--job-id`"),
            NoAnswer::NotAsked => Self::Unknown("was not asked".to_owned()),
        }
    }
}

impl From<NoAnswer> for NotProven {
    fn from(gap: NoAnswer) -> Self {
        Self::from(&gap)
    }
}

/// Wrong things of one kind, in one finding.
pub fn all_right(sound: impl Into<String>, wrong: Vec<String>, fixes: Vec<String>) -> CheckResult {
    if wrong.is_empty() {
        return Ok(sound.into());
    }
    let mut different = Vec::new();
    for fix in fixes {
        if !different.contains(&fix) {
            different.push(fix);
        }
    }
    Err(NotProven::finding(wrong.join("; "), different.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_is_said_once() {
        let wrong = vec!["a".to_owned(), "b".to_owned()];
        let same = vec!["fix".to_owned(), "fix".to_owned()];
        assert_eq!(all_right("fine", wrong, same), Err(NotProven::finding("a; b", "fix")));
        assert_eq!(all_right("fine", vec![], vec![]), Ok("fine".to_owned()));
    }
}
