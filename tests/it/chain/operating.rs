//! What an operator does: arming a rollout, and deleting the stack.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iot::types::EventType;
use serde_json::{Value, json};
use tripline_tests::local_aws::LocalAws;

use super::stage::{Chain, Stage, must};

/// Whether AWS IoT sends job events.
async fn job_events(chain: &Chain<'_>) -> bool {
    let described = chain.iot.describe_event_configurations().send().await.unwrap();
    let all = described.event_configurations.unwrap_or_default();
    let on = |event| all.get(&event).is_some_and(|configuration| configuration.enabled());
    on(EventType::Job) && on(EventType::JobExecution)
}

/// A job's alarms with their actions.
async fn alarms(chain: &Chain<'_>, job_id: &str) -> BTreeMap<String, Vec<String>> {
    let prefix = format!("tripline-{job_id}-");
    let described = chain.cloudwatch.describe_alarms().alarm_name_prefix(prefix).send().await;
    let alarms = described.unwrap().metric_alarms.unwrap_or_default().into_iter();
    alarms.map(|a| (a.alarm_name.unwrap(), a.alarm_actions.unwrap_or_default())).collect()
}

#[tokio::test]
async fn apply_arms_a_job_against_the_stack_and_remove_disarms_it() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("dev.ini");
    let example = include_str!("../../../examples/demo.ini");
    std::fs::write(&config, example.replacen("@email, ", "@email, @sms, ", 1)).unwrap();
    let config = config.display();
    let apply = |job_id| {
        let options = format!("--stack {} --job-id {job_id} --output json", chain.stack.name());
        let answer = chain.tripline(&format!("alarms apply {config} {options}"));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["alarms"].as_array().unwrap().iter().map(|a| a["change"].clone()).collect::<Vec<_>>()
    };
    assert!(!job_events(&chain).await, "they are off in a new account");

    assert_eq!(apply("armed"), ["create", "create"]);
    assert!(job_events(&chain).await);
    let [email, sms, force_stop] = ["EmailTopicArn", "SmsTopicArn", "ForceStopTopicArn"]
        .map(|key| chain.output(key).to_owned());
    let armed = BTreeMap::from([
        ("tripline-armed-Failures".to_owned(), vec![email.clone(), force_stop.clone()]),
        ("tripline-armed-SlowDownloads".to_owned(), vec![email, sms, force_stop]),
    ]);
    assert_eq!(alarms(&chain, "armed").await, armed);
    assert_eq!(apply("armed"), ["keep", "keep"]);
    assert_eq!(alarms(&chain, "armed").await, armed);

    // Another job's alarms, whose names begin alike, stay.
    apply("armed-too");
    chain.tripline("alarms remove --job-id armed");
    assert_eq!(
        alarms(&chain, "armed").await.into_keys().collect::<Vec<_>>(),
        ["tripline-armed-too-Failures", "tripline-armed-too-SlowDownloads"]
    );
    chain.tripline("alarms remove --job-id armed-too");
    assert_eq!(alarms(&chain, "armed").await, BTreeMap::new());
}

/// Everything that can be left of a stack, by its kind and name.
async fn inventory(aws: &LocalAws) -> BTreeSet<(&'static str, String)> {
    let config = aws.config();
    let mut all = BTreeSet::new();
    let mut add = |kind, names: Vec<String>| all.extend(names.into_iter().map(|name| (kind, name)));

    let sqs = aws_sdk_sqs::Client::new(&config);
    let queues = sqs.list_queues().send().await.unwrap().queue_urls.unwrap_or_default();
    add("queue", queues.iter().map(|url| last(url, '/')).collect());
    let sns = aws_sdk_sns::Client::new(&config);
    let topics = sns.list_topics().send().await.unwrap().topics.unwrap_or_default();
    add("topic", topics.into_iter().filter_map(|topic| topic.topic_arn).collect());
    let subscriptions = sns.list_subscriptions().send().await.unwrap().subscriptions;
    let subscriptions = subscriptions.unwrap_or_default().into_iter();
    add("subscription", subscriptions.filter_map(|s| s.subscription_arn).collect());
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let alarms = cloudwatch.describe_alarms().send().await.unwrap().metric_alarms;
    add("alarm", alarms.unwrap_or_default().into_iter().filter_map(|a| a.alarm_name).collect());
    let iot = aws_sdk_iot::Client::new(&config);
    let tables = must(aws.post("dynamodb", "DynamoDB_20120810.ListTables", &json!({})));
    add("table", strings(&tables, "TableNames"));
    let schedules = must(aws.post("events", "AWSEvents.ListRules", &json!({})));
    add("schedule", names(&schedules, "Rules", "Name"));
    let rules = iot.list_topic_rules().send().await.unwrap().rules.unwrap_or_default();
    add("rule", rules.into_iter().filter_map(|rule| rule.rule_name).collect());

    let functions = must(aws.get("lambda", "/2015-03-31/functions/"));
    add("function", names(&functions, "Functions", "FunctionName"));
    let mappings = must(aws.get("lambda", "/2015-03-31/event-source-mappings/"));
    add("mapping", names(&mappings, "EventSourceMappings", "UUID"));
    // The local AWS writes a dashboard's date in CBOR, as the client asks for, so that it cannot be read.
    let target = "GraniteServiceVersion20100801.ListDashboards";
    let dashboards = must(aws.post("monitoring", target, &json!({})));
    add("dashboard", names(&dashboards, "DashboardEntries", "DashboardName"));
    let groups = must(aws.post("logs", "Logs_20140328.DescribeLogGroups", &json!({})));
    add("log group", names(&groups, "logGroups", "logGroupName"));
    let keys = must(aws.post("kms", "TrentService.ListKeys", &json!({})));
    for key in names(&keys, "Keys", "KeyId") {
        let key = must(aws.post("kms", "TrentService.DescribeKey", &json!({"KeyId": key})));
        let key = &key["KeyMetadata"];
        let state = key["KeyState"].as_str().unwrap();
        // Gone for everybody, but not yet for ever.
        let kind = if state == "PendingDeletion" { "key to be deleted" } else { "key" };
        add(kind, vec![key["KeyId"].as_str().unwrap().to_owned()]);
    }
    let roles = must(aws.query("iam", "Action=ListRoles&Version=2010-05-08"));
    let roles = roles.split("<RoleName>").skip(1).filter_map(|rest| rest.split('<').next());
    add("role", roles.map(str::to_owned).collect());
    all
}

fn names(answer: &Value, list: &str, name: &str) -> Vec<String> {
    let items = answer[list].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    items.map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

fn strings(answer: &Value, list: &str) -> Vec<String> {
    let items = answer[list].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn last(text: &str, separator: char) -> String {
    text.rsplit(separator).next().unwrap_or_default().to_owned()
}

/// What is part of something else, and goes with it.
const PARTS: [&str; 4] = [
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

#[tokio::test]
async fn a_deleted_stack_leaves_only_its_queues_with_what_is_in_them() {
    let every_part = [
        ("Ingest", "batched"),
        ("Encryption", "stack-key"),
        ("AlarmEmailEndpoint", "ops@example.com"),
        ("AlarmSMSEndpoint", "+12065550100"),
    ];
    let stage = Stage::new(&every_part).await;
    let chain = stage.chain();
    let sqs = chain.sqs.clone();
    let undelivered = chain.output("UndeliveredQueueUrl").to_owned();
    let queues = ["IngestQueueArn", "UndeliveredQueueArn"].map(|key| last(chain.output(key), ':'));
    let key = last(chain.output("StackKeyArn"), '/');
    let cloudformation = aws_sdk_cloudformation::Client::new(&chain.aws.config());
    let listed = cloudformation.list_stack_resources().stack_name(chain.stack.name()).send().await;
    let resources = listed.unwrap().stack_resource_summaries.unwrap_or_default();
    let (aws, stack) = stage.take_apart();

    // The inventory misses nothing that the stack has.
    let before = inventory(&aws).await;
    for resource in resources {
        let kind = resource.resource_type.unwrap();
        let id = resource.physical_resource_id.unwrap();
        let found = before.iter().any(|(_, name)| *name == id || *name == last(&id, '/'));
        assert!(found || PARTS.contains(&kind.as_str()), "{kind} `{id}`: not in {before:#?}");
    }

    sqs.send_message().queue_url(&undelivered).message_body("kept").send().await.unwrap();
    must(stack.delete().await);

    let [ingest, kept] = queues.map(|queue| ("queue", queue));
    let left = BTreeSet::from([ingest, kept, ("key to be deleted", key)]);
    assert_eq!(inventory(&aws).await, left);
    let received = sqs.receive_message().queue_url(&undelivered).send().await.unwrap();
    let bodies: Vec<_> = received.messages().iter().filter_map(|m| m.body()).collect();
    assert_eq!(bodies, ["kept"]);
}
