//! Messages about true alarms that say nothing of the rollout that they name.

use serde_json::{Value, json};
use tripline_tests::faults::{Fault, Plan};
use tripline_tests::http_aws::{Account, Alarm, HttpAws, alarm_arn, now, topic_arn};

use super::stage::{
    EVIDENCE, NAMESPACE, alarm, alarm_event, alarm_name, email_topic, event, fired, function,
    healthy, mails, message, on_evidence, sms_topic, write_evidence,
};

/// Delivers one message in one environment, and returns its log.
async fn deliver(aws: &HttpAws, plan: Plan, event: &Value) -> (bool, String) {
    let door = aws.door(|_| plan).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    let delivery = environment.deliver(event).await.unwrap();
    (delivery.undelivered, environment.log())
}

/// One e-mail says that a message was refused, and why.
fn is_refused_for(account: &Account, why: &str) -> bool {
    let mails = mails(account);
    mails.len() == 1 && mails[0].starts_with("Tripline refused") && mails[0].contains(why)
}

fn metric(id: &str, name: &str, job: &str) -> Value {
    let metric = json!({
        "Namespace": NAMESPACE, "MetricName": name,
        "Dimensions": [{"Name": "jobId", "Value": job}],
    });
    let stat = json!({"Metric": metric, "Period": 60, "Stat": "Maximum"});
    json!({"Id": id, "ReturnData": false, "MetricStat": stat})
}

/// The alarm on a metric becomes one on metric math.
fn on_math(account: &mut Account, job: &str, metrics: Value, threshold: f64) {
    let alarm = account.alarms.get_mut(&alarm_name(job)).unwrap();
    let described = alarm.described.as_object_mut().unwrap();
    for simple in ["MetricName", "Namespace", "ExtendedStatistic", "Dimensions", "Period"] {
        described.remove(simple);
    }
    described.insert("Metrics".to_owned(), metrics);
    described.insert("Threshold".to_owned(), json!(threshold));
}

fn math_message(job: &str) -> Value {
    let mut message = message(&alarm_name(job), job);
    let stat = json!({"Metric": {
        "Namespace": NAMESPACE, "MetricName": "downloadTime",
        "Dimensions": [{"name": "jobId", "value": job}],
    }});
    message["Trigger"] = json!({"Metrics": [{"Id": "m1", "MetricStat": stat}]});
    message
}

/// Another account's metric says nothing of this account's job of the same name.
#[tokio::test]
async fn a_metric_of_another_account_stops_nothing() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-7");
    let mut theirs = metric("m1", "downloadTime", "fw-7");
    theirs["AccountId"] = "999988887777".into();
    on_math(&mut aws.account(), "fw-7", json!([theirs]), 3_600.0);
    // The message leaves the account out, as a forger would.
    let (_, log) = deliver(&aws, Plan::none(), &event("m-7", &math_message("fw-7"))).await;
    let account = aws.account();
    assert!(!account.is_canceled("fw-7"), "{log}");
    assert!(is_refused_for(&account, "another account"), "{:?}", mails(&account));
}

/// Nobody is left to believe that a stop was made.
#[tokio::test]
async fn a_job_that_is_not_there_is_alerted() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-10");
    aws.account().jobs.clear();
    let (_, log) = deliver(&aws, Plan::none(), &alarm_event("fw-10")).await;
    assert!(is_refused_for(&aws.account(), "job `fw-10` does not exist"), "{log}");
    // A 404 that is not AWS IoT's says nothing.
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-10");
    let proxy = Plan::new(|call| {
        (call.operation == "DescribeJob" && call.n == 1).then_some(Fault::Html(404))
    });
    let (_, log) = deliver(&aws, proxy, &alarm_event("fw-10")).await;
    assert!(aws.account().is_canceled("fw-10"), "{log}");
}

/// Whoever may publish metrics can make an alarm on them true, but not AWS IoT's own counts.
#[tokio::test]
async fn a_failure_rate_that_never_was_stops_nothing() {
    for (failed, is_stopped) in [(1, false), (40, true)] {
        let aws = HttpAws::default();
        fired(&mut aws.account(), "fw-12");
        aws.account().jobs.get_mut("fw-12").unwrap()["jobProcessDetails"] = json!({
            "numberOfSucceededThings": 100 - failed, "numberOfFailedThings": failed,
        });
        let decided = json!({
            "Id": "decided", "ReturnData": true,
            "Expression": "IF(notified >= 50, 100 * unsuccessful / notified)",
        });
        let metrics = json!([
            decided,
            metric("notified", "notifiedCount", "fw-12"),
            metric("unsuccessful", "unsuccessfulCount", "fw-12"),
        ]);
        on_math(&mut aws.account(), "fw-12", metrics, 20.0);
        let (_, log) = deliver(&aws, Plan::none(), &event("m-12", &math_message("fw-12"))).await;
        let account = aws.account();
        let is = (account.is_canceled("fw-12"), is_refused_for(&account, "cannot be true"));
        assert_eq!(is, (is_stopped, !is_stopped), "{failed}: {log}");
    }
}

/// Nor the guard-keeper's own item: a datum of anybody's makes the alarm fire, and no more.
#[tokio::test]
async fn evidence_that_the_guard_keeper_has_not_written_down_stops_nothing() {
    for (written, is_stopped, why) in [
        (None, false, "no evidence of this rollout"),
        (Some(0.4), false, "own evidence is 0.400 and not 2.000"),
        (Some(2.3), true, ""),
    ] {
        let aws = HttpAws::default();
        on_evidence(&mut aws.account(), "fw-14", written);
        let (undelivered, log) = deliver(&aws, Plan::none(), &alarm_event("fw-14")).await;
        let account = aws.account();
        assert_eq!((account.is_canceled("fw-14"), undelivered), (is_stopped, false), "{log}");
        if is_stopped {
            assert!(mails(&account)[0].contains(&format!("\nevidence {EVIDENCE}\n")), "{log}");
            assert!(account.comment("fw-14").contains(EVIDENCE), "{}", account.comment("fw-14"));
            let sms = account.published.iter().find(|said| said.topic == sms_topic()).unwrap();
            assert!(sms.message.contains("171 of 900 devices (19 %) failed"), "{}", sms.message);
        } else {
            assert!(is_refused_for(&account, why), "{:?}", mails(&account));
        }
    }
}

/// The item is of an earlier job of that name.
#[tokio::test]
async fn evidence_of_an_earlier_job_stops_nothing() {
    let aws = HttpAws::default();
    on_evidence(&mut aws.account(), "fw-15", Some(9.0));
    aws.account().jobs.get_mut("fw-15").unwrap()["createdAt"] = json!(now() - 600.0);
    let (_, log) = deliver(&aws, Plan::none(), &alarm_event("fw-15")).await;
    let account = aws.account();
    assert!(!account.is_canceled("fw-15"), "{log}");
    assert!(is_refused_for(&account, "no evidence of this rollout"), "{:?}", mails(&account));
}

/// Whoever makes the alarm on a silent guard-keeper fire cannot make the guard-keeper silent.
#[tokio::test]
async fn an_alarm_on_a_silent_guard_keeper_stops_only_while_it_is_silent() {
    for (minutes, is_stopped) in [(1.0, false), (12.0, true)] {
        let aws = HttpAws::default();
        on_evidence(&mut aws.account(), "fw-16", None);
        {
            let mut account = aws.account();
            write_evidence(&mut account, "fw-16", 0.4, now() - 60.0 * minutes);
            let alarm = account.alarms.get_mut(&alarm_name("fw-16")).unwrap();
            for (key, value) in [
                ("ComparisonOperator", json!("LessThanThreshold")),
                ("Threshold", json!(0.0)),
                ("TreatMissingData", json!("breaching")),
            ] {
                alarm.described[key] = value;
            }
        }
        let (_, log) = deliver(&aws, Plan::none(), &alarm_event("fw-16")).await;
        let account = aws.account();
        let is = (account.is_canceled("fw-16"), is_refused_for(&account, "keeper is alive"));
        assert_eq!(is, (is_stopped, !is_stopped), "{minutes}: {log}");
    }
}

/// In metric math, and as the cause of a composite alarm, it is the same.
#[tokio::test]
async fn forged_evidence_in_metric_math_or_under_a_composite_alarm_stops_nothing() {
    for (evidence, is_stopped) in [(0.4, false), (2.3, true)] {
        let aws = HttpAws::default();
        on_evidence(&mut aws.account(), "fw-17", Some(evidence));
        on_math(&mut aws.account(), "fw-17", json!([metric("e", "evidence", "fw-17")]), 0.1);
        let (_, log) = deliver(&aws, Plan::none(), &event("m-17", &math_message("fw-17"))).await;
        assert_eq!(aws.account().is_canceled("fw-17"), is_stopped, "{evidence}: {log}");

        let aws = HttpAws::default();
        on_evidence(&mut aws.account(), "fw-18", Some(evidence));
        let cause = alarm_name("fw-18");
        composite(&mut aws.account(), "any", &format!("ALARM(\"{cause}\")"), "ALARM");
        let message = composite_message("any", &cause);
        let (_, log) = deliver(&aws, Plan::none(), &event("m-18", &message)).await;
        assert_eq!(aws.account().is_canceled("fw-18"), is_stopped, "{evidence}: {log}");
    }
}

/// Other services' envelopes are named as what they are, and open no second way to stop.
#[tokio::test]
async fn envelopes_of_other_services_are_named() {
    let alarm = alarm_event("fw-13")["Records"][0]["Sns"].to_string();
    let sqs = |body: String| json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": body}]});
    let of_eventbridge = json!({
        "version": "0", "id": "1", "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch", "resources": [alarm_arn(&alarm_name("fw-13"))],
        "detail": {"alarmName": alarm_name("fw-13"), "state": {"value": "ALARM"}},
    });
    for (payload, name) in [
        (of_eventbridge, "an EventBridge event"),
        (sqs(message(&alarm_name("fw-13"), "fw-13").to_string()), "an SQS message"),
        (sqs(alarm), "an SNS message that came through SQS"),
    ] {
        let aws = HttpAws::default();
        fired(&mut aws.account(), "fw-13");
        let (undelivered, log) = deliver(&aws, Plan::none(), &payload).await;
        assert!(undelivered && log.contains(name), "{log}");
        assert!(!aws.account().is_canceled("fw-13"), "{log}");
    }
}

fn composite(account: &mut Account, name: &str, rule: &str, state: &str) {
    let since = now() - 30.0;
    let described = json!({
        "AlarmName": name, "AlarmArn": alarm_arn(name), "AlarmRule": rule, "ActionsEnabled": true,
        "AlarmActions": [email_topic(), topic_arn("ForceStopTopic")],
        "StateValue": state, "StateReason": "a child changed",
        "StateUpdatedTimestamp": since, "StateTransitionedTimestamp": since,
    });
    let history = vec![(since, "ALARM")];
    account.alarms.insert(name.to_owned(), Alarm { described, is_composite: true, history });
}

fn composite_message(name: &str, cause: &str) -> Value {
    let mut message = message(name, "-");
    message.as_object_mut().unwrap().remove("Trigger");
    message["AlarmRule"] = "..".into();
    message["TriggeringChildren"] = json!([{
        "Arn": alarm_arn(cause),
        "State": {"Value": "ALARM", "Timestamp": "2026-09-21T14:01:09.199+0000"},
    }]);
    message
}

/// What is named as the cause has to have fired, at any depth, and nothing else says which rollout
/// it is.
#[tokio::test]
async fn a_composite_alarm_stops_the_rollout_of_its_cause_alone() {
    let (a, b) = (alarm_name("job-a"), alarm_name("job-b"));
    for (cause, inner_state, stopped, why) in [
        // The composite alarm fired for job-a. The alarm of job-b, in ALARM or not, is not the cause.
        (a.as_str(), "OK", &["job-a"][..], ""),
        // The alarm of job-b was in ALARM before its job was created.
        (b.as_str(), "OK", &[], "has not been in ALARM since"),
        // A composite alarm under it is the cause; job-a is under that one.
        ("inner", "ALARM", &["job-a"], ""),
        ("inner", "OK", &["job-a"], ""),
        ("stranger", "OK", &[], "does not watch alarm `stranger`"),
    ] {
        let aws = HttpAws::default();
        {
            let mut account = aws.account();
            fired(&mut account, "job-a");
            healthy(&mut account, "job-b");
            let old = [(now() - 7_200.0, "ALARM")];
            account.alarms.insert(b.clone(), alarm(&b, "job-b", "ALARM", &old));
            composite(&mut account, "any", &format!("ALARM(inner) OR ALARM(\"{b}\")"), "ALARM");
            composite(&mut account, "inner", &format!("ALARM(\"{a}\")"), inner_state);
        }
        let message = composite_message("any", cause);
        let (_, log) = deliver(&aws, Plan::none(), &event("m-1", &message)).await;
        let account = aws.account();
        let is: Vec<&String> = account.jobs.keys().filter(|job| account.is_canceled(job)).collect();
        assert_eq!(is, stopped, "{cause} {inner_state}\n{log}");
        assert!(!stopped.is_empty() || is_refused_for(&account, why), "{:?}", mails(&account));
    }
}

/// Lambda's next attempt may be in another environment, which knows nothing of the first.
#[tokio::test]
async fn a_refusal_is_announced_once_by_all_environments() {
    let aws = HttpAws::default();
    let mut nobody = message("cpu", "-");
    nobody["Trigger"]["Dimensions"] = json!([]);
    let nobody = event("m-1", &nobody);
    for _ in 0..3 {
        let (undelivered, log) = deliver(&aws, Plan::none(), &nobody).await;
        assert!(undelivered, "{log}");
    }
    let account = aws.account();
    assert!(is_refused_for(&account, "alarm `cpu`"), "{:?}", mails(&account));
}

/// A comment that AWS IoT does not take must not cost the stop.
#[tokio::test]
async fn a_comment_that_is_refused_is_tried_in_ascii() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-2");
    let name = alarm_name("fw-2");
    aws.account().alarms.get_mut(&name).unwrap().described["StateReason"] =
        "zu lang \u{1fae9}".into();
    let strict = Plan::new(|call| {
        (call.operation == "CancelJob" && call.n == 1)
            .then_some(Fault::Refused(400, "InvalidRequestException"))
    });
    let (_, log) = deliver(&aws, strict, &alarm_event("fw-2")).await;
    let account = aws.account();
    assert!(account.is_canceled("fw-2"), "{log}");
    let comment = account.jobs["fw-2"]["comment"].as_str().unwrap();
    assert!(comment.is_ascii() && comment.contains("zu lang ?"), "{comment}");
}

/// What a stop does is the stack's to say.
#[tokio::test]
async fn each_mode_does_what_it_says() {
    for (mode, is_canceled, forced, subject) in [
        ("cancel", true, Value::Bool(false), "Tripline stopped"),
        ("abort", true, Value::Bool(true), "Tripline stopped"),
        ("observe", false, Value::Null, "Tripline would have stopped"),
    ] {
        let aws = HttpAws::default();
        fired(&mut aws.account(), "fw-6");
        let door = aws.door(|_| Plan::none()).await.unwrap();
        let mut environment = function().with("STOP_MODE", mode).environment(door).await.unwrap();
        environment.deliver(&alarm_event("fw-6")).await.unwrap();
        let account = aws.account();
        assert_eq!(account.is_canceled("fw-6"), is_canceled, "{mode}\n{}", environment.log());
        assert_eq!(account.jobs["fw-6"]["forceCanceled"], forced, "{mode}");
        assert!(mails(&account)[0].starts_with(subject), "{:?}", mails(&account));
    }
}
