//! How a job has ended, as far as a deployment is concerned.

use aws_sdk_iot::types::Job;
use serde::{Deserialize, Serialize};
use tripline::job::JobState;
use tripline::stop::Canceler;
use tripline::text::clean;
use tripline_config::TargetSelection;

use crate::aws::job::DescribedJob;
use crate::aws::tally::Tally;

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
    pub counts: Tally,
    pub reason_code: Option<String>,
    pub comment: Option<String>,
}

impl RoundEnding {
    /// How a job has ended; `None` while it has not. A job that is gone was deleted by somebody. A
    /// continuous job never ends by itself: it has, once as many executions have ended as there are
    /// `devices` and none is open.
    pub fn of_job(
        job: Option<&Job>,
        selection: TargetSelection,
        devices: Option<u32>,
    ) -> Option<Self> {
        let Some(job) = job else { return Some(Self::gone()) };
        let job = DescribedJob::from(job);
        let counts = job.tally;
        let ending = |outcome| Self {
            outcome,
            counts,
            reason_code: job.reason_code.as_ref().map(|text| clean(text, 128)),
            comment: job.comment.as_ref().map(|text| clean(text, MAX_COMMENT)),
        };
        // A device that was removed from the targets is not missed.
        let all_well = counts.succeeded > 0 && counts.succeeded + counts.removed == counts.ended();
        let completed =
            || ending(if all_well { RoundOutcome::Succeeded } else { RoundOutcome::Failed });
        match job.state {
            JobState::Completed => Some(completed()),
            JobState::Canceled => {
                let stopped =
                    Canceler::from_reason(job.reason_code.as_deref(), job.comment.as_deref())
                        .is_guard();
                Some(ending(if stopped { RoundOutcome::Stopped } else { RoundOutcome::Canceled }))
            }
            JobState::Deleting => Some(ending(RoundOutcome::Canceled)),
            _ if selection == TargetSelection::Continuous => {
                let open = counts.queued + counts.in_progress;
                let all = devices.is_some_and(|devices| counts.ended() >= devices);
                (open == 0 && all).then(completed)
            }
            _ => None,
        }
    }

    fn gone() -> Self {
        Self {
            outcome: RoundOutcome::Canceled,
            counts: Tally::default(),
            reason_code: None,
            comment: Some("the job is gone".to_owned()),
        }
    }

    /// What happened, in a sentence.
    pub fn text(&self) -> String {
        let happened = match self.outcome {
            RoundOutcome::Succeeded => "succeeded",
            RoundOutcome::Failed => "completed, but not every device has the firmware",
            RoundOutcome::Stopped => "was stopped by its guard",
            RoundOutcome::Canceled => "was cancelled",
        };
        let why = self.comment.as_ref().map_or_else(String::new, |comment| format!(" ({comment})"));
        format!("{happened}{why}: {}", self.counts.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_iot::types::{JobProcessDetails, JobStatus};

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
            let ending = RoundEnding::of_job(Some(&job), snapshot, Some(10));
            assert_eq!(ending.map(|ending| ending.outcome), outcome, "{job:?}");
        }
        assert_eq!(RoundEnding::of_job(None, snapshot, None), Some(RoundEnding::gone()));
    }

    #[test]
    fn a_continuous_job_has_ended_once_all_its_devices_have() {
        let outcome = |job: Job, devices| {
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
}
