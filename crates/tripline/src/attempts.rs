//! Devices of a job whose retries make AWS IoT count attempts.
//!
//! With a retry config AWS IoT gives a device that failed or timed out another execution of the same job, and
//! its counts are of executions: "number of things" of `DescribeJob` counts each attempt
//! (<https://docs.aws.amazon.com/iot/latest/developerguide/jobs-configurations-details.html>, "Job execution
//! retry configuration"). The same is so of a device that leaves the group of a `CONTINUOUS` job and joins it
//! again. Which attempts are of one device only the lists of executions say, by `executionNumber`, from 1.

use std::collections::BTreeMap;

use crate::counts::{EndedCounts, ExecutionCounts};
use crate::metric::Outcome;

/// How often AWS IoT tries a device again (`jobExecutionsRetryConfig`), 0 to 10.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retries {
    /// After a failure.
    pub failed: u32,
    /// After a timeout.
    pub timed_out: u32,
}

impl Retries {
    /// Whether a device ever gets another attempt.
    pub fn any(self) -> bool {
        self.failed > 0 || self.timed_out > 0
    }

    /// How many more follow the first attempt that came to this end. A rejection is never repeated.
    fn after(self, outcome: Outcome) -> u32 {
        match outcome {
            Outcome::Failed => self.failed,
            Outcome::TimedOut => self.timed_out,
            _ => 0,
        }
    }
}

/// An execution that ended unsuccessfully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<T> {
    /// Its device, or a number of it.
    pub thing: T,
    /// `executionNumber`, from 1.
    pub number: u32,
    /// `FAILED`, `REJECTED` or `TIMED_OUT`.
    pub outcome: Outcome,
}

/// Counts the devices that were unsuccessful for good, by how the last attempt of each ended. `attempts` are all
/// that AWS IoT lists as `FAILED`, `REJECTED` and `TIMED_OUT`, in any order; one that is listed twice counts once.
/// A device that will be tried again is not unsuccessful yet.
pub fn unsuccessful_devices<T: Ord>(
    attempts: impl IntoIterator<Item = Attempt<T>>,
    retries: Retries,
) -> EndedCounts {
    let mut last: BTreeMap<T, (u32, Outcome)> = BTreeMap::new();
    for Attempt { thing, number, outcome } in attempts {
        let known = last.entry(thing).or_insert((number, outcome));
        if number > known.0 {
            *known = (number, outcome);
        }
    }
    let mut counts = EndedCounts::default();
    for (number, outcome) in last.into_values() {
        if number > retries.after(outcome) {
            counts.count(outcome);
        }
    }
    counts
}

impl ExecutionCounts {
    /// The same in devices: `unsuccessful` are those of [`unsuccessful_devices`]. Every device has one execution
    /// that is open, succeeded, was canceled or removed, or is its last unsuccessful one.
    #[must_use]
    pub fn of_devices(self, unsuccessful: EndedCounts) -> Self {
        let EndedCounts { failed, rejected, timed_out, .. } = unsuccessful;
        // Lists and counts are not of one moment: never more than AWS IoT has counted.
        let ended = EndedCounts {
            succeeded: self.ended.succeeded,
            failed: failed.min(self.ended.failed),
            rejected: rejected.min(self.ended.rejected),
            timed_out: timed_out.min(self.ended.timed_out),
        };
        Self { ended, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attempt(thing: u32, number: u32, outcome: Outcome) -> Attempt<u32> {
        Attempt { thing, number, outcome }
    }

    #[test]
    fn a_device_is_unsuccessful_once_its_last_attempt_was() {
        use Outcome::{Failed, Rejected, TimedOut};
        let three = Retries { failed: 3, timed_out: 0 };
        for (attempts, retries, expected) in [
            // One is enough without retries.
            (vec![attempt(1, 1, Failed)], Retries::default(), (1, 0, 0)),
            // Others follow.
            (vec![attempt(1, 1, Failed), attempt(1, 3, Failed)], three, (0, 0, 0)),
            // All of them, listed in another order and one twice.
            ((1..=4).rev().chain([4]).map(|n| attempt(1, n, Failed)).collect(), three, (1, 0, 0)),
            // What comes last decides, and is not repeated.
            (vec![attempt(1, 1, Failed), attempt(1, 2, TimedOut)], three, (0, 0, 1)),
            (vec![attempt(1, 2, Rejected), attempt(1, 1, Failed)], three, (0, 1, 0)),
            (vec![attempt(1, 4, Failed), attempt(2, 1, Rejected)], three, (1, 1, 0)),
        ] {
            let counts = unsuccessful_devices(attempts.clone(), retries);
            let found = (counts.failed, counts.rejected, counts.timed_out);
            assert_eq!(found, expected, "{attempts:?}");
        }
    }

    proptest! {
        /// However often each device was tried, as many are found as there are, and as many that failed.
        #[test]
        fn devices_are_found_in_attempts(
            retries in 0_u32..=10,
            devices in proptest::collection::vec((0_u32..=10, any::<bool>()), 1..60),
        ) {
            // Each fails so often, and then succeeds or is at work; with all retries spent it has failed.
            let mut listed = Vec::new();
            let mut counts = ExecutionCounts::default();
            let mut failed = 0;
            for (thing, (failures, is_done)) in (0..).zip(&devices) {
                let failures = (*failures).min(retries + 1);
                listed.extend((1..=failures).map(|n| attempt(thing, n, Outcome::Failed)));
                counts.ended.failed += failures;
                match (failures > retries, is_done) {
                    (true, _) => failed += 1,
                    (false, true) => counts.ended.succeeded += 1,
                    (false, false) => counts.queued += 1,
                }
            }
            let retries = Retries { failed: retries, timed_out: 0 };
            let of_devices = counts.of_devices(unsuccessful_devices(listed, retries));
            prop_assert_eq!(of_devices.ended.failed, failed);
            prop_assert_eq!(of_devices.notified() as usize, devices.len());
        }
    }
}
