use proptest::prelude::*;
use serde_json::json;

use super::*;

fn event(operation: &str, details: Value) -> Value {
    json!({
        "eventType": "JOB_EXECUTION",
        "eventId": "0b1f3c57-6f0f-4a86-9a55-0d1c1c6d9d10",
        "timestamp": 1_790_000_000,
        "operation": operation,
        "jobId": "fw-1",
        "thingArn": "arn:aws:iot:eu-west-1:111122223333:thing/pump-7",
        "status": operation.to_uppercase(),
        "statusDetails": details,
    })
}

fn ending_of(value: &Value) -> ExecutionEnding {
    ExecutionEvent::from_value(value).unwrap().ending.unwrap()
}

#[test]
fn every_operation_has_its_outcome() {
    for (operation, outcome) in [
        ("succeeded", Outcome::Succeeded),
        ("failed", Outcome::Failed),
        ("rejected", Outcome::Rejected),
        ("timed_out", Outcome::TimedOut),
        ("canceled", Outcome::Canceled),
        ("removed", Outcome::Removed),
    ] {
        assert_eq!(ending_of(&event(operation, json!({}))).outcome, outcome);
    }
}

#[test]
fn a_deleted_execution_counts_nothing_whatever_its_status_says() {
    let mut deleted = event("deleted", json!({"downloadTime": "12"}));
    deleted["status"] = json!("SUCCEEDED");
    assert_eq!(ExecutionEvent::from_value(&deleted).unwrap().ending, None);
}

#[test]
fn details_are_texts_or_numbers() {
    for (details, seconds, retries) in [
        (json!({"downloadTime": "412.5", "retryCount": "3"}), Some(412.5), Some(3)),
        (json!({"downloadTime": 412.5, "retryCount": 3}), Some(412.5), Some(3)),
        (json!({"downloadTime": "0"}), Some(0.0), None),
        (json!({"downloadTime": 604_800}), Some(604_800.0), None),
        (json!({"key": "value"}), None, None),
        (Value::Null, None, None),
    ] {
        let ending = ending_of(&event("succeeded", details.clone()));
        assert_eq!(ending.download_time.map(DownloadTime::seconds), seconds, "{details}");
        assert_eq!(ending.retry_count.map(RetryCount::get), retries, "{details}");
        assert_eq!(ending.invalid, [], "{details}");
    }
}

#[test]
fn a_bad_detail_costs_neither_the_outcome_nor_the_other_detail() {
    for bad in [
        json!("nan"),
        json!("inf"),
        json!("-1"),
        json!("1e300"),
        json!("12 s"),
        json!(""),
        json!({}),
        json!([]),
        json!(true),
        json!(null),
        json!(-1),
        json!(604_800.5),
    ] {
        let ending = ending_of(&event("failed", json!({"downloadTime": bad, "retryCount": "2"})));
        assert_eq!(ending.outcome, Outcome::Failed);
        assert_eq!(ending.download_time, None, "{bad}");
        assert_eq!(ending.retry_count.map(RetryCount::get), Some(2));
        assert_eq!(ending.invalid.len(), 1, "{bad}");
    }
    for bad in [json!("1.5"), json!("10001"), json!(-1), json!(2.5), json!("many")] {
        let ending = ending_of(&event("failed", json!({"retryCount": bad})));
        assert_eq!((ending.retry_count, ending.invalid.len()), (None, 1), "{bad}");
    }
}

#[test]
fn a_near_miss_of_a_key_is_counted_and_never_taken() {
    for key in ["download_time", "DownloadTime", "download-time", "downloadtime", "Download Time"] {
        let ending = ending_of(&event("succeeded", json!({key: "412", "retryCount": "1"})));
        assert_eq!(ending.outcome, Outcome::Succeeded);
        assert_eq!(
            (ending.download_time, ending.retry_count.map(RetryCount::get)),
            (None, Some(1))
        );
        let text = format!("downloadTime: the key is `{key}`, expected `downloadTime`");
        assert_eq!(ending.invalid.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }
    for key in ["downloadTimeMs", "download_time_s", "download", "elapsed"] {
        assert_eq!(ending_of(&event("succeeded", json!({key: "412"}))).invalid, [], "{key}");
    }
}

#[test]
fn a_near_miss_beside_the_right_key_is_nothing() {
    let ending = ending_of(&event(
        "failed",
        json!({"DownloadTime": "x", "downloadTime": "30", "download_time": {}, "retry_count": "2"}),
    ));
    assert_eq!(ending.download_time.map(DownloadTime::seconds), Some(30.0));
    assert_eq!(ending.invalid.len(), 1, "{:?}", ending.invalid);
    // An unusable value is counted once, and the near miss beside it does not help.
    let ending = ending_of(&event("failed", json!({"downloadTime": "x", "download_time": "30"})));
    assert_eq!((ending.download_time, ending.invalid.len()), (None, 1));
}

#[test]
fn many_near_misses_of_a_detail_are_one_unusable_detail() {
    let details = json!({"download_time": "1", "DOWNLOADTIME": "2", "Download-Time": "3"});
    assert_eq!(ending_of(&event("succeeded", details)).invalid.len(), 1);
}

#[test]
fn details_that_are_no_object_are_one_invalid_detail() {
    let ending = ending_of(&event("succeeded", json!("downloadTime=3")));
    assert_eq!(ending.invalid.len(), 1);
    assert_eq!(
        ending.invalid[0].to_string(),
        "statusDetails: `downloadTime=3` is unusable, expected an object"
    );
}

#[test]
fn details_may_be_absent() {
    let mut bare = event("succeeded", json!({}));
    bare.as_object_mut().unwrap().remove("statusDetails");
    assert_eq!(ending_of(&bare).invalid, []);
}

#[test]
fn poison_says_what_is_wrong() {
    let mut no_job = event("succeeded", json!({}));
    no_job.as_object_mut().unwrap().remove("jobId");
    let mut odd_job = event("succeeded", json!({}));
    odd_job["jobId"] = json!("a b");
    let mut job_event = event("succeeded", json!({}));
    job_event["eventType"] = json!("JOB");
    for (value, text) in [
        (json!([1]), "not an object but an array"),
        (no_job, "jobId: missing or no text"),
        (odd_job, "jobId: `a b` is no job id (expected 1 to 64 letters, digits, `-` or `_`)"),
        (job_event, "eventType: `JOB` is not handled, expected `JOB_EXECUTION`"),
        (
            event("exploded", json!({})),
            "operation: `exploded` is unknown, expected one of succeeded, failed, rejected, timed_out, canceled, removed, deleted",
        ),
    ] {
        assert_eq!(ExecutionEvent::from_value(&value).unwrap_err().to_string(), text);
    }
    assert!(ExecutionEvent::from_json(b"{").unwrap_err().to_string().starts_with("not JSON: "));
}

#[test]
fn an_unusable_time_or_id_is_as_good_as_none() {
    let mut odd = event("succeeded", json!({}));
    odd["timestamp"] = json!("yesterday");
    odd["eventId"] = json!("x".repeat(65));
    let read = ExecutionEvent::from_value(&odd).unwrap();
    assert_eq!((read.at, read.id), (None, None));
    odd["timestamp"] = json!(1_790_000_000_500_i64);
    let read = ExecutionEvent::from_value(&odd).unwrap();
    assert_eq!(read.at, Some(Timestamp::from_seconds(1_790_000_000)));
}

/// Any JSON up to a few levels deep.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[0-9.eE+-]{1,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop_oneof![
            Just("jobId".to_owned()),
            Just("operation".to_owned()),
            Just("statusDetails".to_owned()),
            Just("downloadTime".to_owned()),
            Just("retryCount".to_owned()),
            "[dD]ownload[_ -]?[tT]ime",
            "[rR]etry[_ -]{0,70}[cC]ount",
            ".*",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ExecutionEvent::from_json(&bytes);
    }

    #[test]
    fn any_json_never_panics(value in any_json()) {
        let _ = ExecutionEvent::from_value(&value);
    }

    #[test]
    fn any_details_keep_the_outcome(details in any_json(), at in any_json()) {
        let mut odd = event("rejected", details);
        odd["timestamp"] = at;
        prop_assert_eq!(ending_of(&odd).outcome, Outcome::Rejected);
    }

    #[test]
    fn thousands_of_hostile_keys_keep_the_outcome_and_are_at_most_two_unusable_details(
        spellings in prop::collection::vec(("[dD][oO]wnload[_ -]{0,9}[tT]ime[_-]{0,80}", any::<u32>()), 0..40),
        others in prop::collection::vec(".{0,30}", 0..40),
        copies in 1_u32..100,
    ) {
        let mut details = Map::new();
        for (spelling, value) in &spellings {
            details.insert(spelling.clone(), json!(value.to_string()));
        }
        for other in &others {
            (0..copies).for_each(|n| drop(details.insert(format!("{other}{n}_"), json!("1"))));
        }
        let ending = ending_of(&event("timed_out", Value::Object(details)));
        prop_assert_eq!(ending.outcome, Outcome::TimedOut);
        prop_assert!(ending.invalid.len() <= 2, "{:?}", ending.invalid);
        let right = spellings.iter().any(|(spelling, _)| spelling == "downloadTime");
        prop_assert!(right || ending.download_time.is_none());
        for invalid in ending.invalid {
            prop_assert!(invalid.to_string().chars().count() < 160);
        }
    }

    #[test]
    fn no_text_of_a_device_grows_a_log_line(text in ".{0,400}") {
        for invalid in ending_of(&event("failed", json!({"downloadTime": text}))).invalid {
            prop_assert!(invalid.to_string().chars().count() < 160);
        }
    }
}
