//! Three cells of `docs/reference/verdict.md`, as `make verdict` works them out, with 300 runs each.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "../examples/verdict/cell.rs"]
mod cell;
#[path = "../examples/verdict/world.rs"]
mod world;

use cell::Cell;
use world::{Guard, Pace, Shape, Situation};

/// As there.
pub const SEED: u64 = 20_260_801;

fn cell(situation: Situation, pace: Pace, shape: Shape) -> Cell {
    let guard = Guard::Recommended;
    let scenario = world::scenario(shape, pace, situation, guard);
    Cell::of(&scenario, &guard.plans_for(shape, situation), 300)
}

#[test]
fn rollouts_that_drift_within_the_limits_go_on_under_the_recommended_guard() {
    let drifting = cell(Situation::Drift, Pace::Flat(12, 1_000), Shape::A);
    assert_eq!((drifting.stopped, drifting.runs), (0, 300));
}

#[test]
fn rollouts_exactly_at_the_limits_are_stopped_in_less_than_one_of_a_hundred() {
    let at_the_limits = cell(Situation::AtTheLimits, Pace::Flat(12, 1_000), Shape::B);
    assert!(at_the_limits.stopped <= 3, "{at_the_limits:?}");
}

#[test]
fn slow_rollouts_are_stopped_after_a_few_hundred_devices() {
    let slow = cell(Situation::Slow(10), Pace::Ramp(24_000), Shape::A);
    assert_eq!(slow.stopped, 300);
    assert!((250..450).contains(&slow.notified.unwrap()), "{slow:?}");
}
