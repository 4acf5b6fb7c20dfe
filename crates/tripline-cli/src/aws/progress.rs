//! How far a rollout is, of the devices that it is for.

use tripline::job::JobState;
use tripline_guard::coverage::Devices;

use super::job::DescribedJob;

/// How far a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub ended: u32,
    /// Of how many.
    pub of: u32,
    /// They may become more: AWS IoT has not come to all of them, or others may join.
    pub is_at_least: bool,
    /// AWS IoT's attempts, as which of them are of one device is not known.
    counts_attempts: bool,
    /// All that is there has ended.
    is_through: bool,
    /// AWS IoT says that the job has ended.
    is_over: bool,
}

impl DescribedJob {
    /// How far it is. A job that AWS IoT has completed has reached all of its devices; before, those that it has not
    /// come to yet count too, where it is known how many they are.
    pub fn progress(&self) -> Progress {
        let there = self.tally.all();
        let counts_attempts = self.uncounted().is_some();
        let is_over = self.state.has_ended();
        let known = match self.devices {
            _ if counts_attempts || self.state == JobState::Completed => 0,
            Devices::Exactly(devices) | Devices::AtLeast(devices) => devices,
            Devices::Unknown => 0,
        };
        let is_known = matches!(self.devices, Devices::Exactly(_)) && !counts_attempts;
        let (ended, of) = (self.tally.ended(), there.max(known));
        let is_more = !is_known && self.comes_to_more() || self.reaches_more && ended >= of;
        let is_at_least = !is_over && (self.continuous || is_more);
        Progress { ended, of, is_at_least, counts_attempts, is_through: self.is_through(), is_over }
    }

    /// AWS IoT has not come to all of its devices yet, or that is not known: it says so only while it is at it.
    fn comes_to_more(&self) -> bool {
        self.reaches_more || self.tally.all() == 0 || matches!(self.devices, Devices::AtLeast(_))
    }
}

impl Progress {
    /// In percent, rounded down, and 100 only once the job has ended; `None` where it is not known of how many.
    pub fn percent(&self) -> Option<u64> {
        let percent = (u64::from(self.ended) * 100).checked_div(u64::from(self.of))?;
        (!self.is_at_least).then_some(if self.is_over { percent } else { percent.min(99) })
    }

    /// How many have not ended, where that is known.
    pub fn open(&self) -> Option<u32> {
        (!self.is_at_least).then(|| self.of.saturating_sub(self.ended))
    }

    /// `123 of 200 devices ended (61 %)`.
    pub fn text(&self) -> String {
        let Self { ended, of, .. } = *self;
        let what = if self.counts_attempts { "attempts" } else { "devices" };
        match self.percent() {
            Some(percent) => format!("{ended} of {of} {what} ended ({percent} %)"),
            None if !self.is_at_least => "no device notified".to_owned(),
            None if self.is_through => format!("{ended} of {of} {what} ended, more may join"),
            None if of == 0 => "no device notified yet, more to come".to_owned(),
            None => format!("{ended} of at least {of} {what} ended, more to come"),
        }
    }

    /// A bar of so many columns, full only once the job has ended.
    pub fn bar(&self, columns: usize) -> String {
        let width = columns.saturating_sub(2).max(1);
        let full = (u64::from(self.ended) * width as u64).checked_div(u64::from(self.of));
        let full = usize::try_from(full.unwrap_or_default()).unwrap_or_default();
        let full = full.min(if self.is_over { width } else { width - 1 });
        format!("[{}{}]", "#".repeat(full), ".".repeat(width - full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::job::Counted;
    use crate::aws::tally::Tally;
    use tripline_guard::coverage::Shape;

    fn job(devices: Devices, ended: u32, queued: u32) -> DescribedJob {
        DescribedJob {
            state: JobState::Active,
            status: "IN_PROGRESS".to_owned(),
            continuous: false,
            reaches_more: false,
            reason_code: None,
            comment: None,
            created_at: Some(1_000),
            targets: Vec::new(),
            devices,
            tally: Tally { succeeded: ended, queued, ..Tally::default() },
            shape: Shape::unknown(),
            counted: Counted::Devices,
        }
    }

    #[test]
    fn a_rollout_is_as_far_as_its_devices_are() {
        use Devices::{AtLeast, Exactly, Unknown};
        let more = |job| DescribedJob { reaches_more: true, ..job };
        let continuous = |job| DescribedJob { continuous: true, ..job };
        let in_state = |state, job| DescribedJob { state, ..job };
        for (job, text, bar) in [
            (job(Exactly(200), 50, 50), "50 of 200 devices ended (25 %)", "[##......]"),
            // All that AWS IoT has reached have ended, and there are more.
            (more(job(Exactly(1_000), 999, 0)), "999 of 1000 devices ended (99 %)", "[#######.]"),
            (
                more(job(AtLeast(300), 40, 0)),
                "40 of at least 300 devices ended, more to come",
                "[#.......]",
            ),
            (
                more(job(Exactly(40), 40, 0)),
                "40 of at least 40 devices ended, more to come",
                "[#######.]",
            ),
            (
                more(job(Unknown, 40, 0)),
                "40 of at least 40 devices ended, more to come",
                "[#######.]",
            ),
            (more(job(Unknown, 0, 0)), "no device notified yet, more to come", "[........]"),
            (job(Unknown, 40, 0), "40 of 40 devices ended (99 %)", "[#######.]"),
            (
                continuous(job(Exactly(3), 3, 0)),
                "3 of 3 devices ended, more may join",
                "[#######.]",
            ),
            (
                continuous(job(Exactly(9), 3, 1)),
                "3 of at least 9 devices ended, more to come",
                "[##......]",
            ),
            // Things that were deleted meanwhile get nothing.
            (
                in_state(JobState::Completed, job(Exactly(9), 8, 0)),
                "8 of 8 devices ended (100 %)",
                "[########]",
            ),
            (
                in_state(JobState::Canceled, job(Exactly(8), 2, 0)),
                "2 of 8 devices ended (25 %)",
                "[##......]",
            ),
            (in_state(JobState::Completed, job(Unknown, 0, 0)), "no device notified", "[........]"),
        ] {
            let progress = job.progress();
            assert_eq!(
                (progress.text().as_str(), progress.bar(10).as_str()),
                (text, bar),
                "{job:?}"
            );
        }
        let counted = Counted::Attempts("denied".to_owned());
        let attempts = DescribedJob { counted, ..job(Exactly(3), 4, 1) };
        assert_eq!(attempts.progress().text(), "4 of 5 attempts ended (80 %)");
    }
}
