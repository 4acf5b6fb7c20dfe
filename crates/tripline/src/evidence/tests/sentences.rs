//! Evidence in words.

use super::fleet;
use crate::evidence::{Above, Ages, Limits, Parameters, Source, State, Tick};

/// After 22 minutes, x of the 900 devices that began in the first minute are unfinished.
fn at_22(limits: &Limits, unfinished: u32) -> State {
    let mut state = State::new(limits);
    state.tick(limits, &Tick::default());
    for t in 1..=23 {
        let listed = if t < 23 { 0 } else { unfinished };
        let tick = Tick {
            t,
            begun: 900,
            ended: 900 - unfinished,
            in_progress: Some(Ages::of_counts([(t - 1, listed)])),
            ..Tick::default()
        };
        state.tick(limits, &tick);
    }
    state
}

fn words(state: &State, limits: &Limits) -> (String, Option<String>) {
    let reason = state.reason(limits).map(|reason| reason.to_string());
    (state.verdict(limits).brief(limits).to_string(), reason)
}

fn calibrated() -> Limits {
    let name = "fw-2-0".to_owned();
    let source = Source::Baseline { name, rollouts: 3, slower_by: 20 };
    Limits::new(Parameters {
        unfinished: vec![(22, 0.33)],
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        source,
        ..Parameters::default()
    })
    .unwrap()
}

#[test]
fn nothing_seen_is_said_in_three_words() {
    let limits = fleet::plain();
    let state = State::new(&limits);
    assert_eq!(words(&state, &limits), ("evidence 0.0 of 2".to_owned(), None));
}

#[test]
fn a_rung_says_how_many_are_unfinished() {
    let limits = calibrated();
    let (brief, reason) = words(&at_22(&limits, 372), &limits);
    assert_eq!(brief, "evidence 4.5 of 2 · 22 min: 41 % of 900 unfinished, limit 33 %");
    assert_eq!(
        reason.as_deref(),
        Some(
            "After 22 minutes, 372 of 900 devices (41 %) were unfinished; at most 33 % may be (baseline fw-2-0 of 3 rollouts, 20 % slack). At most 1 in 100 healthy rollouts ever looks like this."
        )
    );
}

#[test]
fn what_does_not_stop_has_no_reason() {
    let limits = calibrated();
    let (brief, reason) = words(&at_22(&limits, 350), &limits);
    assert_eq!(brief, "evidence 0.7 of 2 · 22 min: 39 % of 900 unfinished, limit 33 %");
    assert_eq!(reason, None);
}

fn after(limits: &Limits, ticks: &[Tick]) -> (String, String) {
    let mut state = State::new(limits);
    for tick in ticks {
        state.tick(limits, tick);
    }
    let (brief, reason) = words(&state, limits);
    (brief, reason.unwrap())
}

#[test]
fn counted_endings_failures_and_timeouts_have_their_own_words() {
    let begun = Tick { t: 1, begun: 900, ..Tick::default() };
    let slow = Parameters {
        unfinished: vec![(8, 0.8), (22, 0.25)],
        failed: 0.03,
        false_stops: 0.01,
        ..Parameters::default()
    };
    let limits = Limits::new(slow.clone()).unwrap();
    let (brief, reason) = after(
        &limits,
        &[Tick::default(), begun.clone(), Tick { t: 24, ended: 571, ..begun.clone() }],
    );
    assert!(brief.ends_with(" of 2 · 24 min: 571 of 900 ended, limit 675"), "{brief}");
    assert_eq!(
        reason,
        "At minute 24, 571 of 900 devices had ended; by the limits at least 675 should have (declared). At most 1 in 100 healthy rollouts ever looks like this."
    );

    let failing = Tick { t: 2, ended: 300, unsuccessful: 81, ..begun.clone() };
    let (brief, reason) = after(&limits, &[begun.clone(), failing.clone()]);
    assert!(brief.ends_with(" of 2 · 9 % of 900 failed, limit 3 %"), "{brief}");
    assert!(reason.starts_with("81 of 900 devices (9 %) failed; at most 3 % may (declared). "));

    let early = Parameters { failure_curve: vec![(3, 0.1), (20, 1.0)], ..slow.clone() };
    let early = Limits::new(Parameters { false_stops: 0.003, ..early }).unwrap();
    let seldom = Tick { unsuccessful: 26, ..failing };
    let (brief, reason) = after(&early, &[Tick::default(), begun.clone(), seldom]);
    assert!(brief.ends_with(" of 2.52 · 2 min: 26 of 900 failed, limit 3"), "{brief}");
    assert!(reason.starts_with("At minute 2, 26 of 900 devices had failed; by the limits at most 3 may have (declared). At most 0.3 % of healthy"), "{reason}");

    let limits = Limits::new(Parameters { timeout: Some(22), list: true, ..slow.clone() }).unwrap();
    let silent = Tick { t: 24, timed_out: 360, ended: 540, ..begun.clone() };
    let (brief, reason) = after(&limits, &[begun, silent]);
    assert!(brief.ends_with(" of 2 · 22 min: 40 % of 900 timed out, limit 25 %"), "{brief}");
    assert!(reason.starts_with(
        "After 22 minutes, 360 of 900 devices (40 %) timed out; at most 25 % may (declared). "
    ));
}

#[test]
fn a_restart_admits_that_more_false_stops_are_spent() {
    let limits = calibrated();
    let mut state = State::new(&limits).restarted(&limits);
    state.tick(&limits, &Tick { t: 1, begun: 90, ended: 90, unsuccessful: 60, ..Tick::default() });
    let reason = state.reason(&limits).unwrap().to_string();
    assert!(reason.ends_with("At most 1.5 % of healthy rollouts ever look like this."), "{reason}");
}

#[test]
fn limits_are_one_line() {
    let declared = Parameters {
        unfinished: vec![(60, 0.03), (75, 0.02)],
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        timeout: Some(75),
        ..Parameters::default()
    };
    let half = Parameters { false_stops: 0.007, failed: 0.105, ..declared.clone() };
    for (limits, expected) in [
        (
            Limits::new(declared).unwrap(),
            "evidence > 2 (1 in 100): failed 3 %, 60 min 3 %, 75 min 2 %",
        ),
        (
            Limits::new(half).unwrap(),
            "evidence > 2.15 (0.7 %): failed 11 %, 60 min 3 %, 75 min 2 %",
        ),
        (
            calibrated(),
            "evidence > 2 (1 in 100): failed 3 %, 22 min 33 % (baseline fw-2-0 of 3 rollouts, 20 % slack)",
        ),
    ] {
        assert_eq!(limits.in_words().to_string(), expected);
        assert!(expected.starts_with(&Above(limits.threshold()).to_string()));
    }
}
