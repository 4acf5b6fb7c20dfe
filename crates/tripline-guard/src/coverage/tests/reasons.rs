//! Each reason for which a way to go wrong is not seen, with its sentence and its command.

use super::*;
use crate::verdict::WhyNot;

/// What keeps a watcher from stopping a rollout that goes wrong in a way.
fn reason(way: Way, facts: &Facts, watcher: Watcher) -> (Level, Reason) {
    let coverage = coverage(facts, std::slice::from_ref(&watcher));
    let seen = coverage.of(way);
    let of_it = seen.shortfalls.iter().find(|shortfall| shortfall.would == Level::Stops);
    (seen.level, of_it.unwrap_or_else(|| panic!("{way:?} {seen:?}")).reason.clone())
}

fn changed(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = facts(1_000);
    change(&mut facts);
    facts
}

fn from(samples: u32, periods: u32, alarm: AlarmDefinition) -> Watcher {
    let evaluation = Evaluation::new(periods, periods, alarm.period).unwrap();
    let min_samples = MinSamples::new(samples).ok();
    wanted(&GuardAlarm::Config(AlarmDefinition { evaluation, min_samples, ..alarm }))
}

#[test]
fn every_reason_has_its_sentence_and_its_command() {
    let downloads = || own("downloadTime", "p97", 3_600.0);
    let evidence = || own("evidence", "Maximum", 2.0);
    let rate = || wanted(&failure_rate(50));
    let inactive = |why| rate().inactive(Some(why));
    let cases = [
        ("missing", Way::Fails, facts(1_000), inactive(Inactive::Missing)),
        (
            "muted",
            Way::Fails,
            facts(1_000),
            inactive(Inactive::There(WhyNot::Muted("night".into()))),
        ),
        ("fired", Way::Fails, facts(1_000), inactive(Inactive::There(WhyNot::HasFired))),
        ("off", Way::Fails, facts(1_000), inactive(Inactive::There(WhyNot::ActionsOff))),
        ("few for a rate", Way::Fails, facts(49), rate()),
        ("few for a count", Way::Fails, facts(9), own("failedCount", "Sum", 9.0)),
        (
            "few for samples",
            Way::Slow,
            facts(299),
            from(100, 3, alarm("downloadTime", "p97", 60.0)),
        ),
        (
            "few for evidence",
            Way::Slow,
            changed(|facts| {
                facts.evidence = Some(Needs { unfinished: Some(1_001), ..Needs::LEAST })
            }),
            evidence(),
        ),
        (
            "few for AWS",
            Way::Fails,
            changed(|facts| facts.shape.abort = vec![abort(FailureType::All, 1_001)]),
            downloads(),
        ),
        (
            "rate",
            Way::Slow,
            changed(|facts| facts.shape.most_rate = 99),
            from(100, 1, alarm("downloadTime", "p97", 60.0)),
        ),
        (
            "rate of a count",
            Way::Fails,
            changed(|facts| facts.shape.most_rate = 9),
            own("failedCount", "Sum", 9.0),
        ),
        ("timeout", Way::Slow, changed(|facts| facts.shape.timeout = Some(60)), downloads()),
        ("never reported", Way::Slow, changed(|facts| facts.counted.succeeded = 10), downloads()),
        (
            "never usable",
            Way::Slow,
            changed(|facts| {
                facts.counted = Counted { succeeded: 115, invalid: 115, ..Counted::default() };
            }),
            downloads(),
        ),
        (
            "uncounted",
            Way::Fails,
            changed(|facts| facts.counted.uncounted = 7),
            own("failedCount", "Sum", 9.0),
        ),
        ("silent keeper", Way::Fails, changed(|facts| facts.keeper = Keeper::Silent(12)), rate()),
        (
            "silent keeper, evidence",
            Way::Slow,
            changed(|facts| facts.keeper = Keeper::Silent(12)),
            evidence(),
        ),
        ("no evidence", Way::Slow, changed(|facts| facts.evidence = None), evidence()),
        (
            "no limit",
            Way::Slow,
            changed(|facts| facts.evidence = Some(Needs { unfinished: None, ..Needs::LEAST })),
            evidence(),
        ),
        (
            "counts",
            Way::Slow,
            changed(|facts| {
                facts.minute = 301;
                facts.evidence = Some(Needs { only_counts: true, ..Needs::LEAST });
            }),
            evidence(),
        ),
        (
            "attempts",
            Way::Fails,
            changed(|facts| {
                (facts.shape.counts_attempts, facts.devices_are_counted) = (true, false);
            }),
            rate(),
        ),
    ];
    let mut lines = Vec::new();
    for (name, way, facts, watcher) in cases {
        let (level, reason) = reason(way, &facts, watcher);
        let fix = reason.fix(Some("fw")).unwrap_or_default();
        lines.push(format!("{name}: {}: {reason}; {fix}", level.name()));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn nobody_at_all_is_a_reason_too() {
    let seen = coverage(&facts(4), &[]);
    let reasons = |way: Way| seen.of(way).shortfalls.clone();
    assert_eq!(reasons(Way::Fails)[0].reason, Reason::NobodyLooks);
    assert_eq!(reasons(Way::Slow)[0].by, None);
    // The guard-keeper alerts people from five overdue devices on.
    assert_eq!(
        reasons(Way::NeverAnswers)[0].reason,
        Reason::TooFewDevices { needed: 5, devices: 4 }
    );
    assert_eq!(seen.uncovered().collect::<Vec<_>>(), Way::ALL);
}

/// A limit is met from exactly so many on.
#[test]
fn reasons_hold_up_to_their_limit_and_no_further() {
    let level = |way: Way, facts: &Facts, watcher: &Watcher| {
        coverage(facts, std::slice::from_ref(watcher)).of(way).level
    };
    let rate = wanted(&failure_rate(50));
    let downloads = own("downloadTime", "p97", 3_600.0);
    let few = from(100, 3, alarm("downloadTime", "p97", 60.0));
    for (way, facts, watcher) in [
        (Way::Fails, facts(50), &rate),
        (Way::Slow, facts(300), &few),
        (Way::Slow, changed(|facts| facts.shape.most_rate = 100), &few),
        (Way::Slow, changed(|facts| facts.shape.timeout = Some(61)), &downloads),
        (Way::Slow, changed(|facts| facts.counted.succeeded = 9), &downloads),
        (
            Way::Slow,
            changed(|facts| {
                facts.counted = Counted {
                    ended: 500,
                    succeeded: 500,
                    download_times: 1,
                    invalid: 499,
                    uncounted: 0,
                }
            }),
            &downloads,
        ),
        (Way::Fails, changed(|facts| facts.keeper = Keeper::last_seen(0, 299)), &rate),
        (Way::Fails, changed(|facts| facts.shape.counts_attempts = true), &rate),
        (Way::Fails, changed(|facts| facts.shape.devices = Devices::Unknown), &rate),
        (Way::Fails, changed(|facts| facts.shape.devices = Devices::AtLeast(3)), &rate),
    ] {
        assert_eq!(level(way, &facts, watcher), Level::Stops, "{way:?} {facts:?}");
    }
    let silent = changed(|facts| facts.keeper = Keeper::last_seen(0, 300));
    assert_eq!(level(Way::Fails, &silent, &rate), Level::Nobody);
    // Of a rollout to few devices all of them are enough to say that none reports.
    let mut small = facts(3);
    (small.counted.ended, small.counted.succeeded) = (3, 3);
    assert_eq!(level(Way::Slow, &small, &downloads), Level::Nobody);
    (small.counted.ended, small.counted.succeeded) = (3, 2);
    assert_eq!(level(Way::Slow, &small, &downloads), Level::Nobody, "nobody is left to report");
    (small.counted.ended, small.counted.succeeded) = (2, 2);
    assert_eq!(level(Way::Slow, &small, &downloads), Level::Stops);
}

/// People are alerted again if the reason is another one: no two are of one kind.
#[test]
fn each_reason_has_a_kind_of_its_own() {
    let all = [
        Reason::NoTimeout,
        Reason::NotCounted,
        Reason::NobodyLooks,
        Reason::Inactive(Inactive::Missing),
        Reason::TooFewDevices { needed: 1, devices: 0 },
        Reason::TooSlow { samples: 1, period: 1, rate: 1 },
        Reason::TimesOutBefore { minutes: 1 },
        Reason::NeverReported { succeeded: 1, invalid: 1 },
        Reason::Uncounted(1),
        Reason::KeeperSilent(1),
        Reason::NoEvidence,
        Reason::NoLimit,
        Reason::CountsSayNoMore(1),
        Reason::AttemptsOnly,
    ];
    let kinds: std::collections::BTreeSet<u8> = all.iter().map(Reason::kind).collect();
    assert_eq!(kinds.len(), all.len(), "{kinds:?}");
}

/// One device more than the threshold, at least one; of a period that is shorter than a minute as many as of a
/// minute, since devices are notified by the minute.
#[test]
fn an_alarm_on_a_count_takes_as_many_devices_as_are_beyond_its_threshold() {
    let level = |devices: u32, rate: u32, alarm: AlarmDefinition| {
        let mut facts = facts(devices);
        facts.shape.most_rate = rate;
        coverage(&facts, &[wanted(&GuardAlarm::Config(alarm))]).of(Way::Fails).level
    };
    let count = |threshold: f64| alarm("failedCount", "Sum", threshold);
    let of_period = |seconds: u32| {
        let period = Period::new(seconds).unwrap();
        let evaluation = Evaluation::new(1, 1, period).unwrap();
        AlarmDefinition { period, evaluation, ..count(9.0) }
    };
    for (devices, rate, alarm, expected) in [
        (9, 1_000, count(9.0), Level::Nobody),
        (10, 1_000, count(9.0), Level::Stops),
        (9, 1_000, count(9.9), Level::Nobody),
        (10, 1_000, count(9.9), Level::Stops),
        (1, 1_000, count(0.0), Level::Stops),
        (1, 1_000, count(0.5), Level::Stops),
        (100, 9, count(9.0), Level::Nobody),
        (100, 10, count(9.0), Level::Stops),
        (100, 10, of_period(10), Level::Stops),
        (100, 9, of_period(10), Level::Nobody),
        (100, 1, of_period(600), Level::Stops),
        (100, 1, of_period(540), Level::Nobody),
        // An average does not grow with the devices.
        (1, 1, alarm("failedCount", "Average", 0.5), Level::Stops),
    ] {
        assert_eq!(level(devices, rate, alarm.clone()), expected, "{devices} {rate} {alarm:?}");
    }
    let of_devices = |devices, threshold| {
        let kept = own("unsuccessfulCount", "Maximum", threshold);
        coverage(&facts(devices), &[kept]).of(Way::Fails).level
    };
    assert_eq!((of_devices(9, 9.0), of_devices(10, 9.0)), (Level::Nobody, Level::Stops));
}

#[test]
fn the_keeper_alerts_from_five_overdue_devices_on() {
    let level = |devices| coverage(&facts(devices), &[]).of(Way::NeverAnswers).level;
    assert_eq!((level(4), level(5)), (Level::Nobody, Level::Alerts));
    let overdue = |devices| {
        let watcher = own("overdueCount", "Maximum", 9.0);
        coverage(&facts(devices), &[watcher]).of(Way::NeverAnswers).level
    };
    assert_eq!((overdue(9), overdue(10)), (Level::Alerts, Level::Stops));
}

/// Evidence of slow devices goes by the list of those in progress; where there is none, by counts, for so long.
#[test]
fn evidence_sees_each_way_as_far_as_its_limits_and_counts_go() {
    let only_counts = Some(Needs { only_counts: true, ..Needs::LEAST });
    let stops = |change: &dyn Fn(&mut Facts)| {
        let mut facts = facts(1_000);
        change(&mut facts);
        stopping(&coverage(&facts, &[own("evidence", "Maximum", 2.0)]))
    };
    let slow = [Way::Slow, Way::NeverAnswers];
    let needs = |needs: Needs| move |facts: &mut Facts| facts.evidence = Some(needs);
    assert_eq!(stops(&|_| {}), Way::ALL);
    assert_eq!(stops(&|facts| (facts.minute, facts.evidence) = (300, only_counts)), Way::ALL);
    assert_eq!(
        stops(&|facts| (facts.minute, facts.evidence) = (301, only_counts)),
        // What never answers times out.
        FAILING
    );
    assert_eq!(stops(&|facts| facts.minute = 301), Way::ALL);
    assert_eq!(stops(&|facts| facts.shape.counts_attempts = true), slow);
    assert_eq!(
        stops(&needs(Needs { failing: None, ..Needs::LEAST })),
        [Way::TimesOut, Way::Slow, Way::NeverAnswers]
    );
    assert_eq!(
        stops(&needs(Needs { timing_out: Some(1_001), ..Needs::LEAST })),
        [Way::Fails, Way::Refuses, Way::Slow, Way::NeverAnswers]
    );
    assert_eq!(stops(&needs(Needs { unfinished: Some(1_001), ..Needs::LEAST })), FAILING);
}

/// Of two that do as much, what AWS IoT does by itself, and then the alarm that comes first in the guard.
#[test]
fn who_comes_first_is_named() {
    let named = |name: &str| {
        let name = AlarmName::new(name).unwrap();
        wanted(&GuardAlarm::Config(AlarmDefinition { name, ..alarm("failedCount", "Sum", 9.0) }))
    };
    let mut facts = facts(1_000);
    let by = |facts: &Facts| {
        coverage(facts, &[named("one"), named("two")]).of(Way::Fails).by.clone().unwrap()
    };
    assert_eq!(by(&facts), "one");
    facts.shape.abort = vec![abort(FailureType::Failed, 100)];
    assert_eq!(by(&facts), "AWS IoT's abort criterion FAILED 20 %");
}

/// Whatever the guard-keeper wrote down of a rollout is taken from there.
#[test]
fn facts_come_from_the_keeper_s_record() {
    use tripline::evidence::{CoverageFacts, Record};
    let kept = CoverageFacts {
        devices: Some(40),
        needs: Some(Needs::LEAST),
        least_devices: 3,
        ended: 30,
        succeeded: 20,
        download_times: 10,
        invalid: 5,
        uncounted: 4,
        ..CoverageFacts::default()
    };
    let record = Record { created: 1_000, at: 1_000 + 600, coverage: kept, ..Record::default() };
    let facts = Facts::of_record(Shape::unknown(), &record, 1_000 + 719);
    assert_eq!((facts.minute, facts.keeper), (11, Keeper::Alive));
    assert_eq!((facts.shape.devices, facts.least_devices), (Devices::Exactly(40), 3));
    assert_eq!(facts.evidence, Some(Needs::LEAST));
    let counted =
        Counted { ended: 30, succeeded: 20, download_times: 10, invalid: 5, uncounted: 4 };
    assert_eq!(facts.counted, counted);
    assert!(facts.devices_are_counted && facts.count_rejected == CountRejected::Yes);
    let late = Facts::of_record(Shape::unknown(), &record, 1_000 + 960);
    assert_eq!((late.minute, late.keeper), (16, Keeper::Silent(6)));
    // The clock of whoever asks may be behind.
    let early = Facts::of_record(Shape::unknown(), &record, 900);
    assert_eq!((early.minute, early.keeper), (0, Keeper::Alive));
    let other = CoverageFacts {
        devices: None,
        attempts_only: true,
        rejections_left_out: true,
        ..CoverageFacts::default()
    };
    let shape = Shape { devices: Devices::AtLeast(7), ..Shape::unknown() };
    let facts = Facts::of_kept(shape, &other, (0, 0), Keeper::Alive);
    assert_eq!(facts.shape.devices, Devices::AtLeast(7));
    assert!(!facts.devices_are_counted && facts.count_rejected == CountRejected::No);
}

#[test]
fn a_keeper_that_keeps_no_record_of_a_job_is_known_by_its_alarms() {
    assert!(own("evidence", "Maximum", 2.0).is_on_evidence());
    assert!(!own("failedCount", "Sum", 2.0).is_on_evidence());
    assert!(!wanted(&failure_rate(50)).is_on_evidence());
}
