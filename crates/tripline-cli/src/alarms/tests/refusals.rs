//! What is refused, and that nothing is changed then; and names that are taken.

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm};

use super::*;
use crate::terminal::verdict::Verdict;

#[tokio::test]
async fn another_job_s_alarm_of_the_same_name_is_left_alone() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw-1", &["slow"])).await.unwrap();
    aws.world().iot.events.insert("JOB".to_owned(), false);
    aws.changes();
    let guard = guard("fw", &["first", "1-slow"]);
    let report = apply(&aws, &guard).await.unwrap();
    let mut puts = aws.changes();
    puts.retain(|change| change.starts_with("put "));
    assert_eq!(puts, ["put tripline-fw-first", "put tripline-fw-1-slow-2"]);
    let notes = Verdict::of_arming(&guard, &report, fake_aws::REGION).notes;
    let said = "another owner's alarm has the name `tripline-fw-1-slow`, so it stays as it is; this job's alarm is called `tripline-fw-1-slow-2`";
    assert!(notes.iter().any(|note| note.what() == said), "{notes:?}");
}

#[tokio::test]
async fn names_are_taken_by_composite_and_unrelated_alarms_too() {
    let aws = FakeAws::new();
    aws.world().cloudwatch.composite.insert("tripline-fw-slow".to_owned());
    let queue = Dimension::builder().name("QueueName").value("fw").build();
    let other = MetricAlarm::builder()
        .alarm_name("tripline-fw-late")
        .metric_name("m")
        .dimensions(queue)
        .build();
    aws.world().cloudwatch.alarms.insert("tripline-fw-late".to_owned(), other);
    apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    assert_eq!(aws.changes(), ["put tripline-fw-slow-2", "put tripline-fw-late-2"]);
}

#[tokio::test]
async fn the_stack_has_to_be_there_whole() {
    let aws = FakeAws::new();
    aws.world().cloudformation.stack = None;
    let error = apply(&aws, &guard("fw", &["slow"])).await.unwrap_err();
    assert!(text(error).starts_with("there is no stack `tripline`\n"));
    for (status, hint) in [("UPDATE_IN_PROGRESS", "wait"), ("ROLLBACK_COMPLETE", "fix")] {
        aws.world().cloudformation.stack = Some(status);
        let text = text(apply(&aws, &guard("fw", &["slow"])).await.unwrap_err());
        assert!(text.contains(status) && text.contains(&format!("hint: {hint}")), "{text}");
    }
    aws.world().cloudformation.stack = Some("UPDATE_COMPLETE");
    aws.world().cloudformation.outputs.pop();
    let error = apply(&aws, &guard("fw", &["slow"])).await.unwrap_err();
    assert!(text(error).starts_with("stack `tripline` has no output `ForceStopTopicArn`\n"));
    aws.world().cloudformation.outputs.push(("ForceStopTopicArn", "none"));
    let error = apply(&aws, &guard("fw", &["slow"])).await.unwrap_err();
    assert!(text(error).contains("output `ForceStopTopicArn` is `none`"));
    assert_eq!(aws.changes(), <[String; 0]>::default());
}

#[tokio::test]
async fn a_topic_of_another_region_is_refused_before_anything_is_asked() {
    let mut guard = guard("fw", &["slow"]);
    guard.alarms[0].topics =
        vec![tripline::alarm::Topic::parse("arn:aws:sns:eu-west-1:111122223333:x").unwrap()];
    let text = text(apply(&FakeAws::new(), &guard).await.unwrap_err());
    assert!(
        text.contains(
            "which are in `us-east-1`\n  alarm `slow`: topic `arn:aws:sns:eu-west-1:111122223333:x`"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn alarms_without_actions_are_no_success() {
    let aws = FakeAws::new();
    aws.world().cloudwatch.forgets_actions = true;
    let error = apply(&aws, &guard("fw", &["slow"])).await.unwrap_err();
    assert!(matches!(error, Error::Aws(_)));
    assert!(text(error).contains("missing or have no actions: `tripline-fw-slow`"));
}

#[tokio::test]
async fn a_stack_that_cannot_keep_the_config_is_refused() {
    let aws = FakeAws::new();
    aws.world().cloudformation.outputs.retain(|(key, _)| *key != "GuardsTableName");
    let error = text(apply(&aws, &guard("fw", &["slow"])).await.unwrap_err());
    assert!(error.contains("has no output `GuardsTableName`"), "{error}");
    assert!(error.contains("hint: update the stack"), "{error}");
    assert_eq!(aws.changes(), <[String; 0]>::default());
}

#[tokio::test]
async fn a_config_that_is_too_long_to_be_kept_is_refused() {
    let aws = FakeAws::new();
    let long = "x".repeat(200);
    let topics: Vec<_> =
        (0..5).map(|n| format!("arn:aws:sns:us-east-1:111122223333:{n}{long}")).collect();
    let mut guard = guard("fw", &["slow"]);
    let mut alarm = guard.alarms.remove(0);
    alarm.topics = topics.iter().map(|arn| tripline::alarm::Topic::parse(arn).unwrap()).collect();
    guard.alarms = vec![alarm; 100];
    let error = text(apply(&aws, &guard).await.unwrap_err());
    assert!(error.starts_with("dev.ini: its alarms and its baseline take "), "{error}");
    assert!(error.contains("(expected at most 100000)"), "{error}");
    assert_eq!(aws.kept().len(), 0);
}
