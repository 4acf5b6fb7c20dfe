//! How a job that nobody waited for has ended.

use super::entry::EntryOutcome;
use super::tolerance::Tolerance;
use tripline::gate::{
    Answer, DeviceCounts, FiredAlarm, Missing, ObservedCounts, Stopped, after_completion,
};
use tripline::job::JobState;
use tripline::stop::Canceler;
use tripline::text::excerpt;

/// A job, as far as its end is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Whether it still reaches devices.
    pub state: JobState,
    /// Why it was canceled, if it was.
    pub reason_code: Option<String>,
    /// What was said of it.
    pub comment: Option<String>,
    /// Devices that have the firmware.
    pub succeeded: u32,
    /// Devices that failed, refused or ran out of time.
    pub failed: u32,
    /// Devices whose execution was canceled.
    pub canceled: u32,
    /// AWS IoT's attempts, in words, and why it is not known how many devices `failed`, if so.
    pub uncounted: Option<String>,
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryEnding {
    /// Well or badly; `None` if nobody can say, as AWS IoT counts attempts: every device may have the firmware.
    pub outcome: Option<EntryOutcome>,
    /// Why, unless all of it went well.
    pub why: Option<String>,
}

/// How a rollout ended; `None` while it goes on. `job` is `None` if there is no such job: then
/// nobody can say any more how it went, which is not well. The gate decides on one that has completed;
/// `fired` is an alarm of the job that has been in ALARM since it was created.
pub fn ending(
    job: Option<&JobView>,
    tolerance: Tolerance,
    fired: Option<FiredAlarm<'_>>,
) -> Option<EntryEnding> {
    let bad = |outcome, why: String| Some(EntryEnding { outcome: Some(outcome), why: Some(why) });
    let gone = || {
        bad(EntryOutcome::Failed, "its job was deleted, so how it ended is not known".to_owned())
    };
    let Some(job) = job else { return gone() };
    match job.state {
        JobState::Active => None,
        JobState::Deleting => gone(),
        JobState::Canceled => {
            let code = job.reason_code.as_deref().filter(|code| !code.is_empty());
            let is_guard = Canceler::from_reason(code, job.comment.as_deref()).is_guard();
            let outcome = if is_guard { EntryOutcome::Stopped } else { EntryOutcome::Failed };
            let code = code.map_or_else(String::new, |code| format!(": {}", excerpt(code)));
            bad(outcome, format!("its job was canceled{code}"))
        }
        JobState::Completed => {
            Some(completed(job, after_completion(tolerance.share(), job.counts(), fired)))
        }
    }
}

fn completed(job: &JobView, answer: Answer) -> EntryEnding {
    let ended = |outcome, why: String| EntryEnding { outcome, why: Some(why) };
    match answer {
        Answer::Go(passed) => {
            let is_whole = job.failed == 0 && job.canceled == 0;
            let why = (!is_whole).then(|| passed.to_string());
            EntryEnding { outcome: Some(EntryOutcome::Succeeded), why }
        }
        Answer::Stop(stopped @ Stopped::Fired { .. }) => {
            ended(Some(EntryOutcome::Stopped), stopped.to_string())
        }
        Answer::Stop(stopped) => ended(Some(EntryOutcome::Failed), stopped.to_string()),
        Answer::Undecided(missing) => {
            let outcome = match missing.as_slice() {
                [Missing::Counts(why)] => return ended(None, why.clone()),
                _ => Some(EntryOutcome::Failed),
            };
            ended(outcome, texts(&missing))
        }
        // Nothing is waited for once the job has completed.
        Answer::Wait(waiting) => ended(None, texts(&waiting)),
    }
}

fn texts(reasons: &[impl ToString]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// How a rollout has ended after all that had ended well: an alarm fired while it baked, or before the
/// next one began.
pub fn fired_late(fired: FiredAlarm<'_>) -> EntryEnding {
    let stopped = Stopped::Fired { alarm: fired.name.to_owned(), at: fired.at };
    let why = format!("{stopped}, after the rollout had ended well");
    EntryEnding { outcome: Some(EntryOutcome::Stopped), why: Some(why) }
}

impl JobView {
    fn counts(&self) -> ObservedCounts<'_> {
        match &self.uncounted {
            Some(why) => ObservedCounts::Unknown(why),
            None => ObservedCounts::Known(DeviceCounts {
                succeeded: self.succeeded,
                unsuccessful: self.failed,
                canceled: self.canceled,
                ..DeviceCounts::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_ends_well_only_if_every_device_did_where_none_may_fail() {
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
        let ending = |job: Option<&JobView>| super::ending(job, Tolerance::NONE, None);
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
            (Some("TRIPLINE_ALARM"), EntryOutcome::Stopped, "its job was canceled: TRIPLINE_ALARM"),
            (Some("ABORT_CANCEL"), EntryOutcome::Stopped, "its job was canceled: ABORT_CANCEL"),
            (
                Some("TRIPLINE_OPERATOR"),
                EntryOutcome::Failed,
                "its job was canceled: TRIPLINE_OPERATOR",
            ),
            (Some(""), EntryOutcome::Failed, "its job was canceled"),
            (None, EntryOutcome::Failed, "its job was canceled"),
        ] {
            let ended = ending(Some(&job(JobState::Canceled, code, 0, 3))).unwrap();
            assert_eq!((ended.outcome, ended.why.as_deref()), (Some(expected), Some(why)));
        }
    }

    #[test]
    fn devices_without_the_firmware_are_tolerated_up_to_a_share_and_no_alarm_is() {
        use EntryOutcome::{Failed, Stopped, Succeeded};
        let job = |succeeded, failed, canceled| JobView {
            state: JobState::Completed,
            reason_code: None,
            comment: None,
            succeeded,
            failed,
            canceled,
            uncounted: None,
        };
        let fired = Some(FiredAlarm { name: "tripline-fw-slow", at: 1_790_000_000 });
        let alarm = "alarm `tripline-fw-slow` fired at 2026-09-21T14:13:20Z";
        for (job, tolerance, fired, outcome, why) in [
            (job(500, 0, 0), "2", None, Succeeded, None),
            (
                job(490, 10, 0),
                "2",
                None,
                Succeeded,
                Some("the job completed: 490 of 500 devices succeeded"),
            ),
            (
                job(490, 9, 1),
                "2",
                None,
                Succeeded,
                Some("the job completed: 490 of 500 devices succeeded"),
            ),
            (job(489, 10, 1), "2", None, Failed, Some("11 of 500 devices failed; at most 10 may")),
            (job(499, 1, 0), "0", None, Failed, Some("1 of 500 devices failed; at most 0 may")),
            (job(0, 0, 0), "100", None, Failed, Some("no device has the firmware")),
            (job(500, 0, 0), "2", fired, Stopped, Some(alarm)),
            (job(0, 500, 0), "100", fired, Stopped, Some(alarm)),
        ] {
            let ended = ending(Some(&job), tolerance.parse().unwrap(), fired).unwrap();
            assert_eq!((ended.outcome, ended.why.as_deref()), (Some(outcome), why), "{job:?}");
        }
        let running = JobView { state: JobState::Active, ..job(5, 0, 0) };
        assert_eq!(ending(Some(&running), Tolerance::NONE, fired), None, "it goes on");
    }
}
