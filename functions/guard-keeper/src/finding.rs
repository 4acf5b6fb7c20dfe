//! What people are alerted to, of one job.

use tripline::job::JobId;

/// The case of a job in progress that nothing guards.
pub(crate) const UNGUARDED: &str = "unguarded";
/// The cases of a job whose devices could go wrong in a way that nothing covers.
pub(crate) const UNCOVERED_FAILS: &str = "uncovered_fails";
pub(crate) const UNCOVERED_REFUSES: &str = "uncovered_refuses";
pub(crate) const UNCOVERED_TIMES_OUT: &str = "uncovered_times_out";
pub(crate) const UNCOVERED_SLOW: &str = "uncovered_slow";
pub(crate) const UNCOVERED_NEVER_ANSWERS: &str = "uncovered_never_answers";
/// Whether a case is a way to go wrong that nothing covers: its size is the kind of its reason.
pub(crate) fn is_uncovered(case: &str) -> bool {
    [
        UNCOVERED_FAILS,
        UNCOVERED_REFUSES,
        UNCOVERED_TIMES_OUT,
        UNCOVERED_SLOW,
        UNCOVERED_NEVER_ANSWERS,
    ]
    .contains(&case)
}

/// The case of a job whose own alarm watches what no device reports.
pub(crate) const NEVER_REPORTED: &str = "never_reported";
/// The case of a job that wants no guard.
pub(crate) const OPTED_OUT: &str = "opted_out";
/// The case of a job whose tags say so since it runs.
pub(crate) const OPTED_OUT_LATE: &str = "opted_out_late";
/// The case of a job that evidence was to stop, and that runs on.
pub(crate) const STILL_RUNNING: &str = "still_running";
/// The case of a job that is outside of its limits, where evidence stops nothing.
pub(crate) const EVIDENCE: &str = "evidence";
/// The case of a job whose evidence nobody computes.
pub(crate) const BLIND: &str = "blind";
/// The case of a job whose limits are none.
pub(crate) const EVIDENCE_UNUSABLE: &str = "evidence_unusable";
/// The case of a job of which nearly nothing ends.
pub(crate) const STALLED: &str = "stalled";

/// One job's case, in words for people. It is announced by name once, and again when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The job.
    pub job: JobId,
    /// Which case it is, as the log and the keeper's memory have it: `name_taken`, `opted_out`.
    pub case: &'static str,
    /// How large it is, in steps of four: people are alerted again when it grows by one.
    pub size: u8,
    /// One sentence for people: what is so, and what to do.
    pub text: String,
}

/// All cases, those first that are most urgent.
const BY_URGENCY: [&str; 24] = [
    STILL_RUNNING,
    UNGUARDED,
    UNCOVERED_FAILS,
    UNCOVERED_TIMES_OUT,
    UNCOVERED_REFUSES,
    UNCOVERED_SLOW,
    UNCOVERED_NEVER_ANSWERS,
    BLIND,
    EVIDENCE,
    EVIDENCE_UNUSABLE,
    STALLED,
    "muted",
    "tags_unreadable",
    NEVER_REPORTED,
    "uncounted",
    "lost",
    "overdue",
    "overcounted",
    "config_unreadable",
    "config_cannot_stop",
    "name_taken",
    "tag_invalid",
    OPTED_OUT_LATE,
    OPTED_OUT,
];

/// A job and one of its cases.
pub(crate) type CaseOf = (JobId, String);

/// How urgent a case is: 0 is most.
pub(crate) fn urgency(case: &str) -> usize {
    BY_URGENCY.iter().position(|known| *known == case).unwrap_or(BY_URGENCY.len())
}

impl Finding {
    /// A case that has no size.
    pub fn new(job: &JobId, case: &'static str, text: String) -> Self {
        Self { job: job.clone(), case, size: 0, text }
    }

    /// A case of so many devices or executions.
    #[must_use]
    pub fn of(self, number: u32) -> Self {
        Self { size: u8::try_from(number.checked_ilog(4).unwrap_or(0)).unwrap_or(u8::MAX), ..self }
    }

    /// What people are alerted to: a case of a size.
    pub fn alert(&self) -> CaseOf {
        (self.job.clone(), format!("{}.{}", self.case, self.size))
    }

    /// By what it is remembered.
    pub fn case_of(&self) -> CaseOf {
        (self.job.clone(), self.case.to_owned())
    }
}
