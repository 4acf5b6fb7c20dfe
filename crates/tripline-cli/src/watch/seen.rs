//! What is known of a rollout at one moment. Only values: no AWS, no clock.

use tripline::evidence::Record;
use tripline_guard::coverage::Coverage;
use tripline_guard::verdict::Verdict as GuardVerdict;

/// An alarm that guards a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// What it watches, in words.
    pub watches: String,
    /// Why nothing follows from it, if so.
    pub idle: Option<&'static str>,
}

/// The download times that were reported so far, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Download {
    pub samples: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
}

/// A device that is at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    pub thing: String,
    /// When it began.
    pub since: i64,
}

/// A device that has not succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    pub thing: String,
    /// `FAILED`, `REJECTED` or `TIMED_OUT`.
    pub status: String,
    pub at: i64,
}

/// Evidence of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub record: Record,
    /// The job is in progress, and it was not computed for so many minutes.
    pub blind: Option<i64>,
}

/// Everything beside the job itself. What could not be seen is `None`, and a note says why.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// The alarms that watch the job, whoever made them.
    pub alarms: Option<Vec<Alarm>>,
    /// Whether those of the stack guard it.
    pub guard: Option<GuardVerdict>,
    /// What becomes of the job in each way to go wrong; `None` if it has ended.
    pub coverage: Option<Coverage>,
    /// What the guard-keeper has kept of its evidence.
    pub evidence: Option<Evidence>,
    pub download: Option<Download>,
    /// In progress for longest, the longest first.
    pub slow: Vec<Slow>,
    /// Of how many devices in progress they are the slowest, where not all have been looked at.
    pub slow_of: Option<u32>,
    /// The newest failures, the newest first.
    pub failing: Vec<Failing>,
    /// What could not be seen, and why.
    pub notes: Vec<String>,
}
