use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::tests::any_json;

fn message() -> Value {
    json!({
        "AlarmName": "tripline-fw-1-slow",
        "AlarmDescription": null,
        "AWSAccountId": "111122223333",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [4000.0 (01/09/26 10:00:00)] was greater than the threshold (3600.0).",
        "StateChangeTime": "2026-09-01T10:01:09.199+0000",
        "Region": "EU (Ireland)",
        "OldStateValue": "OK",
        "Trigger": {
            "MetricName": "downloadTime",
            "Namespace": "IoT:OTA:JobExecution",
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": "p99",
            "Unit": null,
            "Dimensions": [{"value": "fw-1", "name": "jobId"}],
            "Period": 60,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 3600.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": ""
        }
    })
}

fn read(value: &Value) -> Result<AlarmNotification, NotAnAlarm> {
    AlarmNotification::from_json(&value.to_string())
}

fn watched(value: &Value) -> Watched {
    match read(value).unwrap().subject {
        Subject::Metrics(watched) => watched,
        Subject::Composite { .. } => panic!("not on metrics"),
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_metric_alarm_names_its_job() {
    let read = read(&message()).unwrap();
    assert_eq!(read.alarm, "tripline-fw-1-slow");
    assert_eq!(read.state, AlarmState::Alarm);
    assert_eq!(read.rule.as_deref(), Some("p99 of downloadTime > 3600"));
    let watched = watched(&message());
    assert_eq!(watched.job().unwrap().as_str(), "fw-1");
    assert_eq!(watched.namespaces, names(&["IoT:OTA:JobExecution"]));
}

#[test]
fn states_have_cloudwatch_s_names() {
    for (text, state) in [
        ("OK", Some(AlarmState::Ok)),
        ("ALARM", Some(AlarmState::Alarm)),
        ("INSUFFICIENT_DATA", Some(AlarmState::InsufficientData)),
        ("alarm", None),
        ("", None),
    ] {
        assert_eq!(AlarmState::parse(text), state, "{text}");
    }
}

#[test]
fn a_rule_is_said_with_as_much_as_is_known_of_it() {
    for (statistic, metric, comparison, expected) in [
        (Some("p99"), Some("m"), "GreaterThanThreshold", Some("p99 of m > 1.5")),
        (Some("p99"), Some("m"), "GreaterThanOrEqualToThreshold", Some("p99 of m >= 1.5")),
        (Some("p99"), Some("m"), "LessThanThreshold", Some("p99 of m < 1.5")),
        (Some("p99"), Some("m"), "LessThanOrEqualToThreshold", Some("p99 of m <= 1.5")),
        (Some(""), Some("m"), "GreaterThanThreshold", Some("m > 1.5")),
        (None, Some("m"), "GreaterThanThreshold", Some("m > 1.5")),
        (Some("p99"), Some(""), "GreaterThanThreshold", Some("metric math > 1.5")),
        (None, None, "GreaterThanThreshold", Some("metric math > 1.5")),
        // A band of an anomaly detector is no number.
        (Some("p99"), Some("m"), "GreaterThanUpperThreshold", None),
    ] {
        let words = rule_in_words(statistic, metric, comparison, 1.5);
        assert_eq!(words.as_deref(), expected, "{statistic:?} {metric:?} {comparison}");
    }
}

#[test]
fn what_two_alarms_watch_is_what_either_does() {
    let of = |namespace: &str, job: &str, account: &str| Watched {
        namespaces: names(&[namespace]),
        jobs: names(&[job]),
        accounts: names(&[account]),
    };
    let mut both = of("n", "fw-1", "1");
    both.extend(of("n", "fw-2", "2"));
    assert_eq!(both.namespaces, names(&["n"]));
    assert_eq!(both.jobs, names(&["fw-1", "fw-2"]));
    assert_eq!(both.accounts, names(&["1", "2"]));
    // Accounts may be left out; nothing else may.
    let one = of("n", "fw-1", "1");
    for (other, agrees) in [
        (of("n", "fw-1", "2"), true),
        (of("other", "fw-1", "1"), false),
        (of("n", "fw-2", "1"), false),
        (of("other", "fw-2", "1"), false),
    ] {
        assert_eq!(one.agrees_with(&other), agrees, "{other:?}");
    }
}

#[test]
fn an_alarm_s_name_is_what_its_arn_ends_with() {
    for (text, name) in [
        ("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:slow", "slow"),
        ("arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:a:b", "a:b"),
        ("slow", "slow"),
        ("a:b:c:d:e:f:g", "a:b:c:d:e:f:g"),
        (
            "arn:aws:sns:eu-west-1:111122223333:alarm:slow",
            "arn:aws:sns:eu-west-1:111122223333:alarm:slow",
        ),
    ] {
        assert_eq!(alarm_name_of(text), name);
    }
}

#[test]
fn a_name_has_at_most_255_characters_and_none_that_controls() {
    for (name, is_possible) in [
        ("\u{e9}".repeat(255), true),
        ("x".repeat(256), false),
        ("a b".to_owned(), true),
        ("a\nb".to_owned(), false),
    ] {
        let mut other = message();
        other["AlarmName"] = json!(name);
        let read = read(&other);
        assert_eq!(read.is_ok(), is_possible, "{read:?}");
        assert!(is_possible || matches!(read, Err(NotAnAlarm::Name(_))));
    }
}

#[test]
fn names_of_dimensions_may_be_capitalised() {
    let mut other = message();
    other["Trigger"]["Dimensions"] = json!([{"Name": "jobId", "Value": "fw-2"}]);
    assert_eq!(watched(&other).job().unwrap().as_str(), "fw-2");
}

#[test]
fn metric_math_names_its_job_in_its_metrics() {
    let metric = |job: &str| {
        json!({
            "Id": "m1",
            "MetricStat": {
                "Metric": {"Dimensions": [{"value": job, "name": "jobId"}], "MetricName": "downloadTime", "Namespace": "IoT:OTA:JobExecution"},
                "Period": 60, "Stat": "p99"
            },
            "ReturnData": false
        })
    };
    let mut math = message();
    math["Trigger"] = json!({
        "Period": 60, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 1.5,
        "Metrics": [{"Expression": "m1*1", "Id": "e1", "ReturnData": true}, metric("fw-1"), metric("fw-1")]
    });
    assert_eq!(watched(&math).job().unwrap().as_str(), "fw-1");
    assert_eq!(read(&math).unwrap().rule.as_deref(), Some("metric math > 1.5"));
    math["Trigger"]["Metrics"] = json!([metric("fw-1"), metric("fw-2")]);
    assert_eq!(watched(&math).job(), Err(NoSingleJob::Several(2)));
    math["Trigger"]["Metrics"] = json!([metric("fw 1")]);
    assert!(matches!(watched(&math).job(), Err(NoSingleJob::Impossible(_))));
    math["Trigger"]["Metrics"] = json!([]);
    assert_eq!(watched(&math).job(), Err(NoSingleJob::None));
}

#[test]
fn a_composite_alarm_names_its_children_if_it_does() {
    let mut composite = message();
    composite.as_object_mut().unwrap().remove("Trigger");
    composite["AlarmRule"] = json!("ALARM(\"tripline-fw-1-slow\")");
    composite["TriggeringChildren"] = json!([{
        "Arn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a:b",
        "State": {"Value": "ALARM", "Timestamp": "2026-09-01T10:01:09.199+0000"}
    }]);
    assert_eq!(
        read(&composite).unwrap().subject,
        Subject::Composite { triggering: names(&["a:b"]) }
    );
    composite["TriggeringChildren"] = json!([]);
    assert_eq!(read(&composite).unwrap().subject, Subject::Composite { triggering: names(&[]) });
}

#[test]
fn the_event_of_a_lambda_action_is_read_too() {
    let event = json!({
        "source": "aws.cloudwatch",
        "alarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:slow",
        "alarmData": {
            "alarmName": "slow",
            "state": {"value": "ALARM", "reason": "why", "timestamp": "2026-09-01T10:01:09.199+0000"},
            "previousState": {"value": "OK"},
            "configuration": {"metrics": [{
                "id": "m1",
                "metricStat": {
                    "metric": {"namespace": "IoT:OTA:JobExecution", "name": "downloadTime", "dimensions": {"jobId": "fw-1"}},
                    "period": 60, "stat": "p99"
                },
                "returnData": true
            }]}
        }
    });
    assert_eq!(watched(&event).job().unwrap().as_str(), "fw-1");
    assert_eq!(read(&event).unwrap().reason, "why");
}

#[test]
fn a_field_that_no_stop_needs_can_be_anything() {
    for (pointer, odd) in [
        ("/Trigger/Threshold", json!("3600")),
        ("/Trigger/ComparisonOperator", json!({})),
        ("/Trigger/ExtendedStatistic", json!(99)),
        ("/NewStateReason", json!(null)),
        ("/StateChangeTime", json!(0)),
    ] {
        let mut other = message();
        *other.pointer_mut(pointer).unwrap() = odd;
        assert_eq!(watched(&other).job().unwrap().as_str(), "fw-1", "{pointer}");
    }
    let mut other = message();
    other["Trigger"]["Dimensions"] =
        json!([{"name": "region", "value": null}, 7, {"name": "jobId", "value": "fw-1"}]);
    assert_eq!(watched(&other).job().unwrap().as_str(), "fw-1");
    other["Trigger"]["Dimensions"] = json!([{"name": "jobId", "value": 5.5}]);
    assert!(matches!(watched(&other).job(), Err(NoSingleJob::Impossible(_))));
}

#[test]
fn an_account_of_metric_math_is_read() {
    let mut math = message();
    let metric = json!({"Dimensions": [{"value": "fw-1", "name": "jobId"}], "MetricName": "m", "Namespace": "n"});
    math["Trigger"] = json!({"Metrics": [
        {"Id": "m1", "AccountId": "444455556666", "MetricStat": {"Metric": metric, "Period": 60}}
    ]});
    assert_eq!(watched(&math).accounts, names(&["444455556666"]));
    assert_eq!(watched(&message()).accounts, names(&[]));
}

#[test]
fn envelopes_of_other_services_are_named() {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": "a", "state": {"value": "ALARM"}}
    });
    let sqs =
        |body: Value| json!({"messageId": "m", "eventSource": "aws:sqs", "body": body.to_string()});
    let sns = json!({"Type": "Notification", "TopicArn": "t", "Message": message().to_string()});
    for half in ["detail", "detail-type"] {
        let mut alarm = message();
        alarm[half] = event[half].clone();
        assert!(read(&alarm).is_ok(), "`{half}` alone is no envelope");
    }
    for (envelope, carrier) in [
        (event, Carrier::EventBridge),
        (sqs(message()), Carrier::Sqs),
        (sqs(sns), Carrier::SnsInSqs),
    ] {
        assert_eq!(read(&envelope), Err(NotAnAlarm::Carried(carrier)));
    }
    assert_eq!(
        NotAnAlarm::Carried(Carrier::EventBridge).to_string(),
        "an EventBridge event, not a CloudWatch alarm message: only the stack's force-stop topic carries those"
    );
}

#[test]
fn what_is_no_alarm_is_refused_with_a_reason() {
    let mut nameless = message();
    nameless["AlarmName"] = json!("");
    let mut odd = message();
    odd["NewStateValue"] = json!("PANIC");
    for (text, expected) in [
        (
            "hello".to_owned(),
            "not a CloudWatch alarm message: no JSON: expected value at line 1 column 1",
        ),
        (
            "{}".to_owned(),
            "not a CloudWatch alarm message: neither `AlarmName` nor `alarmData` is there",
        ),
        (
            nameless.to_string(),
            "AlarmName: `` is no alarm's name (expected 1 to 255 characters, none of them a control character)",
        ),
        (
            odd.to_string(),
            "NewStateValue: `PANIC` is unknown (expected `ALARM`, `OK` or `INSUFFICIENT_DATA`)",
        ),
    ] {
        assert_eq!(AlarmNotification::from_json(&text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_rule_names_alarms_quoted_or_not() {
    let rule = r#"(ALARM("a b") AND NOT OK(arn:aws:cloudwatch:eu-west-1:111122223333:alarm:c)) OR AT_LEAST(2, ALARM, (d, "e"))"#;
    assert_eq!(alarms_in_rule(rule), names(&["a b", "c", "d", "e"]));
    assert_eq!(alarms_in_rule("ALARM(\"open"), names(&["open"]));
    assert_eq!(alarms_in_rule("TRUE"), names(&[]));
    assert_eq!(
        alarms_in_rule("AT_LEAST(50.5%, ALARM, ('a b', c)) AND ALARM(\"\")"),
        names(&["", "a b", "c"])
    );
    assert_eq!(
        alarms_in_rule(r#"ALARM("with \"quote") OR ALARM(b)"#),
        names(&["with \"quote", "b"])
    );
}

proptest! {
    #[test]
    fn any_text_never_panics(text in ".*") {
        let _ = AlarmNotification::from_json(&text);
        let _ = alarms_in_rule(&text);
        let _ = alarm_name_of(&text);
    }

    #[test]
    fn any_json_in_any_place_never_panics(value in any_json(), key in prop::sample::select(vec![
        "AlarmName", "NewStateValue", "NewStateReason", "StateChangeTime", "Trigger", "TriggeringChildren",
    ])) {
        let mut odd = message();
        odd[key] = value;
        if let Ok(AlarmNotification { subject: Subject::Metrics(watched), .. }) = read(&odd) {
            let _ = watched.job();
        }
    }
}
