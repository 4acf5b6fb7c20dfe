//! Runs against a naive account of them: the same fates, each device looked at on its own.

use proptest::prelude::*;

use super::*;
use tripline::job::{EndedCounts, ExecutionCounts};
use tripline::metric::Outcome;
use tripline::rollout::{AbortCriterion, FailureType, Retries, Threshold, Timeout};

/// One device: when it is notified, begins and ends, in milliseconds, and how.
struct Life {
    notified: u64,
    begins: Option<u64>,
    ends: Option<(u64, Outcome)>,
}

fn lives(scenario: &Scenario, rate: u64, seed: u64) -> Vec<Life> {
    let mut random = random::random(seed, 0, random::Stream::Fleet);
    let timeout = scenario.rollout.timeout.map(|timeout| u64::from(timeout.minutes()) * 60_000);
    (0..u64::from(scenario.fleet.devices))
        .map(|device| {
            let fate = scenario.fleet.draw(&mut random);
            let notified = device / rate * 60_000 + device % rate * 60_000 / rate;
            let begins = notified + fate.start.millis();
            let takes = u64::from(fate.download) * 100;
            let in_time = timeout.is_none_or(|timeout| takes <= timeout);
            let times_out = timeout.map(|timeout| (begins + timeout, Outcome::TimedOut));
            let (begins, ends) = match fate.kind {
                Kind::Unreachable => (None, None),
                Kind::Rejects => (None, Some((begins, Outcome::Rejected))),
                Kind::Succeeds if in_time => {
                    (Some(begins), Some((begins + takes, Outcome::Succeeded)))
                }
                Kind::Fails if in_time => (Some(begins), Some((begins + takes, Outcome::Failed))),
                Kind::Succeeds | Kind::Fails | Kind::Silent => (Some(begins), times_out),
            };
            Life { notified, begins, ends }
        })
        .collect()
}

fn reached(lives: &[Life], now: u64) -> Reached {
    let count = |is: &dyn Fn(&Life) -> bool| {
        u32::try_from(lives.iter().filter(|life| is(life)).count()).unwrap()
    };
    let ended =
        |wanted| count(&|life| life.ends.is_some_and(|(at, how)| at <= now && how == wanted));
    let begun = |life: &Life| life.begins.is_some_and(|at| at <= now);
    let over = |life: &Life| life.ends.is_some_and(|(at, _)| at <= now);
    let endings = EndedCounts {
        succeeded: ended(Outcome::Succeeded),
        failed: ended(Outcome::Failed),
        rejected: ended(Outcome::Rejected),
        timed_out: ended(Outcome::TimedOut),
    };
    let progress = ExecutionCounts {
        queued: count(&|life| life.notified <= now && !begun(life) && !over(life)),
        in_progress: count(&|life| begun(life) && !over(life)),
        ended: endings,
        canceled: 0,
        removed: 0,
    };
    Reached { notified: count(&|life| life.notified <= now), exposed: count(&begun), progress }
}

prop_compose! {
    fn any_fleet()(
        devices in 1_u32..300,
        shares in prop::array::uniform4(0.0..0.25),
        slow in 0.0..1.0,
        median in 1.0..600.0,
        sigma in 0.0..2.0,
    ) -> Fleet {
        let [unreachable, rejecting, silent, failing] = shares.map(share);
        let download = Lognormal::new(median, sigma).unwrap();
        Fleet { unreachable, rejecting, silent, failing, slow: share(slow), download, ..Fleet::healthy(devices) }
    }
}

prop_compose! {
    fn any_scenario()(fleet in any_fleet(), rate in 1_u32..120, timeout in prop::option::of(1_u32..30)) -> (Scenario, u64) {
        let mut scenario = at_rate(fleet, rate);
        scenario.rollout.timeout = timeout.and_then(|it| Timeout::new(it).ok());
        scenario.horizon = Some(Elapsed::from_minutes(60));
        (scenario, u64::from(rate))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_minute_is_as_counted_device_by_device((scenario, rate) in any_scenario(), seed: u64) {
        let outcome = Simulator::new(&scenario, &[]).run(seed, 0, Detail::Full);
        let lives = lives(&scenario, rate, seed);
        let minutes = outcome.record.unwrap().minutes;
        for (minute, got) in (0_u64..).zip(&minutes) {
            prop_assert_eq!(*got, reached(&lives, minute * 60_000 + 59_999), "minute {}", minute);
        }
        prop_assert_eq!(Some(&outcome.end), minutes.last());
    }

    #[test]
    fn an_abort_comes_with_the_ending_that_meets_it(
        (scenario, rate) in any_scenario(), seed: u64, percent in 1_u32..100, least in 1_u32..50,
    ) {
        let threshold = Threshold::new(f64::from(percent)).unwrap();
        let criterion = AbortCriterion { failure: FailureType::All, threshold, min_executed: least };
        let outcome = Simulator::new(&scenario, &[&AbortPlan::new(vec![criterion])]).run(seed, 0, Detail::Summary);
        let lives = lives(&scenario, rate, seed);
        let mut endings: Vec<(u64, Outcome)> =
            lives.iter().filter_map(|life| life.ends).filter(|(at, _)| *at < 3_600_000).collect();
        // Endings within one millisecond may come in either order.
        endings.sort_by_key(|(at, _)| *at);
        prop_assume!(endings.windows(2).all(|pair| pair[0].0 != pair[1].0));
        let (mut failures, mut executed) = (0_u32, 0_u32);
        let met = endings.iter().find(|(_, how)| {
            executed += 1;
            failures += u32::from(*how != Outcome::Succeeded);
            executed >= least && failures > 0 && failures * 100 >= percent * executed
        });
        let fired = outcome.firings.first().map(|firing| firing.at.millis());
        prop_assert_eq!(fired, met.map(|(at, _)| *at));
        if let Some((_, effect)) = outcome.stop() {
            prop_assert_eq!(effect.reached, reached(&lives, effect.at.millis()));
            prop_assert_eq!(outcome.spared(), scenario.fleet.devices - effect.reached.exposed);
        }
    }

    #[test]
    fn any_numbers_are_survived(
        mut fleet in any_fleet(), rate: u32, start: i64, delay: u64, retries in 0_u8..=10, seed: u64, run: u32,
    ) {
        fleet.lasting = share(0.5);
        fleet.reported_retries = 3.0;
        let mut scenario = at_rate(fleet, rate);
        scenario.start = Timestamp::from_seconds(start);
        scenario.publishing_delay = Elapsed::from_millis(delay);
        scenario.rollout.retries = Retries::new(retries, 10 - retries).unwrap();
        scenario.rollout.timeout = Timeout::new(5).ok();
        scenario.horizon = Some(Elapsed::from_minutes(100));
        let (rollout, mut alarm) = read(SAMPLE);
        let abort = AbortPlan::new(rollout.abort);
        let times = AlarmPlan::new(alarm.clone(), StopMode::Abort);
        alarm.metric = "retryCount".to_owned();
        let retries = AlarmPlan::new(alarm, StopMode::Observe);
        let outcome = Simulator::new(&scenario, &[&times, &retries, &abort]).run(seed, run, Detail::Full);
        let devices = scenario.fleet.devices;
        for minute in outcome.record.unwrap().minutes {
            prop_assert!(minute.notified <= devices && minute.exposed <= minute.notified);
            prop_assert_eq!(minute.progress.notified(), minute.notified);
        }
    }
}

#[test]
fn a_device_tries_again_as_often_as_it_may() {
    let run = |lasting, retries| {
        let fleet = Fleet { failing: Share::ALL, lasting, ..Fleet::healthy(500) };
        let mut scenario = at_rate(fleet, 100);
        scenario.rollout.retries = Retries::new(retries, 0).unwrap();
        Simulator::new(&scenario, &[]).run(1, 0, Detail::Summary).end
    };
    let without = run(Share::ALL, 0);
    assert_eq!((without.progress.ended.failed, without.exposed), (500, 500));
    let lasting = run(Share::ALL, 3);
    assert_eq!((lasting.progress.ended.failed, lasting.exposed), (500, 500));
    assert_eq!(run(Share::NONE, 1).progress.ended.succeeded, 500);
    let half = run(share(0.5), 2).progress.ended.succeeded;
    assert!((330..420).contains(&half), "{half} of 500, expected three quarters");
}

#[test]
fn who_is_silent_times_out_or_stays_and_who_is_unreachable_stays_queued() {
    let fleet = Fleet { silent: share(0.5), unreachable: share(0.5), ..Fleet::healthy(400) };
    let mut scenario = at_rate(fleet, 100);
    let forever = Simulator::new(&scenario, &[]).run(1, 0, Detail::Summary);
    let ExecutionCounts { queued, in_progress, .. } = forever.end.progress;
    assert_eq!((queued + in_progress, forever.end.exposed), (400, in_progress));
    assert!((150..250).contains(&queued), "{queued}");
    scenario.rollout.timeout = Timeout::new(10).ok();
    let timed_out = Simulator::new(&scenario, &[]).run(1, 0, Detail::Summary).end.progress;
    assert_eq!((timed_out.ended.timed_out, timed_out.queued), (in_progress, queued));
}
