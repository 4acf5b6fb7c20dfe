//! What people have to hear of one job.

use tripline::job::JobId;

/// The case of a job in progress that nothing guards.
pub(crate) const UNGUARDED: &str = "unguarded";

/// One job's case, in words for people. It is announced by name once, and again when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The job.
    pub job: JobId,
    /// Which case it is, as the log and the keeper's memory have it: `name_taken`, `opted_out`.
    pub case: &'static str,
    /// One sentence for people: what is so, and what to do.
    pub text: String,
}

/// A job and one of its cases.
pub(crate) type CaseOf = (JobId, String);

impl Finding {
    /// By what it is remembered.
    pub fn case_of(&self) -> CaseOf {
        (self.job.clone(), self.case.to_owned())
    }
}
