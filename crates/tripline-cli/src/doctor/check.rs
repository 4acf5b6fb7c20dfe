//! What a check is.

use super::facts::{Facts, Need};
use super::result::CheckResult;

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
    pub judge: fn(&Facts) -> CheckResult,
    /// What `--fix` does about it, where that is safe.
    pub fix: Option<Fix>,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The deployed stack, and the account's settings that it depends on.
    Stack,
    /// What takes releases out, on a stack with `Releases=on`.
    Releases,
    /// The guard of one job.
    Job,
}

/// A thing that `--fix` fixes, because that is safe: `fix` does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    JobEvents,
    Rule,
    RulePermission,
    StopPermission,
    KeeperPermission,
    RunnerPermission,
    OwnAlarmActions,
    AlarmActions,
    Config,
}
