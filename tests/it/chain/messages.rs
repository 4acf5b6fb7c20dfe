//! What comes over the topic that stops rollouts: whoever may publish there can write anything.

use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tripline::metric::{DIMENSION, NAMESPACE};
use tripline_tests::wire::Answer;

use super::rollout::Rollout;
use super::stage::{Chain, Reader, Stage};

/// One stage for all tests that set an alarm's state: no device reports here, so that
/// it does not judge alarms by itself.
static SHARED: OnceCell<Stage> = OnceCell::const_new();

async fn shared() -> &'static Stage {
    let stage = SHARED.get_or_init(async || Stage::new(&[]).await).await;
    // What the tests before this one had functions do: nothing drops what is shared.
    stage.is_allowed();
    stage
}

/// An alarm on a rollout that asks for a stop, and alerts nobody else unless it is given actions.
pub fn alarm(rollout: &Rollout, chain: &Chain) -> PutMetricAlarmFluentBuilder {
    let job = Dimension::builder().name(DIMENSION).value(&rollout.id).build();
    let alarm = chain.cloudwatch.put_metric_alarm().alarm_name(rollout.alarm());
    alarm
        .namespace(NAMESPACE)
        .metric_name("downloadTime")
        .dimensions(job)
        .extended_statistic("p90")
        .period(60)
        .evaluation_periods(5)
        .threshold(3600.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .alarm_actions(chain.output("ForceStopTopicArn"))
}

pub async fn set(chain: &Chain<'_>, alarm: &str, state: StateValue) {
    let set = chain.cloudwatch.set_alarm_state().alarm_name(alarm).state_value(state);
    set.state_reason("Threshold Crossed: said by the test").send().await.unwrap();
}

/// A message as AWS writes it, with what it leaves out or writes as `null`. (The local AWS writes
/// the names of dimensions' fields in capitals, and no `null`.)
pub fn message(alarm: &str, job_id: &str) -> Value {
    json!({
        "AlarmName": alarm,
        "AlarmDescription": null,
        "AWSAccountId": "000000000000",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 out of the last 1 datapoints [7350.0 (06/02/20 03:09:00)] was greater than the threshold (3600.0) (minimum 1 datapoint for OK -> ALARM transition).",
        "StateChangeTime": "2026-09-21T14:01:09.199+0000",
        "Region": "US East (N. Virginia)",
        "OldStateValue": "OK",
        "Trigger": {
            "MetricName": "downloadTime",
            "Namespace": NAMESPACE,
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": "p90",
            "Unit": null,
            "Dimensions": [{"value": job_id, "name": "jobId"}],
            "Period": 60,
            "EvaluationPeriods": 5,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 3600.0,
            "TreatMissingData": "- TreatMissingData:                    notBreaching",
            "EvaluateLowSampleCountPercentile": ""
        }
    })
}

/// As SNS brings it.
pub fn delivery(message_id: &str, message: &Value) -> Value {
    let sns = json!({"MessageId": message_id, "Message": message.to_string()});
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]})
}

pub async fn until_stopped(chain: &Chain<'_>, rollout: &Rollout<'_>) {
    let what = format!("`{}` canceled", rollout.id);
    chain.until(&what, async || rollout.status().await, |status| status == "CANCELED").await;
    assert_eq!(rollout.job().await.reason_code.as_deref(), Some("TRIPLINE_ALARM"));
}

async fn until_alerted(chain: &Chain<'_>, reader: &mut Reader) {
    chain
        .until(
            "a message to people",
            async || reader.announced().await,
            |announced| !announced.is_empty(),
        )
        .await;
}

#[tokio::test]
async fn an_alarm_stops_its_own_rollout_and_no_other_in_progress() {
    let chain = shared().await.chain();
    let one = Rollout::create(&chain, "own", 2).await;
    let other = Rollout::create(&chain, "neighbor", 2).await;
    let mut about_one = Reader::new(chain.mailbox("EmailTopicArn", "own").await, "rollout own");
    let mut about_other = Reader::new(chain.mailbox("EmailTopicArn", "neighbor").await, "neighbor");
    for rollout in [&one, &other] {
        rollout.arm();
        rollout.begins(0).await;
    }
    set(&chain, &one.alarm(), StateValue::Alarm).await;
    until_stopped(&chain, &one).await;
    until_alerted(&chain, &mut about_one).await;

    assert_eq!(one.executions().await, ["IN_PROGRESS", "CANCELED"]);
    assert_eq!(other.status().await, "IN_PROGRESS");
    assert_eq!(other.executions().await, ["IN_PROGRESS", "QUEUED"]);
    assert_eq!(about_other.emails().await, []);
}

#[tokio::test]
async fn an_ok_message_stops_nothing() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "ok-again", 1).await;
    let topic = chain.output("ForceStopTopicArn");
    let all = alarm(&rollout, &chain).ok_actions(topic).insufficient_data_actions(topic);
    all.send().await.unwrap();
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "ok-again").await, "ok-again");
    set(&chain, &rollout.alarm(), StateValue::Ok).await;
    set(&chain, &rollout.alarm(), StateValue::InsufficientData).await;

    let name = rollout.alarm();
    let ignored = async || chain.logged("ForceStopperLogGroup", &["message_ignored", &name]);
    chain.until("both messages ignored", ignored, |lines| lines.len() == 2).await;
    assert_eq!(rollout.status().await, "IN_PROGRESS");
    assert_eq!(rollout.executions().await, ["QUEUED"]);
    assert_eq!(email.emails().await, []);
}

#[tokio::test]
async fn a_message_with_null_and_without_arn_stops_its_rollout() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "null-fields", 1).await;
    alarm(&rollout, &chain).send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;
    chain.publish(&message(&rollout.alarm(), &rollout.id)).await;
    until_stopped(&chain, &rollout).await;
}

/// By then the alarm can be over; its history still knows.
#[tokio::test]
async fn a_message_that_comes_late_stops_its_rollout() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "late", 1).await;
    alarm(&rollout, &chain).send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;
    set(&chain, &rollout.alarm(), StateValue::Ok).await;
    chain.publish(&message(&rollout.alarm(), &rollout.id)).await;
    until_stopped(&chain, &rollout).await;
}

/// (The local AWS writes a composite alarm's message like that of a metric alarm without a metric.)
#[tokio::test]
async fn a_composite_alarm_stops_the_rollout_of_the_alarm_under_it() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "composite", 1).await;
    let quiet = Rollout::create(&chain, "composite-quiet", 1).await;
    for rollout in [&rollout, &quiet] {
        alarm(rollout, &chain).send().await.unwrap();
    }
    let rule = format!("ALARM(\"{}\") OR ALARM(\"{}\")", rollout.alarm(), quiet.alarm());
    let composite = chain.cloudwatch.put_composite_alarm().alarm_name("both").alarm_rule(&rule);
    let composite = composite.alarm_actions(chain.output("ForceStopTopicArn"));
    composite.send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;

    let arn = format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{}", rollout.alarm());
    let since = "2026-09-14T11:18:52.496+0000";
    let mut message = message("both", "");
    let fields = message.as_object_mut().unwrap();
    fields.remove("Trigger");
    fields.insert("AlarmRule".into(), rule.into());
    let child = json!({"Arn": arn, "State": {"Value": "ALARM", "Timestamp": since}});
    fields.insert("TriggeringChildren".into(), json!([child]));
    chain.publish(&message).await;
    until_stopped(&chain, &rollout).await;
    assert_eq!(quiet.status().await, "IN_PROGRESS");
}

/// A reason that an operator gave is not written over, and nobody is alerted to what is no news.
#[tokio::test]
async fn an_alarm_of_an_ended_rollout_changes_nothing() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "ended", 1).await;
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "ended").await, "ended");
    let cancel = chain.iot.cancel_job().job_id(&rollout.id).reason_code("OPERATOR");
    cancel.send().await.unwrap();
    alarm(&rollout, &chain).send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;
    chain.publish(&message(&rollout.alarm(), &rollout.id)).await;

    let name = rollout.alarm();
    // CloudWatch's own message, and this one.
    let decided = async || chain.logged("ForceStopperLogGroup", &["AlreadyEnded", &name]);
    chain.until("the decisions", decided, |lines| lines.len() == 2).await;
    assert_eq!(rollout.job().await.reason_code.as_deref(), Some("OPERATOR"));
    assert_eq!(email.emails().await, []);
}

/// Publishes a forged message: it is refused, and the rollout goes on. (One e-mail in ten minutes
/// reports it, which another test may have got.)
async fn assert_refused(chain: &Chain<'_>, rollout: &Rollout<'_>, alarm: &str, why: &str) {
    chain.publish(&message(alarm, &rollout.id)).await;
    let refused = async || chain.logged("ForceStopperLogGroup", &["message_refused", alarm, why]);
    chain.until("the refusal", refused, |lines| !lines.is_empty()).await;
    assert_eq!(rollout.status().await, "IN_PROGRESS");
    assert_eq!(rollout.executions().await, ["QUEUED"]);
}

#[tokio::test]
async fn a_message_of_an_alarm_that_cloudwatch_does_not_know_stops_nothing_and_is_announced() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "forged-name", 1).await;
    assert_refused(&chain, &rollout, &rollout.alarm(), "is not known to CloudWatch").await;
}

#[tokio::test]
async fn a_message_of_an_alarm_of_another_rollout_stops_nothing_and_is_announced() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "forged-job", 1).await;
    let other = Rollout::create(&chain, "really-slow", 1).await;
    alarm(&other, &chain).send().await.unwrap();
    set(&chain, &other.alarm(), StateValue::Alarm).await;
    // The other rollout is stopped by its own alarm's own message.
    assert_refused(&chain, &rollout, &other.alarm(), "does not watch job `forged-job`").await;
}

#[tokio::test]
async fn a_message_of_an_alarm_that_never_fired_stops_nothing_and_is_announced() {
    let chain = shared().await.chain();
    let rollout = Rollout::create(&chain, "forged-state", 1).await;
    rollout.arm();
    assert_refused(&chain, &rollout, &rollout.alarm(), "has not been in ALARM").await;
}

/// SNS delivers at least once. What was announced is remembered by an execution environment, so that the
/// test has a stage of its own, whose only environment gets both.
#[tokio::test]
async fn a_message_delivered_twice_stops_once_and_alerts_once() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let rollout = Rollout::create(&chain, "twice", 1).await;
    // CloudWatch's own message would start a second environment, which alerts people as well.
    alarm(&rollout, &chain).actions_enabled(false).send().await.unwrap();
    set(&chain, &rollout.alarm(), StateValue::Alarm).await;
    let enable = chain.cloudwatch.enable_alarm_actions().alarm_names(rollout.alarm());
    enable.send().await.unwrap();
    let mut email = Reader::new(chain.mailbox("EmailTopicArn", "twice").await, "twice");
    let mut sms = Reader::new(chain.mailbox("SmsTopicArn", "twice-sms").await, "twice");

    let delivery = delivery("one-and-the-same", &message(&rollout.alarm(), &rollout.id));
    let invoke = || chain.invoke("ForceStopperFunction", &delivery);
    assert_eq!(invoke(), Answer::Returned(Value::Null));
    until_stopped(&chain, &rollout).await;
    let stopped = rollout.job().await;
    let mut announced = async || (email.announced().await.len(), sms.announced().await.len());
    chain
        .until("people to be alerted by both", &mut announced, |announced| *announced == (1, 1))
        .await;
    assert_eq!(invoke(), Answer::Returned(Value::Null));
    assert_eq!(rollout.job().await, stopped);
    assert_eq!(announced().await, (1, 1));
}
