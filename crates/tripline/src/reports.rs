//! Whether a fleet reports a detail that an alarm watches.
//!
//! A device does not have to send [`Detail`]s, and many agents send none. An alarm on a metric that never
//! comes looks sound and never fires, so it must not be taken for a guard.

use crate::detail::Detail;

/// What was counted of a job, all of it from metrics of the same window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reported {
    /// Executions that succeeded.
    pub succeeded: u64,
    /// Executions that ended by themselves, those that succeeded among them.
    pub ended: u64,
    /// Values of the detail: at most one an execution.
    pub samples: u64,
    /// Details that were unusable or had a misspelled key ([`crate::metric::Metric::InvalidDetailCount`]).
    pub invalid: u64,
    /// How many executions there are to be in all; `None` if it is not known.
    pub executions: Option<u64>,
}

/// Whether devices report a detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// Too few executions have ended to say.
    NotKnown,
    /// Devices report it.
    Coming,
    /// Devices succeed, and none reports it: no alarm on it can fire.
    NeverReported {
        /// Executions that succeeded: at least [`Reports::LEAST`], unless the job has no more.
        succeeded: u64,
        /// Details that were unusable or had a misspelled key.
        invalid: u64,
    },
    /// Devices report it, and none of them has succeeded. A device may report how long its download took and
    /// fail, so this is no fault; an alarm on it sees failing devices alone.
    NotOfSuccesses {
        /// Executions that ended: at least [`Reports::LEAST`].
        ended: u64,
        /// Values of the detail: at least one.
        samples: u64,
    },
}

impl Reports {
    /// Fewest executions from which on silence is believed: that ten healthy devices in a row leave out what
    /// others of the fleet report is no accident of a few old ones.
    pub const LEAST: u64 = 10;

    /// What follows from what was counted.
    pub fn new(of: Reported) -> Self {
        let Reported { succeeded, ended, samples, invalid, executions } = of;
        let is_all = executions.is_some_and(|executions| ended >= executions);
        match (samples, succeeded) {
            (0, 1..) if succeeded >= Self::LEAST || is_all => {
                Self::NeverReported { succeeded, invalid }
            }
            (0, _) => Self::NotKnown,
            (1.., 0) if ended >= Self::LEAST => Self::NotOfSuccesses { ended, samples },
            (1.., 0) => Self::NotKnown,
            (1.., 1..) => Self::Coming,
        }
    }

    /// Whether no alarm on the detail can fire.
    pub fn is_never(self) -> bool {
        matches!(self, Self::NeverReported { .. })
    }

    /// What is so, and what to do, for people: lower case, without a full stop at its end.
    pub fn sentence(self, detail: Detail) -> String {
        match self {
            Self::NotKnown => format!(
                "too few devices have ended to say whether they report `{detail}` (fewer than {})",
                Self::LEAST
            ),
            Self::Coming => format!("devices report `{detail}`"),
            Self::NeverReported { succeeded, invalid } => {
                let unusable = match invalid {
                    0 => String::new(),
                    1 => "; 1 detail was unusable or has a misspelled key".to_owned(),
                    more => format!("; {more} details were unusable or have a misspelled key"),
                };
                format!(
                    "{} succeeded and none reported `{detail}`, so no alarm on it can fire{unusable} (expected `{detail}`, {}; see docs/guide/details.md)",
                    devices(succeeded),
                    detail.expected()
                )
            }
            Self::NotOfSuccesses { ended, samples } => format!(
                "{} ended and none succeeded: the {} of `{detail}` {} of devices that fail, so find out why they fail before an alarm on it is trusted",
                devices(ended),
                if samples == 1 { "1 value".to_owned() } else { format!("{samples} values") },
                if samples == 1 { "is" } else { "are" },
            ),
        }
    }
}

fn devices(number: u64) -> String {
    if number == 1 { "1 device".to_owned() } else { format!("{number} devices") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reported(succeeded: u64, ended: u64, samples: u64, executions: Option<u64>) -> Reported {
        Reported { succeeded, ended, samples, invalid: 3, executions }
    }

    #[test]
    fn silence_is_believed_from_ten_successes_on_or_at_the_end() {
        let never = |succeeded| Reports::NeverReported { succeeded, invalid: 3 };
        for (succeeded, ended, executions, expected) in [
            (0, 0, None, Reports::NotKnown),
            (9, 9, None, Reports::NotKnown),
            (10, 10, None, never(10)),
            (10, 12, Some(300), never(10)),
            (9, 300, Some(400), Reports::NotKnown),
            // All that there are to be.
            (4, 6, Some(6), never(4)),
            (4, 5, Some(6), Reports::NotKnown),
            (1, 1, Some(1), never(1)),
            // More than was expected, since some were counted twice.
            (4, 7, Some(6), never(4)),
            // Nobody succeeded: devices that fail need not say how long their download took.
            (0, 60, Some(60), Reports::NotKnown),
            (0, 0, Some(0), Reports::NotKnown),
        ] {
            let of = reported(succeeded, ended, 0, executions);
            assert_eq!(Reports::new(of), expected, "{of:?}");
        }
    }

    #[test]
    fn one_value_and_one_success_are_enough_for_reports() {
        for (succeeded, ended, samples, expected) in [
            (1, 1, 1, Reports::Coming),
            (500, 500, 1, Reports::Coming),
            (1, 200, 150, Reports::Coming),
            (0, 10, 1, Reports::NotOfSuccesses { ended: 10, samples: 1 }),
            (0, 80, 75, Reports::NotOfSuccesses { ended: 80, samples: 75 }),
            (0, 9, 9, Reports::NotKnown),
        ] {
            let of = reported(succeeded, ended, samples, Some(1_000));
            assert_eq!(Reports::new(of), expected, "{of:?}");
        }
    }

    #[test]
    fn each_has_its_sentence() {
        let never = |succeeded, invalid| Reports::NeverReported { succeeded, invalid };
        for (reports, sentence) in [
            (
                Reports::NotKnown,
                "too few devices have ended to say whether they report `downloadTime` (fewer than 10)",
            ),
            (Reports::Coming, "devices report `downloadTime`"),
            (
                never(42, 0),
                "42 devices succeeded and none reported `downloadTime`, so no alarm on it can fire (expected `downloadTime`, a number of seconds from 0 to 604800; see docs/guide/details.md)",
            ),
            (
                never(42, 41),
                "42 devices succeeded and none reported `downloadTime`, so no alarm on it can fire; 41 details were unusable or have a misspelled key (expected `downloadTime`, a number of seconds from 0 to 604800; see docs/guide/details.md)",
            ),
            (
                never(1, 1),
                "1 device succeeded and none reported `downloadTime`, so no alarm on it can fire; 1 detail was unusable or has a misspelled key (expected `downloadTime`, a number of seconds from 0 to 604800; see docs/guide/details.md)",
            ),
            (
                Reports::NotOfSuccesses { ended: 12, samples: 8 },
                "12 devices ended and none succeeded: the 8 values of `downloadTime` are of devices that fail, so find out why they fail before an alarm on it is trusted",
            ),
        ] {
            assert_eq!(reports.sentence(Detail::DownloadTime), sentence);
        }
        let retries = never(10, 0).sentence(Detail::RetryCount);
        assert!(retries.contains("`retryCount`, a whole number from 0 to 10000"), "{retries}");
    }

    proptest! {
        #[test]
        fn a_value_is_never_taken_for_silence(
            (succeeded, failed, samples, invalid) in (0_u64..400, 0_u64..400, 1_u64..400, 0_u64..400),
            executions in prop::option::of(0_u64..900),
        ) {
            let of = Reported { succeeded, ended: succeeded + failed, samples, invalid, executions };
            prop_assert!(!Reports::new(of).is_never());
        }

        #[test]
        fn more_successes_without_a_value_stay_silence(
            succeeded in 10_u64..400, more in 0_u64..400, executions in prop::option::of(0_u64..900),
        ) {
            let of = |succeeded| reported(succeeded, succeeded, 0, executions);
            prop_assert!(Reports::new(of(succeeded)).is_never());
            prop_assert!(Reports::new(of(succeeded + more)).is_never());
        }
    }
}
