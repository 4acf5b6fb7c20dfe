//! Guards whose metric devices never report.

use serde_json::{Value, json};

use super::super::{NoValue, Replay};
use super::replays::{alarm, criterion};
use super::{START, event, rollout};
use crate::stop_topics::StopTopics;
use tripline::alarm::AlarmDefinition;
use tripline::detail::Detail;
use tripline::reports::Reports;
use tripline::rollout::{AbortCriterion, FailureType};
use tripline::stop::StopMode;

/// So many devices that succeed and then so many that fail, two a minute.
fn endings(succeeded: u32, failed: u32, details: &Value) -> Vec<Value> {
    let all = (0..succeeded).map(|_| "succeeded").chain((0..failed).map(|_| "failed"));
    (0..)
        .zip(all)
        .map(|(n, ended)| event(n, START + i64::from(n) * 30, ended, details.clone()))
        .collect()
}

/// An alarm on another metric.
fn on(metric: &str, name: &str, topics: &str, more: &str) -> AlarmDefinition {
    AlarmDefinition { metric: metric.to_owned(), ..alarm(name, 3_000, topics, more) }
}

fn slow() -> AlarmDefinition {
    on("downloadTime", "slow", "@email, @force-stop", "")
}

fn replay(events: &[Value], alarms: &[AlarmDefinition], abort: &[AbortCriterion]) -> Replay {
    Replay::new(&rollout(events), alarms, abort, StopMode::Cancel, &StopTopics::default())
}

const NEVER: Reports = Reports::NeverReported { succeeded: 57, invalid: 0 };

#[test]
fn an_alarm_on_what_no_device_reports_looks_at_nothing() {
    for (details, invalid, keys) in [
        (json!({"reason": "accepted v2"}), 0, vec![]),
        (json!({"downloadTimeMs": "1200"}), 0, vec![]),
        (json!({}), 0, vec![]),
        (Value::Null, 0, vec![]),
        (json!({"download-time": "12"}), 60, vec!["download-time"]),
        (json!({"Download_Time": "12", "downloadtime": "13"}), 60, vec!["Download_Time"]),
        (json!({"downloadTime": "12 s"}), 60, vec![]),
    ] {
        let events = endings(57, 3, &details);
        let replay = replay(&events, &[slow()], &[]);
        let never = Reports::NeverReported { succeeded: 57, invalid };
        let expected = Some(NoValue::NeverReported(Detail::DownloadTime, never));
        assert_eq!((replay.alarms[0].no_value, replay.is_unwatched), (expected, true), "{details}");
        let misspelled = rollout(&events).misspelled;
        assert_eq!(misspelled.values().collect::<Vec<_>>(), keys, "{details}");
        assert!(misspelled.keys().all(|meant| *meant == Detail::DownloadTime));
    }
}

#[test]
fn an_alarm_with_a_value_looks() {
    let mut events = endings(57, 3, &json!({}));
    events[20] = event(20, START + 600, "succeeded", json!({"downloadTime": "40"}));
    let replay = replay(&events, &[slow()], &[]);
    assert_eq!((replay.alarms[0].no_value, replay.is_unwatched), (None, false));
}

#[test]
fn too_few_devices_say_nothing_and_all_of_a_small_rollout_do() {
    let silent = |succeeded, failed, devices| {
        let mut rollout = rollout(&endings(succeeded, failed, &json!({})));
        rollout.devices = devices;
        let topics = StopTopics::default();
        Replay::new(&rollout, &[slow()], &[], StopMode::Cancel, &topics).is_unwatched
    };
    // Nobody succeeded, and nothing looked at how they fail.
    assert!(silent(0, 60, None));
    assert!(!silent(0, 9, None));
    assert!(silent(4, 2, None));
    assert!(silent(4, 2, Some(6)));
    assert!(!silent(4, 2, Some(7)));
    assert!(silent(10, 0, Some(7_000)));
}

#[test]
fn what_else_could_decide_makes_up_for_it() {
    let failures = |topics, more| alarm("failures", 50, topics, more);
    let criterion = |least| criterion(FailureType::Failed, 90.0, least);
    let retries = || on("retryCount", "retries", "@force-stop", "");
    for (beside, abort, is_unwatched) in [
        (vec![], vec![], true),
        (vec![failures("@force-stop", "")], vec![], false),
        // It stops nothing, and the one that never looks would.
        (vec![failures("@email", "")], vec![], true),
        (vec![failures("@force-stop", "minSamples = 60")], vec![], false),
        (vec![failures("@force-stop", "minSamples = 61")], vec![], true),
        (vec![retries()], vec![], true),
        (vec![], vec![criterion(60)], false),
        (vec![], vec![criterion(61)], true),
    ] {
        let alarms = [vec![slow()], beside].concat();
        let replay = replay(&endings(57, 3, &json!({})), &alarms, &abort);
        let no_value = Some(NoValue::NeverReported(Detail::DownloadTime, NEVER));
        assert_eq!((replay.alarms[0].no_value, replay.is_unwatched), (no_value, is_unwatched));
    }
}

#[test]
fn one_that_alerts_makes_up_for_one_that_alerts() {
    let slow = AlarmDefinition { topics: alarm("x", 1, "@email", "").topics, ..slow() };
    let alarms = [slow, alarm("failures", 50, "@email", "")];
    assert!(!replay(&endings(57, 3, &json!({})), &alarms, &[]).is_unwatched);
    assert!(replay(&endings(57, 3, &json!({})), &alarms[..1], &[]).is_unwatched);
}

#[test]
fn a_rollout_that_is_stopped_was_watched() {
    let alarms = [slow(), alarm("failures", 1, "@force-stop", "")];
    let events = [endings(20, 20, &json!({})), endings(60, 0, &json!({}))[40..].to_vec()].concat();
    let replay = replay(&events, &alarms, &[]);
    assert!(replay.stop.is_some() && !replay.is_unwatched);
    assert!(replay.alarms[0].no_value.is_some());
}

#[test]
fn a_list_of_executions_has_no_details_to_report() {
    let mut events = endings(57, 3, &json!({}));
    events.push(event(0, START - 60, "in_progress", json!({})));
    let replay = replay(&events, &[slow()], &[]);
    let expected = Some(NoValue::NotRecorded(Detail::DownloadTime));
    assert_eq!((replay.alarms[0].no_value, replay.is_unwatched), (expected, true));
    let sentence = replay.alarms[0].no_value.unwrap().sentence();
    assert!(!sentence.contains("succeeded"), "{sentence}");
}
