use proptest::prelude::*;

use super::*;
use crate::job::{EndedCounts, ExecutionCounts};

fn exponential(notified: Option<u32>, succeeded: Option<u32>) -> Pace {
    let factor = Factor::new(2.0).unwrap();
    Pace::new(Rate::Exponential(Exponential {
        base: 50,
        factor,
        notified,
        succeeded,
        maximum: 1_000,
    }))
}

#[test]
fn rates_rise_as_in_the_example_of_the_guide() {
    // Base rate 50, factor 2, both criteria 1,000: 50, 100, 200 and 400 up to 1,000, 2,000, 3,000.
    for (notified, rate) in
        [(0, 50), (999, 50), (1_000, 100), (1_999, 100), (2_000, 200), (3_000, 400), (9_000, 1_000)]
    {
        assert_eq!(
            exponential(Some(1_000), Some(1_000)).next_minute(notified, 0),
            rate,
            "{notified} notified"
        );
        assert_eq!(
            exponential(Some(1_000), Some(1_000)).next_minute(0, notified),
            rate,
            "{notified} succeeded"
        );
        assert_eq!(exponential(None, Some(1_000)).next_minute(notified, 0), 50);
    }
    assert_eq!(Pace::new(Rate::Constant(7)).next_minute(1_000_000, 0), 7);
    assert_eq!(exponential(Some(1), None).next_minute(u32::MAX, 0), 1_000);
}

#[test]
fn numbers_are_what_aws_iot_takes() {
    for good in [1.1, 1.5, 2.0, 5.0] {
        assert_eq!(Factor::new(good).ok().map(Factor::get), Some(good));
    }
    for bad in [1.0, 1.55, 5.1, -2.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Factor::new(bad).ok(), None, "{bad}");
    }
    for good in [0.01, 10.9, 10.99, 100.0] {
        assert_eq!(Threshold::new(good).ok().map(Threshold::percent), Some(good));
    }
    for bad in [0.0, 10.999, 100.01, -1.0, f64::NAN] {
        assert_eq!(Threshold::new(bad).ok(), None, "{bad}");
    }
    assert!(Timeout::new(1).is_ok() && Timeout::new(10_080).is_ok());
    assert!(Timeout::new(0).is_err() && Timeout::new(10_081).is_err());
    assert!(
        Retries::new(5, 5).is_ok()
            && Retries::new(5, 6).is_err()
            && Retries::new(255, 255).is_err()
    );
}

fn criterion(failure: FailureType, percent: f64, min_executed: u32) -> AbortCriterion {
    AbortCriterion { failure, threshold: Threshold::new(percent).unwrap(), min_executed }
}

#[test]
fn the_first_failure_of_nine_aborts_at_eleven_percent() {
    let endings = |succeeded, failed| EndedCounts { succeeded, failed, ..EndedCounts::default() };
    let sample = criterion(FailureType::All, 11.0, 1);
    for (succeeded, failed, met) in
        [(0, 0, false), (0, 1, true), (8, 1, true), (9, 1, false), (89, 11, true), (90, 11, false)]
    {
        assert_eq!(
            sample.is_met(&endings(succeeded, failed), succeeded + failed),
            met,
            "{failed} of {}",
            succeeded + failed
        );
    }
    assert_eq!(
        sample.reason(&endings(8, 1)),
        "1 of 9 executed things are ALL (thresholdPercentage 11, minNumberOfExecutedThings 1)"
    );
}

#[test]
fn the_two_readings_of_the_least_number_differ_in_the_beginning() {
    let early = EndedCounts { failed: 1, ..EndedCounts::default() };
    let criterion = criterion(FailureType::Failed, 10.0, 100);
    let notified = 100;
    assert!(!criterion.is_met(&early, early.executed()));
    assert!(criterion.is_met(&early, notified));
}

#[test]
fn each_failure_type_counts_its_own() {
    let endings = EndedCounts { failed: 1, rejected: 2, timed_out: 3, succeeded: 94 };
    for (failure, percent) in [
        (FailureType::Failed, 1.0),
        (FailureType::Rejected, 2.0),
        (FailureType::TimedOut, 3.0),
        (FailureType::All, 6.0),
    ] {
        assert!(criterion(failure, percent, 1).is_met(&endings, 100), "{failure:?}");
        assert!(!criterion(failure, percent + 0.01, 1).is_met(&endings, 100), "{failure:?}");
        assert_eq!(FailureType::parse(&failure.name().to_lowercase()), Some(failure));
    }
}

proptest! {
    #[test]
    fn every_notified_device_is_in_exactly_one_state(counts in prop::array::uniform7(0_u32..1_000)) {
        let [queued, in_progress, canceled, succeeded, failed, rejected, timed_out] = counts;
        let endings = EndedCounts { succeeded, failed, rejected, timed_out };
        let progress = ExecutionCounts { queued, in_progress, ended: endings, canceled, removed: 0 };
        prop_assert_eq!(progress.notified(), counts.iter().sum::<u32>());
        prop_assert_eq!(progress.open() + endings.executed() + canceled, progress.notified());
    }

    #[test]
    fn a_criterion_is_not_met_sooner_than_it_can_be(
        succeeded in 0_u32..200, failed in 0_u32..20, percent in 1_u32..=100, coming in prop::collection::vec(any::<bool>(), 0..100),
    ) {
        let criterion = criterion(FailureType::All, f64::from(percent), 1);
        let mut endings = EndedCounts { succeeded, failed, ..EndedCounts::default() };
        prop_assume!(!criterion.is_met(&endings, endings.executed()));
        let within = criterion.cannot_be_met_within(&endings);
        for fails in coming.iter().take(within as usize) {
            endings.count(if *fails { Outcome::Failed } else { Outcome::Succeeded });
            prop_assert!(!criterion.is_met(&endings, endings.executed()));
        }
    }

    #[test]
    fn a_higher_threshold_or_least_number_never_aborts_more(
        endings in prop::array::uniform4(0_u32..100), percent in 1_u32..100, least in 1_u32..100, more in 0_u32..50,
    ) {
        let [succeeded, failed, rejected, timed_out] = endings;
        let endings = EndedCounts { succeeded, failed, rejected, timed_out };
        for counted in [endings.executed(), 200] {
            let met = |percent, least| criterion(FailureType::All, f64::from(percent), least).is_met(&endings, counted);
            prop_assert!(met(percent, least) || !met((percent + more).min(100), least));
            prop_assert!(met(percent, least) || !met(percent, least + more));
        }
    }
}
