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
