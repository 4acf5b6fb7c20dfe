//! The alarm on the share of notified devices that were unsuccessful, of a recorded rollout.
//!
//! A device is taken to have been notified when it began: of those that were queued no event says anything, so
//! that the share is never below what AWS IoT had.

use super::evidence::begun;
use super::rollout::RecordedRollout;
use crate::evaluation::CountedDevices;
use tripline::metric::Outcome;
use tripline::time::Timestamp;

/// When devices began, and when they were unsuccessful for good, each in the order of time.
pub(super) struct CountedTimes {
    begun: Vec<Timestamp>,
    unsuccessful: Vec<Timestamp>,
}

impl CountedTimes {
    /// `None` if nothing says when any device began: of those that had ended, in the first minutes of any
    /// rollout nearly all had failed.
    pub fn of(rollout: &RecordedRollout) -> Option<Self> {
        let (known, _) = begun(&rollout.device_times)?;
        if known.is_empty() {
            return None;
        }
        let mut begun: Vec<Timestamp> = known.iter().map(|(at, _)| *at).collect();
        let last =
            |outcome| matches!(outcome, Outcome::Failed | Outcome::Rejected | Outcome::TimedOut);
        let ended = known.iter().filter_map(|(_, device)| device.last);
        let mut unsuccessful: Vec<Timestamp> =
            ended.filter(|(_, outcome)| last(*outcome)).map(|(at, _)| at).collect();
        begun.sort_unstable();
        unsuccessful.sort_unstable();
        Some(Self { begun, unsuccessful })
    }

    /// What the guard-keeper would have counted.
    pub fn at(&self, now: Timestamp) -> CountedDevices {
        let until = |times: &[Timestamp]| {
            u32::try_from(times.partition_point(|at| *at <= now)).unwrap_or(u32::MAX)
        };
        CountedDevices { notified: until(&self.begun), unsuccessful: until(&self.unsuccessful) }
    }
}
