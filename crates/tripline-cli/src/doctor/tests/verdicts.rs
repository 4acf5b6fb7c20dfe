//! Each check on sound facts, and on facts with its fault.

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricAlarm, MetricDataQuery, MetricStat, StandardUnit, StateValue,
};
use aws_sdk_iot::types::{
    ExponentialRolloutRate, JobExecutionsRolloutConfig, JobStatus, RateIncreaseCriteria,
};
use tripline::evidence::{CoverageFacts, Needs, Record};
use tripline_aws::{Failure, FailureKind};

use super::sound::*;
use crate::doctor::checks::checks;
use crate::doctor::facts::{Counted, Facts, Function, Ingest, NoAnswer, Role, Topic};
use crate::doctor::result::NotProven;

/// A fault: the check that finds it, and how it gets into the facts.
type Fault = (&'static str, fn(&mut Facts));

const FAULTS: &[Fault] = &[
    ("clock-synchronized", |facts| facts.clock_ahead = Some(-61)),
    ("stack-complete", |facts| facts.stack.status = "UPDATE_ROLLBACK_FAILED".to_owned()),
    ("stack-complete", |facts| {
        facts.resources.as_mut().unwrap()[1].status = "UPDATE_FAILED".to_owned();
    }),
    ("stack-complete", |facts| facts.stack.status = "REVIEW_IN_PROGRESS".to_owned()),
    ("stack-outputs-present", |facts| drop(facts.stack.outputs.remove("MetricNamespace"))),
    ("stack-outputs-present", |facts| drop(facts.stack.outputs.remove("IngestQueueArn"))),
    ("stack-outputs-present", |facts| drop(facts.stack.outputs.remove("GuardsTableName"))),
    ("health-alarms-ok", |facts| facts.own_alarms = Ok(Vec::new())),
    ("health-alarms-ok", |facts| own_alarm(facts).actions_enabled = Some(false)),
    ("health-alarms-ok", |facts| own_alarm(facts).alarm_actions = None),
    ("health-alarms-ok", |facts| own_alarm(facts).alarm_actions = Some(vec![format!("{EMAIL}-2")])),
    ("health-alarms-ok", |facts| own_alarm(facts).threshold = Some(1e9)),
    ("health-alarms-ok", |facts| own_alarm(facts).metric_name = Some("Other".to_owned())),
    ("health-alarms-ok", |facts| {
        let other = Dimension::builder().name("QueueName").value("other").build();
        own_alarm(facts).dimensions = Some(vec![other]);
    }),
    ("health-alarms-ok", |facts| own_alarm(facts).evaluation_periods = Some(100)),
    ("health-alarms-ok", |facts| own_alarm(facts).treat_missing_data = None),
    ("health-alarms-ok", |facts| own_alarm(facts).state_value = Some(StateValue::Alarm)),
    ("job-events-enabled", |facts| facts.events = Ok(false)),
    ("rule-enabled", |facts| rule(facts).disabled = true),
    ("rule-enabled", |facts| facts.rule = Ok(None)),
    ("rule-sql-matches", |facts| rule(facts).sql = "SELECT * FROM 'x'".to_owned()),
    ("rule-sql-matches", |facts| rule(facts).sql_version = "2015-10-08".to_owned()),
    ("rule-targets-generator", |facts| rule(facts).actions.clear()),
    ("rule-has-error-action", |facts| rule(facts).error_action = None),
    ("rule-can-invoke-generator", |facts| facts.generator.policy = Ok(None)),
    ("rule-can-invoke-generator", |facts| facts.generator.policy = Ok(Some(anybody("lambda:*")))),
    ("rule-can-send-to-queues", |facts| may_nothing(&mut facts.rule_role)),
    ("rule-can-send-to-queues", |facts| trusts_nobody(&mut facts.rule_role)),
    ("generator-active", |facts| facts.generator.runs = Ok(None)),
    ("generator-active", |facts| {
        runs(&mut facts.generator, |runs| runs.state = "Failed".to_owned())
    }),
    ("generator-active", |facts| {
        runs(&mut facts.generator, |runs| runs.last_update = "Failed".to_owned())
    }),
    ("generator-active", |facts| runs(&mut facts.generator, |runs| runs.reserved = Some(0))),
    // Enough without the queue.
    ("generator-active", |facts| runs(&mut facts.generator, |runs| runs.timeout = 30)),
    ("generator-error-free", |facts| health(facts).errors = [(GENERATOR.to_owned(), 1.0)].into()),
    ("generator-has-failure-destination", |facts| facts.generator.on_failure = Ok(None)),
    ("ingest-mapping-enabled", |facts| ingest(facts, |mappings, _| mappings.clear())),
    ("ingest-mapping-enabled", |facts| {
        ingest(facts, |mappings, _| mappings[0].state = "Disabled".to_owned())
    }),
    ("ingest-mapping-enabled", |facts| {
        ingest(facts, |mappings, _| mappings[0].reports_failures = false)
    }),
    ("ingest-mapping-enabled", |facts| {
        ingest(facts, |mappings, _| mappings[0].function = STOPPER.to_owned())
    }),
    ("ingest-queue-has-dlq", |facts| {
        ingest(facts, |_, queue| queue.as_mut().unwrap().dead_letters = None)
    }),
    ("undelivered-queue-empty", |facts| {
        facts.undelivered.as_mut().unwrap().as_mut().unwrap().messages = 1
    }),
    ("topics-accept-alarms", |facts| topic(&mut facts.topics.stop).policy = Default::default()),
    ("topics-accept-alarms", |facts| {
        topic(&mut facts.topics.email).policy = anybody("sns:Subscribe")
    }),
    ("topic-keys-usable", |facts| {
        topic(&mut facts.topics.sms).key = Some("alias/aws/sns".to_owned())
    }),
    ("stopper-subscribed", |facts| {
        topic(&mut facts.topics.stop).subscriptions[0].endpoint = GENERATOR.to_owned();
    }),
    ("stopper-subscribed", |facts| {
        let attributes = facts.stop_subscription.as_mut().unwrap().as_mut().unwrap();
        attributes.insert("FilterPolicy".to_owned(), r#"{"x":["y"]}"#.to_owned());
    }),
    ("topic-can-invoke-stopper", |facts| facts.stopper.policy = Ok(None)),
    // Another topic, beside the one.
    ("topic-can-invoke-stopper", |facts| {
        let mut both = facts.stopper.policy.as_ref().unwrap().clone().unwrap();
        both.add(invoked_by("sns.amazonaws.com", STOPPER, EMAIL));
        facts.stopper.policy = Ok(Some(both));
    }),
    ("stopper-subscription-has-dlq", |facts| {
        drop(facts.stop_subscription.as_mut().unwrap().as_mut().unwrap().remove("RedrivePolicy"));
    }),
    ("stopper-subscription-has-dlq", |facts| {
        facts.undelivered.as_mut().unwrap().as_mut().unwrap().policy = Default::default();
    }),
    ("stop-mode-enforced", |facts| {
        facts.stack.outputs.insert("StopMode".to_owned(), "observe".to_owned());
        runs(&mut facts.stopper, |runs| {
            drop(runs.environment.insert("STOP_MODE".to_owned(), "observe".to_owned()))
        });
        runner_variable(facts, "STOP_MODE", "observe");
    }),
    ("stop-mode-enforced", |facts| {
        runs(&mut facts.stopper, |runs| drop(runs.environment.remove("STOP_MODE")))
    }),
    ("stop-mode-enforced", |facts| {
        runs(&mut facts.stopper, |runs| drop(runs.environment.remove("SMS_TOPIC_ARN")))
    }),
    // It would stop what is to be held.
    ("stop-mode-enforced", |facts| {
        runs(&mut facts.stopper, |runs| drop(runs.environment.remove("HOLDS")))
    }),
    ("stopper-active", |facts| runs(&mut facts.stopper, |runs| runs.state = "Pending".to_owned())),
    ("stopper-active", |facts| runs(&mut facts.stopper, |runs| runs.timeout = 299)),
    ("stopper-error-free", |facts| health(facts).throttles = [(STOPPER.to_owned(), 1.0)].into()),
    ("stopper-has-failure-destination", |facts| {
        facts.stopper.on_failure = Ok(Some(INGEST.to_owned()))
    }),
    ("keeper-active", |facts| facts.keeper.runs = Ok(None)),
    ("keeper-active", |facts| runs(&mut facts.keeper, |runs| runs.reserved = Some(0))),
    ("keeper-active", |facts| runs(&mut facts.keeper, |runs| runs.timeout = 3)),
    ("schedule-can-invoke-keeper", |facts| facts.keeper.policy = Ok(None)),
    ("schedule-can-invoke-keeper", |facts| facts.keeper.policy = Ok(Some(anybody("lambda:*")))),
    // Another account, beside the schedule.
    ("schedule-can-invoke-keeper", |facts| {
        let mut both = facts.keeper.policy.as_ref().unwrap().clone().unwrap();
        both.add(policy(
            r#"{"Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"lambda:InvokeFunction","Resource":"*"}"#,
        ));
        facts.keeper.policy = Ok(Some(both));
    }),
    ("keeper-configured", |facts| keeper_variable(facts, "STACK_NAME", "other")),
    ("keeper-configured", |facts| keeper_variable(facts, "GUARDS_TABLE", "")),
    ("keeper-configured", |facts| keeper_variable(facts, "FORCE_STOP_TOPIC_ARN", EMAIL)),
    ("keeper-configured", |facts| keeper_variable(facts, "DEFAULT_GUARD_TOPICS", "@email")),
    // More periods than are looked at: the function ends at its start.
    ("keeper-configured", |facts| keeper_variable(facts, "DOWNLOAD_TIME_DATAPOINTS_TO_ALARM", "4")),
    ("keeper-error-free", |facts| health(facts).errors = [(KEEPER.to_owned(), 3.0)].into()),
    ("keeper-running", |facts| health(facts).unguarded = None),
    ("keeper-role-sufficient", |facts| may_nothing(&mut facts.keeper_role)),
    ("runner-active", |facts| facts.runner.runs = Ok(None)),
    ("runner-active", |facts| runs(&mut facts.runner, |runs| runs.reserved = Some(0))),
    ("runner-active", |facts| runs(&mut facts.runner, |runs| runs.timeout = 55)),
    ("schedule-can-invoke-runner", |facts| facts.runner.policy = Ok(None)),
    ("schedule-can-invoke-runner", |facts| facts.runner.policy = Ok(Some(anybody("lambda:*")))),
    // The guard-keeper's schedule is another one.
    ("schedule-can-invoke-runner", |facts| {
        facts.runner.policy = Ok(Some(invoked_by("events.amazonaws.com", RUNNER, SCHEDULE)));
    }),
    ("runner-error-free", |facts| health(facts).errors = [(RUNNER.to_owned(), 1.0)].into()),
    ("runner-running", |facts| health(facts).runner_minutes = 0),
    ("runner-configured", |facts| runner_variable(facts, "QUEUE_TABLE", "guards")),
    ("runner-configured", |facts| runner_variable(facts, "FORCE_STOP_TOPIC_ARN", EMAIL)),
    ("runner-configured", |facts| runner_variable(facts, "STOP_MODE", "observe")),
    ("runner-role-sufficient", |facts| may_nothing(&mut facts.runner_role)),
    ("runner-role-sufficient", |facts| trusts_nobody(&mut facts.runner_role)),
    ("runner-creates-only-waves", |facts| {
        let role = facts.runner_role.as_mut().unwrap().as_mut().unwrap();
        role.policy = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    }),
    // It holds no rollout.
    ("stopper-role-sufficient", |facts| {
        facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy =
            policy(r#"{"Effect":"Allow","NotAction":"iot:UpdateJob","Resource":"*"}"#);
    }),
    ("stack-outputs-present", |facts| drop(facts.stack.outputs.remove("ReleaseMachineArn"))),
    ("no-unguarded-jobs", |facts| health(facts).unguarded = Some(2.0)),
    ("email-confirmed", |facts| topic(&mut facts.topics.email).subscriptions[0].arn = None),
    ("email-has-recipient", |facts| {
        topic(&mut facts.topics.email).subscriptions.clear();
        topic(&mut facts.topics.sms).subscriptions.clear();
    }),
    // The health alarms go to the e-mail topic alone.
    ("email-has-recipient", |facts| topic(&mut facts.topics.email).subscriptions.clear()),
    ("email-has-recipient", |facts| {
        let drill = &mut topic(&mut facts.topics.email).subscriptions[0];
        drill.protocol = "sqs".to_owned();
        drill.endpoint =
            "arn:aws:sqs:us-east-1:111122223333:tripline-drill-abcdefghijkl".to_owned();
    }),
    ("email-has-recipient", |facts| {
        let filter = r#"{"severity":["never"]}"#.to_owned();
        facts.topics.filters = Ok([(format!("{EMAIL}:1"), filter)].into());
    }),
    // A page that has not confirmed, which the check of e-mail addresses does not look at.
    ("email-has-recipient", |facts| {
        let page = &mut topic(&mut facts.topics.email).subscriptions[0];
        (page.protocol, page.arn) = ("https".to_owned(), None);
    }),
    ("sms-out-of-sandbox", |facts| facts.sms.in_sandbox = Ok(true)),
    ("sms-spend-limit-raised", |facts| facts.sms.monthly_limit = Ok(None)),
    ("sms-spend-limit-raised", |facts| facts.sms.monthly_limit = Ok(Some(1.0))),
    ("generator-role-sufficient", |facts| facts.generator_role = Ok(None)),
    ("generator-role-sufficient", |facts| trusts_nobody(&mut facts.generator_role)),
    ("generator-role-sufficient", |facts| {
        // Another namespace than the function's.
        facts.generator_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","NotAction":"cloudwatch:PutMetricData","Resource":"*"},
               {"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",
                "Condition":{"StringEquals":{"cloudwatch:namespace":"Other"}}}"#,
        );
    }),
    ("stopper-role-sufficient", |facts| {
        facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","Action":"*","Resource":"*"},
               {"Effect":"Deny","Action":"iot:Cancel*","Resource":"*"}"#,
        );
    }),
    // One job's name, made up or not, is not every job's.
    ("stopper-role-sufficient", |facts| {
        facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","NotAction":"iot:*","Resource":"*"},
               {"Effect":"Allow","Action":"iot:*","Resource":
                ["arn:aws:iot:us-east-1:111122223333:job/any","arn:aws:iot:us-east-1:111122223333:job/fw"]}"#,
        );
    }),
    // Some jobs cannot be stopped.
    ("stopper-role-sufficient", |facts| {
        facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","Action":"*","Resource":"*"},
               {"Effect":"Deny","Action":"iot:*","Resource":"arn:aws:iot:*:*:job/prod-*"}"#,
        );
    }),
    ("stopper-role-sufficient", |facts| {
        facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = policy(
            r#"{"Effect":"Allow","Action":"*","Resource":"*"},
               {"Effect":"Deny","Action":"iot:CancelJob","Resource":"*",
                "Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}"#,
        );
    }),
    // What the stack's role may do is of no use to a function that runs under another one.
    ("stopper-role-sufficient", |facts| {
        runs(&mut facts.stopper, |runs| {
            runs.role = "arn:aws:iam::111122223333:role/other".to_owned()
        })
    }),
    ("topics-accept-alarms", |facts| {
        topic(&mut facts.topics.stop).policy = policy(
            r#"{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*"},
               {"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}"#,
        );
    }),
    ("key-usable", |facts| facts.key.as_mut().unwrap().state = "PendingDeletion".to_owned()),
    ("key-usable", |facts| facts.key.as_mut().unwrap().policy = anybody("kms:Decrypt")),
    ("job-in-progress", |facts| job_of(facts).status = Some(JobStatus::Completed)),
    ("job-has-timeout", |facts| job_of(facts).timeout_config = None),
    ("metrics-arriving", |facts| counted(facts).ended = 49),
    // Devices succeed, and none reports what the alarm watches.
    ("metrics-arriving", |facts| {
        of_unknown_size(facts, math("fw", "100", "p90"));
        counted(facts).samples.clear();
    }),
    ("metrics-arriving", |facts| {
        let retries = alarm_of(facts);
        retries.metric_name = Some("retryCount".to_owned());
        facts.job.as_mut().unwrap().devices = None;
        counted(facts).samples.insert(tripline::detail::Detail::RetryCount, 0);
    }),
    ("guarded-by-keeper", |facts| tagged(facts, "tripline:guard", " Off")),
    // Its alarm stops it, and nobody knows what it was armed with.
    ("guarded-by-keeper", |facts| facts.job.as_mut().unwrap().kept_config = Ok(None)),
    ("guarded-by-keeper", |facts| {
        alarm_of(facts).alarm_name = Some("tripline-fw-default-Failures".to_owned());
        facts.job.as_mut().unwrap().kept_config = Ok(None);
        tagged(facts, "tripline:DownloadTimeUperLimit", "60");
    }),
    // Nobody asked for its guard, and the stack guards only those.
    ("guarded-by-keeper", |facts| {
        alarm_of(facts).alarm_name = Some("tripline-fw-default-Failures".to_owned());
        facts.job.as_mut().unwrap().kept_config = Ok(None);
        keeper_variable(facts, "GUARDED_JOBS", "tagged");
    }),
    // What it was armed with was never an alarm, is none any more, or is none.
    ("guarded-by-keeper", |facts| {
        let renamed = KEPT.replace("downloadTime", "toldCount").replace("p90", "Maximum");
        facts.job.as_mut().unwrap().kept_config = Ok(Some(renamed.as_str().into()));
    }),
    ("guarded-by-keeper", |facts| {
        facts.job.as_mut().unwrap().kept_config = Ok(Some("".into()));
    }),
    ("alarms-exist", |facts| facts.job.as_mut().unwrap().alarms = Ok(Vec::new())),
    ("alarms-guard-job", |facts| {
        let name = alarm_of(facts).alarm_name.clone().unwrap();
        facts.job.as_mut().unwrap().muted = Ok([(name, "night".to_owned())].into());
    }),
    ("alarms-guard-job", |facts| {
        let alarm = alarm_of(facts);
        alarm.comparison_operator =
            Some(aws_sdk_cloudwatch::types::ComparisonOperator::LessThanThreshold);
        alarm.threshold = Some(0.0);
    }),
    ("alarms-match-config", |facts| {
        let plan = facts.job.as_mut().unwrap().plan.as_mut().unwrap();
        plan.as_mut().unwrap().strays.push("tripline-fw-Old".to_owned());
    }),
    ("alarm-actions-enabled", |facts| alarm_of(facts).actions_enabled = None),
    ("alarm-reaches-stopper", |facts| alarm_of(facts).alarm_actions = Some(vec![EMAIL.to_owned()])),
    ("alarm-not-in-alarm", |facts| alarm_of(facts).state_value = Some(StateValue::Alarm)),
    ("alarm-dimension-correct", |facts| alarm_of(facts).dimensions = None),
    ("alarm-dimension-correct", |facts| of_unknown_size(facts, math("fw-2", "100", "p90"))),
    ("alarm-metric-published", |facts| alarm_of(facts).unit = Some(StandardUnit::Bytes)),
    ("alarm-metric-published", |facts| alarm_of(facts).metric_name = Some("Failures".to_owned())),
    ("alarm-metric-published", |facts| {
        let mut alarm = math("fw", "100", "p90");
        alarm.metrics.as_mut().unwrap()[1].account_id = Some("999999999999".to_owned());
        of_unknown_size(facts, alarm);
    }),
    ("alarm-period-whole-minutes", |facts| alarm_of(facts).period = Some(30)),
    ("alarm-tolerates-missing-data", |facts| alarm_of(facts).treat_missing_data = None),
    // A hundred devices a minute never make 2,000 samples in ten.
    ("alarm-has-enough-samples", |facts| of_unknown_size(facts, math("fw", "2000", "p90"))),
    ("alarm-has-enough-samples", |facts| of_unknown_size(facts, math("fw", "100", "p99.99"))),
    ("alarm-fires-in-time", |facts| {
        *alarm_of(facts) = math("fw", "100", "p90");
        facts.job.as_mut().unwrap().devices = Some(24_000);
    }),
    ("evidence-clock", |facts| keeper_variable(facts, "EVIDENCE_MINUTE_SECONDS", "5")),
    // Evidence is all that sees slow devices, and nobody computes it.
    ("coverage", |facts| record_of(facts).coverage.needs = None),
    ("coverage", |facts| {
        let needs = Needs { unfinished: Some(50_001), ..Needs::LEAST };
        record_of(facts).coverage.needs = Some(needs);
    }),
    ("evidence-published", |facts| record_of(facts).at = ASKED - 300),
    ("evidence-published", |facts| facts.job.as_mut().unwrap().evidence = Ok(None)),
    // Another job of that name.
    ("evidence-published", |facts| record_of(facts).created -= 1),
    ("evidence-alarm", |facts| drop(alarms_of(facts).remove(1))),
    ("evidence-alarm", |facts| drop(alarms_of(facts).remove(2))),
    ("evidence-alarm", |facts| alarms_of(facts)[1].threshold = Some(3.0)),
    ("evidence-alarm", |facts| alarms_of(facts)[2].alarm_actions = None),
    ("evidence-alarm", |facts| {
        let name = alarms_of(facts)[1].alarm_name.clone().unwrap();
        facts.job.as_mut().unwrap().muted = Ok([(name, "night".to_owned())].into());
    }),
    // It is to stop the rollout, as another alarm does.
    ("evidence-alarm", |facts| {
        kept(facts, "snsTopics = @email\n", "snsTopics = @email, @force-stop\n");
    }),
    ("evidence-limits", |facts| kept(facts, "60:3, 75:2", "60:3, 90:2")),
    ("evidence-baseline", |facts| calibrated(facts, 1, 5_000)),
    ("evidence-baseline", |facts| calibrated(facts, 3, 499)),
    ("evidence-baseline", |facts| {
        calibrated(facts, 3, 5_000);
        facts.job.as_mut().unwrap().kept_config.as_mut().unwrap().as_mut().unwrap().baseline = None;
    }),
    ("evidence-baseline", |facts| {
        calibrated(facts, 3, 5_000);
        let item = facts.job.as_mut().unwrap().kept_config.as_mut().unwrap().as_mut().unwrap();
        item.baseline = Some("{}".to_owned());
    }),
    ("evidence-size", |facts| {
        kept(facts, "60:3, 75:2", "60:99.98");
        facts.job.as_mut().unwrap().devices = Some(20_000);
    }),
];

fn counted(facts: &mut Facts) -> &mut Counted {
    facts.job.as_mut().unwrap().counted.as_mut().unwrap()
}

fn record_of(facts: &mut Facts) -> &mut Record {
    facts.job.as_mut().unwrap().evidence.as_mut().unwrap().as_mut().unwrap()
}

fn alarms_of(facts: &mut Facts) -> &mut Vec<MetricAlarm> {
    facts.job.as_mut().unwrap().alarms.as_mut().unwrap()
}

/// The job was armed with this in place of that.
fn kept(facts: &mut Facts, that: &str, this: &str) {
    assert!(KEPT.contains(that), "{that}");
    let config = KEPT.replace(that, this);
    facts.job.as_mut().unwrap().kept_config = Ok(Some(config.as_str().into()));
}

/// The job's limits are of a baseline of so many rollouts and devices.
fn calibrated(facts: &mut Facts, rollouts: u32, devices: u32) {
    kept(facts, "unfinishedLimits = 60:3, 75:2", "baseline = fw.json");
    let item = facts.job.as_mut().unwrap().kept_config.as_mut().unwrap().as_mut().unwrap();
    let of = |devices: u32| {
        let shares = [100, 90, 50, 20, 4, 0];
        let unfinished: Vec<u32> = shares.iter().map(|share| devices * share / 100).collect();
        serde_json::json!({"devices": devices, "unfinished": unfinished})
    };
    let file = serde_json::json!({
        "version": 1, "name": "fw", "rollouts": rollouts, "failures": [],
        "pooled": of(devices), "slowest": of(devices / rollouts),
    });
    item.baseline = Some(file.to_string());
}

fn own_alarm(facts: &mut Facts) -> &mut MetricAlarm {
    &mut facts.own_alarms.as_mut().unwrap()[0]
}

fn rule(facts: &mut Facts) -> &mut crate::doctor::facts::Rule {
    facts.rule.as_mut().unwrap().as_mut().unwrap()
}

fn health(facts: &mut Facts) -> &mut crate::doctor::facts::Health {
    facts.health.as_mut().unwrap()
}

fn runs(
    function: &mut Function,
    change: impl Fn(&mut crate::doctor::facts::FunctionConfiguration),
) {
    change(function.runs.as_mut().unwrap().as_mut().unwrap());
}

fn tagged(facts: &mut Facts, key: &str, value: &str) {
    facts.job.as_mut().unwrap().tags = Ok(vec![(key.to_owned(), value.to_owned())]);
}

fn keeper_variable(facts: &mut Facts, name: &str, value: &str) {
    runs(&mut facts.keeper, |runs| {
        drop(runs.environment.insert(name.to_owned(), value.to_owned()));
    });
}

fn runner_variable(facts: &mut Facts, name: &str, value: &str) {
    runs(&mut facts.runner, |runs| {
        drop(runs.environment.insert(name.to_owned(), value.to_owned()));
    });
}

fn topic(topic: &mut Result<Option<Topic>, NoAnswer>) -> &mut Topic {
    topic.as_mut().unwrap().as_mut().unwrap()
}

fn may_nothing(role: &mut Result<Option<Role>, NoAnswer>) {
    role.as_mut().unwrap().as_mut().unwrap().policy = Default::default();
}

fn trusts_nobody(role: &mut Result<Option<Role>, NoAnswer>) {
    role.as_mut().unwrap().as_mut().unwrap().trust = Default::default();
}

fn ingest(
    facts: &mut Facts,
    change: impl Fn(&mut Vec<crate::doctor::facts::Mapping>, &mut Option<crate::doctor::facts::Queue>),
) {
    match facts.ingest.as_mut().unwrap() {
        Ingest::Batched { queue, mappings } => change(mappings, queue),
        Ingest::Direct => panic!("the sound stack is batched"),
    }
}

fn job_of(facts: &mut Facts) -> &mut aws_sdk_iot::types::Job {
    facts.job.as_mut().unwrap().job.as_mut().unwrap().as_mut().unwrap()
}

fn alarm_of(facts: &mut Facts) -> &mut MetricAlarm {
    &mut facts.job.as_mut().unwrap().alarms.as_mut().unwrap()[0]
}

/// The job has this alarm, and nobody says for how many devices it is.
fn of_unknown_size(facts: &mut Facts, alarm: MetricAlarm) {
    *alarm_of(facts) = alarm;
    facts.job.as_mut().unwrap().devices = None;
}

/// An alarm on download times in metric math, as `minSamples` makes it.
fn math(job: &str, samples: &str, stat: &str) -> MetricAlarm {
    let dimension = Dimension::builder().name("jobId").value(job).build();
    let metric = Metric::builder()
        .namespace("IoT:OTA:JobExecution")
        .metric_name("downloadTime")
        .dimensions(dimension)
        .build();
    let input = |id: &str, stat: &str| {
        let stat = MetricStat::builder().metric(metric.clone()).period(600).stat(stat).build();
        MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
    };
    let decided = MetricDataQuery::builder()
        .id("decided")
        .expression(format!("IF(samples >= {samples}, value)"))
        .return_data(true);
    let mut alarm = alarm();
    alarm.metrics =
        Some(vec![decided.build(), input("value", stat), input("samples", "SampleCount")]);
    (alarm.namespace, alarm.metric_name, alarm.dimensions) = (None, None, None);
    (alarm.statistic, alarm.period, alarm.threshold) = (None, None, Some(3_600.0));
    (alarm.evaluation_periods, alarm.datapoints_to_alarm) = (Some(1), Some(1));
    alarm
}

fn findings(facts: &Facts) -> BTreeSet<&'static str> {
    let found =
        |judged: &Result<String, NotProven>| matches!(judged, Err(NotProven::Finding { .. }));
    checks().filter(|check| found(&(check.judge)(facts))).map(|check| check.name).collect()
}

#[test]
fn every_check_is_silent_on_sound_facts() {
    let facts = sound();
    for check in checks() {
        let judged = (check.judge)(&facts);
        assert!(judged.is_ok(), "{}: {judged:?}", check.name);
    }
}

#[test]
fn every_check_finds_its_fault_and_no_other_does() {
    for (index, (check, seed)) in FAULTS.iter().enumerate() {
        let mut facts = sound();
        seed(&mut facts);
        assert_eq!(
            findings(&facts).into_iter().collect::<Vec<_>>(),
            [*check],
            "fault {index} of {check}"
        );
    }
}

#[test]
fn every_check_has_a_fault_and_a_name_of_its_own() {
    let names: Vec<&str> = checks().map(|check| check.name).collect();
    let faults: BTreeSet<&str> = FAULTS.iter().map(|(check, _)| *check).collect();
    assert_eq!(faults, names.iter().copied().collect());
    assert_eq!(faults.len(), names.len());
    for check in checks() {
        assert!(
            check.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{}",
            check.name
        );
        assert!(!check.proves.is_empty() && !check.why.is_empty(), "{}", check.name);
    }
}

#[test]
fn what_cannot_be_asked_is_unknown_and_never_ok() {
    let denied =
        || NoAnswer::Failed(Failure::new("GetTopicRule", FailureKind::Denied, "AccessDenied: no"));
    let mut facts = sound();
    facts.rule = Err(denied());
    let rule: Vec<_> = checks()
        .filter(|check| {
            check.name.starts_with("rule-") && check.name != "rule-can-invoke-generator"
        })
        .collect();
    assert_eq!(rule.len(), 5);
    for check in rule {
        let Err(NotProven::Unknown(why)) = (check.judge)(&facts) else { panic!("{}", check.name) };
        assert_eq!(why, "may not be asked: GetTopicRule: AccessDenied: no");
    }
}

/// AWS does not say everywhere; where it would, it has to be asked.
#[test]
fn only_where_aws_says_nothing_of_text_messages_it_is_no_fault() {
    for (kind, text, is_untold) in [
        (
            FailureKind::Refused,
            "InvalidAction: Operation (X) is not supported in this region",
            true,
        ),
        (FailureKind::Refused, "UnsupportedOperation: no", true),
        (FailureKind::Refused, "InvalidParameter: no", false),
        (FailureKind::Denied, "AuthorizationError: not authorized", false),
        (FailureKind::Throttled, "Throttled: Rate exceeded", false),
        (FailureKind::Unavailable, "no answer in time", false),
    ] {
        let mut facts = sound();
        let failed = || NoAnswer::Failed(Failure::new("GetSMSSandboxAccountStatus", kind, text));
        (facts.sms.in_sandbox, facts.sms.monthly_limit) = (Err(failed()), Err(failed()));
        for name in ["sms-out-of-sandbox", "sms-spend-limit-raised"] {
            let check = checks().find(|check| check.name == name).unwrap();
            match (check.judge)(&facts) {
                Err(NotProven::Untold(_)) => assert!(is_untold, "{name}: {text}"),
                Err(NotProven::Unknown(_)) => assert!(!is_untold, "{name}: {text}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

/// What another check would say is not known where that one is not made.
#[test]
fn a_check_that_leaves_the_word_to_another_is_never_enough() {
    let mut facts = sound();
    facts.rule = Ok(None);
    facts.health.as_mut().unwrap().unguarded = None;
    facts.job.as_mut().unwrap().alarms = Ok(Vec::new());
    facts.stack.outputs.remove("ForceStopTopicArn");
    for name in [
        "rule-sql-matches",
        "no-unguarded-jobs",
        "alarm-metric-published",
        "topic-can-invoke-stopper",
    ] {
        let check = checks().find(|check| check.name == name).unwrap();
        let judged = || (check.judge)(&facts).unwrap_err();
        assert!(matches!(judged().beside(|_| true), NotProven::Skipped(_)), "{name}");
        assert!(matches!(judged().beside(|made| made == name), NotProven::Unknown(_)), "{name}");
    }
}

/// A rollout of which nobody could hear anything, and one that only evidence watches.
#[test]
fn what_nobody_hears_of_is_named_with_why_and_what_helps() {
    let coverage = checks().find(|check| check.name == "coverage").unwrap();
    let mut facts = sound();
    let ok = (coverage.judge)(&facts).unwrap();
    assert_eq!(
        ok,
        "guarded: stops on failures; alerts on rejections, timeouts, slow devices, silent devices"
    );
    record_of(&mut facts).coverage.needs = None;
    let Err(NotProven::Finding { what, fix }) = (coverage.judge)(&facts) else { panic!() };
    let why = "Evidence has no data: no evidence of this job is computed";
    assert!(what.contains(&format!("nothing covers slow devices: {why}")), "{what}");
    assert!(!what.contains("devices that fail"), "{what}");
    assert!(fix.contains("`defaultGuard = True`"), "{fix}");
    record_of(&mut facts).coverage =
        CoverageFacts { devices: Some(1), least_devices: 2, ..CoverageFacts::default() };
    let few = (coverage.judge)(&facts).unwrap();
    assert!(few.starts_with("too few devices to be guarded"), "{few}");
}

/// A job's first minutes, and a rollout that nobody has begun with.
#[test]
fn evidence_that_cannot_be_there_yet_is_not_missed() {
    let published = checks().find(|check| check.name == "evidence-published").unwrap();
    for (age, is_waited_for) in [(0, true), (299, true), (300, false)] {
        let mut facts = sound();
        let job = facts.job.as_mut().unwrap();
        (job.evidence, job.asked_at) = (Ok(None), CREATED + age);
        let judged = (published.judge)(&facts);
        assert_eq!(matches!(judged, Err(NotProven::Untold(_))), is_waited_for, "{age}: {judged:?}");
        job_of(&mut facts).job_process_details = None;
        assert!(matches!((published.judge)(&facts), Err(NotProven::Skipped(_))));
    }
    // The alarm on its absence is put once there is some.
    let alarms = checks().find(|check| check.name == "evidence-alarm").unwrap();
    let mut facts = sound();
    alarms_of(&mut facts).remove(2);
    record_of(&mut facts).origin = (ASKED - 299) * 1_000;
    assert_eq!((alarms.judge)(&facts), Ok("1 of 2".to_owned()));
}

#[test]
fn a_job_without_limits_has_nothing_to_check_of_evidence() {
    let mut facts = sound();
    let (alarms, _) = KEPT.split_once("[EVIDENCE_CONFIG]").unwrap();
    // Otherwise the default guard's limits are its.
    let alarms = alarms.replace("alarmList", "defaultGuard = False\nalarmList");
    facts.job.as_mut().unwrap().kept_config = Ok(Some(alarms.as_str().into()));
    let of_job = |check: &&crate::doctor::check::Check| {
        check.name.starts_with("evidence-") && check.name != "evidence-clock"
    };
    let judged: Vec<_> = checks().filter(of_job).map(|check| (check.judge)(&facts)).collect();
    assert_eq!(judged.len(), 5);
    assert!(judged.iter().all(|judged| matches!(judged, Err(NotProven::Skipped(_)))), "{judged:?}");
}

/// Without `--devices` nobody knows; an early limit of a baseline takes more than the others.
#[test]
fn what_a_rollout_is_too_small_for_is_named_with_what_it_takes() {
    let size = checks().find(|check| check.name == "evidence-size").unwrap();
    let mut facts = sound();
    facts.job.as_mut().unwrap().devices = None;
    assert!(matches!((size.judge)(&facts), Err(NotProven::Skipped(_))));
    facts.job.as_mut().unwrap().devices = Some(2);
    let Err(NotProven::Finding { what, .. }) = (size.judge)(&facts) else { panic!("two devices") };
    assert!(what.starts_with("2 devices are too few to decide: 3 % after 60 minutes: takes "));
    assert!(what.contains("3 % failed: takes "), "{what}");
    calibrated(&mut facts, 3, 5_000);
    facts.job.as_mut().unwrap().devices = Some(50);
    let Ok(small) = (size.judge)(&facts) else { panic!("fifty devices") };
    assert!(small.starts_with("50 devices; clearance: about "), "{small}");
    facts.job.as_mut().unwrap().devices = Some(50_000);
    assert_eq!((size.judge)(&facts), Ok("50000 devices".to_owned()));
}

/// A schedule begins a minute after its stack; one that fails is not waited for.
#[test]
fn the_guard_keeper_of_a_stack_that_is_minutes_old_is_not_blamed() {
    let runs = checks().find(|check| check.name == "keeper-running").unwrap();
    let mut facts = sound();
    facts.health.as_mut().unwrap().unguarded = None;
    for (age, is_waited_for) in
        [(Some(0), true), (Some(299), true), (Some(300), false), (Some(-60), false), (None, false)]
    {
        facts.stack.age = age;
        let judged = (runs.judge)(&facts);
        assert_eq!(
            matches!(judged, Err(NotProven::Untold(_))),
            is_waited_for,
            "{age:?}: {judged:?}"
        );
        assert!(is_waited_for || matches!(judged, Err(NotProven::Finding { .. })), "{judged:?}");
    }
    facts.stack.age = Some(20);
    health(&mut facts).throttles = [(KEEPER.to_owned(), 1.0)].into();
    let Err(NotProven::Finding { fix, .. }) = (runs.judge)(&facts) else { panic!("it fails") };
    assert!(fix.contains("it runs and fails"), "{fix}");
}

#[test]
fn a_check_that_asks_for_too_little_is_never_ok() {
    let facts = Facts::not_asked("us-east-1", sound().stack, None);
    for check in checks().filter(|check| !check.needs.is_empty()) {
        assert!((check.judge)(&facts).is_err(), "{}", check.name);
    }
}

#[test]
fn a_permissions_boundary_leaves_it_open_what_a_role_may_do() {
    let mut facts = sound();
    facts.stopper_role.as_mut().unwrap().as_mut().unwrap().boundary = Some("arn:b".to_owned());
    let check = checks().find(|check| check.name == "stopper-role-sufficient").unwrap();
    assert!(matches!((check.judge)(&facts), Err(NotProven::Unknown(_))));
}

/// What cannot be read is neither sound nor broken.
#[test]
fn a_condition_that_depends_on_what_is_not_known_is_unknown() {
    let condition = r#""Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"firmware"}}"#;
    let mut facts = sound();
    let all = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
    let denied = policy(&format!(
        r#"{all},{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",{condition}}}"#
    ));
    facts.stopper_role.as_mut().unwrap().as_mut().unwrap().policy = denied.clone();
    topic(&mut facts.topics.stop).policy = denied.clone();
    facts.undelivered.as_mut().unwrap().as_mut().unwrap().policy = denied.clone();
    facts.key.as_mut().unwrap().policy = denied;
    for name in [
        "stopper-role-sufficient",
        "topics-accept-alarms",
        "stopper-subscription-has-dlq",
        "key-usable",
    ] {
        let check = checks().find(|check| check.name == name).unwrap();
        let judged = (check.judge)(&facts);
        assert!(matches!(judged, Err(NotProven::Unknown(_))), "{name}: {judged:?}");
    }
}

#[test]
fn a_rate_that_rises_is_judged_as_one() {
    let mut facts = sound();
    *alarm_of(&mut facts) = math("fw", "100", "p90");
    facts.job.as_mut().unwrap().devices = Some(24_000);
    assert_eq!(findings(&facts).into_iter().collect::<Vec<_>>(), ["alarm-fires-in-time"]);
    let criteria = RateIncreaseCriteria::builder().number_of_succeeded_things(1_500).build();
    let rate = ExponentialRolloutRate::builder()
        .base_rate_per_minute(12)
        .increment_factor(5.0)
        .rate_increase_criteria(criteria)
        .build()
        .unwrap();
    let config =
        JobExecutionsRolloutConfig::builder().maximum_per_minute(1_000).exponential_rate(rate);
    job_of(&mut facts).job_executions_rollout_config = Some(config.build());
    assert_eq!(findings(&facts).into_iter().collect::<Vec<_>>(), Vec::<&str>::new());
}
