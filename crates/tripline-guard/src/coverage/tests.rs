//! Each way to go wrong, by each kind of watcher, and by each reason.

mod agreement;
mod fill;
mod reasons;
mod words;

use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Period, Statistic,
    Topic, TopicArn,
};
use tripline::evidence::Needs;
use tripline::metric::NAMESPACE;
use tripline::rollout::{AbortCriterion, FailureType, Threshold};

use super::*;
use crate::desired::{DefaultGuard, FailureRate, GuardAlarm, Reach};

const STOP: &str = "arn:aws:sns:us-east-1:111122223333:stop";
const EMAIL: &str = "arn:aws:sns:us-east-1:111122223333:email";

fn topic(arn: &str) -> Topic {
    Topic::Arn(TopicArn::new(arn).unwrap())
}

/// Those of a rollout to so many devices, with a timeout, of which everything is as it should be.
fn facts(devices: u32) -> Facts {
    let shape =
        Shape { devices: Devices::Exactly(devices), timeout: Some(120), ..Shape::unknown() };
    Facts::of_new(shape, Some(Needs::LEAST), 2)
}

/// An alarm whose first period beyond the threshold stops the rollout.
fn alarm(metric: &str, statistic: &str, threshold: f64) -> AlarmDefinition {
    let period = Period::new(60).unwrap();
    AlarmDefinition {
        name: AlarmName::new("own").unwrap(),
        namespace: NAMESPACE.to_owned(),
        metric: metric.to_owned(),
        statistic: Statistic::parse(statistic).unwrap(),
        period,
        threshold,
        limit: Limit::Upper,
        evaluation: Evaluation::new(1, 1, period).unwrap(),
        missing_data: MissingData::NotBreaching,
        min_samples: None,
        topics: vec![topic(STOP)],
    }
}

fn failure_rate(least: u32) -> GuardAlarm {
    GuardAlarm::FailureRate(FailureRate {
        name: AlarmName::new("rate").unwrap(),
        limit: 20.0,
        min_executions: MinSamples::new(least).unwrap(),
        topics: vec![topic(STOP)],
    })
}

fn wanted(alarm: &GuardAlarm) -> Watcher {
    Watcher::wanted(alarm, Some(STOP))
}

fn own(metric: &str, statistic: &str, threshold: f64) -> Watcher {
    wanted(&GuardAlarm::Config(alarm(metric, statistic, threshold)))
}

fn coverage(facts: &Facts, watchers: &[Watcher]) -> Coverage {
    Coverage::new(facts, watchers, Purpose::Stop)
}

/// The ways that stop the rollout.
fn stopping(coverage: &Coverage) -> Vec<Way> {
    Way::ALL.into_iter().filter(|way| coverage.of(*way).level == Level::Stops).collect()
}

const FAILING: [Way; 4] = [Way::Fails, Way::Refuses, Way::TimesOut, Way::NeverAnswers];

/// What never answers runs into the timeout, so that whoever sees timeouts sees that too.
#[test]
fn each_alarm_sees_the_ways_that_its_metric_is_of() {
    let lower = AlarmDefinition { limit: Limit::Lower, ..alarm("downloadTime", "p97", 60.0) };
    let theirs =
        AlarmDefinition { namespace: "Their:Namespace".into(), ..alarm("failedCount", "Sum", 9.0) };
    let absence = AlarmDefinition {
        limit: Limit::Lower,
        missing_data: MissingData::Breaching,
        ..alarm("evidence", "Maximum", 0.0)
    };
    let timing_out = [Way::TimesOut, Way::NeverAnswers];
    let cases: [(Watcher, &[Way]); 16] = [
        (wanted(&failure_rate(50)), &FAILING),
        (own("unsuccessfulCount", "Maximum", 9.0), &FAILING),
        (own("evidence", "Maximum", 2.0), &Way::ALL),
        (own("downloadTime", "p97", 3_600.0), &[Way::Slow]),
        (own("downloadTime", "Average", 3_600.0), &[Way::Slow]),
        // How many reported, or for how long all of them together, says nothing of one that is slow.
        (own("downloadTime", "SampleCount", 3_600.0), &[]),
        (own("downloadTime", "Sum", 3_600.0), &[]),
        (own("failedCount", "Sum", 9.0), &[Way::Fails]),
        (own("rejectedCount", "SampleCount", 9.0), &[Way::Refuses]),
        (own("timedOutCount", "Maximum", 0.0), &timing_out),
        (own("overdueCount", "Maximum", 9.0), &[Way::NeverAnswers]),
        (own("succeededCount", "Sum", 9.0), &[]),
        (own("madeUp", "Sum", 9.0), &[]),
        (wanted(&GuardAlarm::Config(lower)), &[]),
        (wanted(&GuardAlarm::Config(theirs)), &[]),
        (wanted(&GuardAlarm::Config(absence)), &[]),
    ];
    for (watcher, ways) in cases {
        let seen = coverage(&facts(1_000), std::slice::from_ref(&watcher));
        assert_eq!(stopping(&seen), ways, "{watcher:?}");
    }
}

fn abort(failure: FailureType, min_executed: u32) -> AbortCriterion {
    AbortCriterion { failure, threshold: Threshold::new(20.0).unwrap(), min_executed }
}

#[test]
fn aws_s_own_criteria_are_named_as_such() {
    for (failure, ways) in [
        (FailureType::Failed, &[Way::Fails][..]),
        (FailureType::Rejected, &[Way::Refuses]),
        (FailureType::TimedOut, &[Way::TimesOut, Way::NeverAnswers]),
        (FailureType::All, &FAILING),
    ] {
        let mut facts = facts(1_000);
        facts.shape.abort = vec![abort(failure, 100)];
        let seen = coverage(&facts, &[]);
        assert_eq!(stopping(&seen), ways, "{failure:?}");
        let by = seen.of(ways[0]).by.as_deref();
        let expected = format!("AWS IoT's abort criterion {} 20 %", failure.name());
        assert_eq!(by, Some(expected.as_str()));
    }
}

#[test]
fn who_does_most_is_named_and_whoever_would_do_no_more_is_not_missed() {
    let alerts = AlarmDefinition { topics: vec![topic(EMAIL)], ..alarm("failedCount", "Sum", 9.0) };
    let small = wanted(&failure_rate(2_000));
    let alerts = wanted(&GuardAlarm::Config(alerts));
    let fails = |watchers: &[Watcher]| coverage(&facts(1_000), watchers).of(Way::Fails).clone();
    let seen = fails(&[alerts.clone(), small.clone()]);
    assert_eq!((seen.level, seen.by.as_deref()), (Level::Alerts, Some("own")));
    assert_eq!(seen.shortfalls.len(), 1, "{seen:?}");
    let seen = fails(&[alerts, small, wanted(&failure_rate(50))]);
    assert_eq!((seen.level, seen.by.as_deref()), (Level::Stops, Some("rate")));
    assert_eq!(seen.shortfalls, []);
}

#[test]
fn what_cannot_happen_or_does_not_count_needs_nobody() {
    let mut facts = facts(1_000);
    facts.shape.timeout = None;
    facts.count_rejected = CountRejected::No;
    let seen = coverage(&facts, &[wanted(&failure_rate(50)), own("downloadTime", "p97", 60.0)]);
    assert_eq!(seen.of(Way::TimesOut).level, Level::NotNeeded);
    assert_eq!(seen.of(Way::Refuses).level, Level::NotNeeded);
    // Without a timeout the guard-keeper's count of overdue devices is all there is.
    assert_eq!(seen.of(Way::NeverAnswers).level, Level::Alerts);
    assert_eq!(seen.status, Status::Guarded);
}

#[test]
fn a_rollout_to_one_device_lacks_only_devices_where_something_watches() {
    let watchers = [wanted(&failure_rate(50)), own("downloadTime", "p97", 3_600.0)];
    let one = coverage(&facts(1), &watchers);
    assert_eq!((one.status, one.of(Way::Fails).level), (Status::PartlyGuarded, Level::Nobody));
    assert!(one.lacks_only_devices(Way::Fails));
    assert!(!coverage(&facts(1), &[]).lacks_only_devices(Way::Fails), "nothing watches");
    assert!(!coverage(&facts(8), &watchers).lacks_only_devices(Way::Fails), "eight could decide");
}

#[test]
fn a_guard_s_status_says_the_worst_of_it() {
    let rate = || wanted(&failure_rate(50));
    let slow = || own("downloadTime", "p97", 3_600.0);
    let none: Vec<Watcher> = Vec::new();
    for (watchers, devices, purpose, status) in [
        (vec![rate(), slow()], 1_000, Purpose::Stop, Status::Guarded),
        (vec![rate(), slow()], 1_000, Purpose::AlertUntilTagsAreRead, Status::Guarded),
        (vec![rate()], 1_000, Purpose::Stop, Status::PartlyGuarded),
        (vec![slow()], 1_000, Purpose::Stop, Status::PartlyGuarded),
        (none.clone(), 1_000, Purpose::Stop, Status::Unguarded),
        (vec![rate()], 8, Purpose::Stop, Status::Unguarded),
        (vec![rate()], 1, Purpose::Stop, Status::TooFewDevices),
        (vec![rate(), slow()], 1_000, Purpose::Alert, Status::AlertsOnly),
        (none.clone(), 1_000, Purpose::OptedOut, Status::OptedOut),
        (none, 1_000, Purpose::Outside, Status::Outside),
    ] {
        let coverage = Coverage::new(&facts(devices), &watchers, purpose);
        assert_eq!(coverage.status, status, "{watchers:?}, {devices} devices, {purpose:?}");
        assert_ne!(coverage.with_fault().status, Status::Guarded);
    }
}

/// From two devices on something stops a rollout whose devices fail; slow ones are seen by evidence.
#[test]
fn the_default_guard_covers_every_rollout_of_which_anything_can_be_decided() {
    let guard = DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap();
    let needs = guard.evidence().with_timeout(Some(120)).limits(None, true).unwrap().needs();
    for devices in [1, 2, 8, 40, 49, 50, 299, 300, 24_000] {
        let least_devices = guard.least_devices();
        let facts = Facts { least_devices, evidence: Some(needs), ..facts(devices) };
        let reach = Reach { rate: 1_000, devices: Some(devices) };
        let watchers: Vec<Watcher> = guard.all_alarms(reach, false).iter().map(wanted).collect();
        let coverage = coverage(&facts, &watchers);
        let expected = match devices {
            1 => Status::TooFewDevices,
            2 => Status::PartlyGuarded,
            _ => Status::Guarded,
        };
        assert_eq!(coverage.status, expected, "{devices}: {}", coverage.table(""));
    }
}
