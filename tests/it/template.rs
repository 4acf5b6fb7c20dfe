//! What `templates/tripline.yaml` promises and no emulator enforces: who may do what to which
//! resource, that nothing is lost in silence, and that the template agrees with the code.
//!
//! Resolved deployments are compared, not text. In an expected value, `<Id>` is the resource
//! itself (its name, URL or ARN, as CloudFormation has it) and `<Id.Arn>` one of its attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use metrics_generator::cloudwatch;
use serde_json::{Value, json};
use tripline::metric::{
    DIMENSION, KeptMetric, Metric, NAMESPACE, STACK_DIMENSION, STACK_NAMESPACE, stack,
};
use tripline::rollout::Rate;
use tripline::stop::StopMode;
use tripline_guard::desired::KEYS;
use tripline_tests::workspace;

mod cloudformation;
mod dashboard;
mod packaged;
mod permissions;
mod releases;

pub(crate) use cloudformation::Deployment;
use cloudformation::Template;

const TEXT: &str = include_str!("../../templates/tripline.yaml");
const FUNCTIONS: [(&str, &str); 4] = [
    ("MetricsGenerator", "metrics-generator"),
    ("ForceStopper", "force-stopper"),
    ("GuardKeeper", "guard-keeper"),
    ("WaveRunner", "wave-runner"),
];
/// Those whose work comes once and must not be lost. The keeper's and the wave-runner's comes every minute.
const ASKED: [&str; 2] = ["MetricsGenerator", "ForceStopper"];

fn template() -> Template {
    Template::parse(TEXT, &folder())
}

/// Where the template is, and the files that it names.
fn folder() -> PathBuf {
    workspace::root().join("templates")
}

/// What is deployed for these parameters, for whoever needs a function's limits.
pub(crate) fn deployed(chosen: &[(&str, &str)]) -> Deployment {
    template().deploy(chosen)
}

/// Every kind of deployment, with every other optional part present. Resolving is a claim of its own:
/// each reference is to something that exists in that deployment. [`has_releases`] says of which kind one is
/// beside the two that come with it.
fn deployments() -> impl Iterator<Item = (bool, bool, Deployment)> {
    (0..8).map(|kind| {
        let [batched, key, releases] = [1, 2, 4].map(|bit| kind & bit != 0);
        let deployment = template().deploy(&[
            ("Ingest", if batched { "batched" } else { "direct" }),
            ("Encryption", if key { "stack-key" } else { "service" }),
            ("AlarmEmailEndpoint", "ops@example.com"),
            ("AlarmSMSEndpoint", "+12065550100"),
            ("Queue", "on"),
            ("Releases", if releases { "on" } else { "off" }),
            ("ReleaseRoles", RELEASE_ROLES),
        ]);
        assert_eq!(has_releases(&deployment), releases);
        (batched, key, deployment)
    })
}

/// Two roles that devices of a release may get their firmware by.
const RELEASE_ROLES: &str =
    "arn:aws:iam::123456789012:role/firmware,arn:aws:iam::123456789012:role/documents";

fn has_releases(deployment: &Deployment) -> bool {
    deployment.resources.contains_key("ReleaseMachine")
}

/// The functions of a deployment, each with its package.
fn functions_of(deployment: &Deployment) -> impl Iterator<Item = (&'static str, &'static str)> {
    let releases = has_releases(deployment);
    FUNCTIONS.into_iter().filter(move |(id, _)| releases || *id != "WaveRunner")
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().expect("a list").iter().map(|item| item.as_str().expect("text")).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn parameters_say_what_they_are_and_refuse_the_rest() {
    let template = template();
    for (name, parameter) in template.section("Parameters") {
        let says = |key: &str| parameter[key].as_str().is_some_and(|text| text.ends_with('.'));
        assert!(says("Description"), "{name}: a sentence that describes it");
        // Allowed values say themselves what is allowed.
        let is_listed = parameter["AllowedValues"].is_array();
        assert!(
            is_listed || says("ConstraintDescription"),
            "{name}: a sentence for a refused value"
        );
        assert!(parameter.get("Default").is_some(), "{name}: a default");
        match &parameter["AllowedValues"] {
            Value::Array(values) => {
                assert!(values.contains(&parameter["Default"]), "{name}: {values:?}")
            }
            _ => assert!(
                parameter["AllowedPattern"].as_str().is_some_and(|pattern| {
                    pattern.split('|').all(|part| part.starts_with('^') && part.ends_with('$'))
                }),
                "{name}: allowed values, or a pattern for the whole of them"
            ),
        }
    }
}

#[test]
fn every_parameter_stands_in_one_group() {
    let template = template();
    let names: Vec<&String> = template.section("Parameters").keys().collect();
    let interface = &template.section("Metadata")["AWS::CloudFormation::Interface"];
    let mut grouped: Vec<&str> = interface["ParameterGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .inspect(|group| assert!(group["Label"]["default"].is_string(), "{group}"))
        .flat_map(|group| group["Parameters"].as_array().expect("parameters"))
        .map(|name| name.as_str().expect("a name"))
        .collect();
    grouped.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(grouped, sorted);
    let labels = interface["ParameterLabels"].as_object().expect("labels");
    // One without a label is shown by its name.
    assert!(labels.keys().collect::<BTreeSet<_>>().is_subset(&names.into_iter().collect()));
}

#[test]
fn stop_modes_are_the_ones_the_stopper_knows() {
    let template = template();
    let parameter = &template.section("Parameters")["StopMode"];
    let modes = texts(&parameter["AllowedValues"]);
    assert_eq!(modes, BTreeSet::from(["abort", "cancel", "observe"]));
    assert!(modes.iter().all(|mode| mode.parse::<StopMode>().is_ok()));
    assert_eq!(parameter["Default"].as_str().unwrap().parse(), Ok(StopMode::default()));
    for mode in modes {
        let deployment = template.deploy(&[("StopMode", mode)]);
        assert_eq!(
            deployment.properties("ForceStopperFunction")["Environment"]["Variables"],
            json!({
                "STACK_NAME": "a-stack",
                "STOP_MODE": mode,
                "FORCE_STOP_TOPIC_ARN": "<ForceStopTopic>",
                "HOLDS": "off",
                "GUARDS_TABLE": "<GuardsTable>",
                "EMAIL_TOPIC_ARN": "<EmailTopic>",
                "SMS_TOPIC_ARN": "<SmsTopic>",
            })
        );
        assert_eq!(deployment.outputs["StopMode"]["Value"], mode);
    }
}

#[test]
fn the_keeper_is_called_every_minute_one_at_a_time() {
    for (_, _, deployment) in deployments() {
        let schedule = deployment.properties("GuardKeeperSchedule");
        assert_eq!(schedule["ScheduleExpression"], "rate(1 minute)");
        assert_eq!(schedule["State"], "ENABLED");
        let targets = json!([{
            "Id": "guard-keeper",
            "Arn": "<GuardKeeperFunction.Arn>",
            "RetryPolicy": { "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 },
        }]);
        assert_eq!(schedule["Targets"], targets);
        let keeper = deployment.properties("GuardKeeperFunction");
        assert_eq!(keeper["ReservedConcurrentExecutions"], 1);
        let invoke = json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60 });
        assert_eq!(keeper["EventInvokeConfig"], invoke);
    }
    let small = template().deploy(&[("KeeperConcurrency", "shared")]);
    let keeper = small.properties("GuardKeeperFunction");
    assert_eq!(keeper["ReservedConcurrentExecutions"], Value::Null);
}

/// The parameters reach the function under the names that it reads, with values that it takes.
#[test]
fn the_keeper_understands_its_settings() {
    use guard_keeper::settings::Settings;

    let template = template();
    let settings = |chosen: &[(&str, &str)]| {
        let deployment = template.deploy(chosen);
        let variables =
            &deployment.properties("GuardKeeperFunction")["Environment"]["Variables"].clone();
        Settings::from_environment(|name| {
            let value = variables[name].as_str()?;
            // A topic's ARN is its reference.
            let arn =
                format!("arn:aws:sns:eu-west-1:123456789012:{}", value.trim_matches(['<', '>']));
            Some(if name.ends_with("_ARN") { arn } else { value.to_owned() })
        })
        .unwrap_or_else(|error| panic!("{error}"))
    };
    let usual = settings(&[]);
    let recommended = guard_keeper::settings::Settings {
        default_guard: tripline_guard::desired::DefaultGuard::new(
            ["@email", "@force-stop"]
                .map(|topic| tripline::alarm::Topic::parse(topic).unwrap())
                .into(),
            |_| None,
        )
        .unwrap(),
        ..usual.clone()
    };
    assert_eq!(usual, recommended, "the template's defaults are the recommended guard");
    assert_eq!((usual.stack.as_str(), usual.table.as_str()), ("a-stack", "<GuardsTable>"));
    assert_eq!((usual.grace, usual.counted_within, usual.keep_job_events), (3_600, 600, true));
    // Shorter ones are for tests, and no template has them.
    assert_eq!(usual.minute, std::time::Duration::from_secs(60));
    assert!(!workspace::packaged_template().unwrap().contains("EVIDENCE_MINUTE_SECONDS"));
    let sms = settings(&[("AlarmSMSEndpoint", "+12065550100")]);
    assert_eq!(sms.default_guard.alarms(Rate::QUOTA)[0].topics().len(), 3);
    for key in KEYS.into_iter().filter(|key| *key != "DownloadTimeEvaluationPeriod") {
        let other = match key {
            "EvidenceAction" => "stop",
            "EvidenceUnfinishedLimits" => "30:5 60:1",
            "EvidenceFalseStops" => "0.5",
            _ => "1",
        };
        let changed = settings(&[(key, other)]);
        assert_ne!(changed.default_guard, usual.default_guard, "{key}");
    }
    assert!(!settings(&[("KeepJobEvents", "off")]).keep_job_events);
}

#[test]
fn what_jobs_were_armed_with_is_kept_and_can_be_restored() {
    for (_, key, deployment) in deployments() {
        let table = deployment.properties("GuardsTable");
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["KeySchema"], json!([{ "AttributeName": "jobId", "KeyType": "HASH" }]));
        let point_in_time = json!({ "PointInTimeRecoveryEnabled": true });
        assert_eq!(table["PointInTimeRecoverySpecification"], point_in_time);
        let under =
            json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": "<StackKey.Arn>" });
        assert_eq!(table["SSESpecification"], if key { under } else { Value::Null });
    }
}

#[test]
fn outputs_are_the_ones_the_command_reads() {
    let always = BTreeMap::from([
        ("DashboardName", "<Dashboard>"),
        ("EmailTopicArn", "<EmailTopic>"),
        ("ForceStopTopicArn", "<ForceStopTopic>"),
        ("ForceStopperFunctionArn", "<ForceStopperFunction.Arn>"),
        ("ForceStopperLogGroup", "<ForceStopperLogs>"),
        ("ForceStopperRoleArn", "<ForceStopperRole.Arn>"),
        ("GuardKeeperFunctionArn", "<GuardKeeperFunction.Arn>"),
        ("GuardKeeperLogGroup", "<GuardKeeperLogs>"),
        ("GuardKeeperRoleArn", "<GuardKeeperRole.Arn>"),
        ("GuardKeeperScheduleArn", "<GuardKeeperSchedule.Arn>"),
        ("GuardsTableName", "<GuardsTable>"),
        ("JobExecutionRuleArn", "<JobExecutionRule.Arn>"),
        ("MetricNamespace", NAMESPACE),
        ("MetricsGeneratorFunctionArn", "<MetricsGeneratorFunction.Arn>"),
        ("MetricsGeneratorLogGroup", "<MetricsGeneratorLogs>"),
        ("MetricsGeneratorRoleArn", "<MetricsGeneratorRole.Arn>"),
        ("QueueTableArn", "<QueueTable.Arn>"),
        ("QueueTableName", "<QueueTable>"),
        ("SmsTopicArn", "<SmsTopic>"),
        ("StopMode", "cancel"),
        ("UndeliveredQueueArn", "<UndeliveredQueue.Arn>"),
        ("UndeliveredQueueUrl", "<UndeliveredQueue>"),
    ]);
    for (batched, key, deployment) in deployments() {
        let mut expected = always.clone();
        expected.insert("Ingest", if batched { "batched" } else { "direct" });
        expected.insert(
            "DashboardUrl",
            "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/<Dashboard>",
        );
        if batched {
            expected.insert("IngestQueueArn", "<IngestQueue.Arn>");
        }
        if key {
            expected.insert("StackKeyArn", "<StackKey.Arn>");
        }
        if has_releases(&deployment) {
            expected.extend([
                ("ReleaseMachineArn", "<ReleaseMachine>"),
                ("WaveRunnerFunctionArn", "<WaveRunnerFunction.Arn>"),
                ("WaveRunnerLogGroup", "<WaveRunnerLogs>"),
                ("WaveRunnerRoleArn", "<WaveRunnerRole.Arn>"),
                ("WaveRunnerScheduleArn", "<WaveRunnerSchedule.Arn>"),
            ]);
        }
        let found: BTreeMap<&str, &str> = deployment
            .outputs
            .iter()
            .inspect(|(name, output)| assert!(output["Description"].is_string(), "{name}"))
            .map(|(name, output)| (name.as_str(), output["Value"].as_str().expect("text")))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_rule_takes_every_outcome_and_keeps_what_it_cannot_deliver() {
    for (batched, _, deployment) in deployments() {
        let queue = |id: &str| {
            json!({ "Sqs": {
                "QueueUrl": format!("<{id}>"),
                "RoleArn": "<JobExecutionRuleRole.Arn>",
                "UseBase64": false,
            } })
        };
        let direct = json!({ "Lambda": { "FunctionArn": "<MetricsGeneratorFunction.Arn>" } });
        let rule = &deployment.properties("JobExecutionRule")["TopicRulePayload"];
        assert_eq!(
            rule["Sql"],
            "SELECT * FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted'"
        );
        assert_eq!(rule["AwsIotSqlVersion"], "2016-03-23");
        assert_eq!(rule["RuleDisabled"], false);
        assert_eq!(rule["Actions"], json!([if batched { queue("IngestQueue") } else { direct }]));
        assert_eq!(rule["ErrorAction"], queue("UndeliveredQueue"));
    }
}

#[test]
fn what_no_function_could_handle_ends_in_the_undelivered_queue() {
    for (batched, _, deployment) in deployments() {
        for id in ASKED {
            let invoke = &deployment.properties(&format!("{id}Function"))["EventInvokeConfig"];
            let to = json!({ "Type": "SQS", "Destination": "<UndeliveredQueue.Arn>" });
            assert_eq!(invoke["DestinationConfig"]["OnFailure"], to, "{id}");
            assert_eq!(invoke["MaximumRetryAttempts"], 2, "{id}");
            assert!((60..=10_800).contains(&number(&invoke["MaximumEventAgeInSeconds"])), "{id}");
        }
        let dead_letters = json!({ "deadLetterTargetArn": "<UndeliveredQueue.Arn>" });
        assert_eq!(deployment.properties("ForceStopSubscription")["RedrivePolicy"], dead_letters);
        let undelivered = deployment.properties("UndeliveredQueue");
        assert_eq!(undelivered["MessageRetentionPeriod"], 1_209_600, "as long as SQS can");
        assert_eq!(
            deployment.resources["UndeliveredQueue"]["DeletionPolicy"],
            "RetainExceptOnCreate"
        );
        assert_eq!(deployment.resources["UndeliveredQueue"]["UpdateReplacePolicy"], "Retain");
        assert_eq!(deployment.resources.contains_key("IngestQueue"), batched);
        if batched {
            let ingest = deployment.properties("IngestQueue");
            assert_eq!(ingest["RedrivePolicy"]["deadLetterTargetArn"], "<UndeliveredQueue.Arn>");
            assert_eq!(ingest["RedrivePolicy"]["maxReceiveCount"], 5);
            // A moved message keeps its first date, and must not be gone on arrival.
            assert!(number(&ingest["MessageRetentionPeriod"]) <= 1_209_600 / 2);
        }
    }
}

#[test]
fn the_generator_knows_whose_doubts_it_reports() {
    for (_, _, deployment) in deployments() {
        let environment = &deployment.properties("MetricsGeneratorFunction")["Environment"];
        assert_eq!(environment["Variables"], json!({ "STACK_NAME": "a-stack" }));
        let shown = deployment.properties("Dashboard")["DashboardBody"].to_string();
        assert!(
            shown.contains(stack::MAYBE_COUNTED_TWICE),
            "{} is not on the dashboard",
            stack::MAYBE_COUNTED_TWICE
        );
    }
}

#[test]
fn functions_end_within_their_limit() {
    const DATUMS_AN_EVENT: u64 = 3; // two details and the outcome
    const DATUMS_A_CALL: u64 = 1_000;
    let request = cloudwatch::REQUEST_TIMEOUT.as_secs();
    let doubts = cloudwatch::DOUBTS_TIMEOUT.as_secs();
    for (batched, _, deployment) in deployments() {
        let timeout = |id: &str| number(&deployment.properties(id)["Timeout"]);
        let stop = timeout("ForceStopperFunction");
        assert!(stop > force_stopper::LONGEST.as_secs(), "a stop could be cut off");
        assert!(stop <= 410);
        let keeper = timeout("GuardKeeperFunction");
        assert_eq!(keeper, guard_keeper::clock::LIMIT.as_secs());
        assert!(keeper < 60, "the next minute would meet this one");
        let metrics = timeout("MetricsGeneratorFunction");
        assert!(metrics <= 60, "a stuck function holds its events back for as long");
        if !batched {
            assert!(metrics > request + doubts, "a request could be cut off, and nobody say so");
            continue;
        }
        let mapping = deployment.properties("IngestQueueMapping");
        assert_eq!(mapping["EventSourceArn"], "<IngestQueue.Arn>");
        assert_eq!(mapping["FunctionName"], "<MetricsGeneratorFunction.Arn>");
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        let window = number(&mapping["MaximumBatchingWindowInSeconds"]);
        assert_eq!(window, 10);
        let calls = (number(&mapping["BatchSize"]) * DATUMS_AN_EVENT).div_ceil(DATUMS_A_CALL);
        assert_eq!(calls, u64::from(cloudwatch::MAX_REQUESTS));
        assert!(metrics > calls * request + doubts, "{calls} calls in {metrics} s");
        let visibility = number(&deployment.properties("IngestQueue")["VisibilityTimeout"]);
        assert!(visibility >= 6 * metrics + window, "{visibility} s: a batch at work comes back");
    }
}

#[test]
fn functions_are_the_packages_of_this_workspace() {
    for (_, _, deployment) in deployments() {
        let count = functions_of(&deployment).count();
        assert_eq!(deployment.of_type("AWS::Serverless::Function").count(), count);
        assert_eq!(deployment.of_type("AWS::Lambda::Function").count(), 0);
        let globals = &deployment.globals["Function"];
        assert_eq!(globals["Runtime"], "provided.al2023");
        assert_eq!(globals["Handler"], "bootstrap");
        assert_eq!(globals["Architectures"], json!(["arm64"]));
        for (id, package) in functions_of(&deployment) {
            let function = deployment.properties(&format!("{id}Function"));
            // Deployments to a local AWS replace this very line of the packaged template.
            let code = format!("CodeUri: ../target/lambda/{package}/");
            assert_eq!(TEXT.lines().filter(|line| line.trim() == code).count(), 1, "{code}");
            assert_eq!(function["CodeUri"], format!("../target/lambda/{package}/"));
            let manifest =
                format!("{}/../functions/{package}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&manifest).is_file(), "{manifest}");
            for of_globals in ["Runtime", "Handler", "Architectures", "MemorySize"] {
                assert!(
                    function.get(of_globals).is_none(),
                    "{id}: {of_globals} is the same for all"
                );
            }
            assert_eq!(
                function["LoggingConfig"],
                json!({ "LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": format!("<{id}Logs>") })
            );
            let logs = deployment.properties(&format!("{id}Logs"));
            assert_eq!(logs["RetentionInDays"], "365", "the parameter's default");
        }
    }
    let x86 = template().deploy(&[("Architecture", "x86_64")]);
    assert_eq!(x86.globals["Function"]["Architectures"], json!(["x86_64"]));
}

#[test]
fn people_are_subscribed_when_the_parameters_name_them() {
    let nobody = template().deploy(&[]);
    let subscribed: Vec<&str> =
        nobody.of_type("AWS::SNS::Subscription").map(|(id, _)| id).collect();
    assert_eq!(subscribed, ["ForceStopSubscription"]);
    for (_, _, deployment) in deployments() {
        let subscriptions: BTreeSet<[&str; 3]> = deployment
            .of_type("AWS::SNS::Subscription")
            .map(|(_, is)| {
                ["TopicArn", "Protocol", "Endpoint"].map(|key| is[key].as_str().expect("text"))
            })
            .collect();
        let expected = BTreeSet::from([
            ["<EmailTopic>", "email", "ops@example.com"],
            ["<ForceStopTopic>", "lambda", "<ForceStopperFunction.Arn>"],
            ["<SmsTopic>", "sms", "+12065550100"],
        ]);
        assert_eq!(subscriptions, expected);
    }
}

#[test]
fn the_guard_watches_itself_and_every_alarm_reaches_people() {
    let function = |id| ("FunctionName", format!("<{id}Function>"));
    let queue = |id| ("QueueName", format!("<{id}Queue.QueueName>"));
    let topic = ("TopicName", "<ForceStopTopic.TopicName>".to_owned());
    for (batched, _, deployment) in deployments() {
        let mut expected = BTreeMap::from([
            (("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue("Undelivered")), 1),
            (("AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", topic.clone()), 1),
        ]);
        for (id, _) in functions_of(&deployment) {
            expected.insert(("AWS/Lambda", "Errors", function(id)), 1);
            // A wave-runner that is kept from running is silent, and its alarm on errors fires.
            if id != "WaveRunner" {
                expected.insert(("AWS/Lambda", "Throttles", function(id)), 1);
            }
        }
        for id in ASKED {
            expected.insert(("AWS/Lambda", "DestinationDeliveryFailures", function(id)), 1);
        }
        // `optedOutJobs` has none: somebody wanted it so.
        for metric in
            ["refusedAlarms", "unguardedJobs", "uncountedCount", "overcountedCount", "overdueJobs"]
        {
            let stack = (STACK_DIMENSION, "a-stack".to_owned());
            expected.insert((STACK_NAMESPACE, metric, stack), 1);
        }
        if batched {
            expected.insert(("AWS/SQS", "ApproximateAgeOfOldestMessage", queue("Ingest")), 300);
        }
        let found: BTreeMap<_, _> = deployment
            .of_type("AWS::CloudWatch::Alarm")
            .map(|(id, alarm)| {
                let text =
                    |value: &'_ Value| value.as_str().unwrap_or_else(|| panic!("{id}")).to_owned();
                assert_eq!(alarm["AlarmActions"], json!(["<EmailTopic>"]), "{id} alerts nobody");
                assert_eq!(alarm["ActionsEnabled"], Value::Null, "{id}: enabled by default");
                // A quiet guard reports nothing, and a quiet guard is well. Only the keeper and the
                // wave-runner speak each minute, and if they do not, nobody looks after the rollouts.
                let lives = ["UnguardedJobsAlarm", "WaveRunnerErrorsAlarm"].contains(&id);
                let silence = if lives { "breaching" } else { "notBreaching" };
                assert_eq!(alarm["TreatMissingData"], silence, "{id}");
                assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold", "{id}");
                assert!(
                    number(&alarm["Period"]) * number(&alarm["EvaluationPeriods"])
                        <= if lives { 300 } else { 180 },
                    "{id}"
                );
                assert!(text(&alarm["AlarmDescription"]).starts_with("Tripline: "), "{id}");
                let counts = text(&alarm["Statistic"]);
                assert_eq!(
                    counts,
                    match text(&alarm["Namespace"]).as_str() {
                        "AWS/SQS" | STACK_NAMESPACE => "Maximum",
                        _ => "Sum",
                    }
                );
                let [dimension] = alarm["Dimensions"].as_array().expect("dimensions").as_slice()
                else {
                    panic!("{id}: one dimension");
                };
                let of = (text(&dimension["Name"]), text(&dimension["Value"]));
                (
                    (text(&alarm["Namespace"]), text(&alarm["MetricName"]), of),
                    number(&alarm["Threshold"]),
                )
            })
            .collect();
        let expected: BTreeMap<_, _> = expected
            .into_iter()
            .map(|((space, metric, (name, value)), threshold)| {
                ((space.to_owned(), metric.to_owned(), (name.to_owned(), value)), threshold)
            })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_queue_is_there_when_it_is_switched_on_and_stays() {
    let off = template().deploy(&[]);
    assert!(!off.resources.contains_key("QueueTable"));
    assert!(off.outputs.keys().all(|name| !name.starts_with("Queue")));
    for (_, key, deployment) in deployments() {
        let table = deployment.properties("QueueTable");
        assert_eq!(
            table["KeySchema"],
            json!([
                { "AttributeName": "queue", "KeyType": "HASH" },
                { "AttributeName": "entry", "KeyType": "RANGE" },
            ])
        );
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
        let encrypted = json!({
            "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": "<StackKey.Arn>",
        });
        let expected = if key { encrypted } else { Value::Null };
        assert_eq!(table["SSESpecification"], expected);
        assert_eq!(table["DeletionProtectionEnabled"], true);
        // `RetainExceptOnCreate` would have CloudFormation try to delete what is protected.
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(deployment.resources["QueueTable"][policy], "Retain");
        }
    }
}

#[test]
fn two_stacks_fit_one_account() {
    const NAMES: [&str; 11] = [
        "AlarmName",
        "Alias",
        "DashboardName",
        "FunctionName",
        "LogGroupName",
        "Name",
        "QueueName",
        "RoleName",
        "RuleName",
        "TableName",
        "TopicName",
    ];
    for (_, _, deployment) in deployments() {
        for (id, resource) in &deployment.resources {
            for name in NAMES {
                let Some(value) = resource["Properties"].get(name) else {
                    continue;
                };
                let value = value.as_str().expect("a name");
                assert!(
                    value.contains("a-stack") || value.starts_with('<'),
                    "{id}: {name} {value}"
                );
            }
        }
        let dashboard = deployment.properties("Dashboard")["DashboardName"].as_str().unwrap();
        assert!(dashboard.contains("eu-west-1"), "dashboards of all Regions share their names");
    }
}

#[test]
fn every_suppressed_finding_has_a_reason() {
    let template = template();
    for (id, resource) in template.section("Resources") {
        let Some(checkov) = resource.pointer("/Metadata/checkov") else {
            continue;
        };
        for skip in checkov["skip"].as_array().expect("a list") {
            assert!(
                skip["id"].as_str().is_some_and(|check| check.starts_with("CKV_")),
                "{id}: {skip}"
            );
            let reason = skip["comment"].as_str().unwrap_or_default();
            assert!(reason.split_whitespace().count() >= 8, "{id}: {skip} says too little");
        }
    }
}
