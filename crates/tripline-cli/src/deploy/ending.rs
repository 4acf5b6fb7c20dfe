//! How a job has ended, as far as a deployment is concerned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tripline::gate::{Answer, DeviceCounts, Missing, ObservedCounts, after_completion};
use tripline::job::JobState;
use tripline::stop::Canceler;
use tripline::text::clean;
use tripline_config::TargetSelection;

use crate::aws::fired::Fired;
use crate::aws::job::{DescribedJob, counts_text};
use crate::aws::tally::{Counts, Tally};

/// Longest comment that is shown.
const MAX_COMMENT: usize = 400;

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RoundOutcome {
    /// Every device has it, but for those that are tolerated.
    Succeeded,
    /// The job has ended, and more devices than are tolerated do not have it.
    Failed,
    /// The job has ended, and whether every device has it is not known: AWS IoT counts attempts. It is
    /// never written down, so that whoever goes on looks again.
    Undecided,
    /// Its guard has stopped it: an alarm, or the job's own abort criteria. Or an alarm fired too late to.
    Stopped,
    /// Somebody has canceled or deleted it.
    Canceled,
}

/// A job's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The alarm that fired although the job came to its end, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
}

/// By what it is judged whether a job has ended, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Through {
    pub selection: TargetSelection,
    /// How many devices there are, where it is known.
    pub devices: Option<u32>,
    /// The share of devices, 0 to 1, that may be without the firmware.
    pub tolerance: f64,
}

impl Through {
    /// Whether a job has ended by itself. A continuous job never does: it has, once as many executions
    /// have ended as there are devices and none is open.
    pub fn is(self, job: &DescribedJob) -> bool {
        match job.state {
            JobState::Completed => true,
            JobState::Active if self.selection == TargetSelection::Continuous => {
                let all = self.devices.is_some_and(|devices| job.tally.ended() >= devices);
                job.tally.open() == 0 && all
            }
            JobState::Active | JobState::Canceled | JobState::Deleting => false,
        }
    }
}

impl RoundEnding {
    /// How a job has ended; `None` while it has not. A job that is gone was deleted by somebody. The gate decides on
    /// one that has ended by itself; `fired` is an alarm of it that has.
    pub fn of_job(
        job: Option<&DescribedJob>,
        through: Through,
        fired: Option<&Fired>,
    ) -> Option<Self> {
        let Some(job) = job else { return Some(Self::gone()) };
        let ending = |outcome| Self {
            outcome,
            counts: job.counts(),
            attempts: job.attempts(),
            uncounted: job.uncounted().map(str::to_owned),
            reason_code: job.reason_code.as_ref().map(|text| clean(text, 128)),
            comment: job.comment.as_ref().map(|text| clean(text, MAX_COMMENT)),
            alarm: None,
        };
        if through.is(job) {
            let answer = after_completion(through.tolerance, counts(job), fired.map(Fired::seen));
            let (outcome, alarm) = match answer {
                Answer::Go(_) => (RoundOutcome::Succeeded, None),
                Answer::Stop(stopped) => (RoundOutcome::Stopped, Some(stopped.to_string())),
                Answer::Undecided(missing) if !is_uncounted(&missing) => {
                    (RoundOutcome::Failed, None)
                }
                Answer::Undecided(_) | Answer::Wait(_) => (RoundOutcome::Undecided, None),
            };
            return Some(Self { alarm, ..ending(outcome) });
        }
        match job.state {
            JobState::Completed | JobState::Active => None,
            JobState::Canceled => {
                let stopped =
                    Canceler::from_reason(job.reason_code.as_deref(), job.comment.as_deref())
                        .is_guard();
                Some(ending(if stopped { RoundOutcome::Stopped } else { RoundOutcome::Canceled }))
            }
            JobState::Deleting => Some(ending(RoundOutcome::Canceled)),
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
            alarm: None,
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
            RoundOutcome::Canceled => "was canceled",
        };
        let completed = self.alarm.as_ref().map(|alarm| format!("completed, but {alarm}"));
        let happened = completed.as_deref().unwrap_or(happened);
        let why = self.comment.as_ref().map_or_else(String::new, |comment| format!(" ({comment})"));
        let counts = counts_text(&self.counts, self.attempts.as_ref(), self.uncounted.as_deref());
        format!("{happened}{why}: {counts}")
    }
}

/// What the gate is shown of a job's devices.
fn counts(job: &DescribedJob) -> ObservedCounts<'_> {
    let tally = &job.tally;
    match job.uncounted() {
        Some(why) => ObservedCounts::Unknown(why),
        None => ObservedCounts::Known(DeviceCounts {
            succeeded: tally.succeeded,
            unsuccessful: tally.failures(),
            canceled: tally.canceled,
            removed: tally.removed,
            in_progress: tally.in_progress,
            queued: tally.queued,
        }),
    }
}

fn is_uncounted(missing: &[Missing]) -> bool {
    missing.iter().any(|one| matches!(one, Missing::Counts(_)))
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

    fn through(selection: TargetSelection, devices: Option<u32>) -> Through {
        Through { selection, devices, tolerance: 0.0 }
    }

    #[test]
    fn devices_without_the_firmware_are_tolerated_up_to_a_share() {
        let job = DescribedJob::from(&job(JobStatus::Completed, 98, 2, 0, None));
        for (tolerance, expected) in [
            (0.0, RoundOutcome::Failed),
            (0.019, RoundOutcome::Failed),
            (0.02, RoundOutcome::Succeeded),
        ] {
            let through = Through { tolerance, ..through(TargetSelection::Snapshot, None) };
            let ending = RoundEnding::of_job(Some(&job), through, None).unwrap();
            assert_eq!(ending.outcome, expected, "{tolerance}");
        }
    }

    #[test]
    fn the_state_of_a_job_says_how_it_ended() {
        use JobStatus::*;
        let snapshot = through(TargetSelection::Snapshot, Some(10));
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
            let ending = RoundEnding::of_job(Some(&DescribedJob::from(&job)), snapshot, None);
            assert_eq!(ending.map(|ending| ending.outcome), outcome, "{job:?}");
        }
        assert_eq!(RoundEnding::of_job(None, snapshot, None), Some(RoundEnding::gone()));
    }

    #[test]
    fn a_continuous_job_has_ended_once_all_its_devices_have() {
        let outcome = |job: Job, devices| {
            let job = DescribedJob::from(&job);
            RoundEnding::of_job(Some(&job), through(TargetSelection::Continuous, devices), None)
                .map(|e| e.outcome)
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
                "was canceled: 3 succeeded; attempts, not devices: 16 failed (denied)",
            ),
        ] {
            let ending =
                RoundEnding::of_job(Some(&job), through(TargetSelection::Snapshot, None), None)
                    .unwrap();
            assert_eq!((ending.outcome, ending.text().as_str()), (outcome, text));
            let kept = serde_json::to_value(&ending).unwrap();
            assert_eq!(serde_json::from_value::<RoundEnding>(kept.clone()).unwrap(), ending);
            assert_eq!(kept["counts"]["failed"].is_null(), ending.uncounted.is_some(), "{kept}");
            assert_eq!(kept["attempts"]["failed"], ending.attempts.unwrap().failed);
        }
    }
}
