//! Coverage as people and programs read it.

use super::*;

/// The old tool's sample: one alarm on downloads, and no abort criteria.
fn downloads_only() -> Coverage {
    let facts = facts(60);
    coverage(&facts, &[own("downloadTime", "p97", 3_600.0)])
}

#[test]
fn a_line_says_what_becomes_of_a_rollout_in_each_way() {
    let whole = coverage(&facts(1_000), &[wanted(&failure_rate(50)), own("evidence", "p99", 2.0)]);
    let opted_out = Coverage::new(&facts(1_000), &[], Purpose::OptedOut);
    let lines = [downloads_only().line(), whole.line(), opted_out.line()];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_table_says_by_whom_and_why_not() {
    insta::assert_snapshot!(downloads_only().table("  "));
}

#[test]
fn names_are_read_as_they_are_written() {
    for way in Way::ALL {
        assert_eq!(Way::parse(way.name()), Some(way));
    }
    for other in ["", "Fails", "fail", "timesout"] {
        assert_eq!(Way::parse(other), None, "{other}");
    }
}

/// Programs compare them, and nothing has two.
#[test]
fn programs_read_a_word_for_each_thing() {
    let ways = Way::ALL.map(Way::name);
    assert_eq!(ways, ["fails", "refuses", "timesOut", "slow", "neverAnswers"]);
    let levels = [Level::Nobody, Level::Alerts, Level::Stops, Level::NotNeeded].map(Level::name);
    assert_eq!(levels, ["nobody", "alerts", "stops", "notNeeded"]);
    let all = [
        Status::Guarded,
        Status::PartlyGuarded,
        Status::Unguarded,
        Status::TooFewDevices,
        Status::AlertsOnly,
        Status::OptedOut,
        Status::Outside,
    ];
    let names = [
        "guarded",
        "partlyGuarded",
        "unguarded",
        "tooFewDevices",
        "alertsOnly",
        "optedOut",
        "outside",
    ];
    assert_eq!(all.map(Status::name), names);
    let texts: std::collections::BTreeSet<String> = all.iter().map(Status::to_string).collect();
    assert_eq!(texts.len(), all.len(), "{texts:?}");
}

#[test]
fn what_nobody_covers_is_said_with_what_helps_each_fix_once() {
    let muted = Inactive::There(crate::verdict::WhyNot::ActionsOff);
    let rate = || wanted(&failure_rate(50));
    let watchers = [rate().inactive(Some(Inactive::Missing)), rate().inactive(Some(muted))];
    let facts = Facts { evidence: None, ..facts(1_000) };
    let fix = "  fix: tripline alarms apply --job-id fw";
    let guard = "  fix: set `defaultGuard = True` in `[ALARM_CONFIG]`, or add an alarm on it";
    let of = |devices: &str| {
        format!("nothing covers {devices}: rate is not there; rate has its actions off")
    };
    assert_eq!(
        coverage(&facts, &watchers).unseen(Some("fw")),
        [
            of("devices that fail").as_str(),
            fix,
            of("devices that refuse").as_str(),
            fix,
            of("devices that time out").as_str(),
            fix,
            "nothing covers slow devices: no alarm watches for it",
            guard,
        ]
    );
    let job_is_not_known = coverage(&facts, &watchers).unseen(None);
    assert_eq!(job_is_not_known[1], "  fix: tripline alarms apply --job-id <jobId>");
}
