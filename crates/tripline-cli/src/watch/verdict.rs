//! How a rollout ended, judged by what AWS shows of it.

use tripline::job::{JobId, JobState};
use tripline::stop::{Canceler, OPERATOR_REASON_CODE};
use tripline::text::clean;

use crate::aws::job::DescribedJob;
use crate::aws::tally::Tally;
use crate::exit::End;

/// Longest comment in a sentence.
const MAX_COMMENT: usize = 400;

/// How a rollout ended, if it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has not.
    Running,
    /// Every device has the firmware.
    Well,
    /// It is through, and devices do not have the firmware.
    WithFailures,
    /// It is through, and how many devices do not have the firmware is not known: only attempts are.
    Uncounted,
    /// It is complete, but no device received it.
    Nobody,
    /// Somebody has canceled it.
    Canceled,
    /// An alarm of its guard has stopped it.
    Guard,
    /// AWS IoT has stopped it by the job's own abort criteria.
    AbortCriteria,
    /// It was deleted, or is being.
    Deleted,
}

impl Verdict {
    pub fn of_job(seen: &DescribedJob) -> Self {
        match seen.state {
            JobState::Active | JobState::Completed if seen.is_through() => Self::of_through(seen),
            JobState::Active | JobState::Completed => Self::Running,
            JobState::Deleting => Self::Deleted,
            JobState::Canceled => {
                match Canceler::from_reason(seen.reason_code.as_deref(), seen.comment.as_deref()) {
                    Canceler::Alarm => Self::Guard,
                    Canceler::AbortCriteria => Self::AbortCriteria,
                    Canceler::Operator | Canceler::Somebody => Self::Canceled,
                }
            }
        }
    }

    /// A device that was removed is no longer one of the rollout's; one whose execution was
    /// canceled has not got the firmware. Attempts that failed decide nothing: each device may have it.
    fn of_through(seen: &DescribedJob) -> Self {
        let tally = &seen.tally;
        if seen.uncounted().is_some() {
            return Self::Uncounted;
        }
        match (tally.failures().saturating_add(tally.canceled), tally.succeeded) {
            (0, 0) => Self::Nobody,
            (0, _) => Self::Well,
            _ => Self::WithFailures,
        }
    }

    pub fn is_final(self) -> bool {
        self != Self::Running
    }

    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Well => "completed",
            Self::WithFailures => "completedWithFailures",
            Self::Uncounted => "completedUncounted",
            Self::Nobody => "reachedNobody",
            Self::Canceled => "canceled",
            Self::Guard => "stoppedByGuard",
            Self::AbortCriteria => "stoppedByAbortCriteria",
            Self::Deleted => "deleted",
        }
    }

    pub fn end(self) -> End {
        match self {
            Self::Running | Self::Uncounted => End::Undecided,
            Self::Well => End::Done,
            Self::WithFailures | Self::Nobody | Self::Canceled | Self::Deleted => End::Finding,
            Self::Guard | Self::AbortCriteria => End::Stopped,
        }
    }

    /// The end of all of them together: the worst, a stop first of all.
    pub fn overall(all: impl IntoIterator<Item = Self>) -> End {
        let rank = |end: &End| match end {
            End::Done => 0,
            End::Finding => 1,
            End::Undecided => 2,
            End::Stopped => 3,
        };
        all.into_iter().map(Self::end).max_by_key(rank).unwrap_or(End::Done)
    }

    /// The verdict in a sentence.
    pub fn sentence(self, job: &JobId, seen: &DescribedJob) -> String {
        let tally = &seen.tally;
        let comment = seen
            .comment
            .as_deref()
            .map_or_else(String::new, |comment| format!(": {}", clean(comment, MAX_COMMENT)));
        let through = if seen.continuous { "is through for now" } else { "is complete" };
        let text = match self {
            Self::Running => {
                format!("rollout {job} is not decided: {}", seen.progress().text())
            }
            Self::Well => format!("rollout {job} {through}: {} it", have(tally.succeeded)),
            Self::WithFailures => format!(
                "rollout {job} {through}: {} it, {} not ({})",
                have(tally.succeeded),
                tally.failures().saturating_add(tally.canceled),
                failures(tally)
            ),
            Self::Uncounted => format!(
                "rollout {job} {through}: {} it; how many have not is not known: {}",
                have(tally.succeeded),
                seen.attempts_text().unwrap_or_default(),
            ),
            Self::Nobody => format!("rollout {job} {through}, but no device received it"),
            Self::Canceled => {
                let who = match seen.reason_code.as_deref() {
                    Some(OPERATOR_REASON_CODE) => "by an operator".to_owned(),
                    Some(code) => format!("by somebody, reason code {}", clean(code, 128)),
                    None => "by somebody".to_owned(),
                };
                format!("rollout {job} was canceled {who}{comment}")
            }
            Self::Guard => format!("rollout {job} was stopped by its guard{comment}"),
            Self::AbortCriteria => {
                format!("rollout {job} was stopped by its own abort criteria{comment}")
            }
            Self::Deleted => format!("rollout {job} was deleted"),
        };
        let kept = match self {
            Self::Canceled | Self::Guard | Self::AbortCriteria => {
                let (succeeded, in_progress) = (tally.succeeded, tally.in_progress);
                match seen.uncounted() {
                    None => format!(
                        "; {succeeded} succeeded, {} failed, {in_progress} in progress",
                        tally.failures()
                    ),
                    Some(_) => format!(
                        "; {succeeded} succeeded, {in_progress} in progress; {}",
                        seen.attempts_text().unwrap_or_default()
                    ),
                }
            }
            _ if seen.continuous && seen.state == JobState::Active && self.is_final() => {
                "; the job is CONTINUOUS and waits for devices that join".to_owned()
            }
            _ => String::new(),
        };
        text + &kept
    }
}

/// `1 device has`, `2 devices have`.
fn have(count: u32) -> String {
    format!("{count} device{}", if count == 1 { " has" } else { "s have" })
}

fn failures(tally: &Tally) -> String {
    let kinds = [
        (tally.failed, "failed"),
        (tally.rejected, "rejected"),
        (tally.timed_out, "timed out"),
        (tally.canceled, "canceled"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    kinds.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use tripline_guard::coverage::{Devices, Shape};

    use super::*;
    use crate::aws::job::Counted;

    fn seen(state: JobState, tally: Tally) -> DescribedJob {
        DescribedJob {
            state,
            status: String::new(),
            continuous: false,
            reaches_more: false,
            reason_code: None,
            comment: None,
            created_at: None,
            tally,
            targets: Vec::new(),
            devices: Devices::Unknown,
            shape: Shape::unknown(),
            counted: Counted::Devices,
        }
    }

    fn canceled(code: Option<&str>, comment: Option<&str>) -> DescribedJob {
        DescribedJob {
            reason_code: code.map(str::to_owned),
            comment: comment.map(str::to_owned),
            ..seen(JobState::Canceled, Tally { succeeded: 3, in_progress: 1, ..Tally::default() })
        }
    }

    #[test]
    fn every_end_has_its_verdict_and_exit_code() {
        let of = |succeeded, failed, canceled, removed| {
            let tally = Tally { succeeded, failed, canceled, removed, ..Tally::default() };
            seen(JobState::Completed, tally)
        };
        let abort = "Abort criteria for failure type FAILED with threshold 10.00% met.";
        let running = seen(JobState::Active, Tally::default());
        for (seen, verdict, code) in [
            (running, Verdict::Running, 6),
            (of(2, 0, 0, 0), Verdict::Well, 0),
            (of(2, 0, 0, 1), Verdict::Well, 0),
            (of(2, 1, 0, 0), Verdict::WithFailures, 1),
            (of(2, 0, 1, 0), Verdict::WithFailures, 1),
            (of(0, 0, 0, 0), Verdict::Nobody, 1),
            (canceled(None, None), Verdict::Canceled, 1),
            (canceled(Some("TRIPLINE_OPERATOR"), None), Verdict::Canceled, 1),
            (canceled(Some("TRIPLINE_ALARM"), Some("why")), Verdict::Guard, 5),
            (canceled(Some("ABORT_CANCEL"), Some(abort)), Verdict::AbortCriteria, 5),
            (canceled(Some("ABORT_CANCEL"), Some("lunch")), Verdict::Canceled, 1),
            (canceled(None, Some(abort)), Verdict::Canceled, 1),
            (seen(JobState::Deleting, Tally::default()), Verdict::Deleted, 1),
        ] {
            assert_eq!(Verdict::of_job(&seen), verdict, "{seen:?}");
            assert_eq!(verdict.end() as u8, code, "{seen:?}");
        }
    }

    #[test]
    fn attempts_alone_are_no_failure() {
        let of = |state, counted| DescribedJob {
            counted,
            ..seen(state, Tally { succeeded: 36, failed: 16, ..Tally::default() })
        };
        let unread = || Counted::Attempts("denied".to_owned());
        for (seen, verdict, code) in [
            (of(JobState::Completed, Counted::Devices), Verdict::WithFailures, 1),
            (of(JobState::Completed, Counted::Tried(Tally::default())), Verdict::WithFailures, 1),
            (of(JobState::Completed, unread()), Verdict::Uncounted, 6),
            (of(JobState::Active, unread()), Verdict::Running, 6),
            (of(JobState::Canceled, unread()), Verdict::Canceled, 1),
            (
                DescribedJob { continuous: true, ..of(JobState::Active, unread()) },
                Verdict::Uncounted,
                6,
            ),
        ] {
            assert_eq!(Verdict::of_job(&seen), verdict, "{seen:?}");
            assert_eq!(verdict.end() as u8, code, "{seen:?}");
        }
    }

    #[test]
    fn a_continuous_job_is_through_when_all_that_is_there_has_ended() {
        let of = |queued, succeeded, reaches_more| {
            let tally = Tally { queued, succeeded, ..Tally::default() };
            Verdict::of_job(&DescribedJob {
                continuous: true,
                reaches_more,
                ..seen(JobState::Active, tally)
            })
        };
        assert_eq!(of(0, 0, false), Verdict::Running, "nobody has joined yet");
        assert_eq!(of(1, 2, false), Verdict::Running);
        assert_eq!(of(0, 2, true), Verdict::Running, "between two batches");
        assert_eq!(of(0, 2, false), Verdict::Well);
    }

    #[test]
    fn a_stop_outranks_what_is_undecided_and_that_a_failure() {
        use Verdict::*;
        for (all, end) in [
            (vec![Well, Well], End::Done),
            (vec![Well, WithFailures], End::Finding),
            (vec![Running, Canceled, Well], End::Undecided),
            (vec![Guard, Running, Well], End::Stopped),
        ] {
            assert_eq!(Verdict::overall(all.clone()), end, "{all:?}");
        }
    }

    #[test]
    fn sentences() {
        let job = JobId::new("fw").unwrap();
        let uncounted = |seen: DescribedJob| DescribedJob {
            counted: Counted::Attempts("ListJobExecutionsForJob: access denied".to_owned()),
            tally: Tally { failed: 5, ..seen.tally },
            ..seen
        };
        let say = |seen: DescribedJob| Verdict::of_job(&seen).sentence(&job, &seen);
        let tally = Tally { succeeded: 12, failed: 2, timed_out: 1, ..Tally::default() };
        let through = Tally { succeeded: 1, ..Tally::default() };
        let open = DescribedJob { continuous: true, ..seen(JobState::Active, through) };
        let all = [
            say(seen(JobState::Active, Tally { queued: 3, ..tally })),
            say(seen(JobState::Completed, through)),
            say(seen(JobState::Completed, tally)),
            say(seen(JobState::Completed, Tally::default())),
            say(open),
            say(canceled(None, None)),
            say(canceled(Some("TRIPLINE_OPERATOR"), Some("wrong\nbuild"))),
            say(canceled(Some("TEA"), None)),
            say(canceled(Some("TRIPLINE_ALARM"), Some("Tripline: alarm slow fired"))),
            say(seen(JobState::Deleting, tally)),
            say(uncounted(seen(JobState::Completed, tally))),
            say(uncounted(canceled(Some("TRIPLINE_ALARM"), None))),
            say(uncounted(seen(JobState::Active, tally))),
        ];
        insta::assert_snapshot!(all.join("\n"));
    }
}
