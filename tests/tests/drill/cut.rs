//! A link is cut: the drill fails at exactly its step, and leaves nothing.

use serde_json::{Value, json};
use tripline_tests::front::Ran;
use tripline_tests::local_aws::LocalAws;

use crate::stage::{Stage, assert_ended, must, name_in, results};

const TIMEOUT: &str = "12";

/// Drills a stack of which something is cut, and compares where it came to, what it says, and that
/// nothing is left.
async fn fails(stage: &Stage, code: i32, step: usize, said: &[&str]) -> Ran {
    let before = stage.inventory().await;
    let ran = stage.drill(&["--timeout", TIMEOUT, "--output", "json"]).await;
    assert_ended(&ran, code);
    let word = if code == 6 { "not in time" } else { "failed" };
    let mut wanted = vec!["ok"; step - 1];
    wanted.push(word);
    wanted.resize(7, "not reached");
    assert_eq!(results(&ran), wanted, "{}", ran.stderr);
    let verdict = if code == 6 { "undecided" } else { "finding" };
    assert!(ran.stderr.contains(&format!("{verdict}: step {step} (")), "{}", ran.stderr);
    for said in said {
        assert!(ran.stderr.contains(said), "`{said}` is not in: {}", ran.stderr);
    }
    assert!(ran.stderr.contains("tripline doctor --stack tripline"), "{}", ran.stderr);
    assert_eq!(stage.inventory().await, before);
    ran
}

fn function<'a>(stage: &'a Stage, output: &str) -> &'a str {
    stage.output(output).rsplit(':').next().unwrap()
}

/// Has a function not run, as on AWS if nobody may invoke it.
fn stand_still(stage: &Stage, function: &str) {
    let line = format!("PUT /2017-10-31/functions/{function}/concurrency");
    must(stage.aws.rest("lambda", &line, &json!({"ReservedConcurrentExecutions": 0})));
}

/// Takes every permission to invoke a function away.
fn remove_permissions(stage: &Stage, function: &str) {
    let path = format!("/2015-03-31/functions/{function}/policy");
    let policy = must(stage.aws.get("lambda", &path));
    let policy: Value = serde_json::from_str(policy["Policy"].as_str().unwrap()).unwrap();
    for statement in policy["Statement"].as_array().unwrap() {
        let sid = statement["Sid"].as_str().unwrap();
        must(stage.aws.rest("lambda", &format!("DELETE {path}/{sid}"), &Value::Null));
    }
}

/// A topic's policy lets nobody publish any more.
async fn cut_policy(stage: &Stage, topic: &str) {
    let nobody = json!({"Version": "2012-10-17", "Statement": []}).to_string();
    let set = stage.sns.set_topic_attributes().topic_arn(topic).attribute_name("Policy");
    set.attribute_value(nobody).send().await.unwrap();
}

/// Once the alarm stands, one of its actions comes to nothing, as AWS has it with a policy that does
/// not let CloudWatch publish.
fn without_action(stage: &Stage, topic: &str) {
    let topic = topic.to_owned();
    stage.when(
        |call| call.operation == "GetMetricData",
        move |aws, call| {
            let describe = "GraniteServiceVersion20100801.DescribeAlarms";
            let name = format!("tripline-{}-Drill", name_in(&call.body).unwrap());
            let found = must(aws.post("monitoring", describe, &json!({"AlarmNames": [name]})));
            let mut alarm = found["MetricAlarms"][0].clone();
            let actions = alarm["AlarmActions"].as_array_mut().unwrap();
            actions.retain(|action| *action != topic.as_str());
            assert_eq!(actions.len(), 1);
            put(aws, &alarm);
        },
    );
}

fn put(aws: &LocalAws, alarm: &Value) {
    let request: serde_json::Map<_, _> = [
        "AlarmName",
        "AlarmDescription",
        "AlarmActions",
        "ActionsEnabled",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "ComparisonOperator",
        "TreatMissingData",
        "Namespace",
        "MetricName",
        "Dimensions",
        "Period",
        "Statistic",
    ]
    .into_iter()
    .map(|key| (key.to_owned(), alarm[key].clone()))
    .collect();
    must(aws.post("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", &request.into()));
}

#[tokio::test]
async fn without_job_events_it_fails_at_once_and_enables_them_if_asked() {
    // Or the guard-keeper would enable them.
    let stage = Stage::new(&[("KeepJobEvents", "off")]).await;
    stage.job_events(false).await;
    let ran = fails(&stage, 1, 1, &["sends no job events", "--enable-events"]).await;
    assert!(ran.calls.iter().all(|call| !call.write), "{:#?}", ran.calls);
    let ran = stage.drill(&["--enable-events", "--output", "json"]).await;
    assert_ended(&ran, 0);
    assert!(ran.stdout.contains("they were off, and are enabled now"), "{}", ran.stdout);
    assert_ended(&stage.drill(&[]).await, 0);
}

#[tokio::test]
async fn without_the_stopper_s_subscription_the_job_is_not_armed() {
    let stage = Stage::new(&[]).await;
    let topic = stage.output("ForceStopTopicArn");
    let listed = stage.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
    for subscription in listed.subscriptions() {
        let arn = subscription.subscription_arn().unwrap();
        stage.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    }
    fails(&stage, 1, 2, &["no function is subscribed"]).await;
}

#[tokio::test]
async fn a_disabled_rule_keeps_the_report_from_being_counted() {
    let stage = Stage::new(&[]).await;
    let rule = stage.output("JobExecutionRuleArn").rsplit('/').next().unwrap();
    stage.iot.disable_topic_rule().rule_name(rule).send().await.unwrap();
    let mend = format!("aws iot enable-topic-rule --rule-name {rule}");
    fails(&stage, 1, 4, &["is disabled", &mend]).await;
}

#[tokio::test]
async fn without_the_generator_s_permission_the_report_is_not_counted() {
    let stage = Stage::new(&[]).await;
    let generator = function(&stage, "MetricsGeneratorFunctionArn");
    remove_permissions(&stage, generator);
    stand_still(&stage, generator);
    fails(&stage, 1, 4, &["may not invoke the metrics-generator"]).await;
}

/// What no API shows is not said to be cut: it may be slow.
#[tokio::test]
async fn a_generator_that_does_not_run_is_not_in_time() {
    let stage = Stage::new(&[]).await;
    stand_still(&stage, function(&stage, "MetricsGeneratorFunctionArn"));
    fails(&stage, 6, 4, &["took longer than 12 s", "not in CloudWatch"]).await;
}

#[tokio::test]
async fn an_alarm_that_is_taken_away_does_not_fire() {
    let stage = Stage::new(&[]).await;
    stage.when(
        |call| call.operation == "SetAlarmState",
        |aws, call| {
            let name = format!("tripline-{}-Drill", name_in(&call.body).unwrap());
            let delete = "GraniteServiceVersion20100801.DeleteAlarms";
            must(aws.post("monitoring", delete, &json!({"AlarmNames": [name]})));
        },
    );
    fails(&stage, 1, 5, &["is gone"]).await;
}

#[tokio::test]
async fn without_the_stopper_nothing_is_stopped() {
    let stage = Stage::new(&[]).await;
    let stopper = function(&stage, "ForceStopperFunctionArn");
    let line = format!("DELETE /2015-03-31/functions/{stopper}");
    must(stage.aws.rest("lambda", &line, &Value::Null));
    fails(&stage, 1, 6, &["there is no force-stopper"]).await;
}

#[tokio::test]
async fn without_the_force_stop_topic_s_policy_nothing_is_stopped() {
    let stage = Stage::new(&[]).await;
    let topic = stage.output("ForceStopTopicArn");
    cut_policy(&stage, topic).await;
    without_action(&stage, topic);
    fails(&stage, 1, 6, &["policy of the force-stop topic does not let CloudWatch publish"]).await;
}

#[tokio::test]
async fn somebody_else_s_stop_is_not_taken_for_the_stopper_s() {
    let stage = Stage::new(&[]).await;
    stage.when(
        |call| call.operation == "SetAlarmState",
        |aws, call| {
            let line = format!("PUT /jobs/{}/cancel", name_in(&call.body).unwrap());
            must(aws.rest("iot", &line, &json!({"comment": "by hand"})));
        },
    );
    fails(&stage, 1, 6, &["somebody else has ended the sentinel job, CANCELED: by hand"]).await;
}

#[tokio::test]
async fn without_the_email_topic_s_policy_people_are_not_told() {
    let stage = Stage::new(&[]).await;
    let topic = stage.output("EmailTopicArn");
    cut_policy(&stage, topic).await;
    without_action(&stage, topic);
    fails(&stage, 1, 7, &["policy of the e-mail topic does not let CloudWatch publish"]).await;
}

#[tokio::test]
async fn a_stopper_that_tells_another_topic_is_not_in_time() {
    let stage = Stage::new(&[]).await;
    let stopper = function(&stage, "ForceStopperFunctionArn");
    let line = format!("PUT /2015-03-31/functions/{stopper}/configuration");
    let variables = json!({"STOP_MODE": "cancel", "EMAIL_TOPIC_ARN": stage.output("SmsTopicArn")});
    must(stage.aws.rest("lambda", &line, &json!({"Environment": {"Variables": variables}})));
    fails(&stage, 6, 7, &["the force-stopper's message is missing; the alarm's own has come"])
        .await;
}

/// What the drill itself may not do is no link.
#[tokio::test]
async fn a_call_that_aws_refuses_is_named_with_its_step() {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    stage.front.fail_next(|call| call.operation == "GetMetricData", 403, "AccessDenied", 1);
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 3);
    assert_eq!(results(&ran)[3], "failed");
    assert!(
        ran.stderr.contains("step 4 (counted) failed\nerror: GetMetricData:"),
        "{}",
        ran.stderr
    );
    assert_eq!(stage.inventory().await, before);
}
