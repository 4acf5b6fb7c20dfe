//! How a fault gets into a stack, and out of it again.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricAlarm, MetricDatum, StateValue, Statistic, Tag,
};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iot::types::{Action, SqsAction, TopicRulePayload};
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{DestinationConfig, Environment, OnFailure};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::stage::{CONFIG, Stage};

/// The alarm on undelivered events.
async fn undelivered_alarm(stage: &Stage) -> MetricAlarm {
    let alarms = stage.cloudwatch.describe_alarms().send().await.unwrap();
    let is_it = |alarm: &MetricAlarm| alarm.alarm_name().unwrap().contains("UndeliveredAlarm");
    alarms.metric_alarms.unwrap().into_iter().find(is_it).unwrap()
}

/// The alarm on undelivered events, for this queue, from this threshold on, notifying this topic.
pub async fn undelivered_alarm_as(stage: &Stage, queue: &str, threshold: f64, topic: &str) {
    let alarm = undelivered_alarm(stage).await;
    let put = stage.cloudwatch.put_metric_alarm().set_alarm_name(alarm.alarm_name);
    put.set_alarm_description(alarm.alarm_description)
        .set_namespace(alarm.namespace)
        .set_metric_name(alarm.metric_name)
        .dimensions(Dimension::builder().name("QueueName").value(queue).build())
        .set_statistic(alarm.statistic)
        .set_period(alarm.period)
        .set_evaluation_periods(alarm.evaluation_periods)
        .threshold(threshold)
        .set_comparison_operator(alarm.comparison_operator)
        .set_treat_missing_data(alarm.treat_missing_data)
        .actions_enabled(true)
        .alarm_actions(topic)
        .send()
        .await
        .unwrap();
}

/// The same as the template has it.
pub async fn undelivered_alarm_again(stage: &Stage) {
    let (queue, topic) = (stage.name("UndeliveredQueueArn"), stage.output("EmailTopicArn"));
    undelivered_alarm_as(stage, queue, 1.0, topic).await;
}

pub async fn own_alarm(stage: &Stage, on: bool) {
    let name = undelivered_alarm(stage).await.alarm_name.unwrap();
    if on {
        stage.cloudwatch.enable_alarm_actions().alarm_names(name).send().await.unwrap();
    } else {
        stage.cloudwatch.disable_alarm_actions().alarm_names(name).send().await.unwrap();
    }
}

pub async fn rule(stage: &Stage, change: impl FnOnce(&mut TopicRulePayload)) {
    let mut rule = stage.rule().await;
    change(&mut rule);
    stage.set_rule(rule).await;
}

pub async fn sql(stage: &Stage, sql: &str) {
    rule(stage, |rule| rule.sql = sql.to_owned()).await;
}

/// The rule's one action goes to this queue.
pub async fn deliver(stage: &Stage, queue: &str) {
    let url = stage.sqs.get_queue_url().queue_name(stage.name(queue)).send().await.unwrap();
    rule(stage, |rule| {
        let role = rule.actions[0].sqs().unwrap().role_arn().to_owned();
        let sqs = SqsAction::builder().queue_url(url.queue_url().unwrap()).role_arn(role);
        rule.actions = vec![Action::builder().sqs(sqs.build().unwrap()).build()];
    })
    .await;
}

pub async fn restore_error_action(stage: &Stage) {
    rule(stage, |rule| {
        let role = rule.actions[0].sqs().unwrap().role_arn().to_owned();
        let sqs =
            SqsAction::builder().queue_url(stage.output("UndeliveredQueueUrl")).role_arn(role);
        rule.error_action = Some(Action::builder().sqs(sqs.build().unwrap()).build());
    })
    .await;
}

async fn statements(stage: &Stage, function: &str) -> Vec<Value> {
    let policy =
        stage.lambda.get_policy().function_name(stage.output(function)).send().await.unwrap();
    let policy: Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
    policy["Statement"].as_array().unwrap().clone()
}

/// Removes all of a function's permissions.
pub async fn forbid(stage: &Stage, function: &str) {
    for statement in statements(stage, function).await {
        let remove = stage.lambda.remove_permission().function_name(stage.output(function));
        remove.statement_id(statement["Sid"].as_str().unwrap()).send().await.unwrap();
    }
}

pub async fn permit(stage: &Stage, function: &str, service: &str, source: &str) {
    let add = stage.lambda.add_permission().function_name(stage.output(function));
    let add = add.statement_id("restored").action("lambda:InvokeFunction").principal(service);
    add.source_arn(stage.output(source)).send().await.unwrap();
}

/// Lets one resource invoke a function, and no other.
pub async fn only(stage: &Stage, function: &str, service: &str, source: &str) {
    forbid(stage, function).await;
    permit(stage, function, service, source).await;
}

pub async fn permit_all(stage: &Stage, function: &str, service: &str) {
    let add = stage.lambda.add_permission().function_name(stage.output(function));
    let add = add.statement_id("all").action("lambda:InvokeFunction").principal(service);
    add.send().await.unwrap();
}

/// Removes what [`permit_all`] has added, unless it was fixed.
pub async fn forbid_all(stage: &Stage, function: &str) {
    if statements(stage, function).await.iter().any(|statement| statement["Sid"] == "all") {
        let remove = stage.lambda.remove_permission().function_name(stage.output(function));
        remove.statement_id("all").send().await.unwrap();
    }
}

/// Lets a second resource invoke a function.
pub async fn permit_also(stage: &Stage, function: &str, service: &str, source: &str) {
    let add = stage.lambda.add_permission().function_name(stage.output(function));
    let add = add.statement_id("also").action("lambda:InvokeFunction").principal(service);
    add.source_arn(stage.output(source)).send().await.unwrap();
}

#[derive(Clone, Copy)]
pub enum Role {
    Rule,
    Generator,
    Stopper,
    Keeper,
}

impl Role {
    /// The role's name and its policy's.
    async fn names(self, stage: &Stage) -> (String, &'static str) {
        match self {
            Self::Generator => {
                (stage.name("MetricsGeneratorRoleArn").to_owned(), "metrics-generator")
            }
            Self::Stopper => (stage.name("ForceStopperRoleArn").to_owned(), "force-stopper"),
            Self::Keeper => (stage.name("GuardKeeperRoleArn").to_owned(), "guard-keeper"),
            Self::Rule => {
                let rule = stage.rule().await;
                let role = rule.actions()[0].sqs().unwrap().role_arn().to_owned();
                (role.rsplit('/').next().unwrap().to_owned(), "queues")
            }
        }
    }
}

async fn document(stage: &Stage, role: &str, policy: &str) -> Value {
    let found =
        stage.iam.get_role_policy().role_name(role).policy_name(policy).send().await.unwrap();
    serde_json::from_str(&decoded(found.policy_document())).unwrap()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |decoded, part| {
        let byte = u8::from_str_radix(&part[..2], 16).unwrap();
        format!("{decoded}{}{}", char::from(byte), &part[2..])
    })
}

async fn put(stage: &Stage, role: &str, policy: &str, document: &Value) {
    let put = stage.iam.put_role_policy().role_name(role).policy_name(policy);
    put.policy_document(document.to_string()).send().await.unwrap();
}

/// Takes actions from a role's policy; the stage keeps the whole one.
pub async fn without_policy(stage: &Stage, role: Role, keep: fn(&str) -> bool) {
    let (role, policy) = role.names(stage).await;
    let whole = document(stage, &role, policy).await;
    stage.keep(&role, &whole);
    let mut less = whole.clone();
    let statements = less["Statement"].as_array_mut().unwrap();
    statements.retain_mut(|statement| {
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        };
        let kept: Vec<Value> =
            actions.into_iter().filter(|action| keep(action.as_str().unwrap())).collect();
        let some = !kept.is_empty();
        statement["Action"] = Value::Array(kept);
        some
    });
    if statements.is_empty() {
        stage.iam.delete_role_policy().role_name(&role).policy_name(policy).send().await.unwrap();
    } else {
        put(stage, &role, policy, &less).await;
    }
}

/// Denies a role an action under a condition.
pub async fn deny(stage: &Stage, role: Role, action: &str, condition: Value) {
    let (role, policy) = role.names(stage).await;
    stage.keep(&role, &document(stage, &role, policy).await);
    let deny = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition,
    }]});
    put(stage, &role, "guard-of-the-account", &deny).await;
}

pub async fn narrow_alarms(stage: &Stage) {
    let (role, policy) = Role::Stopper.names(stage).await;
    let whole = document(stage, &role, policy).await;
    stage.keep(&role, &whole);
    let mut narrow = whole.clone();
    for statement in narrow["Statement"].as_array_mut().unwrap() {
        if statement["Sid"] == "VerifyTheAlarm" {
            statement["Resource"] = json!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:*");
        }
    }
    put(stage, &role, policy, &narrow).await;
}

/// Gives a role its policy back, and no other: not what fixed it either.
pub async fn with_policy(stage: &Stage, role: Role) {
    let (role, policy) = role.names(stage).await;
    let whole = stage.kept(&role);
    put(stage, &role, policy, &whole).await;
    let policies = stage.iam.list_role_policies().role_name(&role).send().await.unwrap();
    for other in policies.policy_names().iter().filter(|name| *name != policy) {
        stage.iam.delete_role_policy().role_name(&role).policy_name(other).send().await.unwrap();
    }
}

pub async fn switch_off(stage: &Stage, function: &str) {
    reserve(stage, function, 0).await;
}

/// At most so many of a function run at once.
pub async fn reserve(stage: &Stage, function: &str, most: i32) {
    let put = stage.lambda.put_function_concurrency().function_name(stage.output(function));
    put.reserved_concurrent_executions(most).send().await.unwrap();
}

pub async fn switch_on(stage: &Stage, function: &str) {
    let delete = stage.lambda.delete_function_concurrency().function_name(stage.output(function));
    delete.send().await.unwrap();
}

pub async fn drop_failures(stage: &Stage, function: &str) {
    let delete = stage.lambda.delete_function_event_invoke_config();
    delete.function_name(stage.output(function)).qualifier("$LATEST").send().await.unwrap();
}

pub async fn keep_failures(stage: &Stage, function: &str) {
    let queue = OnFailure::builder().destination(stage.output("UndeliveredQueueArn")).build();
    let put = stage.lambda.put_function_event_invoke_config().function_name(stage.output(function));
    let destinations = DestinationConfig::builder().on_failure(queue).build();
    put.qualifier("$LATEST").destination_config(destinations).send().await.unwrap();
}

pub async fn mapping(stage: &Stage, enabled: bool) {
    let queue = stage.output("IngestQueueArn");
    let list = async || {
        let listed = stage.lambda.list_event_source_mappings().event_source_arn(queue).send().await;
        listed.unwrap().event_source_mappings()[0].clone()
    };
    let id = list().await.uuid().unwrap().to_owned();
    stage.lambda.update_event_source_mapping().uuid(id).enabled(enabled).send().await.unwrap();
    let wanted = if enabled { "Enabled" } else { "Disabled" };
    stage.until(wanted, async || list().await.state() == Some(wanted)).await;
}

pub async fn redrive(stage: &Stage, policy: String) {
    let url =
        stage.sqs.get_queue_url().queue_name(stage.name("IngestQueueArn")).send().await.unwrap();
    let set = stage.sqs.set_queue_attributes().queue_url(url.queue_url().unwrap());
    set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
}

pub async fn topic(stage: &Stage, attribute: &str, value: String) {
    let set = stage.sns.set_topic_attributes().topic_arn(stage.output("ForceStopTopicArn"));
    set.attribute_name(attribute).attribute_value(value).send().await.unwrap();
}

pub async fn topic_policy(stage: &Stage, service: &str) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish",
        "Resource": stage.output("ForceStopTopicArn"),
    }]});
    topic(stage, "Policy", policy.to_string()).await;
}

async fn subscriptions(stage: &Stage, topic: &str) -> Vec<String> {
    let listed =
        stage.sns.list_subscriptions_by_topic().topic_arn(stage.output(topic)).send().await;
    let listed = listed.unwrap();
    listed.subscriptions().iter().map(|one| one.subscription_arn().unwrap().to_owned()).collect()
}

pub async fn unsubscribe(stage: &Stage, topic: &str) {
    for arn in subscriptions(stage, topic).await {
        stage.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    }
}

pub async fn subscribe(stage: &Stage, topic: &str, protocol: &str, endpoint: &str) {
    let subscribe = stage.sns.subscribe().topic_arn(stage.output(topic)).protocol(protocol);
    subscribe.endpoint(endpoint).send().await.unwrap();
}

pub async fn subscribe_stopper(stage: &Stage) {
    subscribe(stage, "ForceStopTopicArn", "lambda", stage.output("ForceStopperFunctionArn")).await;
    let redrive = json!({"deadLetterTargetArn": stage.output("UndeliveredQueueArn")});
    subscription(stage, "RedrivePolicy", redrive.to_string()).await;
}

pub async fn subscription(stage: &Stage, attribute: &str, value: String) {
    subscription_to(stage, "ForceStopTopicArn", attribute, value).await;
}

/// Sets an attribute of a topic's first subscription.
pub async fn subscription_to(stage: &Stage, topic: &str, attribute: &str, value: String) {
    let arn = subscriptions(stage, topic).await.remove(0);
    let set = stage.sns.set_subscription_attributes().subscription_arn(arn);
    set.attribute_name(attribute).attribute_value(value).send().await.unwrap();
}

pub async fn stop_mode(stage: &Stage, mode: &str) {
    variable(stage, "ForceStopperFunctionArn", "STOP_MODE", mode).await;
}

/// Changes a variable of a function's environment.
pub async fn variable(stage: &Stage, function: &str, name: &str, value: &str) {
    let found =
        stage.lambda.get_function_configuration().function_name(stage.output(function)).send();
    let variables = found.await.unwrap().environment.and_then(|set| set.variables);
    let mut variables: HashMap<String, String> = variables.unwrap_or_default();
    variables.insert(name.to_owned(), value.to_owned());
    let environment = Environment::builder().set_variables(Some(variables)).build();
    update(stage, function, |update| update.environment(environment)).await;
}

/// Changes a function's configuration.
pub async fn update(
    stage: &Stage,
    function: &str,
    change: impl FnOnce(
        UpdateFunctionConfigurationFluentBuilder,
    ) -> UpdateFunctionConfigurationFluentBuilder,
) {
    let function = stage.output(function);
    let update = stage.lambda.update_function_configuration().function_name(function);
    change(update).send().await.unwrap();
    stage
        .until("the function is updated", async || {
            let found = stage.lambda.get_function_configuration().function_name(function).send();
            let found = found.await.unwrap();
            found.last_update_status().is_some_and(|status| status.as_str() == "Successful")
        })
        .await;
}

/// Has a function run under a role of the stack.
pub async fn run_as(stage: &Stage, function: &str, role: &str) {
    update(stage, function, |update| update.role(stage.output(role))).await;
}

/// Denies all but these what a topic lets alarms do.
pub async fn deny_all_but(stage: &Stage, principals: Value) {
    let topic_arn = stage.output("ForceStopTopicArn");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish",
         "Resource": topic_arn},
        {"Effect": "Deny", "NotPrincipal": principals, "Action": "sns:*", "Resource": topic_arn},
    ]});
    topic(stage, "Policy", policy.to_string()).await;
}

pub async fn key_policy(stage: &Stage, from: &str, to: &str) {
    let key = stage.output("StackKeyArn");
    let policy = stage.kms.get_key_policy().key_id(key).send().await.unwrap();
    let changed = policy.policy().unwrap().replace(from, to);
    stage.kms.put_key_policy().key_id(key).policy(changed).send().await.unwrap();
}

/// A rollout whose alarm has fired while its actions were off, and so will not stop it any more.
pub async fn unguarded(stage: &Stage) {
    stage.job("mute", true).await;
    stage.arm("mute").await;
    let alarm = "tripline-mute-Failures";
    stage.cloudwatch.disable_alarm_actions().alarm_names(alarm).send().await.unwrap();
    let set = stage.cloudwatch.set_alarm_state().alarm_name(alarm);
    set.state_value(StateValue::Alarm).state_reason("seeded").send().await.unwrap();
    stage.cloudwatch.enable_alarm_actions().alarm_names(alarm).send().await.unwrap();
    assert_eq!(stage.tick().await["unguardedJobs"], 1);
}

pub async fn tag_job(stage: &Stage, job: &str, key: &str, value: &str) {
    let tag = aws_sdk_iot::types::Tag::builder().key(key).value(value).build().unwrap();
    let arn = stage.job_arn(job).await;
    stage.iot.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
}

pub async fn untag_job(stage: &Stage, job: &str, key: &str) {
    let arn = stage.job_arn(job).await;
    stage.iot.untag_resource().resource_arn(arn).tag_keys(key).send().await.unwrap();
}

/// Has an alarm say that another stack's guard-keeper made it.
pub async fn tag_alarm(stage: &Stage, alarm: &str) {
    let described = stage.cloudwatch.describe_alarms().alarm_names(alarm).send().await.unwrap();
    let tag =
        aws_sdk_cloudwatch::types::Tag::builder().key("tripline:stack").value("other").build();
    let arn = described.metric_alarms()[0].alarm_arn().unwrap();
    stage.cloudwatch.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
}

/// Has the stack forget what a job was armed with.
pub async fn forget(stage: &Stage, job: &str) {
    let delete = stage.dynamodb.delete_item().table_name(stage.output("GuardsTableName"));
    delete.key("jobId", AttributeValue::S(job.to_owned())).send().await.unwrap();
}

/// The job was armed with this beside the sound job's alarms: its limits, and their baseline.
pub async fn declare(stage: &Stage, job: &str, limits: &str, baseline: Option<&str>) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let config = format!("{CONFIG}\n[EVIDENCE_CONFIG]\nuseEvidence = True\n{limits}\n");
    let put = stage.dynamodb.put_item().table_name(stage.output("GuardsTableName"));
    let put = put.item("jobId", text(job)).item("config", text(&config));
    let put = put.item("armedAt", AttributeValue::N("1790000000".to_owned()));
    let put = match baseline {
        Some(baseline) => put.item("baseline", text(baseline)),
        None => put,
    };
    put.send().await.unwrap();
}

/// The guard-keeper computed evidence of the job so many seconds ago.
pub async fn weigh(stage: &Stage, job: &str, ago: i64) {
    let needs = json!({"failing": 2, "timingOut": 2, "unfinished": 2});
    keep_record(stage, job, ago, &json!({"needs": needs, "leastDevices": 2})).await;
}

/// What the guard-keeper kept of the job so many seconds ago; `coverage`: by what it is judged who sees what.
pub async fn keep_record(stage: &Stage, job: &str, ago: i64, coverage: &Value) {
    let described = stage.iot.describe_job().job_id(job).send().await.unwrap();
    let created = described.job.unwrap().created_at.unwrap().secs();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    // It has just begun, so that its absence has no alarm yet.
    let record = json!({
        "created": created, "at": now - ago, "origin": now * 1_000, "threshold": 2.0,
        "brief": "evidence 0.0 of 2", "coverage": coverage,
    });
    let put = stage.dynamodb.put_item().table_name(stage.output("GuardsTableName"));
    let put = put.item("jobId", AttributeValue::S(format!("evidence#{job}")));
    put.item("evidence", AttributeValue::S(record.to_string())).send().await.unwrap();
}

/// The alarm on evidence of the sound job, as the command makes it.
pub async fn evidence_alarm(stage: &Stage, job: &str, threshold: f64) {
    let dimension = Dimension::builder().name("jobId").value(job).build();
    let name = format!("tripline-{job}-Evidence");
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    stage
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("IoT:OTA:JobExecution")
        .metric_name("evidence")
        .dimensions(dimension)
        .statistic(Statistic::Maximum)
        .period(60)
        .evaluation_periods(1)
        .threshold(threshold)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .actions_enabled(true)
        .alarm_actions(stage.output("EmailTopicArn"))
        .tags(tag("tripline:job", job))
        .tags(tag("tripline:stack", "tripline"))
        .send()
        .await
        .unwrap();
}

/// The sound job is without limits and evidence again.
pub async fn undeclare(stage: &Stage, job: &str) {
    forget(stage, &format!("evidence#{job}")).await;
    let delete = stage.cloudwatch.delete_alarms();
    delete.alarm_names(format!("tripline-{job}-Evidence")).send().await.unwrap();
    stage.arm(job).await;
}

pub async fn failed(stage: &Stage, function: &str, metric: &str) {
    let dimension = Dimension::builder().name("FunctionName").value(stage.name(function)).build();
    let datum = MetricDatum::builder().metric_name(metric).dimensions(dimension).value(2.0).build();
    let put = stage.cloudwatch.put_metric_data().namespace("AWS/Lambda").metric_data(datum);
    put.send().await.unwrap();
}
