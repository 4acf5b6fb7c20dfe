//! Who may do what to which resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tripline::metric::{NAMESPACE, STACK_NAMESPACE};

use super::cloudformation::Deployment;
use super::{deployments, functions_of, has_releases};
use tripline_tests::workspace;

const TOPICS: [&str; 3] = ["EmailTopic", "SmsTopic", "ForceStopTopic"];
const THIS_ACCOUNT: &str = "123456789012";

/// One action on one resource, and under which condition.
type Grant = (String, String, Value);

fn grant(action: &str, resource: &str) -> Grant {
    (action.to_owned(), resource.to_owned(), Value::Null)
}

/// Every text in a value that is one text or a list of them.
fn each(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(each).collect(),
        _ => panic!("{value} is neither text nor a list"),
    }
}

fn statements(document: &Value) -> &Vec<Value> {
    assert_eq!(document["Version"], "2012-10-17");
    document["Statement"].as_array().expect("statements")
}

/// What a role may do, statement by statement taken apart.
fn grants(deployment: &Deployment, role: &str) -> Vec<Grant> {
    let role = deployment.properties(role);
    assert_eq!(role["ManagedPolicyArns"], Value::Null);
    let mut grants = Vec::new();
    for policy in role["Policies"].as_array().expect("policies") {
        for statement in statements(&policy["PolicyDocument"]) {
            let allowed = ["Sid", "Effect", "Action", "Resource", "Condition"];
            let keys = statement.as_object().expect("a statement").keys();
            keys.for_each(|key| assert!(allowed.contains(&key.as_str()), "{key} in {statement}"));
            assert_eq!(statement["Effect"], "Allow");
            for action in each(&statement["Action"]) {
                for resource in each(&statement["Resource"]) {
                    grants.push((action.clone(), resource, statement["Condition"].clone()));
                }
            }
        }
    }
    grants
}

/// `serde_json::Value` has no order; its text has.
fn texts(grants: impl IntoIterator<Item = Grant>) -> BTreeSet<String> {
    grants.into_iter().map(|(action, on, when)| format!("{action} on {on} when {when}")).collect()
}

#[test]
fn roles_may_do_exactly_what_their_function_does() {
    let region = "eu-west-1:123456789012";
    for (batched, key, deployment) in deployments() {
        let mut metrics = vec![
            (
                "cloudwatch:PutMetricData".to_owned(),
                "*".to_owned(),
                json!({ "StringEquals": { "cloudwatch:namespace": [NAMESPACE, STACK_NAMESPACE] } }),
            ),
            grant("sqs:SendMessage", "<UndeliveredQueue.Arn>"),
            grant("logs:CreateLogStream", "<MetricsGeneratorLogs.Arn>"),
            grant("logs:PutLogEvents", "<MetricsGeneratorLogs.Arn>"),
        ];
        let mut stopper = vec![
            grant("iot:DescribeJob", &format!("arn:aws:iot:{region}:job/*")),
            grant("iot:CancelJob", &format!("arn:aws:iot:{region}:job/*")),
            grant("iot:ListTagsForResource", &format!("arn:aws:iot:{region}:job/*")),
            (
                "dynamodb:UpdateItem".to_owned(),
                "<GuardsTable.Arn>".to_owned(),
                json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["$force-stopper", "$holds"] } }),
            ),
            (
                "dynamodb:GetItem".to_owned(),
                "<GuardsTable.Arn>".to_owned(),
                json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["evidence#*", "$holds"] } }),
            ),
            grant("cloudwatch:DescribeAlarms", "*"),
            grant("cloudwatch:DescribeAlarmHistory", "*"),
            grant("sns:Publish", "<EmailTopic>"),
            grant("sns:Publish", "<SmsTopic>"),
            grant("sqs:SendMessage", "<UndeliveredQueue.Arn>"),
            grant("logs:CreateLogStream", "<ForceStopperLogs.Arn>"),
            grant("logs:PutLogEvents", "<ForceStopperLogs.Arn>"),
        ];
        let job = format!("arn:aws:iot:{region}:job/*");
        let alarms = |name: &str| format!("arn:aws:cloudwatch:{region}:alarm:{name}");
        let keeper = vec![
            grant("iot:ListJobs", "*"),
            grant("iot:DescribeEventConfigurations", "*"),
            grant("iot:UpdateEventConfigurations", "*"),
            grant("iot:DescribeJob", &job),
            grant("iot:ListJobExecutionsForJob", &job),
            grant("iot:ListThingsInThingGroup", &format!("arn:aws:iot:{region}:thinggroup/*")),
            grant("iot:ListTagsForResource", &job),
            grant("cloudwatch:DescribeAlarms", "*"),
            grant("cloudwatch:PutMetricAlarm", &alarms("tripline-*")),
            grant("cloudwatch:SetAlarmState", &alarms("tripline-*")),
            grant("cloudwatch:DeleteAlarms", &alarms("tripline-*")),
            grant("cloudwatch:ListTagsForResource", &alarms("tripline-*")),
            grant("cloudwatch:TagResource", &alarms("tripline-*")),
            grant("cloudwatch:ListAlarmMuteRules", "*"),
            grant("cloudwatch:GetAlarmMuteRule", &format!("arn:aws:cloudwatch:{region}:alarm*")),
            grant("cloudwatch:GetMetricData", "*"),
            (
                "cloudwatch:PutMetricData".to_owned(),
                "*".to_owned(),
                json!({ "StringEquals": { "cloudwatch:namespace": [NAMESPACE, STACK_NAMESPACE] } }),
            ),
            grant("dynamodb:Scan", "<GuardsTable.Arn>"),
            grant("dynamodb:BatchWriteItem", "<GuardsTable.Arn>"),
            grant("dynamodb:PutItem", "<GuardsTable.Arn>"),
            grant("sns:Publish", "<EmailTopic>"),
            grant("logs:CreateLogStream", "<GuardKeeperLogs.Arn>"),
            grant("logs:PutLogEvents", "<GuardKeeperLogs.Arn>"),
        ];
        let mut rule = vec![grant("sqs:SendMessage", "<UndeliveredQueue.Arn>")];
        if batched {
            rule.push(grant("sqs:SendMessage", "<IngestQueue.Arn>"));
            for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] {
                metrics.push(grant(action, "<IngestQueue.Arn>"));
            }
        }
        let mut roles = BTreeMap::from([("JobExecutionRuleRole", rule)]);
        if has_releases(&deployment) {
            stopper.push(grant("iot:UpdateJob", &job));
            roles.insert("WaveRunnerRole", wave_runner(region));
        }
        roles.extend([
            ("MetricsGeneratorRole", metrics),
            ("ForceStopperRole", stopper),
            ("GuardKeeperRole", keeper),
        ]);
        for of_role in roles.values_mut() {
            if key {
                of_role.push(grant("kms:Decrypt", "<StackKey.Arn>"));
                of_role.push(grant("kms:GenerateDataKey", "<StackKey.Arn>"));
            }
        }
        if has_releases(&deployment) {
            // It keeps nothing and publishes nothing: no key.
            let machine = vec![grant("lambda:InvokeFunction", "<WaveRunnerFunction.Arn>")];
            roles.insert("ReleaseMachineRole", machine);
        }
        let count = roles.len();
        for (role, expected) in roles {
            assert_eq!(texts(grants(&deployment, role)), texts(expected), "{role}");
        }
        assert_eq!(deployment.of_type("AWS::IAM::Role").count(), count);
        for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"] {
            assert_eq!(deployment.of_type(kind).count(), 0, "{kind}: a right beside the roles");
        }
    }
}

/// A right that nobody uses is one that an intruder has. What functions really call, the proxy in front of the local AWS
/// compares with their roles.
#[test]
fn every_action_of_a_role_is_asked_for_in_its_function_s_sources() {
    /// What AWS does in a role's name, and what belongs to a request of another name.
    const NOT_CALLS: [&str; 10] = [
        "sqs:SendMessage", // what failed, by Lambda
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "iam:PassRole",    // with CreateJob
        "iot:TagResource", // with CreateJob
    ];
    /// What a function asks for by way of the crates that it shares with others.
    const SHARED: [(&str, &str); 8] = [
        ("guard-keeper", "cloudwatch:GetAlarmMuteRule"),
        ("guard-keeper", "cloudwatch:ListAlarmMuteRules"),
        ("guard-keeper", "iot:DescribeEventConfigurations"),
        ("guard-keeper", "iot:UpdateEventConfigurations"),
        ("wave-runner", "cloudwatch:DescribeAlarmHistory"),
        ("wave-runner", "cloudwatch:PutMetricAlarm"),
        ("wave-runner", "iot:DeleteThingGroup"),
        ("wave-runner", "iot:ListTagsForResource"),
    ];
    fn sources(folder: &str) -> String {
        let mut sources = String::new();
        let mut folders = vec![workspace::root().join(folder).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => sources += &std::fs::read_to_string(path).unwrap(),
                }
            }
        }
        sources
    }
    let shared = sources("crates/tripline-aws") + &sources("crates/tripline-guard");
    let mut asked = 0;
    for (id, package) in super::FUNCTIONS {
        let own = sources(&format!("functions/{package}"));
        for (_, _, deployment) in deployments() {
            let role = format!("{id}Role");
            if !deployment.resources.contains_key(&role) {
                continue;
            }
            for (action, ..) in grants(&deployment, &role) {
                if NOT_CALLS.contains(&action.as_str()) {
                    continue;
                }
                // Alarms are put with their tags.
                let action = if action == "cloudwatch:TagResource" {
                    "cloudwatch:PutMetricAlarm"
                } else {
                    &action
                };
                let (_, operation) = action.split_once(':').unwrap();
                let mut call = String::new();
                for character in operation.chars() {
                    if character.is_ascii_uppercase() && !call.is_empty() {
                        call.push('_');
                    }
                    call.push(character.to_ascii_lowercase());
                }
                let of_shared = SHARED.contains(&(package, action));
                let sources = if of_shared { &shared } else { &own };
                assert!(sources.contains(&call), "{package} never asks for {action}");
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

/// What the wave-runner may do: only jobs of waves are created and only their alarms put, and what is in the tables
/// beside releases, evidence and holds is none of its business.
fn wave_runner(region: &str) -> Vec<Grant> {
    let iot = |resource: &str| format!("arn:aws:iot:{region}:{resource}");
    let keys = |operator: &str, keys: &[&str]| json!({ format!("ForAllValues:{operator}"): { "dynamodb:LeadingKeys": keys } });
    let on =
        |action: &str, resource: &str, when: Value| (action.to_owned(), resource.to_owned(), when);
    let tagged = || json!({ "StringEquals": { "aws:RequestTag/tripline:stack": "a-stack" } });
    let passed = || json!({ "StringEquals": { "iam:PassedToService": "iot.amazonaws.com" } });
    let cloudwatch = |resource: &str| format!("arn:aws:cloudwatch:{region}:{resource}");
    let wave_alarms = cloudwatch("alarm:tripline-wave-*");
    let machine = format!("arn:aws:states:{region}:stateMachine:a-stack-releases");
    let states = ["ListExecutions", "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"];
    let mut all = vec![
        on("iot:CreateJob", &iot("job/wave-*"), tagged()),
        on("iot:TagResource", &iot("job/wave-*"), tagged()),
        grant("iot:CreateJob", &iot("thing/*")),
        grant("iot:CreateJob", &iot("thinggroup/*")),
        grant("iot:DescribeJob", &iot("job/*")),
        grant("iot:CancelJob", &iot("job/*")),
        grant("iot:ListTagsForResource", &iot("job/*")),
        grant("iot:DeleteThingGroup", &iot("thinggroup/tripline-wave-*")),
        grant("cloudwatch:DescribeAlarms", &cloudwatch("alarm:*")),
        grant("cloudwatch:DescribeAlarmHistory", &cloudwatch("alarm:*")),
        grant("cloudwatch:PutMetricAlarm", &wave_alarms),
        grant("cloudwatch:TagResource", &wave_alarms),
        on("dynamodb:PutItem", "<GuardsTable.Arn>", keys("StringLike", &["wave-*"])),
        on("dynamodb:GetItem", "<GuardsTable.Arn>", keys("StringLike", &["evidence#*", "$holds"])),
        on("dynamodb:UpdateItem", "<GuardsTable.Arn>", keys("StringEquals", &["$holds"])),
        on(
            "dynamodb:GetItem",
            "<QueueTable.Arn>",
            keys("StringEquals", &["$releases", "$plans", "$approvals"]),
        ),
        on("dynamodb:PutItem", "<QueueTable.Arn>", keys("StringEquals", &["$releases"])),
        grant("sns:Publish", "<EmailTopic>"),
        grant("sns:Publish", "<SmsTopic>"),
        grant("logs:CreateLogStream", "<WaveRunnerLogs.Arn>"),
        grant("logs:PutLogEvents", "<WaveRunnerLogs.Arn>"),
    ];
    all.extend(super::RELEASE_ROLES.split(',').map(|role| on("iam:PassRole", role, passed())));
    all.extend(states.map(|action| grant(&format!("states:{action}"), &machine)));
    all
}

/// A release creates only jobs of its own kind, under its stack's name. Every other right to create one is on what
/// a job is for, and IAM asks for the job itself too.
#[test]
fn a_release_creates_only_jobs_of_its_own_and_passes_only_named_roles() {
    let deployment = super::template().deploy(&[("Releases", "on")]);
    let may = grants(&deployment, "WaveRunnerRole");
    let creates = may.iter().filter(|(action, ..)| action == "iot:CreateJob");
    let on_jobs: Vec<_> = creates
        .filter(|(_, on, _)| !on.contains(":thing/") && !on.contains(":thinggroup/"))
        .collect();
    let [(_, on, when)] = on_jobs.as_slice() else { panic!("{on_jobs:?}") };
    assert_eq!(on, "arn:aws:iot:eu-west-1:123456789012:job/wave-*");
    assert_eq!(when["StringEquals"]["aws:RequestTag/tripline:stack"], "a-stack");
    assert!(may.iter().all(|(action, ..)| action != "iam:PassRole"), "no role is named");
    for (role, _) in deployment.of_type("AWS::IAM::Role") {
        let passes = |(action, on, _): &Grant| action == "iam:PassRole" && on.contains('*');
        assert!(!grants(&deployment, role).iter().any(passes), "{role}");
    }
}

/// Whoever keeps job events himself gives the keeper no right to them.
#[test]
fn the_keeper_changes_job_events_only_where_it_is_asked_to() {
    let deployment = super::template().deploy(&[("KeepJobEvents", "off")]);
    let may = grants(&deployment, "GuardKeeperRole");
    assert!(may.iter().all(|(action, ..)| action != "iot:UpdateEventConfigurations"));
}

/// The closed list of what IAM cannot name: a metric, an alarm when composite ones count, a list of
/// jobs or of mute rules, and a setting of the account.
#[test]
fn nothing_else_stands_on_every_resource() {
    for (_, _, deployment) in deployments() {
        for (role, _) in deployment.of_type("AWS::IAM::Role") {
            for (action, resource, _) in grants(&deployment, role) {
                assert!(!action.contains('*'), "{role}: {action}");
                let reads_alarms = action.starts_with("cloudwatch:DescribeAlarm");
                let unnamed = [
                    "cloudwatch:PutMetricData",
                    "cloudwatch:GetMetricData",
                    "cloudwatch:ListAlarmMuteRules",
                    "iot:ListJobs",
                    "iot:DescribeEventConfigurations",
                    "iot:UpdateEventConfigurations",
                ];
                let unnamed = reads_alarms || unnamed.contains(&action.as_str());
                assert!(unnamed || resource != "*", "{role}: {action} on {resource}");
            }
        }
    }
}

#[test]
fn each_role_is_one_service_s_and_one_function_s() {
    for (_, _, deployment) in deployments() {
        for (id, _) in functions_of(&deployment) {
            let function = deployment.properties(&format!("{id}Function"));
            assert_eq!(function["Role"], format!("<{id}Role.Arn>"));
            assert_eq!(function["Policies"], Value::Null, "{id}: rights outside of its role");
            let trust = &deployment.properties(&format!("{id}Role"))["AssumeRolePolicyDocument"];
            let lambda = json!([{
                "Effect": "Allow",
                "Principal": { "Service": "lambda.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }]);
            assert_eq!(json!(statements(trust)), lambda, "{id}");
        }
        let trust = &deployment.properties("JobExecutionRuleRole")["AssumeRolePolicyDocument"];
        let iot = json!([{
            "Effect": "Allow",
            "Principal": { "Service": "iot.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "aws:SourceAccount": THIS_ACCOUNT },
                "ArnLike": { "aws:SourceArn": "arn:aws:iot:eu-west-1:123456789012:rule/*" },
            },
        }]);
        assert_eq!(json!(statements(trust)), iot);
        if has_releases(&deployment) {
            let machine = deployment.properties("ReleaseMachine");
            assert_eq!(machine["Role"], "<ReleaseMachineRole.Arn>");
            assert_eq!(machine["Policies"], Value::Null, "rights outside of its role");
            let trust = &deployment.properties("ReleaseMachineRole")["AssumeRolePolicyDocument"];
            let states = json!([{
                "Effect": "Allow",
                "Principal": { "Service": "states.amazonaws.com" },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "aws:SourceAccount": THIS_ACCOUNT } },
            }]);
            assert_eq!(json!(statements(trust)), states);
        }
    }
}

#[test]
fn only_the_rule_the_force_stop_topic_and_the_schedules_may_invoke() {
    for (_, _, deployment) in deployments() {
        let permissions: BTreeMap<&str, &Value> =
            deployment.of_type("AWS::Lambda::Permission").collect();
        let rule = json!({
            "FunctionName": "<MetricsGeneratorFunction.Arn>",
            "Action": "lambda:InvokeFunction",
            "Principal": "iot.amazonaws.com",
            "SourceArn": "<JobExecutionRule.Arn>",
            "SourceAccount": THIS_ACCOUNT,
        });
        let topic = json!({
            "FunctionName": "<ForceStopperFunction.Arn>",
            "Action": "lambda:InvokeFunction",
            "Principal": "sns.amazonaws.com",
            "SourceArn": "<ForceStopTopic>",
        });
        let schedule = json!({
            "FunctionName": "<GuardKeeperFunction.Arn>",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": "<GuardKeeperSchedule.Arn>",
        });
        // The state machine invokes it by its own role.
        let waves = json!({
            "FunctionName": "<WaveRunnerFunction.Arn>",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": "<WaveRunnerSchedule.Arn>",
        });
        let mut expected = BTreeMap::from([
            ("ForceStopPermission", &topic),
            ("GuardKeeperPermission", &schedule),
            ("JobExecutionRulePermission", &rule),
        ]);
        if has_releases(&deployment) {
            expected.insert("WaveRunnerPermission", &waves);
        }
        assert_eq!(permissions, expected);
        for (id, _) in functions_of(&deployment) {
            let function = deployment.properties(&format!("{id}Function"));
            for opens in ["Events", "FunctionUrlConfig"] {
                assert_eq!(function[opens], Value::Null, "{id}: SAM would add a permission");
            }
        }
    }
}

/// The policies of one kind of resource: what each allows, after a look at what it denies.
fn allowed<'a>(
    deployment: &'a Deployment,
    kind: &'a str,
    resources: &str,
    denied: &str,
) -> BTreeMap<String, Vec<&'a Value>> {
    let mut allowed = BTreeMap::new();
    for (_, policy) in deployment.of_type(kind) {
        let [of] = policy[resources].as_array().expect("resources").as_slice() else {
            panic!("{kind}: a policy names the one resource that its statements name");
        };
        let mut allows = Vec::new();
        let mut denies = Vec::new();
        for statement in statements(&policy["PolicyDocument"]) {
            if statement["Effect"] == "Allow" { &mut allows } else { &mut denies }.push(statement);
        }
        let [insecure] = denies.as_slice() else { panic!("{of}: one denial") };
        assert_eq!(insecure["Effect"], "Deny", "{of}");
        assert_eq!(insecure["Principal"], "*", "{of}");
        assert_eq!(insecure["Action"], denied, "{of}");
        assert_eq!(insecure["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
        let of = of.as_str().expect("a name").trim_matches(['<', '>']).to_owned();
        let known = allowed.insert(of, allows);
        assert!(known.is_none(), "{kind}: a second policy replaces the first");
    }
    allowed
}

#[test]
fn only_alarms_of_this_account_publish_to_the_topics() {
    for (_, _, deployment) in deployments() {
        let policies = allowed(&deployment, "AWS::SNS::TopicPolicy", "Topics", "sns:Publish");
        assert_eq!(deployment.of_type("AWS::SNS::Topic").count(), TOPICS.len());
        assert_eq!(policies.len(), TOPICS.len());
        for topic in TOPICS {
            let cloudwatch = json!([{
                "Sid": "AlarmsOfThisAccountPublish",
                "Effect": "Allow",
                "Principal": { "Service": "cloudwatch.amazonaws.com" },
                "Action": "sns:Publish",
                "Resource": format!("<{topic}>"),
                "Condition": { "StringEquals": { "aws:SourceAccount": THIS_ACCOUNT } },
            }]);
            assert_eq!(json!(policies[topic]), cloudwatch, "{topic}");
        }
    }
}

#[test]
fn only_the_force_stop_topic_sends_to_a_queue_by_its_policy() {
    for (batched, _, deployment) in deployments() {
        let policies = allowed(&deployment, "AWS::SQS::QueuePolicy", "Queues", "sqs:*");
        let redrive = json!([{
            "Sid": "RedriveOfTheForceStopTopic",
            "Effect": "Allow",
            "Principal": { "Service": "sns.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": "<UndeliveredQueue.Arn>",
            "Condition": { "ArnEquals": { "aws:SourceArn": "<ForceStopTopic>" } },
        }]);
        assert_eq!(json!(policies["UndeliveredQueue"]), redrive);
        let ingest = policies.get("IngestQueue").map(Vec::len);
        assert_eq!(ingest, batched.then_some(0), "the rule's role needs no word of the queue");
        assert_eq!(policies.len(), deployment.of_type("AWS::SQS::Queue").count());
    }
}

#[test]
fn everything_is_encrypted_and_the_key_lets_the_chain_through() {
    for (_, key, deployment) in deployments() {
        let of = |value: &Value| value.as_str().map(str::to_owned);
        let expected = key.then(|| "<StackKey.Arn>".to_owned());
        for (id, topic) in deployment.of_type("AWS::SNS::Topic") {
            // alias/aws/sns would lose every alarm.
            assert_eq!(of(&topic["KmsMasterKeyId"]), expected, "{id}");
        }
        for (id, queue) in deployment.of_type("AWS::SQS::Queue") {
            assert_eq!(of(&queue["KmsMasterKeyId"]), expected, "{id}");
            let by_sqs = queue["SqsManagedSseEnabled"].as_bool();
            assert_eq!(by_sqs, (!key).then_some(true), "{id}: SQS refuses both");
        }
        for (id, logs) in deployment.of_type("AWS::Logs::LogGroup") {
            assert_eq!(of(&logs["KmsKeyId"]), expected, "{id}");
        }
        if key {
            check_key(&deployment);
        } else {
            assert_eq!(deployment.of_type("AWS::KMS::Key").count(), 0);
        }
    }
}

fn check_key(deployment: &Deployment) {
    let key = deployment.properties("StackKey");
    assert_eq!(key["EnableKeyRotation"], true);
    assert_eq!(key["PendingWindowInDays"], 30);
    let mut users = BTreeMap::new();
    for statement in statements(&key["KeyPolicy"]) {
        assert_eq!(statement["Effect"], "Allow");
        assert_eq!(statement["Resource"], "*", "the key itself");
        let principal = statement["Principal"].as_object().expect("no `*`");
        let (kind, name) = principal.iter().next().expect("a principal");
        let rights = (each(&statement["Action"]), statement["Condition"].clone());
        let who = format!("{kind} {}", name.as_str().expect("one principal"));
        assert!(users.insert(who, rights).is_none());
    }
    let data_keys = || ["kms:Decrypt", "kms:GenerateDataKey*"].map(str::to_owned).to_vec();
    let account = json!({ "StringEquals": { "aws:SourceAccount": THIS_ACCOUNT } });
    let logs = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
        .into_iter()
        .chain(["kms:Describe*"])
        .map(str::to_owned)
        .collect();
    let these_logs = json!({ "ArnLike": { "kms:EncryptionContext:aws:logs:arn":
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/a-stack/*" } });
    let expected = BTreeMap::from([
        ("AWS arn:aws:iam::123456789012:root", (vec!["kms:*".to_owned()], Value::Null)),
        ("Service cloudwatch.amazonaws.com", (data_keys(), account.clone())),
        ("Service logs.eu-west-1.amazonaws.com", (logs, these_logs)),
        ("Service sns.amazonaws.com", (data_keys(), account)),
    ]);
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(who, rights)| (who.to_owned(), rights)).collect();
    assert_eq!(users, expected);
    for (id, logs) in deployment.of_type("AWS::Logs::LogGroup") {
        let name = logs["LogGroupName"].as_str().expect("a name");
        assert!(name.starts_with("/aws/lambda/a-stack/"), "{id}: the key does not know {name}");
    }
}
