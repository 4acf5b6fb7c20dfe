//! An alarm on the share of notified devices that were unsuccessful, against cases computed by hand.

use super::*;
use tripline::alarm::{AlarmName, MinSamples, Topic};
use tripline::rollout::{AbortCriterion, FailureType, Retried, Retries, Threshold};

/// More than `limit` % of `least` devices or more.
fn plan(limit: f64, least: u32) -> AlarmPlan {
    let (name, least) = (AlarmName::new("bad").unwrap(), MinSamples::new(least).unwrap());
    let alarm = AlarmDefinition::on_unsuccessful_rate(name, limit, least, vec![Topic::ForceStop]);
    AlarmPlan::new(alarm, StopMode::Cancel)
}

/// Devices that begin a second after they were notified, and take 10.4, each to the millisecond.
fn punctual(devices: u32) -> Fleet {
    let exactly = |seconds| Lognormal::new(seconds, 0.0).unwrap();
    Fleet { start: exactly(1.0), download: exactly(10.4), ..Fleet::healthy(devices) }
}

fn run(scenario: &Scenario, plan: &AlarmPlan, run: u32) -> RolloutOutcome {
    Simulator::new(scenario, &[plan]).run(1, run, Detail::Full)
}

#[test]
fn it_fires_a_minute_after_the_first_count_of_enough_devices() {
    // One device a second, of which each fails 11.4 seconds later.
    let scenario = at_rate(Fleet { failing: Share::ALL, ..punctual(600) }, 60);
    let mut seconds = std::collections::BTreeSet::new();
    for number in 0..40 {
        let outcome = run(&scenario, &plan(20.0, 50), number);
        let firing = outcome.firings.first().unwrap();
        let counted = firing.at.seconds() - 60.0;
        // Device `n` is notified at second `n`: the fiftieth at second 49.
        assert!((49.0..109.0).contains(&counted), "{counted}");
        let (notified, failed) = (counted + 1.0, counted - 11.0);
        let percent = format!("[{:?} (", 100.0 * failed / notified);
        assert!(firing.reason.contains(&percent), "{} {percent}", firing.reason);
        // Five seconds to the stop.
        let notified = outcome.end.notified;
        assert!(notified.abs_diff(firing.at.seconds() as u32 + 5) <= 1, "{notified} {firing:?}");
        seconds.insert(firing.at.millis());
    }
    assert!(seconds.len() > 20, "the guard-keeper has any second of the minute");
}

#[test]
fn devices_that_refuse_at_once_are_compared_with_all_that_were_notified() {
    // A tenth refuses within a second, while the others are at it for an hour.
    let hour = Lognormal::new(3_600.0, 0.0).unwrap();
    let fleet = Fleet { download: hour, rejecting: share(0.1), ..punctual(2_000) };
    let scenario = at_rate(fleet, 100);
    for number in 0..20 {
        assert!(run(&scenario, &plan(20.0, 50), number).firings.is_empty());
        assert!(!run(&scenario, &plan(5.0, 50), number).firings.is_empty());
    }
}

#[test]
fn a_rollout_to_fewer_devices_decides_nothing() {
    // Half of them never end, so that the job is not over.
    let half = share(0.5);
    let scenario = at_rate(Fleet { failing: half, silent: half, ..punctual(49) }, 5);
    assert!(run(&scenario, &plan(0.0, 50), 0).firings.is_empty());
    assert!(!run(&scenario, &plan(0.0, 49), 0).firings.is_empty());
}

/// However AWS IoT counts attempts.
#[test]
fn a_device_that_succeeds_at_last_is_not_unsuccessful() {
    let fleet = Fleet { failing: share(0.5), lasting: Share::NONE, ..punctual(1_000) };
    let mut scenario = at_rate(fleet, 100);
    for (retries, fires) in [(0, true), (1, false)] {
        scenario.rollout.retries = Retries::new(retries, 0).unwrap();
        for number in 0..10 {
            let outcome = run(&scenario, &plan(10.0, 50), number);
            assert_eq!(!outcome.firings.is_empty(), fires, "{retries} retries");
        }
    }
    // Firmware that fails for good fails at the second attempt too.
    scenario.fleet.lasting = Share::ALL;
    assert!(!run(&scenario, &plan(10.0, 50), 0).firings.is_empty());
}

#[test]
fn a_limit_that_one_device_exceeds_and_too_many_devices_are_said() {
    let scenario = at_rate(punctual(40), 10);
    let advised = |limit, least| {
        let plans = [plan(limit, least)];
        let course = Simulator::new(&scenario, &[]).run(1, 0, Detail::Full).record.unwrap();
        let abort = AbortPlan::new(Vec::new());
        let runs = Runs { seed: 1, runs: 1, threads: NonZeroUsize::MIN };
        let trial = Trial::new(&scenario, None, &plans, &abort, runs);
        let all = advice(&scenario, &course.minutes, &plans, &abort, &trial);
        all.into_iter().map(|advice| advice.problem).collect::<Vec<_>>()
    };
    assert_eq!(advised(10.0, 40), <[String; 0]>::default());
    assert_eq!(advised(10.0, 41), ["it waits for 41 notified devices, and there are 40"]);
    assert_eq!(
        advised(10.0, 8),
        ["one failing device decides: of 8 devices it is 12.5 %, and more than 10 % is too much"]
    );
}

/// Four in forty devices fail for good, each three times over: 16 of 52 executions, 4 of 40 devices.
#[test]
fn aws_counts_attempts_and_the_failure_rate_counts_devices() {
    let (share_of_devices, share_of_attempts) = (10, 100 * 16 / 52);
    for (percent, retried, aborts) in [
        (share_of_attempts, Retried::Counted, true),
        (share_of_attempts + 1, Retried::Counted, false),
        (share_of_devices + 1, Retried::Counted, true),
        (share_of_devices, Retried::Hidden, true),
        (share_of_devices + 1, Retried::Hidden, false),
    ] {
        let threshold = Threshold::new(f64::from(percent)).unwrap();
        let failure = FailureType::Failed;
        let least = if retried == Retried::Counted { 52 } else { 40 };
        let abort = AbortPlan {
            parameters: tripline::rollout::Parameters { retried, ..Default::default() },
            ..AbortPlan::new(vec![AbortCriterion { failure, threshold, min_executed: least }])
        };
        // Of sixty runs, those in which four of forty fail.
        let mut scenario = at_rate(Fleet { failing: share(0.1), ..punctual(40) }, 40);
        scenario.rollout.retries = Retries::new(3, 0).unwrap();
        scenario.parameters.retried = retried;
        let rate = plan(10.0, 40);
        let mut seen = 0;
        for number in 0..60 {
            let unguarded = Simulator::new(&scenario, &[]).run(1, number, Detail::Full);
            if unguarded.end.progress.ended.failed != 4 {
                continue;
            }
            seen += 1;
            let outcome = Simulator::new(&scenario, &[&rate, &abort]).run(1, number, Detail::Full);
            let fired: Vec<usize> = outcome.firings.iter().map(|firing| firing.guard).collect();
            assert_eq!(fired, if aborts { vec![1] } else { vec![] }, "{percent} % {retried:?}");
        }
        assert!(seen > 5, "{seen}");
    }
}
