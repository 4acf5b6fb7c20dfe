//! Whether a job is guarded after `apply`, and what is said if it is not.

use aws_sdk_cloudwatch::types::StateValue;
use tripline::alarm::Topic;

use super::*;
use crate::alarms::fake::{EMAIL, FORCE_STOP};
use crate::exit::End;
use crate::terminal::armed::Tense;
use crate::terminal::document::document;
use crate::terminal::verdict::Verdict;

/// A guard whose alarm goes to these topics.
fn alerting(topics: &[&str]) -> Guard {
    let mut guard = guard("fw", &["slow"]);
    guard.alarms[0].topics = topics.iter().map(|topic| Topic::parse(topic).unwrap()).collect();
    guard
}

async fn verdict(aws: &FakeAws, guard: &Guard) -> Verdict {
    Verdict::of_arming(guard, &apply(aws, guard).await.unwrap(), "us-east-1")
}

#[tokio::test]
async fn a_job_whose_alarms_reach_the_stopper_is_armed() {
    for topics in [&["@email", "@force-stop"][..], &[FORCE_STOP]] {
        let verdict = verdict(&FakeAws::new(), &alerting(topics)).await;
        assert_eq!(verdict.end(), End::Done);
        assert_eq!(
            verdict.result,
            "job `fw` is armed in `us-east-1` with 1 alarm, stop mode `cancel`"
        );
        assert_eq!(verdict.notes, []);
    }
}

#[tokio::test]
async fn a_stack_that_observes_is_said_to_stop_nothing() {
    let aws = FakeAws::new();
    aws.world().cloudformation.outputs[0] = ("StopMode", "observe");
    let guard = alerting(&["@force-stop"]);
    let report = apply(&aws, &guard).await.unwrap();
    let verdict = Verdict::of_arming(&guard, &report, "us-east-1");
    assert_eq!(verdict.end(), End::Done);
    assert_eq!(verdict.result, "job `fw` has 1 alarm in `us-east-1`, stop mode `observe`");
    assert!(verdict.notes[0].to_string().contains("observes only: nothing will be stopped"));
    assert!(
        report.text(Tense::Was).contains("@force-stop  observe\n"),
        "{}",
        report.text(Tense::Was)
    );
    let json = document(&report.data(&guard, "us-east-1"));
    assert_eq!((&json["stopMode"], &json["stops"]), (&"observe".into(), &false.into()));
}

#[tokio::test]
async fn a_stop_mode_that_is_unknown_is_refused_before_the_first_change() {
    let aws = FakeAws::new();
    aws.world().cloudformation.outputs[0] = ("StopMode", "later");
    let text = text(apply(&aws, &alerting(&["@force-stop"])).await.unwrap_err());
    assert!(text.contains("output `StopMode`: stop mode `later` is unknown"), "{text}");
    assert_eq!(aws.changes(), <[String; 0]>::default());
}

#[tokio::test]
async fn alarms_that_only_alert_are_a_finding_unless_it_is_meant() {
    let other = "arn:aws:sns:us-east-1:111122223333:other";
    for topics in [&["@email"][..], &[EMAIL, other]] {
        let aws = FakeAws::new();
        let found = verdict(&aws, &alerting(topics)).await;
        assert_eq!(aws.changes(), ["put tripline-fw-slow"]);
        assert_eq!(found.end(), End::Finding);
        assert_eq!(found.result, "job `fw` has 1 alarm in `us-east-1`, stop mode `cancel`");
        assert!(found.findings[0].to_string().contains("`--alert-only`"), "{found:?}");
        let meant = Guard { alert_only: true, ..alerting(topics) };
        let meant = verdict(&aws, &meant).await;
        assert_eq!(meant.end(), End::Done);
        assert!(
            meant.notes[0].to_string().starts_with("no alarm notifies `@force-stop`"),
            "{meant:?}"
        );
    }
}

#[tokio::test]
async fn a_force_stop_topic_without_its_function_stops_nothing() {
    let aws = FakeAws::new();
    aws.world().sns.subscriptions.remove(1);
    let guard = Guard { dry_run: true, ..alerting(&["@force-stop"]) };
    let report = apply(&aws, &guard).await.unwrap();
    assert!(!report.stops());
    let found = Verdict::of_arming(&guard, &report, "us-east-1");
    assert_eq!(found.end(), End::Finding);
    assert!(found.findings[0].to_string().starts_with("no function is subscribed to"), "{found:?}");
    // A guard that only alerts does not need it.
    let meant = Guard { alert_only: true, ..alerting(&["@email"]) };
    assert_eq!(verdict(&aws, &meant).await.end(), End::Done);
}

#[tokio::test]
async fn an_address_that_was_not_confirmed_is_named() {
    let aws = FakeAws::new();
    aws.world().sns.subscriptions.push([EMAIL, "email", "new@example.com", "PendingConfirmation"]);
    let noted = verdict(&aws, &alerting(&["@force-stop"])).await;
    assert_eq!(noted.end(), End::Done);
    assert!(
        noted.notes[0].to_string().contains("nothing is sent to: new@example.com\n"),
        "{noted:?}"
    );
}

#[tokio::test]
async fn an_alarm_that_is_in_alarm_already_is_a_finding() {
    let aws = FakeAws::new();
    verdict(&aws, &alerting(&["@force-stop"])).await;
    aws.set_state("tripline-fw-slow", StateValue::Alarm);
    let found = verdict(&aws, &alerting(&["@force-stop"])).await;
    assert_eq!(found.end(), End::Finding);
    assert!(found.findings[0].to_string().contains("in ALARM already"), "{found:?}");
}
