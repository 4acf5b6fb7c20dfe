//! How a job that nobody waited for has ended.

use super::entry::EntryOutcome;
use tripline::job::JobState;
use tripline::stop::Canceler;
use tripline::text::excerpt;

/// A job, as far as its end is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Whether it still reaches devices.
    pub state: JobState,
    /// Why it was cancelled, if it was.
    pub reason_code: Option<String>,
    /// What was said of it.
    pub comment: Option<String>,
    /// Devices that have the firmware.
    pub succeeded: u32,
    /// Devices that failed, refused or ran out of time.
    pub failed: u32,
    /// Devices whose execution was cancelled.
    pub canceled: u32,
    /// AWS IoT's attempts, in words, and why it is not known how many devices `failed`, if so.
    pub uncounted: Option<String>,
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryEnding {
    /// Well or badly; `None` if nobody can say, as AWS IoT counts attempts: every device may have the firmware.
    pub outcome: Option<EntryOutcome>,
    /// Why, unless it went well.
    pub why: Option<String>,
}

/// How a rollout ended; `None` while it goes on. `job` is `None` if there is no such job: then
/// nobody can say any more how it went, which is not well.
pub fn ending(job: Option<&JobView>) -> Option<EntryEnding> {
    let bad = |outcome, why: String| Some(EntryEnding { outcome: Some(outcome), why: Some(why) });
    let gone = || bad(EntryOutcome::Failed, "its job is gone, and with it how it ended".to_owned());
    let Some(job) = job else { return gone() };
    match job.state {
        JobState::Active => None,
        JobState::Deleting => gone(),
        JobState::Canceled => {
            let code = job.reason_code.as_deref().filter(|code| !code.is_empty());
            let is_guard = Canceler::from_reason(code, job.comment.as_deref()).is_guard();
            let outcome = if is_guard { EntryOutcome::Stopped } else { EntryOutcome::Failed };
            let code = code.map_or_else(String::new, |code| format!(": {}", excerpt(code)));
            bad(outcome, format!("its job was cancelled{code}"))
        }
        JobState::Completed if job.uncounted.is_some() => {
            Some(EntryEnding { outcome: None, why: job.uncounted.clone() })
        }
        JobState::Completed if job.failed > 0 || job.canceled > 0 => {
            let (failed, canceled) = (job.failed, job.canceled);
            bad(EntryOutcome::Failed, format!("{failed} devices failed, {canceled} were cancelled"))
        }
        JobState::Completed if job.succeeded == 0 => {
            bad(EntryOutcome::Failed, "no device has the firmware".to_owned())
        }
        JobState::Completed => {
            Some(EntryEnding { outcome: Some(EntryOutcome::Succeeded), why: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_ends_well_only_if_every_device_did() {
        let job = |state, reason: Option<&str>, failed, canceled| JobView {
            state,
            reason_code: reason.map(str::to_owned),
            comment: Some(
                "Abort criteria for failure type FAILED with threshold 10.00% met.".to_owned(),
            ),
            succeeded: 5,
            failed,
            canceled,
            uncounted: None,
        };
        let outcome = |job: Option<JobView>| ending(job.as_ref()).and_then(|ending| ending.outcome);
        let well = job(JobState::Completed, None, 0, 0);
        assert_eq!(
            ending(Some(&well)),
            Some(EntryEnding { outcome: Some(EntryOutcome::Succeeded), why: None })
        );
        assert_eq!(outcome(Some(job(JobState::Completed, None, 1, 0))), Some(EntryOutcome::Failed));
        assert_eq!(outcome(Some(job(JobState::Completed, None, 0, 1))), Some(EntryOutcome::Failed));
        assert_eq!(outcome(Some(job(JobState::Active, None, 9, 9))), None);
        assert_eq!(outcome(Some(job(JobState::Deleting, None, 0, 0))), Some(EntryOutcome::Failed));
        assert_eq!(outcome(None), Some(EntryOutcome::Failed));
        let unread = || Some("attempts, not devices: 1 failed (denied)".to_owned());
        let attempts = JobView { uncounted: unread(), ..job(JobState::Completed, None, 1, 0) };
        let undecided = Some(EntryEnding { outcome: None, why: unread() });
        assert_eq!(ending(Some(&attempts)), undecided, "attempts decide nothing");
        let stopped = job(JobState::Canceled, Some("TRIPLINE_ALARM"), 1, 0);
        let stopped = JobView { uncounted: unread(), ..stopped };
        assert_eq!(outcome(Some(stopped)), Some(EntryOutcome::Stopped));
        let nobody = JobView { succeeded: 0, ..job(JobState::Completed, None, 0, 0) };
        assert_eq!(outcome(Some(nobody)), Some(EntryOutcome::Failed));
        // By the guard it was stopped; by anybody else it merely came to nothing.
        for (code, expected, why) in [
            (
                Some("TRIPLINE_ALARM"),
                EntryOutcome::Stopped,
                "its job was cancelled: TRIPLINE_ALARM",
            ),
            (Some("ABORT_CANCEL"), EntryOutcome::Stopped, "its job was cancelled: ABORT_CANCEL"),
            (
                Some("TRIPLINE_OPERATOR"),
                EntryOutcome::Failed,
                "its job was cancelled: TRIPLINE_OPERATOR",
            ),
            (Some(""), EntryOutcome::Failed, "its job was cancelled"),
            (None, EntryOutcome::Failed, "its job was cancelled"),
        ] {
            let ended = ending(Some(&job(JobState::Canceled, code, 0, 3))).unwrap();
            assert_eq!((ended.outcome, ended.why.as_deref()), (Some(expected), Some(why)));
        }
    }
}
