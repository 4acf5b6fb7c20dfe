//! The gate for the next wave.

use super::fleet;
use crate::evidence::{Clearance, Limits, Parameters, State, Tick};

fn limits() -> Limits {
    Limits::new(fleet::limits_of(14.0, 0.6, &[8, 11, 14, 18, 22, 29, 38, 49, 59])).unwrap()
}

fn clearance(ticks: &[Tick]) -> Clearance {
    let limits = limits();
    let mut state = State::new(&limits);
    for tick in ticks {
        state.tick(&limits, tick);
    }
    state.clearance().unwrap()
}

fn rollout(slower: f64, failing: f64) -> Vec<Tick> {
    let times = fleet::logarithmic(14.0 * slower, 0.6);
    let devices =
        fleet::steady(12, 90, |quantile| Some(times(quantile)), |quantile| quantile < failing);
    fleet::ticks(150, &devices, None)
}

#[test]
fn a_healthy_rollout_opens_the_gate_after_an_hour_and_not_before() {
    let ticks = rollout(1.0, 0.01);
    assert!(clearance(&ticks).is_open());
    assert!(!clearance(&ticks[..60]).is_open());
}

#[test]
fn twice_the_limits_never_open_the_gate() {
    assert!(!clearance(&rollout(1.0, 0.06)).is_open(), "failing");
    assert!(!clearance(&rollout(1.9, 0.01)).is_open(), "slow");
}

#[test]
fn minutes_without_a_list_or_a_tick_clear_nothing() {
    let ticks = rollout(1.0, 0.01);
    let without: Vec<Tick> =
        ticks.iter().map(|tick| Tick { in_progress: None, ..tick.clone() }).collect();
    assert_eq!(clearance(&without).value(), 0.0);
    let every_other: Vec<Tick> = ticks.iter().step_by(2).cloned().collect();
    assert_eq!(clearance(&every_other).value(), 0.0);
}

#[test]
fn a_rollout_without_a_list_has_no_clearance() {
    let parameters = fleet::limits_of(14.0, 0.6, &[22, 59]);
    let limits = Limits::new(crate::evidence::Parameters { list: false, ..parameters }).unwrap();
    assert_eq!(State::new(&limits).clearance(), None);
}

#[test]
fn as_many_devices_as_are_named_open_the_gate_and_an_eighth_of_them_cannot() {
    let unfinished = vec![(60, 0.03), (75, 0.02)];
    let (failed, false_stops) = (0.03, 0.01);
    let parameters =
        Parameters { unfinished, failed, false_stops, list: true, ..Parameters::default() };
    let limits = Limits::new(parameters).unwrap();
    // Three quarters of each limit.
    let times = |quantile: f64| {
        Some(match quantile {
            fast if fast < 0.9775 => 10.0,
            slow if slow < 0.985 => 70.0,
            _ => 80.0,
        })
    };
    let opens = |devices: u32| {
        let minutes = devices.div_ceil(12);
        let devices = fleet::steady(12, minutes, times, |quantile| quantile < 0.0225);
        let mut state = State::new(&limits);
        for tick in fleet::ticks(minutes + 90, &devices, None) {
            state.tick(&limits, &tick);
        }
        state.clearance().unwrap().is_open()
    };
    let devices = limits.clears_at().unwrap();
    assert!(opens(devices) && !opens(devices / 8), "{devices}");
}
