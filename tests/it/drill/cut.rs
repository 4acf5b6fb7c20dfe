//! A link is cut: the drill fails at exactly its step, and leaves nothing.

use std::time::{Duration, Instant};

use aws_sdk_iot::types::TopicRulePayload;
use serde_json::{Value, json};
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Ran;

use super::safe::touches_only_its_own;
use super::stage::{Stage, assert_ended, json_of, must, name_in, results};

const TIMEOUT: &str = "12";

/// Drills a stack of which something is cut, and compares where it came to, what it says, and that
/// nothing is left.
async fn fails(stage: &Stage, code: i32, step: usize, said: &[&str]) -> Ran {
    fails_within(stage, TIMEOUT, code, step, said).await
}

/// Long before the time is over that a step may take.
async fn is_named(stage: &Stage, step: usize, said: &[&str]) {
    let begun = Instant::now();
    fails_within(stage, "3600", 1, step, said).await;
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

async fn fails_within(stage: &Stage, timeout: &str, code: i32, step: usize, said: &[&str]) -> Ran {
    let before = stage.inventory().await;
    let ran = stage.drill(&["--timeout", timeout, "--output", "json"]).await;
    // To look for the cut link changes nothing either.
    touches_only_its_own(&ran, &[]);
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
    assert!(
        ran.stderr.contains("tripline doctor --region us-east-1 --stack tripline"),
        "{}",
        ran.stderr
    );
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

/// Gives the force-stopper another environment than the template's.
fn stopper_settings(stage: &Stage, mode: &str, email: &str) {
    let stopper = function(stage, "ForceStopperFunctionArn");
    let path = format!("/2015-03-31/functions/{stopper}/configuration");
    let mut variables = must(stage.aws.get("lambda", &path))["Environment"]["Variables"].take();
    variables["STOP_MODE"] = json!(mode);
    variables["EMAIL_TOPIC_ARN"] = json!(email);
    let set = json!({"Environment": {"Variables": variables}});
    must(stage.aws.rest("lambda", &format!("PUT {path}"), &set));
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

/// Nothing that is published to a topic reaches anybody any more.
fn unsubscribe_all(aws: &LocalAws, topic: &str) {
    let ask = |action: &str| must(aws.query("sns", &format!("Action={action}&Version=2010-03-31")));
    let listed = ask(&format!("ListSubscriptionsByTopic&TopicArn={topic}"));
    let arns: Vec<_> = listed.split("<SubscriptionArn>").skip(1).collect();
    assert!(!arns.is_empty(), "{listed}");
    for arn in arns {
        ask(&format!("Unsubscribe&SubscriptionArn={}", arn.split('<').next().unwrap()));
    }
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
    let fix = format!("aws iot enable-topic-rule --region us-east-1 --rule-name {rule}");
    fails(&stage, 1, 4, &["is disabled", &fix]).await;
}

#[tokio::test]
async fn without_the_generator_s_permission_the_report_is_not_counted() {
    let stage = Stage::new(&[]).await;
    let generator = function(&stage, "MetricsGeneratorFunctionArn");
    remove_permissions(&stage, generator);
    stand_still(&stage, generator);
    fails(&stage, 1, 4, &["may not invoke the metrics-generator"]).await;
}

#[tokio::test]
async fn a_generator_that_may_not_run_is_named() {
    let stage = Stage::new(&[]).await;
    stand_still(&stage, function(&stage, "MetricsGeneratorFunctionArn"));
    let fix = "`tripline doctor --region us-east-1 --stack tripline --only generator-active` prints the command";
    is_named(&stage, 4, &["`generator-active`: its reserved concurrency is 0", fix]).await;
}

#[tokio::test]
async fn a_rule_that_drops_successes_is_named() {
    let stage = Stage::new(&[("Ingest", "batched")]).await;
    let rule = stage.output("JobExecutionRuleArn").rsplit('/').next().unwrap();
    let found = stage.iot.get_topic_rule().rule_name(rule).send().await.unwrap().rule.unwrap();
    let sql = "SELECT * FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted' AND topic(5) <> 'succeeded'";
    let payload = TopicRulePayload::builder()
        .sql(sql)
        .set_actions(Some(found.actions().to_vec()))
        .set_error_action(found.error_action().cloned())
        .set_aws_iot_sql_version(found.aws_iot_sql_version().map(str::to_owned))
        .build()
        .unwrap();
    let replace = stage.iot.replace_topic_rule().rule_name(rule).topic_rule_payload(payload);
    replace.send().await.unwrap();
    let fix = "`tripline doctor --region us-east-1 --stack tripline --only rule-sql-matches` prints the command";
    is_named(&stage, 4, &["`rule-sql-matches`: its statement is", fix]).await;
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
    fails(&stage, 1, 5, &["does not exist"]).await;
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
async fn a_stopper_that_may_not_run_is_named() {
    let stage = Stage::new(&[]).await;
    stand_still(&stage, function(&stage, "ForceStopperFunctionArn"));
    let fix = "`tripline doctor --region us-east-1 --stack tripline --only stopper-active` prints the command";
    is_named(&stage, 6, &["`stopper-active`: its reserved concurrency is 0", fix]).await;
}

/// It says so itself: nobody has to wait for a stop that does not come.
#[tokio::test]
async fn a_stopper_that_observes_while_the_stack_cancels_is_named() {
    let stage = Stage::new(&[]).await;
    stopper_settings(&stage, "observe", stage.output("EmailTopicArn"));
    let fix = "`tripline doctor --region us-east-1 --stack tripline --only stop-mode-enforced` prints the command";
    let said = "the force-stopper only observes, and the stack says `cancel`";
    is_named(&stage, 6, &[said, fix]).await;
}

/// Its words go elsewhere too, and the stack's are compared.
#[tokio::test]
async fn a_stopper_that_observes_and_alerts_another_topic_is_named() {
    let stage = Stage::new(&[]).await;
    stopper_settings(&stage, "observe", stage.output("SmsTopicArn"));
    is_named(&stage, 6, &["`stop-mode-enforced`: the force-stopper's `STOP_MODE` is `observe`"])
        .await;
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
    fails(&stage, 1, 6, &["another client ended the sentinel job, CANCELED: by hand"]).await;
}

#[tokio::test]
async fn without_the_email_topic_s_policy_people_are_not_alerted() {
    let stage = Stage::new(&[]).await;
    let topic = stage.output("EmailTopicArn");
    cut_policy(&stage, topic).await;
    without_action(&stage, topic);
    fails(&stage, 1, 7, &["policy of the e-mail topic does not let CloudWatch publish"]).await;
}

#[tokio::test]
async fn a_stopper_that_alerts_another_topic_is_named() {
    let stage = Stage::new(&[]).await;
    stopper_settings(&stage, "cancel", stage.output("SmsTopicArn"));
    is_named(&stage, 7, &["`stop-mode-enforced`: the force-stopper's `EMAIL_TOPIC_ARN` is"]).await;
}

/// With a stack that is meant to observe, that is no cut link.
#[tokio::test]
async fn a_stopper_that_observes_as_it_should_and_alerts_another_topic_is_named() {
    let stage = Stage::new(&[("StopMode", "observe")]).await;
    stopper_settings(&stage, "observe", stage.output("SmsTopicArn"));
    is_named(&stage, 6, &["`stop-mode-enforced`: the force-stopper's `EMAIL_TOPIC_ARN` is"]).await;
}

/// What no API shows is not said to be cut: it may be slow.
#[tokio::test]
async fn messages_that_get_lost_are_not_in_time() {
    let stage = Stage::new(&[]).await;
    let topic = stage.output("EmailTopicArn").to_owned();
    stage
        .when(|call| call.operation == "SetAlarmState", move |aws, _| unsubscribe_all(aws, &topic));
    fails(&stage, 6, 7, &["took longer than 12 s", "both messages are missing"]).await;
}

/// What the drill itself may not do is no link.
#[tokio::test]
async fn a_call_that_aws_refuses_is_named_with_its_step() {
    let stage = Stage::new(&[]).await;
    let before = stage.inventory().await;
    stage.proxy.fail_next(|call| call.operation == "GetMetricData", 403, "AccessDenied", 1);
    let ran = stage.drill(&["--output", "json"]).await;
    assert_ended(&ran, 3);
    assert_eq!(results(&ran)[3], "failed");
    assert!(
        ran.stderr.contains("step 4 (counted) failed\nerror: GetMetricData:"),
        "{}",
        ran.stderr
    );
    let error = &json_of(&ran)["error"];
    assert_eq!((&error["operation"], &error["exitCode"]), (&json!("GetMetricData"), &json!(3)));
    assert_eq!(error["code"], "AccessDenied", "{error}");
    assert_eq!(stage.inventory().await, before);
}
