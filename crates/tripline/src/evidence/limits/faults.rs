//! What limits cannot be.

use super::{Limits, Parameters};
use crate::evidence::stairs::LOWEST;

/// A declaration that no rollout can be tested against.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidLimits {
    /// An age is 0 or beyond [`Limits::MAX_AGE`].
    #[error("age {0} is not 1 to {max} minutes", max = Limits::MAX_AGE)]
    Age(u32),
    /// An age that is not above the one before it.
    #[error("age {0} does not rise above the age before it")]
    AgesDoNotRise(u32),
    /// A share that is no number, or not in its range.
    #[error("share {0} is not between 0 and 1")]
    Share(f64),
    /// A share that is higher than at the age before it.
    #[error("the share at age {0} is higher than at the age before it")]
    ShareRises(u32),
    /// A failure curve that falls.
    #[error("the share of failures at age {0} is lower than at the age before it")]
    CurveFalls(u32),
    /// A limit on failures that cannot be tested.
    #[error("failure limit {0} is not between 0.0001 and 0.9999")]
    Failed(f64),
    /// A share of false stops that is none.
    #[error("share of false stops {0} is not between 0.000001 and 0.5")]
    FalseStops(f64),
    /// More ages to follow devices at than a state can hold.
    #[error("{0} ages are more than {max}", max = Limits::MAX_RUNGS)]
    TooManyRungs(usize),
    /// An age to follow devices at that has no share.
    #[error("age {0} has no share")]
    UnknownRung(u32),
    /// A timeout of 0 minutes.
    #[error("a timeout of 0 minutes")]
    Timeout,
}

pub(super) fn check(parameters: &Parameters) -> Result<(), InvalidLimits> {
    let Parameters { unfinished, rungs, failed, failure_curve, false_stops, timeout, .. } =
        parameters;
    pairs(unfinished, |before, share| share <= before, InvalidLimits::ShareRises)?;
    pairs(failure_curve, |before, share| share >= before, InvalidLimits::CurveFalls)?;
    for age in rungs.iter().flatten() {
        if unfinished.binary_search_by_key(age, |(age, _)| *age).is_err() {
            return Err(InvalidLimits::UnknownRung(*age));
        }
    }
    if !(LOWEST..=1.0 - LOWEST).contains(failed) {
        return Err(InvalidLimits::Failed(*failed));
    }
    if !(LOWEST_FALSE_STOPS..=HIGHEST_FALSE_STOPS).contains(false_stops) {
        return Err(InvalidLimits::FalseStops(*false_stops));
    }
    if *timeout == Some(0) { Err(InvalidLimits::Timeout) } else { Ok(()) }
}

fn pairs(
    pairs: &[(u32, f64)],
    in_order: fn(f64, f64) -> bool,
    out_of_order: fn(u32) -> InvalidLimits,
) -> Result<(), InvalidLimits> {
    let mut before: Option<(u32, f64)> = None;
    for (age, share) in pairs.iter().copied() {
        if !(1..=Limits::MAX_AGE).contains(&age) {
            return Err(InvalidLimits::Age(age));
        }
        if !(0.0..=1.0).contains(&share) {
            return Err(InvalidLimits::Share(share));
        }
        if let Some((last, level)) = before {
            if age <= last {
                return Err(InvalidLimits::AgesDoNotRise(age));
            }
            if !in_order(level, share) {
                return Err(out_of_order(age));
            }
        }
        before = Some((age, share));
    }
    Ok(())
}

/// Fewer false stops than this cannot be distinguished from none.
const LOWEST_FALSE_STOPS: f64 = 1e-6;
/// More of them than this is no guard.
const HIGHEST_FALSE_STOPS: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: impl FnOnce(&mut Parameters)) -> String {
        let mut parameters = Parameters {
            unfinished: vec![(10, 0.5), (20, 0.1)],
            failed: 0.03,
            failure_curve: vec![(5, 0.2), (9, 0.4)],
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        };
        assert!(Limits::new(parameters.clone()).is_ok());
        change(&mut parameters);
        Limits::new(parameters).map(|limits| limits.hash()).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_tested_is_refused() {
        let nan = f64::NAN;
        for (fault, expected) in [
            (fault(|p| p.unfinished = vec![(0, 0.5)]), "age 0 is not 1 to 10080 minutes"),
            (fault(|p| p.unfinished = vec![(10_081, 0.5)]), "age 10081 is not 1 to 10080 minutes"),
            (fault(|p| p.unfinished = vec![(9, nan)]), "share NaN is not between 0 and 1"),
            (fault(|p| p.unfinished = vec![(9, 1.01)]), "share 1.01 is not between 0 and 1"),
            (
                fault(|p| p.unfinished.push((20, 0.0))),
                "age 20 does not rise above the age before it",
            ),
            (
                fault(|p| p.unfinished.push((21, 0.2))),
                "the share at age 21 is higher than at the age before it",
            ),
            (
                fault(|p| p.failure_curve.push((9, 0.5))),
                "age 9 does not rise above the age before it",
            ),
            (
                fault(|p| p.failure_curve.push((12, 0.3))),
                "the share of failures at age 12 is lower than at the age before it",
            ),
            (fault(|p| p.failed = 0.0), "failure limit 0 is not between 0.0001 and 0.9999"),
            (fault(|p| p.failed = nan), "failure limit NaN is not between 0.0001 and 0.9999"),
            (
                fault(|p| p.false_stops = 1.0),
                "share of false stops 1 is not between 0.000001 and 0.5",
            ),
            (
                fault(|p| p.false_stops = nan),
                "share of false stops NaN is not between 0.000001 and 0.5",
            ),
            (fault(|p| p.rungs = Some(vec![11])), "age 11 has no share"),
            (fault(|p| p.timeout = Some(0)), "a timeout of 0 minutes"),
            (
                fault(|p| p.unfinished = (1..=21).map(|age| (age, 0.5)).collect()),
                "21 ages are more than 20",
            ),
        ] {
            assert_eq!(fault, expected);
        }
    }

    #[test]
    fn limits_end_at_the_timeout_and_say_how_many_may_time_out() {
        let limits = |timeout| {
            Limits::new(Parameters {
                unfinished: vec![(10, 0.99995), (20, 0.5), (40, 0.1), (60, 0.02)],
                failed: 0.03,
                false_stops: 0.01,
                list: true,
                timeout,
                ..Parameters::default()
            })
            .unwrap()
        };
        let names = |timeout| -> Vec<String> {
            limits(timeout).names().map(|name| name.to_string()).collect()
        };
        assert_eq!(names(None), ["rung:20", "rung:40", "rung:60", "count", "failed"]);
        assert_eq!(names(Some(30)), ["rung:20", "timeout:30", "count", "failed"]);
        assert_eq!(limits(Some(30)).stairs().pairs(), [(20, 0.5), (30, 0.1)]);
        assert_eq!(names(Some(90)), names(None));
        assert_ne!(limits(None).hash(), limits(Some(30)).hash());
    }
}
