//! Facts of a stack and a job in which everything is as it should be.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic,
};
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{
    Job, JobExecutionsRolloutConfig, JobProcessDetails, JobStatus, TimeoutConfig,
};
use tripline::detail::Detail;
use tripline::evidence::{CoverageFacts, Needs, Record};
use tripline::job::JobId;
use tripline_config::parse_evidence;
use tripline_guard::desired::{DefaultGuard, KeptConfig, Known, Rules};
use tripline_policy::Policy;

pub use crate::alarms::fake::shown;
use crate::aws::arming::plan::Plan;
use crate::doctor::facts::{
    Action, Counted, Facts, Function, FunctionConfiguration, Health, Ingest, JobFacts, Key,
    Mapping, NoAnswer, Queue, Resource, Role, Rule, Sms, StackFacts, Subscription, Topic, Topics,
};

pub const GENERATOR: &str = "arn:aws:lambda:us-east-1:111122223333:function:generator";
pub const STOPPER: &str = "arn:aws:lambda:us-east-1:111122223333:function:stopper";
pub const KEEPER: &str = "arn:aws:lambda:us-east-1:111122223333:function:keeper";
pub const SCHEDULE: &str = "arn:aws:events:us-east-1:111122223333:rule/keeper";
pub const RUNNER: &str = "arn:aws:lambda:us-east-1:111122223333:function:waves";
pub const WAVES: &str = "arn:aws:events:us-east-1:111122223333:rule/waves";
pub const UNDELIVERED: &str = "arn:aws:sqs:us-east-1:111122223333:undelivered";
pub const INGEST: &str = "arn:aws:sqs:us-east-1:111122223333:ingest";
pub const RULE: &str = "arn:aws:iot:us-east-1:111122223333:rule/rule";
pub const STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";
pub const EMAIL: &str = "arn:aws:sns:us-east-1:111122223333:email";
pub const SMS: &str = "arn:aws:sns:us-east-1:111122223333:sms";
pub const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1";

/// Everything there can be, and all of it right.
pub fn sound() -> Facts {
    let mut facts = Facts::not_asked("us-east-1", stack(), Some(3));
    facts.resources = Ok(vec![
        resource("UndeliveredAlarm", "AWS::CloudWatch::Alarm", "tripline-UndeliveredAlarm-1"),
        resource("EmailTopic", "AWS::SNS::Topic", EMAIL),
        resource("JobExecutionRuleRole", "AWS::IAM::Role", "rule"),
    ]);
    facts.own_alarms = Ok(vec![
        MetricAlarm::builder()
            .alarm_name("tripline-UndeliveredAlarm-1")
            .alarm_description("Tripline: it's undelivered")
            .namespace("AWS/SQS")
            .metric_name("ApproximateNumberOfMessagesVisible")
            .dimensions(Dimension::builder().name("QueueName").value("undelivered").build())
            .statistic(Statistic::Maximum)
            .period(60)
            .evaluation_periods(1)
            .threshold(1.0)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .treat_missing_data("notBreaching")
            .actions_enabled(true)
            .alarm_actions(EMAIL)
            .state_value(StateValue::Ok)
            .build(),
    ]);
    facts.events = Ok(true);
    facts.rule = Ok(Some(rule()));
    facts.rule_role = Ok(Some(role("rule", "iot.amazonaws.com")));
    facts.generator = function("generator", invoked_by("iot.amazonaws.com", GENERATOR, RULE));
    facts.generator_role = Ok(Some(role("generator", "lambda.amazonaws.com")));
    facts.stopper = function("stopper", invoked_by("sns.amazonaws.com", STOPPER, STOP));
    facts.stopper_role = Ok(Some(role("stopper", "lambda.amazonaws.com")));
    facts.keeper = keeper();
    facts.keeper_role = Ok(Some(role("keeper", "lambda.amazonaws.com")));
    facts.runner = runner();
    facts.runner_role =
        Ok(Some(Role { policy: policy(CREATES_WAVES), ..role("waves", "lambda.amazonaws.com") }));
    let mapping = Mapping {
        id: "1".to_owned(),
        function: GENERATOR.to_owned(),
        state: "Enabled".to_owned(),
        reports_failures: true,
    };
    facts.ingest = Ok(Ingest::Batched { queue: Some(queue(INGEST)), mappings: vec![mapping] });
    facts.undelivered = Ok(Some(queue(UNDELIVERED)));
    facts.topics = Topics {
        email: Ok(Some(topic(EMAIL, "email", "ops@example.com"))),
        sms: Ok(Some(topic(SMS, "sms", "+12065550100"))),
        stop: Ok(Some(topic(STOP, "lambda", STOPPER))),
        filters: Ok(BTreeMap::new()),
    };
    let redrive = format!(r#"{{"deadLetterTargetArn":"{UNDELIVERED}"}}"#);
    facts.stop_subscription = Ok(Some(map(&[
        ("SubscriptionArn", "arn:aws:sns:us-east-1:111122223333:force-stop:1"),
        ("RedrivePolicy", &redrive),
    ])));
    facts.sms = Sms { in_sandbox: Ok(false), monthly_limit: Ok(Some(50.0)) };
    facts.key =
        Ok(Key { arn: KEY.to_owned(), state: "Enabled".to_owned(), policy: anybody("kms:*") });
    facts.health = Ok(Health { unguarded: Some(0.0), runner_minutes: 9, ..Health::default() });
    facts.job = Some(JobFacts {
        id: JobId::new("fw").unwrap(),
        file: None,
        devices: Some(50_000),
        job: Ok(Some(job())),
        tags: Ok(Vec::new()),
        kept_config: Ok(Some(KEPT.into())),
        evidence: Ok(Some(record())),
        asked_at: ASKED,
        first_seen: Ok(None),
        foreign: Ok(Vec::new()),
        muted: Ok(BTreeMap::new()),
        counted: Ok(Counted {
            ended: 99,
            succeeded: 89,
            invalid: 0,
            samples: Detail::ALL.map(|detail| (detail, 80)).into(),
        }),
        misspelled: Err(NoAnswer::NotAsked),
        alarms: Ok([vec![alarm()], evidence_alarms()].concat()),
        plan: Some(Ok(Plan {
            alarms: Vec::new(),
            strays: Vec::new(),
            spared: Vec::new(),
            others: Vec::new(),
            taken: Vec::new(),
        })),
    });
    facts
}

/// Everything, but for jobs that are no waves of this stack.
const CREATES_WAVES: &str = r#"
    {"Effect":"Allow","NotAction":"iot:CreateJob","Resource":"*"},
    {"Effect":"Allow","Action":"iot:CreateJob","Resource":"arn:aws:iot:us-east-1:111122223333:job/wave-*",
     "Condition":{"StringEquals":{"aws:RequestTag/tripline:stack":"tripline"}}},
    {"Effect":"Allow","Action":"iot:CreateJob","Resource":
     ["arn:aws:iot:us-east-1:111122223333:thing/*","arn:aws:iot:us-east-1:111122223333:thinggroup/*"]}"#;

/// What the job was armed with.
pub const KEPT: &str = "\
[ALARM_CONFIG]
alarmList = Slow
[ALARM_CONFIG_Slow]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p90
period = 60
threshold = 600
alarmType = upper
evaluationPeriods = 3
datapointsToAlarm = 2
snsTopics = @email, @force-stop
[EVIDENCE_CONFIG]
useEvidence = True
unfinishedLimits = 60:3, 75:2
snsTopics = @email
";

/// When the job was created, and when it is asked about.
pub const CREATED: i64 = 1_790_000_000;
pub const ASKED: i64 = CREATED + 3_600;

/// What the guard-keeper keeps of the job's evidence.
pub fn record() -> Record {
    Record {
        created: CREATED,
        at: ASKED - 40,
        origin: (CREATED + 60) * 1_000,
        threshold: 2.0,
        brief: "evidence 0.0 of 2".to_owned(),
        coverage: CoverageFacts {
            devices: Some(50_000),
            needs: Some(Needs::LEAST),
            least_devices: 2,
            succeeded: 90,
            download_times: 90,
            ..CoverageFacts::default()
        },
        ..Record::default()
    }
}

/// The job's alarms on evidence and on its absence, which alert people.
fn evidence_alarms() -> Vec<MetricAlarm> {
    let config = parse_evidence("dev.ini", KEPT).unwrap().unwrap();
    let kept =
        KeptConfig::Alarms { alarms: &[], evidence: Some(&config), alert_only: true, fills: false };
    let (tagged, is_greengrass, rate, has_evidence) = (None, false, 100, true);
    let known = Known { kept, tagged, is_greengrass, rate, has_evidence, shape: None };
    let default_guard = &DefaultGuard::new(Vec::new(), |_| None).unwrap();
    let rules = Rules { default_guard, policy: Default::default(), force_stop_topic: STOP };
    let job = JobId::new("fw").unwrap();
    let alarms = tripline_guard::coverage::desired(known, rules).alarms;
    alarms.iter().map(|alarm| shown(alarm, &job, &[EMAIL.to_owned()])).collect()
}

fn stack() -> StackFacts {
    let outputs = map(&[
        ("EmailTopicArn", EMAIL),
        ("SmsTopicArn", SMS),
        ("ForceStopTopicArn", STOP),
        ("UndeliveredQueueUrl", "https://sqs.us-east-1.amazonaws.com/111122223333/undelivered"),
        ("UndeliveredQueueArn", UNDELIVERED),
        ("IngestQueueArn", INGEST),
        ("MetricsGeneratorFunctionArn", GENERATOR),
        ("MetricsGeneratorRoleArn", "arn:aws:iam::111122223333:role/generator"),
        ("ForceStopperFunctionArn", STOPPER),
        ("ForceStopperRoleArn", "arn:aws:iam::111122223333:role/stopper"),
        ("GuardKeeperFunctionArn", KEEPER),
        ("GuardKeeperRoleArn", "arn:aws:iam::111122223333:role/keeper"),
        ("GuardKeeperScheduleArn", SCHEDULE),
        ("GuardsTableName", "guards"),
        ("QueueTableName", "releases"),
        ("QueueTableArn", "arn:aws:dynamodb:us-east-1:111122223333:table/releases"),
        (
            "ReleaseMachineArn",
            "arn:aws:states:us-east-1:111122223333:stateMachine:tripline-releases",
        ),
        ("WaveRunnerFunctionArn", RUNNER),
        ("WaveRunnerRoleArn", "arn:aws:iam::111122223333:role/waves"),
        ("WaveRunnerScheduleArn", WAVES),
        ("JobExecutionRuleArn", RULE),
        ("StackKeyArn", KEY),
        ("StopMode", "cancel"),
        ("Ingest", "batched"),
        ("MetricNamespace", "IoT:OTA:JobExecution"),
    ]);
    let [name, status] = ["tripline", "UPDATE_COMPLETE"].map(str::to_owned);
    StackFacts { name, status, age: Some(86_400), outputs }
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn resource(logical: &str, kind: &str, physical: &str) -> Resource {
    let [logical, kind, physical] = [logical, kind, physical].map(str::to_owned);
    Resource { logical, kind, physical, status: "CREATE_COMPLETE".to_owned() }
}

fn rule() -> Rule {
    let sqs = |name: &str| Action::Sqs {
        url: format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
        role: "arn:aws:iam::111122223333:role/rule".to_owned(),
    };
    Rule {
        sql: "SELECT *\n  FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted'"
            .to_owned(),
        sql_version: "2016-03-23".to_owned(),
        disabled: false,
        actions: vec![sqs("ingest")],
        error_action: Some(sqs("undelivered")),
    }
}

fn function(role: &str, policy: Policy) -> Function {
    Function {
        runs: Ok(Some(FunctionConfiguration {
            state: "Active".to_owned(),
            last_update: "Successful".to_owned(),
            role: format!("arn:aws:iam::111122223333:role/{role}"),
            timeout: 410,
            environment: map(&[
                ("STOP_MODE", "cancel"),
                ("EMAIL_TOPIC_ARN", EMAIL),
                ("SMS_TOPIC_ARN", SMS),
                ("HOLDS", "on"),
            ]),
            ..FunctionConfiguration::default()
        })),
        policy: Ok(Some(policy)),
        on_failure: Ok(Some(UNDELIVERED.to_owned())),
    }
}

fn keeper() -> Function {
    let mut keeper = function("keeper", invoked_by("events.amazonaws.com", KEEPER, SCHEDULE));
    let runs = keeper.runs.as_mut().unwrap().as_mut().unwrap();
    runs.reserved = Some(1);
    runs.environment = map(&[
        ("STACK_NAME", "tripline"),
        ("GUARDS_TABLE", "guards"),
        ("EMAIL_TOPIC_ARN", EMAIL),
        ("SMS_TOPIC_ARN", SMS),
        ("FORCE_STOP_TOPIC_ARN", STOP),
        ("DEFAULT_GUARD_TOPICS", "@email, @force-stop"),
        ("KEEP_JOB_EVENTS", "on"),
    ]);
    keeper
}

fn runner() -> Function {
    let mut runner = function("waves", invoked_by("events.amazonaws.com", RUNNER, WAVES));
    let runs = runner.runs.as_mut().unwrap().as_mut().unwrap();
    runs.environment = map(&[
        ("STACK_NAME", "tripline"),
        ("GUARDS_TABLE", "guards"),
        ("QUEUE_TABLE", "releases"),
        ("EMAIL_TOPIC_ARN", EMAIL),
        ("SMS_TOPIC_ARN", SMS),
        ("FORCE_STOP_TOPIC_ARN", STOP),
        ("STOP_MODE", "cancel"),
    ]);
    runner
}

pub fn invoked_by(service: &str, function: &str, source: &str) -> Policy {
    policy(&format!(
        r#"{{"Sid":"s","Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"lambda:InvokeFunction",
           "Resource":"{function}","Condition":{{"ArnLike":{{"AWS:SourceArn":"{source}"}}}}}}"#
    ))
}

pub fn policy(statement: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)).unwrap()
}

/// A resource's policy by which every principal may do this.
pub fn anybody(action: &str) -> Policy {
    policy(&format!(r#"{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"*"}}"#))
}

fn role(name: &str, service: &str) -> Role {
    Role {
        name: name.to_owned(),
        trust: policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}"#
        )),
        policy: policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
        boundary: None,
    }
}

fn queue(arn: &str) -> Queue {
    let name = arn.rsplit(':').next().unwrap();
    Queue {
        arn: arn.to_owned(),
        url: format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
        messages: 0,
        policy: anybody("sqs:SendMessage"),
        dead_letters: Some(UNDELIVERED.to_owned()),
    }
}

fn topic(arn: &str, protocol: &str, endpoint: &str) -> Topic {
    Topic {
        arn: arn.to_owned(),
        policy: anybody("sns:Publish"),
        key: Some(KEY.to_owned()),
        subscriptions: vec![Subscription {
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            arn: Some(format!("{arn}:1")),
        }],
    }
}

pub fn job() -> Job {
    let details = JobProcessDetails::builder()
        .number_of_succeeded_things(90)
        .number_of_failed_things(10)
        .number_of_in_progress_things(5);
    let rate = JobExecutionsRolloutConfig::builder().maximum_per_minute(100).build();
    Job::builder()
        .status(JobStatus::InProgress)
        .created_at(DateTime::from_secs(CREATED))
        .job_executions_rollout_config(rate)
        .timeout_config(TimeoutConfig::builder().in_progress_timeout_in_minutes(75).build())
        .job_process_details(details.build())
        .build()
}

/// An alarm on failures that stops the job.
pub fn alarm() -> MetricAlarm {
    MetricAlarm::builder()
        .alarm_name("tripline-fw-Failures")
        .namespace("IoT:OTA:JobExecution")
        .metric_name("failedCount")
        .dimensions(Dimension::builder().name("jobId").value("fw").build())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(5)
        .datapoints_to_alarm(3)
        .threshold(50.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .actions_enabled(true)
        .alarm_actions(STOP)
        .state_value(StateValue::Ok)
        .build()
}
