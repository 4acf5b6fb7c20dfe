//! What a rollout is too small for.

use super::fleet;
use crate::evidence::{Ages, LimitName, Limits, Parameters, State, Tick};

fn limits() -> Limits {
    Limits::new(Parameters {
        unfinished: vec![(8, 0.8), (22, 0.33), (60, 0.03)],
        failed: 0.03,
        failure_curve: vec![(5, 0.2), (30, 1.0)],
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    })
    .unwrap()
}

/// The highest log10 of the e-value of a limit, with its weight, when n devices begin in the first
/// minute and none of them is as it should.
fn worst(limits: &Limits, limit: LimitName, n: u32) -> f64 {
    let mut state = State::new(limits);
    let fails = matches!(limit, LimitName::Failed | LimitName::FailedCurve);
    let mut highest = 0.0_f64;
    for t in 0..310 {
        let tick = Tick {
            t,
            begun: if t > 0 { n } else { 0 },
            ended: if fails && t > 0 { n } else { 0 },
            unsuccessful: if fails && t > 0 { n } else { 0 },
            in_progress: (t > 0).then(|| Ages::of_counts([(t - 1, n)])),
            ..Tick::default()
        };
        state.tick(limits, &tick);
        let parts = state.parts(limits);
        let rung = |place: usize| parts.rungs[place].2 + (0.35_f64 / 3.0).log10();
        highest = highest.max(match limit {
            LimitName::Rung(8) => rung(0),
            LimitName::Rung(22) => rung(1),
            LimitName::Rung(_) | LimitName::Timeout(_) => rung(2),
            LimitName::Count => parts.count.map_or(0.0, |count| count + 0.25_f64.log10()),
            LimitName::Failed => parts.failed + 0.2_f64.log10(),
            LimitName::FailedCurve => {
                parts.failed_curve.map_or(0.0, |curve| curve + 0.2_f64.log10())
            }
        });
    }
    highest
}

#[test]
fn the_smallest_rollout_of_each_limit_can_stop_and_one_device_less_cannot() {
    let limits = limits();
    for limit in limits.names() {
        let smallest = limits.smallest(limit).unwrap();
        assert!(worst(&limits, limit, smallest) >= 2.0, "{limit} of {smallest}");
        assert!(worst(&limits, limit, smallest - 1) < 2.0, "{limit} of {smallest}");
    }
}

#[test]
fn limits_that_are_too_high_for_a_rollout_are_named_with_what_they_take() {
    let limits = limits();
    let said = |devices| -> Vec<String> {
        limits.too_small_for(devices).iter().map(ToString::to_string).collect()
    };
    assert_eq!(said(20), ["80 % after 8 minutes: takes 38 devices"]);
    assert_eq!(said(100), [""; 0]);
    assert_eq!(said(1).len(), limits.names().count());
}

#[test]
fn a_limit_that_is_none_of_these_has_no_smallest_rollout() {
    assert_eq!(fleet::plain().smallest(LimitName::Rung(9)), None);
    assert_eq!(fleet::plain().smallest(LimitName::FailedCurve), None);
}

#[test]
fn without_a_limit_on_slow_devices_no_number_of_them_stops() {
    let limits =
        Limits::new(Parameters { failed: 0.03, false_stops: 0.01, ..Parameters::default() })
            .unwrap();
    assert_eq!(limits.smallest(LimitName::Count), None);
    let said: Vec<String> = limits.too_small_for(9).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["endings by age: no number of devices is enough"]);
}

#[test]
fn each_way_to_go_wrong_needs_the_least_that_any_of_its_limits_does() {
    let needs = limits().needs();
    let least = |names: &[LimitName]| names.iter().filter_map(|it| limits().smallest(*it)).min();
    let unfinished = [8, 22, 60].map(LimitName::Rung);
    assert_eq!(needs.unfinished, least(&[&unfinished[..], &[LimitName::Count]].concat()));
    assert_eq!(needs.failing, least(&[LimitName::Failed, LimitName::FailedCurve]));
    assert_eq!((needs.timing_out, needs.only_counts), (None, false), "the job has no timeout");
    let declared = Parameters { unfinished: vec![(60, 0.03)], ..Parameters::default() };
    let unlisted = Limits::new(Parameters {
        failed: 0.03,
        false_stops: 0.01,
        timeout: Some(40),
        list: false,
        ..declared
    });
    let needs = unlisted.map(|limits| limits.needs());
    assert!(needs.as_ref().is_ok_and(|needs| needs.only_counts), "{needs:?}");
}
