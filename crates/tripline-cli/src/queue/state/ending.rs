//! How a job that nobody waited for has ended.

use super::entry::Outcome;
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
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Well or badly.
    pub outcome: Outcome,
    /// Why, unless it went well.
    pub why: Option<String>,
}

/// How a rollout ended; `None` while it goes on. `job` is `None` if there is no such job: then
/// nobody can say any more how it went, which is not well.
pub fn ending(job: Option<&JobView>) -> Option<Ending> {
    let bad = |outcome, why: String| Some(Ending { outcome, why: Some(why) });
    let gone = || bad(Outcome::Failed, "its job is gone, and with it how it ended".to_owned());
    let Some(job) = job else { return gone() };
    match job.state {
        JobState::Active => None,
        JobState::Deleting => gone(),
        JobState::Canceled => {
            let code = job.reason_code.as_deref().filter(|code| !code.is_empty());
            let is_guard = Canceler::of(code, job.comment.as_deref()).is_guard();
            let outcome = if is_guard { Outcome::Stopped } else { Outcome::Failed };
            let code = code.map_or_else(String::new, |code| format!(": {}", excerpt(code)));
            bad(outcome, format!("its job was cancelled{code}"))
        }
        JobState::Completed if job.failed > 0 || job.canceled > 0 => {
            let (failed, canceled) = (job.failed, job.canceled);
            bad(Outcome::Failed, format!("{failed} devices failed, {canceled} were cancelled"))
        }
        JobState::Completed if job.succeeded == 0 => {
            bad(Outcome::Failed, "no device has the firmware".to_owned())
        }
        JobState::Completed => Some(Ending { outcome: Outcome::Succeeded, why: None }),
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
        };
        let outcome = |job: Option<JobView>| ending(job.as_ref()).map(|ending| ending.outcome);
        let well = job(JobState::Completed, None, 0, 0);
        assert_eq!(ending(Some(&well)), Some(Ending { outcome: Outcome::Succeeded, why: None }));
        assert_eq!(outcome(Some(job(JobState::Completed, None, 1, 0))), Some(Outcome::Failed));
        assert_eq!(outcome(Some(job(JobState::Completed, None, 0, 1))), Some(Outcome::Failed));
        assert_eq!(outcome(Some(job(JobState::Active, None, 9, 9))), None);
        assert_eq!(outcome(Some(job(JobState::Deleting, None, 0, 0))), Some(Outcome::Failed));
        assert_eq!(outcome(None), Some(Outcome::Failed));
        let nobody = JobView { succeeded: 0, ..job(JobState::Completed, None, 0, 0) };
        assert_eq!(outcome(Some(nobody)), Some(Outcome::Failed));
        // By the guard it was stopped; by anybody else it merely came to nothing.
        for (code, expected, why) in [
            (Some("TRIPLINE_ALARM"), Outcome::Stopped, "its job was cancelled: TRIPLINE_ALARM"),
            (Some("ABORT_CANCEL"), Outcome::Stopped, "its job was cancelled: ABORT_CANCEL"),
            (
                Some("TRIPLINE_OPERATOR"),
                Outcome::Failed,
                "its job was cancelled: TRIPLINE_OPERATOR",
            ),
            (Some(""), Outcome::Failed, "its job was cancelled"),
            (None, Outcome::Failed, "its job was cancelled"),
        ] {
            let ended = ending(Some(&job(JobState::Canceled, code, 0, 3))).unwrap();
            assert_eq!((ended.outcome, ended.why.as_deref()), (expected, Some(why)));
        }
    }
}
