//! What becomes of a rollout in each way to go wrong, as far as `watch` can see.

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_iot::types::{JobStatus, TimeoutConfig};
use serde_json::Value;
use tripline::alarm::Topic;
use tripline::evidence::{CoverageFacts, Needs, Record};
use tripline_guard::desired::DefaultGuard;

use super::fake::*;
use crate::alarms::fake::{EMAIL, FORCE_STOP, shown};
use crate::aws::tally::Tally;
use crate::watch::follow::Watch;

/// What the guard-keeper keeps of a rollout to 400 devices.
fn record() -> Record {
    let coverage = CoverageFacts {
        devices: Some(400),
        needs: Some(Needs::LEAST),
        least_devices: 2,
        succeeded: 30,
        download_times: 29,
        ..CoverageFacts::default()
    };
    Record { created: CREATED, at: NOW - 30, coverage, ..Record::default() }
}

/// A rollout with the stack's default guard, as the guard-keeper arms it.
fn guarded(record: Option<&Record>) -> Fake {
    let fake = Fake::default();
    let guard = DefaultGuard::new(vec![Topic::Email, Topic::ForceStop], |_| None).unwrap();
    let alarms = guard.all_alarms(1_000, false).into_iter().map(|alarm| {
        let stops = alarm.topics().contains(&Topic::ForceStop);
        let actions = if stops { vec![EMAIL, FORCE_STOP] } else { vec![EMAIL] };
        let actions: Vec<String> = actions.into_iter().map(str::to_owned).collect();
        let mut alarm = shown(&alarm, &id("fw"), &actions);
        alarm.alarm_arn = alarm.alarm_name().map(|name| format!("arn:{name}"));
        alarm
    });
    let alarms: Vec<_> = alarms.collect();
    for alarm in &alarms {
        fake.tag(alarm.alarm_arn().unwrap(), "fw");
    }
    fake.alarms(alarms);
    fake.downloads([]);
    if let Some(record) = record {
        fake.keep_evidence("fw", record);
    }
    let mut job =
        job(JobStatus::InProgress, Tally { succeeded: 30, queued: 9, ..Tally::default() });
    job.timeout_config = Some(TimeoutConfig::builder().in_progress_timeout_in_minutes(120).build());
    fake.answers("fw", [Answer::Job(Box::new(job))]);
    fake
}

async fn log_of(fake: &Fake) -> Log {
    fake.follow(Watch { once: true, ..watch(&["fw"]) }).await.1
}

/// The status, and what becomes of each way.
fn levels(log: &Log) -> (String, Vec<String>) {
    let coverage = &log.data.last().unwrap()["coverage"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let ways = ["fails", "refuses", "timesOut", "slow", "neverAnswers"];
    (text(&coverage["status"]), ways.map(|way| text(&coverage["ways"][way]["level"])).into())
}

#[tokio::test(start_paused = true)]
async fn a_guarded_rollout_says_what_becomes_of_it() {
    let log = log_of(&guarded(Some(&record()))).await;
    let stops = ["stops", "stops", "stops", "stops", "stops"];
    assert_eq!(levels(&log), ("guarded".to_owned(), stops.map(str::to_owned).into()));
    let line =
        "coverage  guarded: stops on failures, rejections, timeouts, slow devices, silent devices";
    assert!(log.screens[&1_000].iter().any(|shown| shown.trim() == line), "{:#?}", log.screens);
    assert!(log.lines[0].contains(&line.replace("coverage ", "coverage:").replace(":  ", ": ")));
    assert_eq!(log.uncovered, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_nobody_reports_is_seen() {
    let mut silent = record();
    silent.coverage = CoverageFacts { succeeded: 115, download_times: 0, ..silent.coverage };
    let log = log_of(&guarded(Some(&silent))).await;
    // The default guard's evidence alerts people.
    let (status, levels) = levels(&log);
    assert_eq!((status.as_str(), levels[3].as_str()), ("guarded", "alerts"));
    let slow = &log.data[0]["coverage"]["ways"]["slow"];
    assert_eq!(slow["by"], "default-Evidence");
    let reason = "never had a value: 115 devices succeeded and none reported `downloadTime`";
    assert_eq!(slow["because"][0]["reason"], reason);
}

#[tokio::test(start_paused = true)]
async fn a_silent_guard_keeper_leaves_a_rollout_blind() {
    let mut old = record();
    old.at = NOW - 420;
    for record in [Some(&old), None] {
        let log = log_of(&guarded(record)).await;
        let (status, levels) = levels(&log);
        // What devices report is counted without the guard-keeper.
        assert_eq!((status.as_str(), levels[3].as_str()), ("partlyGuarded", "stops"));
        assert_eq!(levels[0], "nobody");
        let minutes = if record.is_some() { 7 } else { 10 };
        let blind = format!(
            "default-FailureRate is blind: the guard-keeper has not checked for {minutes} min"
        );
        assert!(log.uncovered[0].contains(&blind), "{:?}", log.uncovered);
        assert!(log.uncovered[1].contains("tripline doctor --job-id fw"), "{:?}", log.uncovered);
    }
}

#[tokio::test(start_paused = true)]
async fn another_job_of_the_name_says_nothing_of_this_one() {
    let of_another = Record { created: CREATED - 9_000, ..record() };
    let log = log_of(&guarded(Some(&of_another))).await;
    assert_eq!(levels(&log).0, "partlyGuarded");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_does_not_act_covers_nothing() {
    let fake = guarded(Some(&record()));
    let name = "tripline-fw-default-FailureRate".to_owned();
    fake.world().cloudwatch.mute_rules.insert("night".to_owned(), vec![name.clone()]);
    let log = log_of(&fake).await;
    assert_eq!(log.data[0]["coverage"]["status"], "partlyGuarded");
    let fails = &log.data[0]["coverage"]["ways"]["fails"];
    assert_eq!(fails["level"], "alerts", "evidence alerts people");
    let unmute = "aws cloudwatch delete-alarm-mute-rule --alarm-mute-rule-name 'night'";
    assert_eq!(fails["because"][0]["fix"], unmute);
    let fake = guarded(Some(&record()));
    fake.world().cloudwatch.alarms.get_mut(&name).unwrap().state_value = Some(StateValue::Alarm);
    assert_eq!(log_of(&fake).await.data[0]["coverage"]["ways"]["fails"]["level"], "alerts");
}

#[tokio::test(start_paused = true)]
async fn that_nothing_stops_it_may_be_meant() {
    let mut meant = record();
    meant.coverage.alerts_only = true;
    let log = log_of(&guarded(Some(&meant))).await;
    assert_eq!(levels(&log).0, "alertsOnly");
    assert!(log.screens[&1_000].iter().any(|line| line.contains("coverage  alerts only: ")));
}

#[tokio::test(start_paused = true)]
async fn without_the_stack_or_after_the_end_there_is_nothing_to_say() {
    let fake = guarded(Some(&record()));
    fake.world().cloudformation.stack = None;
    let log = log_of(&fake).await;
    assert_eq!(log.data[0]["coverage"], Value::Null);
    assert!(log.data[0]["notes"][0].as_str().unwrap().starts_with("guard: there is no stack"));
    let fake = guarded(Some(&record()));
    fake.answers("fw", [completed(Tally { succeeded: 39, ..Tally::default() })]);
    assert_eq!(log_of(&fake).await.data[0]["coverage"], Value::Null);
}
