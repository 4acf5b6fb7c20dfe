//! What holds for every rollout.

use proptest::collection::vec;
use proptest::prelude::*;

use super::fleet::{self, Device};
use super::recorded::cases;
use crate::evidence::{Ages, Limits, Parameters, State, Tick};

/// Devices of a rollout of an hour: some slow, some silent, some failing.
fn devices(most: usize) -> impl Strategy<Value = Vec<Device>> {
    let device = (0_u32..3_600, prop_oneof![8 => (10_u32..4_000).prop_map(Some), 2 => Just(None)])
        .prop_flat_map(|(begins, lasts)| {
            let ends = lasts.map(|lasts| begins + lasts);
            prop::bool::weighted(0.1).prop_map(move |fails| Device { begins, ends, fails })
        });
    vec(device, 1..most)
}

fn parameters() -> Parameters {
    Parameters {
        unfinished: vec![(1, 0.95), (3, 0.8), (8, 0.6), (15, 0.4), (22, 0.25), (45, 0.06)],
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    }
}

fn with_curve() -> Parameters {
    Parameters { failure_curve: vec![(2, 0.1), (9, 0.5), (30, 0.9)], ..parameters() }
}

/// The evidence after each tick, by minute; `None` if the clock ever stood still.
fn evidence(limits: &Limits, ticks: &[Tick]) -> Option<Vec<(u32, f64)>> {
    let mut state = State::new(limits);
    let each = ticks.iter().map(|tick| {
        let verdict = state.tick(limits, tick);
        (verdict.stalled == 0).then_some((tick.t, verdict.evidence))
    });
    each.collect()
}

/// Whether, at every minute of both, the evidence of `less` is at most that of `all`.
fn is_lower(limits: &Limits, less: &[Tick], all: &[Tick]) -> Result<(), TestCaseError> {
    let (Some(less), Some(all)) = (evidence(limits, less), evidence(limits, all)) else {
        return Ok(());
    };
    for (t, lower) in less {
        let (_, higher) = all.iter().find(|(other, _)| *other == t).unwrap();
        prop_assert!(lower <= higher + 1e-9, "at {t}: {lower} {higher}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn dropping_ticks_never_raises_evidence(
        devices in devices(150),
        dropped in vec(1_usize..100, 1..30),
        timeout in prop::option::of(20_u32..60),
    ) {
        let limits = Limits::new(Parameters { timeout, ..parameters() }).unwrap();
        let all = fleet::ticks(100, &devices, timeout);
        let first = all.iter().position(|tick| tick.begun > 0).unwrap();
        let mut less = all.clone();
        let mut place = 0;
        less.retain(|_| {
            place += 1;
            // Without the tick that starts the clock, each check is made at another minute.
            place == first + 1 || !dropped.contains(&(place - 1))
        });
        is_lower(&limits, &less, &all)?;
    }

    #[test]
    fn dropping_lists_or_their_entries_never_raises_evidence(
        devices in devices(150),
        dropped in vec(1_usize..100, 1..60),
        entries in vec((1_usize..100, 0_usize..20), 1..60),
        has_curve: bool,
    ) {
        let limits = if has_curve { with_curve() } else { parameters() };
        let limits = Limits::new(limits).unwrap();
        let all = fleet::ticks(100, &devices, None);
        let mut less = all.clone();
        for (tick, entry) in entries {
            let ages = less[tick].in_progress.take().unwrap();
            let mut counts: Vec<(u32, u32)> =
                (0..200).map(|age| (age, ages.at(age))).filter(|(_, count)| *count > 0).collect();
            if let Some((_, count)) = counts.get_mut(entry) {
                *count -= 1;
            }
            less[tick].in_progress = Some(Ages::of_counts(counts));
        }
        is_lower(&limits, &less, &all)?;
        for tick in dropped {
            less[tick].in_progress = None;
        }
        is_lower(&limits, &less, &all)?;
    }

    #[test]
    fn a_tick_that_comes_twice_or_late_changes_nothing(
        devices in devices(80),
        again in vec((0_usize..60, 0_usize..60), 1..20),
    ) {
        let limits = Limits::new(with_curve()).unwrap();
        let all = fleet::ticks(60, &devices, None);
        let (mut once, mut twice) = (State::new(&limits), State::new(&limits));
        for (place, tick) in all.iter().enumerate() {
            once.tick(&limits, tick);
            twice.tick(&limits, tick);
            for (_, earlier) in again.iter().filter(|(at, _)| *at == place) {
                twice.tick(&limits, &all[(*earlier).min(place)]);
            }
            prop_assert_eq!(&once, &twice);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))] // 550 minutes each

    #[test]
    fn old_cohorts_are_merged_without_raising_evidence(
        devices in devices(150),
        speed in 1_u32..60,
        missing in vec(1_u32..1_500, 0..40),
    ) {
        // The same rollout, so many times slower.
        let devices: Vec<Device> = devices.into_iter().map(|device| Device {
            begins: device.begins * speed / 10,
            ends: device.ends.map(|ends| ends * speed / 10),
            ..device
        }).collect();
        let limits = Limits::new(Parameters {
            unfinished: vec![(20, 0.7), (70, 0.4), (150, 0.3), (290, 0.2), (700, 0.05)],
            failure_curve: vec![(20, 0.3), (100, 0.6), (900, 0.9)],
            ..parameters()
        })
        .unwrap();
        let (mut merged, mut whole) = (State::new(&limits), State::new(&limits));
        for t in (0..1_500).filter(|t| !missing.contains(t) && (*t < 400 || t % 7 == 0)) {
            let tick = fleet::tick(t, &devices, None);
            let lower = merged.tick(&limits, &tick);
            let higher = whole.tick_merging(&limits, &tick, false);
            if lower.stalled > 0 || higher.stalled > 0 {
                return Ok(());
            }
            prop_assert!(lower.evidence <= higher.evidence + 1e-9, "at {t}");
            prop_assert!(lower.evidence >= 0.0);
        }
    }
}

#[test]
fn a_state_survives_encoding_at_every_tick_of_every_case() {
    for (name, case) in cases() {
        let limits = case.limits();
        let (mut state, mut stored) = (State::new(&limits), State::new(&limits).encode());
        for tick in case.ticks() {
            let mut decoded = State::decode(&stored, &limits).unwrap();
            assert_eq!(decoded, state, "{name} before {}", tick.t);
            let verdict = state.tick(&limits, &tick);
            assert_eq!(decoded.tick(&limits, &tick), verdict, "{name} at {}", tick.t);
            stored = decoded.encode();
            assert!(stored.len() < 700, "{name}: {} bytes", stored.len());
        }
    }
}

#[test]
fn evidence_never_falls_in_any_case() {
    for (name, case) in cases() {
        let limits = case.limits();
        let mut state = State::new(&limits);
        let mut highest = 0.0;
        for tick in case.ticks() {
            let evidence = state.tick(&limits, &tick).evidence;
            assert!(evidence >= highest, "{name} at {}", tick.t);
            highest = evidence;
        }
    }
}

#[test]
fn a_state_of_other_limits_or_of_another_version_is_refused_and_changes_nothing() {
    use crate::evidence::InvalidState;
    let (limits, other) = (fleet::plain(), Limits::new(parameters()).unwrap());
    let bytes = State::new(&limits).encode();
    assert_eq!(State::decode(&bytes, &other), Err(InvalidState::OtherLimits));
    let mut newer = bytes.clone();
    newer[0] += 1;
    assert_eq!(State::decode(&newer, &limits), Err(InvalidState::OtherVersion));
    for length in 10..bytes.len() {
        assert_eq!(State::decode(&bytes[..length], &limits), Err(InvalidState::Malformed));
    }
    let mut state = State::new(&limits);
    state.tick(&other, &Tick { t: 1, begun: 5, ..Tick::default() });
    assert_eq!(state, State::new(&limits));
}

#[test]
fn a_restart_has_half_the_weight() {
    let limits = fleet::plain();
    let tick = Tick { t: 1, begun: 100, ended: 100, unsuccessful: 60, ..Tick::default() };
    let mut first = State::new(&limits);
    let mut second = first.restarted(&limits);
    let (before, after) = (first.tick(&limits, &tick), second.tick(&limits, &tick));
    assert!((before.evidence - after.evidence - 2_f64.log10()).abs() < 1e-12);
}
