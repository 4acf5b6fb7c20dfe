//! The clock that stands still.

use super::fleet::{self, Device};
use crate::evidence::{Limits, Standing, State};

const OUTAGE: std::ops::Range<u32> = 20 * 60..35 * 60;

fn healthy() -> Vec<Device> {
    let times = fleet::logarithmic(14.0, 0.6);
    fleet::steady(100, 60, |quantile| Some(times(quantile)), |quantile| quantile < 0.02)
}

/// Devices whose endings are not reported during an outage, and of all at once when it is over.
fn in_an_outage(devices: &[Device], outage: &std::ops::Range<u32>) -> Vec<Device> {
    let during = |end: u32| if outage.contains(&end) { outage.end } else { end };
    devices.iter().map(|device| Device { ends: device.ends.map(during), ..*device }).collect()
}

fn limits() -> Limits {
    Limits::new(fleet::limits_of(14.0, 0.6, &[5, 8, 11, 14, 18, 22, 29, 38, 49, 59])).unwrap()
}

/// The highest evidence, and for how many minutes the clock stood still.
fn run(devices: &[Device]) -> (f64, u32) {
    let limits = limits();
    let mut state = State::new(&limits);
    let mut verdict = state.verdict(&limits);
    for tick in fleet::ticks(110, devices, None) {
        verdict = state.tick(&limits, &tick);
    }
    (verdict.evidence, verdict.stalled)
}

#[test]
fn an_outage_of_fifteen_minutes_stops_the_clock_and_not_the_rollout() {
    let (evidence, stalled) = run(&in_an_outage(&healthy(), &OUTAGE));
    assert!(evidence < 1.0, "{evidence}");
    assert!((10..=15).contains(&stalled), "{stalled}");
}

#[test]
fn a_healthy_rollout_and_one_that_has_ended_never_stop_the_clock() {
    let (evidence, stalled) = run(&healthy());
    assert!(evidence < 0.5, "{evidence}");
    assert_eq!(stalled, 0);
}

#[test]
fn devices_that_never_end_do_not_stop_the_clock() {
    let silent: Vec<Device> =
        healthy().into_iter().map(|device| Device { ends: None, ..device }).collect();
    let (evidence, stalled) = run(&silent);
    assert!(evidence > 100.0, "{evidence}");
    assert_eq!(stalled, 0);
}

#[test]
fn a_fault_that_stops_everything_late_is_found_after_half_an_hour() {
    let (evidence, stalled) = run(&in_an_outage(&healthy(), &(20 * 60..200 * 60)));
    assert!(evidence > 2.0, "{evidence}");
    assert_eq!(stalled, 30);
}

#[test]
fn in_an_outage_the_rollout_stands_as_stalled() {
    let limits = limits();
    let mut state = State::new(&limits);
    for tick in fleet::ticks(30, &in_an_outage(&healthy(), &OUTAGE), None) {
        state.tick(&limits, &tick);
    }
    assert_eq!(state.standing(&limits, 30), Standing::Stalled);
    assert!(state.verdict(&limits).is_stalled);
}

#[test]
fn nothing_is_cleared_while_the_clock_stands_still() {
    let limits = limits();
    let mut state = State::new(&limits);
    let mut stalled = 0;
    for tick in fleet::ticks(60, &in_an_outage(&healthy(), &OUTAGE), None) {
        let before = state.gate.clone();
        if state.tick(&limits, &tick).is_stalled {
            stalled += 1;
            assert_eq!(state.gate, before, "at {}", tick.t);
        }
    }
    assert!(stalled > 5, "{stalled}");
    assert!(state.gate.rungs.iter().any(|rung| rung.n > 0));
}
