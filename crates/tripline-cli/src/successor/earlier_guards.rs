//! The guards of jobs that follow already.

use tripline::job::JobId;

/// What was seen of the guards of jobs that follow already.
#[derive(Debug, Default)]
pub struct EarlierGuards {
    /// They lacked alarms, and have them again, or would.
    pub rearmed: Vec<JobId>,
    /// At least one of them would not be stopped.
    pub unguarded: bool,
}

impl EarlierGuards {
    /// The jobs that are armed again, for programs.
    pub fn data(&self) -> Vec<String> {
        self.rearmed.iter().map(ToString::to_string).collect()
    }

    pub fn notes(&self, dry_run: bool) -> Vec<String> {
        let is = if dry_run { "would be" } else { "is" };
        let note = |job| {
            format!("note: job `{job}` is in progress and had lost alarms, so it {is} armed again")
        };
        self.rearmed.iter().map(note).collect()
    }
}
