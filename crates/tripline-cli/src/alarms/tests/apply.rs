//! Arming a job, again and again.

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue};
use tripline::alarm::Topic;

use super::*;
use crate::alarms::fake::{EMAIL, FORCE_STOP};
use crate::aws::arming::plan::Change;
use crate::terminal::verdict::Verdict;

#[tokio::test]
async fn a_fresh_job_is_armed() {
    let aws = FakeAws::new();
    let report = apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    assert!(report.plan.alarms.iter().all(|alarm| alarm.change == Change::Create && !alarm.mute));
    assert_eq!(aws.changes(), ["put tripline-fw-slow", "put tripline-fw-late"]);
    let world = aws.world();
    let alarm = &world.cloudwatch.alarms["tripline-fw-slow"];
    assert_eq!(alarm.alarm_actions(), [EMAIL, FORCE_STOP]);
    assert_eq!(alarm.extended_statistic(), Some("p99"));
    assert_eq!(alarm.statistic(), None);
    assert_eq!(alarm.comparison_operator(), Some(&ComparisonOperator::GreaterThanThreshold));
    assert_eq!(alarm.treat_missing_data(), Some("notBreaching"));
    assert_eq!(alarm.dimensions(), [Dimension::builder().name("jobId").value("fw").build()]);
    let tags = &world.cloudwatch.tags[alarm.alarm_arn().unwrap()];
    assert_eq!((tags["tripline:job"].as_str(), tags["tripline:alarm"].as_str()), ("fw", "slow"));
    assert_eq!(tags["tripline:stack"], "tripline");
}

#[tokio::test]
async fn a_second_apply_changes_nothing() {
    for extra in ["", "minSamples = 20"] {
        let aws = FakeAws::new();
        let guard = Guard { alarms: alarms(&["slow"], extra), ..guard("fw", &[]) };
        apply(&aws, &guard).await.unwrap();
        aws.changes();
        let report = apply(&aws, &guard).await.unwrap();
        assert_eq!(report.plan.alarms[0].change, Change::Keep);
        assert_eq!(aws.changes(), <[String; 0]>::default());
    }
}

#[tokio::test]
async fn what_differs_is_updated_and_what_is_gone_is_removed_last() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["slow", "late", "old"])).await.unwrap();
    aws.world().cloudwatch.alarms.get_mut("tripline-fw-slow").unwrap().actions_enabled =
        Some(false);
    let old = aws.world().cloudwatch.alarms["tripline-fw-old"].alarm_arn.clone().unwrap();
    aws.world().cloudwatch.tags.remove(&old);
    aws.changes();
    // Without its tag, `old` may be somebody's own.
    let report = apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    assert_eq!(report.plan.others, ["tripline-fw-old"]);
    assert_eq!(aws.changes(), ["put tripline-fw-slow", "tag tripline-fw-slow"]);
    let report = apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    assert_eq!(report.plan.strays, ["tripline-fw-late"]);
    assert_eq!(aws.changes(), ["delete tripline-fw-late"]);
}

#[tokio::test]
async fn half_done_is_said_and_completed_by_another_apply() {
    let aws = FakeAws::new();
    aws.refuse("tripline-fw-late");
    let error = apply(&aws, &guard("fw", &["slow", "late", "last"])).await.unwrap_err();
    assert!(matches!(error, Error::Aws(_)));
    let text = text(error);
    assert!(text.starts_with("PutMetricAlarm: "), "{text}");
    assert!(
        text.ends_with(
            "\n  armed: `tripline-fw-slow`\n  not armed: `tripline-fw-late`, `tripline-fw-last`\n  hint: run the command again: it completes what is missing"
        ),
        "{text}"
    );
    aws.world().faults.clear();
    aws.changes();
    apply(&aws, &guard("fw", &["slow", "late", "last"])).await.unwrap();
    assert_eq!(aws.changes(), ["put tripline-fw-late", "put tripline-fw-last"]);
}

#[tokio::test]
async fn job_events_are_enabled_before_the_first_alarm() {
    for off in ["JOB", "JOB_EXECUTION"] {
        let aws = FakeAws::new();
        aws.world().iot.events.insert(off.to_owned(), false);
        let report = apply(&aws, &guard("fw", &["slow"])).await.unwrap();
        assert!(!report.job_events_were_on);
        assert_eq!(aws.changes(), ["update events", "put tripline-fw-slow"]);
        let events = aws.world().iot.events.clone();
        assert_eq!((events["JOB"], events["JOB_EXECUTION"], events["THING"]), (true, true, false));
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["old", "slow"])).await.unwrap();
    aws.world().iot.events.clear();
    aws.set_state("tripline-fw-slow", StateValue::Alarm);
    aws.changes();
    let dry = Guard { dry_run: true, ..guard("fw", &["slow", "new"]) };
    let plan = apply(&aws, &dry).await.unwrap().plan;
    let changes: Vec<_> = plan.alarms.iter().map(|alarm| (&alarm.change, alarm.mute)).collect();
    assert_eq!(changes, [(&Change::Keep, true), (&Change::Create, false)]);
    assert_eq!(plan.strays, ["tripline-fw-old"]);
    assert_eq!(aws.changes(), <[String; 0]>::default());
}

#[tokio::test]
async fn an_alarm_that_is_in_alarm_already_is_found_mute() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    aws.set_state("tripline-fw-slow", StateValue::Alarm);
    let report = apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    assert!(report.plan.alarms[0].mute);
}

/// The keeper arms a job by what is kept, and must never see alarms without their config.
#[tokio::test]
async fn the_config_is_kept_before_the_first_alarm() {
    let aws = FakeAws::new();
    aws.refuse("tripline-fw-slow");
    let guard = Guard { alarms: alarms(&["slow"], "minSamples = 20"), ..guard("fw", &[]) };
    apply(&aws, &guard).await.unwrap_err();
    let text = aws.kept()["fw"].clone();
    assert_eq!(AlarmConfig::parse("kept", &text).unwrap().alarms, guard.alarms);
    aws.forget_kept();
    apply(&aws, &Guard { dry_run: true, ..guard }).await.unwrap();
    assert_eq!(aws.kept().len(), 0, "a dry run");
}

/// The keeper then arms the default guard beside it, and says so.
#[tokio::test]
async fn a_config_that_only_alerts_is_kept_and_that_it_is_meant_too() {
    let aws = FakeAws::new();
    let alerting = alerting_only("slow");
    for (alert_only, default_guard) in [(true, true), (false, true), (true, false)] {
        apply(&aws, &Guard { alert_only, default_guard, ..alerting.clone() }).await.unwrap();
        let text = aws.kept()["fw"].clone();
        let kept = AlarmConfig::parse("kept", &text).unwrap();
        assert_eq!((&kept.alarms, kept.default_guard), (&alerting.alarms, default_guard));
        assert_eq!(aws.is_kept_to_alert_only("fw"), alert_only);
    }
}

fn alerting_only(name: &str) -> Guard {
    let mut alerting = guard("fw", &[name]);
    alerting.alarms[0].topics.retain(|topic| *topic != Topic::ForceStop);
    alerting
}

/// The guard-keeper arms the default guard a minute later: until then the rollout would go on unguarded.
#[tokio::test]
async fn a_config_that_cannot_stop_removes_nothing_that_stops() {
    for (alert_only, spared) in [(false, true), (true, false)] {
        let aws = FakeAws::new();
        let mut before =
            guard("fw", &["default-DownloadTime", "default-FailureRate", "late", "mails"]);
        before.alarms[3].topics.retain(|topic| *topic != Topic::ForceStop);
        apply(&aws, &before).await.unwrap();
        // Somebody has emptied it: the keeper will repair it.
        let emptied = "tripline-fw-default-FailureRate";
        aws.world().cloudwatch.alarms.get_mut(emptied).unwrap().alarm_actions = None;
        aws.changes();
        let alerting = Guard { alert_only, ..alerting_only("slow") };
        let report = apply(&aws, &alerting).await.unwrap();
        let stopping = [
            "tripline-fw-default-DownloadTime",
            "tripline-fw-default-FailureRate",
            "tripline-fw-late",
        ];
        let notes = Verdict::of_arming(&alerting, &report, fake_aws::REGION).notes;
        if spared {
            assert_eq!(report.plan.spared, stopping);
            assert_eq!(aws.changes(), ["put tripline-fw-slow", "delete tripline-fw-mails"]);
            assert!(
                notes.iter().any(|note| note.what().contains(&stopping.join(", "))),
                "{notes:?}"
            );
        } else {
            // The config sees no failing device, so that the default guard's alarm on them is the keeper's.
            let all = "delete tripline-fw-default-DownloadTime tripline-fw-late tripline-fw-mails";
            assert_eq!(aws.changes(), ["put tripline-fw-slow", all]);
        }
    }
    // The same once the config can stop the rollout.
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["default-DownloadTime", "late"])).await.unwrap();
    aws.changes();
    apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    let all = "delete tripline-fw-default-DownloadTime tripline-fw-late";
    assert_eq!(aws.changes(), ["put tripline-fw-slow", all]);
}

/// Its keeper looks after them, and would put back whatever is changed.
#[tokio::test]
async fn another_stack_s_alarms_are_neither_taken_over_nor_removed() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    for tags in aws.world().cloudwatch.tags.values_mut() {
        tags.insert("tripline:stack".to_owned(), "other".to_owned());
    }
    aws.changes();
    let report = apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    assert_eq!(report.plan.others, ["tripline-fw-late", "tripline-fw-slow"]);
    assert_eq!(report.plan.alarms[0].name, "tripline-fw-slow-2");
    assert_eq!(aws.changes(), ["put tripline-fw-slow-2"]);
}

/// Its actions would not run, and to make it again would change nothing.
#[tokio::test]
async fn a_muted_alarm_is_a_finding_whose_fix_is_to_lift_the_rule() {
    let aws = FakeAws::new();
    let guard = guard("fw", &["slow"]);
    apply(&aws, &guard).await.unwrap();
    aws.world()
        .cloudwatch
        .mute_rules
        .insert("night".to_owned(), vec!["tripline-fw-slow".to_owned()]);
    let report = apply(&aws, &guard).await.unwrap();
    let verdict = Verdict::of_arming(&guard, &report, fake_aws::REGION);
    let [finding] = &verdict.findings[..] else { panic!("{verdict:?}") };
    assert!(finding.to_string().contains("--alarm-mute-rule-name 'night'"), "{finding}");
}
