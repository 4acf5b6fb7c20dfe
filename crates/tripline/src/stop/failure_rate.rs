use crate::job::ExecutionCounts;

/// The rule of Tripline's own alarm on the failure rate: of the notified devices, from so many on,
/// more than this share was unsuccessful.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailureRateRule {
    /// Least number of notified devices that the share is decided for.
    min_notified: u32,
    /// The share in percent that is not yet too much.
    limit: f64,
}

impl FailureRateRule {
    /// Reads metric math `IF(<notified> >= <number>, 100 * <unsuccessful> / <notified>)`, where the
    /// ids are those of the queries for the two counts.
    pub fn read(
        expression: &str,
        notified: &str,
        unsuccessful: &str,
        threshold: f64,
    ) -> Option<Self> {
        let rest = expression.strip_prefix("IF(")?.strip_prefix(notified)?.strip_prefix(" >= ")?;
        let (number, share) = rest.split_once(", ")?;
        (share == format!("100 * {unsuccessful} / {notified})")).then_some(())?;
        (threshold.is_finite() && threshold >= 0.0).then_some(())?;
        Some(Self { min_notified: number.parse().ok()?, limit: threshold })
    }

    /// Whether it can have been broken at any minute until now, by what AWS IoT counts now.
    ///
    /// Both counts only grow: an execution that ended unsuccessfully stays so, and one that a device
    /// was notified of stays one, whatever becomes of it. Had the rule been broken at some minute, at
    /// least `min_notified` devices were notified then, and more than `limit` percent of them, so more
    /// than `limit` percent of `min_notified`, had been unsuccessful. There must be at least as many
    /// now. That the share is below the limit *now* says nothing: it falls as a rollout goes on.
    pub fn can_have_been_broken(&self, now: &ExecutionCounts) -> bool {
        let least = self.limit * f64::from(self.min_notified) / 100.0;
        now.notified() >= self.min_notified && f64::from(now.ended.unsuccessful()) > least
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::EndedCounts;

    fn counts(succeeded: u32, failed: u32, queued: u32) -> ExecutionCounts {
        let ended = EndedCounts { succeeded, failed, ..EndedCounts::default() };
        ExecutionCounts { queued, ended, ..ExecutionCounts::default() }
    }

    fn rule() -> FailureRateRule {
        FailureRateRule::read("IF(n >= 40, 100 * u / n)", "n", "u", 15.0).unwrap()
    }

    #[test]
    fn only_what_never_was_true_is_ruled_out() {
        for (succeeded, failed, queued, possible) in [
            (0, 0, 500, false),
            (494, 6, 0, false), // 6 of 40 are not more than 15 %
            (493, 7, 0, true),  // 7 of the first 40, although it is 1.4 % now
            (0, 39, 0, false),  // never 40 notified
            (0, 39, 1, true),
        ] {
            let now = counts(succeeded, failed, queued);
            assert_eq!(rule().can_have_been_broken(&now), possible, "{now:?}");
        }
    }

    #[test]
    fn other_metric_math_is_no_failure_rate() {
        for other in [
            "IF(n >= 40, 10 * u / n)",
            "IF(m >= 40, 100 * u / m)",
            "IF(n >= many, 100 * u / n)",
            "100 * u / n",
        ] {
            assert_eq!(FailureRateRule::read(other, "n", "u", 15.0), None, "{other}");
        }
        for limit in [f64::NAN, f64::INFINITY, -0.1] {
            let read = FailureRateRule::read("IF(n >= 40, 100 * u / n)", "n", "u", limit);
            assert_eq!(read, None, "{limit}");
        }
    }

    proptest! {
        /// Whatever is broken at some minute stays possible for ever after.
        #[test]
        fn growth_never_makes_it_impossible(
            failed in 0u32..200, others in 0u32..400, more_failed in 0u32..200, more in 0u32..4_000,
        ) {
            let then = counts(others, failed, 0);
            let share = 100.0 * f64::from(failed) / f64::from(then.notified().max(1));
            if then.notified() >= 40 && share > 15.0 {
                let now = counts(others + more, failed + more_failed, 0);
                prop_assert!(rule().can_have_been_broken(&now));
            }
        }
    }
}
