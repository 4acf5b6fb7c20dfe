//! How a job has ended, as far as a deployment is concerned.

use serde::{Deserialize, Serialize};
use tripline::job::JobState;
use tripline::stop::Canceler;
use tripline::text::clean;
use tripline_config::TargetSelection;

use crate::aws::job::{DescribedJob, counts_text};
use crate::aws::tally::{Counts, Tally};

/// Longest comment that is shown.
const MAX_COMMENT: usize = 400;

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RoundOutcome {
    /// Every device has it.
    Succeeded,
    /// The job has come to its end, and not every device has it.
    Failed,
    /// The job has come to its end, and whether every device has it is not known: AWS IoT counts attempts. It is
    /// never written down, so that whoever goes on looks again.
    Undecided,
    /// Its guard has stopped it: an alarm, or the job's own abort criteria.
    Stopped,
    /// Somebody has cancelled or deleted it.
    Canceled,
}

/// A job's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundEnding {
    pub outcome: RoundOutcome,
    /// In devices.
    pub counts: Counts,
    /// As AWS IoT counts, where that is attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Tally>,
    /// Why how many devices were unsuccessful is not known, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted: Option<String>,
    pub reason_code: Option<String>,
    pub comment: Option<String>,
}

impl RoundEnding {
    /// How a job has ended; `None` while it has not. A job that is gone was deleted by somebody. A
    /// continuous job never ends by itself: it has, once as many executions have ended as there are
    /// `devices` and none is open.
    pub fn of_job(
        job: Option<&DescribedJob>,
        selection: TargetSelection,
        devices: Option<u32>,
    ) -> Option<Self> {
        let Some(job) = job else { return Some(Self::gone()) };
        let tally = job.tally;
        let ending = |outcome| Self {
            outcome,
            counts: job.counts(),
            attempts: job.attempts(),
            uncounted: job.uncounted().map(str::to_owned),
            reason_code: job.reason_code.as_ref().map(|text| clean(text, 128)),
            comment: job.comment.as_ref().map(|text| clean(text, MAX_COMMENT)),
        };
        // A device that was removed from the targets is not missed.
        let all_well = tally.succeeded > 0 && tally.succeeded + tally.removed == tally.ended();
        let completed = || {
            ending(match job.uncounted() {
                Some(_) => RoundOutcome::Undecided,
                None if all_well => RoundOutcome::Succeeded,
                None => RoundOutcome::Failed,
            })
        };
        match job.state {
            JobState::Completed => Some(completed()),
            JobState::Canceled => {
                let stopped =
                    Canceler::from_reason(job.reason_code.as_deref(), job.comment.as_deref())
                        .is_guard();
                Some(ending(if stopped { RoundOutcome::Stopped } else { RoundOutcome::Canceled }))
            }
            JobState::Deleting => Some(ending(RoundOutcome::Canceled)),
            JobState::Active if selection == TargetSelection::Continuous => {
                let all = devices.is_some_and(|devices| tally.ended() >= devices);
                (tally.open() == 0 && all).then(completed)
            }
            JobState::Active => None,
        }
    }

    fn gone() -> Self {
        Self {
            outcome: RoundOutcome::Canceled,
            counts: Counts::new(Tally::default(), true),
            attempts: None,
            uncounted: None,
            reason_code: None,
            comment: Some("the job is gone".to_owned()),
        }
    }

    /// What happened, in a sentence.
    pub fn text(&self) -> String {
        let happened = match self.outcome {
            RoundOutcome::Succeeded => "succeeded",
            RoundOutcome::Failed => "completed, but not every device has the firmware",
            RoundOutcome::Undecided => {
                "completed, but whether every device has the firmware is not known"
            }
            RoundOutcome::Stopped => "was stopped by its guard",
            RoundOutcome::Canceled => "was cancelled",
        };
        let why = self.comment.as_ref().map_or_else(String::new, |comment| format!(" ({comment})"));
        let counts = counts_text(&self.counts, self.attempts.as_ref(), self.uncounted.as_deref());
        format!("{happened}{why}: {counts}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::job::Counted;
    use aws_sdk_iot::types::{Job, JobProcessDetails, JobStatus};

    fn job(status: JobStatus, succeeded: i32, failed: i32, queued: i32, code: Option<&str>) -> Job {
        let details = JobProcessDetails::builder()
            .number_of_succeeded_things(succeeded)
            .number_of_failed_things(failed)
            .number_of_queued_things(queued)
            .build();
        Job::builder()
            .status(status)
            .job_process_details(details)
            .set_reason_code(code.map(str::to_owned))
            .build()
    }

    #[test]
    fn the_state_of_a_job_says_how_it_ended() {
        use JobStatus::*;
        let snapshot = TargetSelection::Snapshot;
        for (job, outcome) in [
            (job(InProgress, 10, 0, 0, None), None),
            (job(Scheduled, 0, 0, 0, None), None),
            (job(Completed, 10, 0, 0, None), Some(RoundOutcome::Succeeded)),
            (job(Completed, 9, 1, 0, None), Some(RoundOutcome::Failed)),
            (job(Completed, 0, 0, 0, None), Some(RoundOutcome::Failed)),
            (job(Canceled, 3, 0, 0, Some("TRIPLINE_ALARM")), Some(RoundOutcome::Stopped)),
            (job(Canceled, 3, 0, 0, Some("TRIPLINE_OPERATOR")), Some(RoundOutcome::Canceled)),
            (job(Canceled, 3, 0, 0, None), Some(RoundOutcome::Canceled)),
            (job(DeletionInProgress, 3, 0, 0, None), Some(RoundOutcome::Canceled)),
        ] {
            let ending = RoundEnding::of_job(Some(&DescribedJob::from(&job)), snapshot, Some(10));
            assert_eq!(ending.map(|ending| ending.outcome), outcome, "{job:?}");
        }
        assert_eq!(RoundEnding::of_job(None, snapshot, None), Some(RoundEnding::gone()));
    }

    #[test]
    fn a_continuous_job_has_ended_once_all_its_devices_have() {
        let outcome = |job: Job, devices| {
            let job = DescribedJob::from(&job);
            RoundEnding::of_job(Some(&job), TargetSelection::Continuous, devices).map(|e| e.outcome)
        };
        let running =
            |succeeded, failed, queued| job(JobStatus::InProgress, succeeded, failed, queued, None);
        assert_eq!(outcome(running(10, 0, 0), Some(10)), Some(RoundOutcome::Succeeded));
        assert_eq!(outcome(running(9, 1, 0), Some(10)), Some(RoundOutcome::Failed));
        assert_eq!(outcome(running(9, 0, 0), Some(10)), None);
        assert_eq!(outcome(running(10, 0, 1), Some(10)), None);
        assert_eq!(outcome(running(10, 0, 0), None), None);
    }

    #[test]
    fn a_round_is_judged_by_its_devices_and_undecided_where_only_attempts_are_known() {
        use RoundOutcome::*;
        let described = |state, succeeded, failed, counted| DescribedJob {
            state,
            tally: Tally { succeeded, failed, ..Tally::default() },
            counted,
            ..DescribedJob::from(&job(JobStatus::Completed, 0, 0, 0, None))
        };
        let unread = || Counted::Attempts("denied".to_owned());
        let tried = || Counted::Tried(Tally { succeeded: 36, failed: 16, ..Tally::default() });
        for (job, outcome, text) in [
            (
                described(
                    JobState::Completed,
                    40,
                    0,
                    Counted::Tried(Tally { failed: 10, ..Tally::default() }),
                ),
                Succeeded,
                "succeeded: 40 succeeded; attempts: 10 failed",
            ),
            (
                described(JobState::Completed, 36, 4, tried()),
                Failed,
                "completed, but not every device has the firmware: 36 succeeded, 4 failed; attempts: 16 failed",
            ),
            (
                described(JobState::Completed, 36, 16, unread()),
                Undecided,
                "completed, but whether every device has the firmware is not known: 36 succeeded; attempts, not devices: 16 failed (denied)",
            ),
            (
                described(JobState::Canceled, 3, 16, unread()),
                Canceled,
                "was cancelled: 3 succeeded; attempts, not devices: 16 failed (denied)",
            ),
        ] {
            let ending = RoundEnding::of_job(Some(&job), TargetSelection::Snapshot, None).unwrap();
            assert_eq!((ending.outcome, ending.text().as_str()), (outcome, text));
            let kept = serde_json::to_value(&ending).unwrap();
            assert_eq!(serde_json::from_value::<RoundEnding>(kept.clone()).unwrap(), ending);
            assert_eq!(kept["counts"]["failed"].is_null(), ending.uncounted.is_some(), "{kept}");
            assert_eq!(kept["attempts"]["failed"], ending.attempts.unwrap().failed);
        }
    }
}
