//! Evidence as a guard.

use std::sync::{Arc, Mutex};

use super::*;
use tripline::baseline::followed_ages;
use tripline::evidence::{Limits, Parameters, State, Tick};
use tripline::rollout::{Retries, Timeout};

/// Limits of a fleet with a median of 848 s and sigma 0.6 that may be a fifth slower, at six ages.
fn limits(list: bool) -> Limits {
    let time = Lognormal::new(848.0, 0.6).unwrap();
    let share = |age: u32| {
        let share = time.share_over(f64::from(age) * 50.0);
        (age, share + (1.0 - share) * 0.01)
    };
    Limits::new(Parameters {
        unfinished: [8, 12, 17, 24, 35, 50].map(share).into(),
        failed: 0.03,
        false_stops: 0.01,
        list,
        ..Parameters::default()
    })
    .unwrap()
}

fn healthy(devices: u32) -> Fleet {
    Fleet {
        failing: share(0.02),
        silent: share(0.002),
        download: Lognormal::new(848.0, 0.6).unwrap(),
        ..Fleet::healthy(devices)
    }
}

fn stopped(scenario: &Scenario, list: bool, runs: u32) -> Study {
    study(scenario, &[&EvidencePlan::new(limits(list), StopMode::Cancel)], runs)
}

#[test]
fn rollouts_within_the_limits_go_on() {
    let slower = Fleet { download: Lognormal::new(1_010.0, 0.6).unwrap(), ..healthy(1_500) };
    for list in [true, false] {
        for fleet in [healthy(1_500), slower] {
            assert_eq!(stopped(&at_rate(fleet, 50), list, 15).stopped.count, 0);
        }
    }
}

#[test]
fn rollouts_beyond_a_limit_are_stopped_before_most_devices_are_notified() {
    let slow = Fleet { download: Lognormal::new(1_600.0, 0.6).unwrap(), ..healthy(4_000) };
    for bad in [
        slow,
        Fleet { silent: share(0.3), ..healthy(4_000) },
        Fleet { failing: share(0.2), ..healthy(4_000) },
        Fleet { rejecting: share(0.2), ..healthy(4_000) },
    ] {
        let study = stopped(&at_rate(bad, 50), true, 5);
        assert_eq!(study.stopped.count, 5, "{bad:?}");
        let exposed = study.exposed_at_stop.unwrap().p50.value;
        assert!(exposed < 2_000.0, "{exposed}: {bad:?}");
    }
}

#[test]
fn what_times_out_is_seen_at_the_timeout() {
    let mut scenario = at_rate(Fleet { silent: share(0.2), ..healthy(1_500) }, 50);
    scenario.rollout.timeout = Timeout::new(30).ok();
    let limits = Limits::new(Parameters {
        unfinished: vec![(30, 0.1)],
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        timeout: Some(30),
        ..Parameters::default()
    });
    let plan = EvidencePlan::new(limits.unwrap(), StopMode::Cancel);
    let outcome = Simulator::new(&scenario, &[&plan]).run(1, 0, Detail::Summary);
    let reason = &outcome.stop().unwrap().0.reason;
    assert!(reason.starts_with("After 30 minutes, "), "{reason}");
    assert!(reason.contains(" timed out; at most 10 % may (declared). "), "{reason}");
}

#[test]
fn a_stop_takes_effect_two_minutes_after_the_minute_of_its_evidence() {
    let scenario = at_rate(Fleet { failing: share(0.5), ..healthy(4_000) }, 50);
    let plan = EvidencePlan::new(limits(true), StopMode::Cancel);
    let outcome = Simulator::new(&scenario, &[&plan]).run(1, 0, Detail::Summary);
    let (firing, effect) = outcome.stop().unwrap();
    assert_eq!(firing.at.millis() % 60_000, 0);
    assert_eq!(effect.at, firing.at.plus(Elapsed::from_minutes(2)));
    let words = firing.reason.split_once(" failed; at most 3 % may (declared). At most 1 in 100 ");
    assert!(words.is_some(), "{}", firing.reason);
}

#[test]
fn evidence_is_traced_at_every_minute_of_a_full_run_and_of_no_other() {
    let scenario = at_rate(Fleet { failing: share(0.5), ..healthy(1_000) }, 50);
    let plan = EvidencePlan::new(limits(true), StopMode::Observe);
    let run = |detail| Simulator::new(&scenario, &[&plan]).run(1, 0, detail);
    let outcome = run(Detail::Full);
    let trace = outcome.evidence.unwrap();
    assert_eq!(trace.threshold, 2.0);
    let fired = outcome.firings[0].at.minutes();
    let reached = trace.minutes.iter().position(|evidence| *evidence >= 2.0).unwrap();
    assert_eq!(reached as f64, fired);
    assert!(trace.brief.contains(" failed, limit 3 %"), "{}", trace.brief);
    assert_eq!(run(Detail::Summary).evidence, None);
    assert_eq!(Simulator::new(&scenario, &[]).run(1, 0, Detail::Full).evidence, None);
}

/// Takes down what AWS IoT would say, and stops nothing.
#[derive(Default, Clone)]
struct Recorder(Arc<Mutex<Vec<(Tick, u32)>>>);

impl GuardPlan for Recorder {
    fn name(&self) -> String {
        "recorder".to_owned()
    }

    fn metrics(&self) -> Vec<tripline::metric::Metric> {
        Vec::new()
    }

    fn reaction(&self) -> Reaction {
        Reaction { mode: StopMode::Observe, delay: Elapsed::default() }
    }

    fn guard(&self, start: Timestamp, _: &mut Random) -> Box<dyn Guard> {
        Box::new(Recording(self.clone(), start))
    }
}

struct Recording(Recorder, Timestamp);

impl Guard for Recording {
    fn schedule(&self) -> Schedule {
        Schedule::Every { first: self.1, seconds: 60 }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        self.0.0.lock().unwrap().push((live.tick(true), live.in_progress().count() as u32));
        Verdict::Continue
    }
}

fn recorded(scenario: &Scenario) -> Vec<(Tick, u32)> {
    let recorder = Recorder::default();
    Simulator::new(scenario, &[&recorder]).run(1, 0, Detail::Full);
    let ticks = recorder.0.lock().unwrap().clone();
    assert!(ticks.len() > 30);
    ticks
}

#[test]
fn every_device_that_began_is_in_the_counts_and_in_the_list() {
    let mut scenario = at_rate(
        Fleet { failing: share(0.1), silent: share(0.1), rejecting: share(0.1), ..healthy(900) },
        50,
    );
    scenario.rollout.timeout = Timeout::new(40).ok();
    for (number, (tick, in_progress)) in (0..).zip(recorded(&scenario)) {
        assert_eq!(tick.t, number);
        let listed = tick.in_progress.unwrap().from(0);
        assert_eq!(listed, in_progress);
        assert_eq!(tick.begun, tick.ended + tick.timed_out + listed);
        assert!(tick.unsuccessful <= tick.ended);
    }
}

#[test]
fn devices_that_try_again_are_counted_and_not_listed() {
    let mut scenario = at_rate(Fleet { failing: share(0.5), ..healthy(400) }, 50);
    scenario.rollout.retries = Retries::new(2, 0).unwrap();
    let again: u32 = recorded(&scenario)
        .into_iter()
        .map(|(tick, in_progress)| {
            let listed = tick.in_progress.unwrap().from(0);
            assert_eq!(tick.begun, tick.ended + tick.timed_out + in_progress);
            in_progress.checked_sub(listed).unwrap()
        })
        .sum();
    assert!(again > 100, "{again}");
}

/// The minute at which the gate opens and how many devices were notified then, of a wave of so many.
fn opened(fleet: Fleet, run: u32) -> Option<(u32, u32)> {
    let time = Lognormal::new(848.0, 0.6).unwrap();
    let share = |age: u32| {
        let share = time.share_over(f64::from(age) * 50.0);
        (age, share + (1.0 - share) * 0.01)
    };
    let unfinished: Vec<(u32, f64)> = (1..=120).map(share).collect();
    let limits = Limits::new(Parameters {
        rungs: Some(followed_ages(&unfinished)),
        unfinished,
        failed: 0.03,
        false_stops: 0.01,
        list: true,
        ..Parameters::default()
    })
    .unwrap();
    let recorder = Recorder::default();
    let horizon = Some(Elapsed::from_minutes(150));
    let scenario = Scenario { horizon, ..at_rate(fleet, 12) };
    Simulator::new(&scenario, &[&recorder]).run(1, run, Detail::Full);
    let mut state = State::new(&limits);
    let ticks = recorder.0.lock().unwrap();
    let open = ticks.iter().find(|(tick, _)| {
        state.tick(&limits, tick);
        state.clearance().unwrap().is_open()
    });
    open.map(|(tick, _)| (tick.t, (12 * tick.t).min(fleet.devices)))
}

#[test]
fn the_gate_opens_in_two_hours_for_a_healthy_wave_and_not_for_a_bad_one() {
    let mut minutes: Vec<u32> = (0..15).map(|run| opened(healthy(1_000), run).unwrap().0).collect();
    minutes.sort_unstable();
    // All failures so far are compared with the devices that are old enough. If it were known which
    // of those failed, the gate would open after 75 minutes.
    assert!((100..115).contains(&minutes[7]), "{minutes:?}");
    for bad in [
        Fleet { failing: share(0.09), ..healthy(1_000) },
        Fleet { silent: share(0.1), ..healthy(1_000) },
        Fleet {
            download: Lognormal::with_share_over(3_600.0, 0.1, 0.6).unwrap(),
            ..healthy(1_000)
        },
    ] {
        for run in 0..5 {
            assert_eq!(opened(bad, run), None, "{bad:?}");
        }
    }
}

#[test]
fn a_wave_of_two_hundred_often_ends_undecided() {
    let open = (0..40).filter(|run| opened(healthy(200), *run).is_some()).count();
    assert!((3..20).contains(&open), "{open} of 40");
}
