//! Faults of a stack, in the order of the chain.

use serde_json::json;

use super::rows::{Doing, Row};
use super::seeds::*;
use super::stage::Stage;

const fn row(
    check: &'static str,
    fault: &'static str,
    seed: fn(&Stage) -> Doing<'_>,
    undo: fn(&Stage) -> Doing<'_>,
) -> Row {
    Row { check, fault, companions: &[], arguments: &[], seed, undo: Some(undo) }
}

const EMAIL: &str = "EmailTopicArn";
const UNDELIVERED: &str = "UndeliveredQueueArn";
const KEEPER: &str = "GuardKeeperFunctionArn";
const STOPPER: &str = "ForceStopperFunctionArn";

/// Those whose fault stays come last.
pub const ROWS: &[Row] = &[
    row(
        "health-alarms-ok",
        "the actions of an alarm on the guard are off",
        |stage| Box::pin(own_alarm(stage, false)),
        |stage| Box::pin(own_alarm(stage, true)),
    ),
    row(
        "health-alarms-ok",
        "an alarm on the guard notifies a topic that is not there",
        |stage| {
            Box::pin(async {
                let topic = format!("{}-gone", stage.output(EMAIL));
                undelivered_alarm_as(stage, stage.name(UNDELIVERED), 1.0, &topic).await;
            })
        },
        |stage| Box::pin(undelivered_alarm_again(stage)),
    ),
    row(
        "health-alarms-ok",
        "an alarm on the guard has a threshold that nothing crosses",
        |stage| {
            let (queue, topic) = (stage.name(UNDELIVERED), stage.output(EMAIL));
            Box::pin(undelivered_alarm_as(stage, queue, 1e9, topic))
        },
        |stage| Box::pin(undelivered_alarm_again(stage)),
    ),
    row(
        "health-alarms-ok",
        "an alarm on the guard watches another queue",
        |stage| {
            let (queue, topic) = (stage.name("IngestQueueArn"), stage.output(EMAIL));
            Box::pin(undelivered_alarm_as(stage, queue, 1.0, topic))
        },
        |stage| Box::pin(undelivered_alarm_again(stage)),
    ),
    row(
        "job-events-enabled",
        "job events are off",
        |stage| Box::pin(stage.events(false)),
        |stage| Box::pin(stage.events(true)),
    ),
    row(
        "rule-enabled",
        "the rule is disabled",
        |stage| Box::pin(rule(stage, |rule| rule.rule_disabled = Some(true))),
        |stage| Box::pin(rule(stage, |rule| rule.rule_disabled = Some(false))),
    ),
    row(
        "rule-sql-matches",
        "the rule takes successes only",
        |stage| Box::pin(sql(stage, "SELECT * FROM '$aws/events/jobExecution/+/succeeded'")),
        |stage| {
            Box::pin(sql(
                stage,
                "SELECT * FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted'",
            ))
        },
    ),
    row(
        "rule-targets-generator",
        "the rule's events go to another queue",
        |stage| Box::pin(deliver(stage, "UndeliveredQueueArn")),
        |stage| Box::pin(deliver(stage, "IngestQueueArn")),
    ),
    row(
        "rule-has-error-action",
        "the rule has no error action",
        |stage| Box::pin(rule(stage, |rule| rule.error_action = None)),
        |stage| Box::pin(restore_error_action(stage)),
    ),
    row(
        "rule-can-invoke-generator",
        "the rule's permission is removed",
        |stage| Box::pin(forbid(stage, "MetricsGeneratorFunctionArn")),
        |stage| {
            Box::pin(permit(
                stage,
                "MetricsGeneratorFunctionArn",
                "iot.amazonaws.com",
                "JobExecutionRuleArn",
            ))
        },
    ),
    row(
        "rule-can-invoke-generator",
        "every rule of the account may invoke the function",
        |stage| Box::pin(permit_all(stage, "MetricsGeneratorFunctionArn", "iot.amazonaws.com")),
        |stage| Box::pin(forbid_all(stage, "MetricsGeneratorFunctionArn")),
    ),
    row(
        "rule-can-send-to-queues",
        "the policy of the rule's role is deleted",
        |stage| Box::pin(without_policy(stage, Role::Rule, |_| false)),
        |stage| Box::pin(with_policy(stage, Role::Rule)),
    ),
    row(
        "generator-active",
        "the function's reserved concurrency is 0",
        |stage| Box::pin(switch_off(stage, "MetricsGeneratorFunctionArn")),
        |stage| Box::pin(switch_on(stage, "MetricsGeneratorFunctionArn")),
    ),
    row(
        "generator-has-failure-destination",
        "failed events are dropped",
        |stage| Box::pin(drop_failures(stage, "MetricsGeneratorFunctionArn")),
        |stage| Box::pin(keep_failures(stage, "MetricsGeneratorFunctionArn")),
    ),
    row(
        "ingest-mapping-enabled",
        "nothing takes events out of their queue",
        |stage| Box::pin(mapping(stage, false)),
        |stage| Box::pin(mapping(stage, true)),
    ),
    row(
        "ingest-queue-has-dlq",
        "the queue has no redrive policy",
        |stage| Box::pin(redrive(stage, String::new())),
        |stage| {
            Box::pin(redrive(stage, json!({"deadLetterTargetArn": stage.output("UndeliveredQueueArn"), "maxReceiveCount": 5}).to_string()))
        },
    ),
    row(
        "undelivered-queue-empty",
        "an event is undelivered",
        |stage| {
            Box::pin(async {
                let url = stage.output("UndeliveredQueueUrl");
                stage.sqs.send_message().queue_url(url).message_body("{}").send().await.unwrap();
            })
        },
        |stage| {
            Box::pin(async {
                let url = stage.output("UndeliveredQueueUrl");
                stage.sqs.purge_queue().queue_url(url).send().await.unwrap();
            })
        },
    ),
    row(
        "topics-accept-alarms",
        "alarms may not publish to the force-stop topic",
        |stage| Box::pin(topic_policy(stage, "events.amazonaws.com")),
        |stage| Box::pin(topic_policy(stage, "cloudwatch.amazonaws.com")),
    ),
    row(
        "topics-accept-alarms",
        "a statement denies it to all but the account",
        |stage| Box::pin(deny_all_but(stage, json!({"AWS": "000000000000"}))),
        |stage| Box::pin(topic_policy(stage, "cloudwatch.amazonaws.com")),
    ),
    row(
        "topic-keys-usable",
        "a topic is under the key of SNS",
        |stage| Box::pin(topic(stage, "KmsMasterKeyId", "alias/aws/sns".to_owned())),
        |stage| Box::pin(topic(stage, "KmsMasterKeyId", stage.output("StackKeyArn").to_owned())),
    ),
    row(
        "stopper-subscribed",
        "the force-stopper's subscription is gone",
        |stage| Box::pin(unsubscribe(stage, "ForceStopTopicArn")),
        |stage| Box::pin(subscribe_stopper(stage)),
    ),
    row(
        "stopper-subscribed",
        "a filter keeps messages away",
        |stage| Box::pin(subscription(stage, "FilterPolicy", r#"{"kind":["test"]}"#.to_owned())),
        |stage| Box::pin(subscription(stage, "FilterPolicy", "{}".to_owned())),
    ),
    row(
        "topic-can-invoke-stopper",
        "the topic's permission is removed",
        |stage| Box::pin(forbid(stage, "ForceStopperFunctionArn")),
        |stage| {
            Box::pin(permit(
                stage,
                "ForceStopperFunctionArn",
                "sns.amazonaws.com",
                "ForceStopTopicArn",
            ))
        },
    ),
    row(
        "topic-can-invoke-stopper",
        "another topic may invoke the function too",
        |stage| Box::pin(permit_also(stage, STOPPER, "sns.amazonaws.com", "EmailTopicArn")),
        |stage| Box::pin(only(stage, STOPPER, "sns.amazonaws.com", "ForceStopTopicArn")),
    ),
    row(
        "topic-can-invoke-stopper",
        "another topic may invoke the function instead",
        |stage| Box::pin(only(stage, STOPPER, "sns.amazonaws.com", "EmailTopicArn")),
        |stage| Box::pin(only(stage, STOPPER, "sns.amazonaws.com", "ForceStopTopicArn")),
    ),
    row(
        "topic-can-invoke-stopper",
        "every topic may invoke the function, by the only statement there is",
        |stage| {
            Box::pin(async {
                forbid(stage, STOPPER).await;
                permit_all(stage, STOPPER, "sns.amazonaws.com").await;
            })
        },
        |stage| Box::pin(only(stage, STOPPER, "sns.amazonaws.com", "ForceStopTopicArn")),
    ),
    row(
        "stopper-subscription-has-dlq",
        "the subscription has no redrive policy",
        |stage| Box::pin(subscription(stage, "RedrivePolicy", String::new())),
        |stage| {
            Box::pin(subscription(
                stage,
                "RedrivePolicy",
                json!({"deadLetterTargetArn": stage.output("UndeliveredQueueArn")}).to_string(),
            ))
        },
    ),
    row(
        "stop-mode-enforced",
        "the function observes, and the stack says that it cancels",
        |stage| Box::pin(stop_mode(stage, "observe")),
        |stage| Box::pin(stop_mode(stage, "cancel")),
    ),
    row(
        "stopper-active",
        "the function's reserved concurrency is 0",
        |stage| Box::pin(switch_off(stage, "ForceStopperFunctionArn")),
        |stage| Box::pin(switch_on(stage, "ForceStopperFunctionArn")),
    ),
    row(
        "stopper-active",
        "the function is ended before it has done anything",
        |stage| Box::pin(update(stage, STOPPER, |update| update.timeout(1))),
        |stage| Box::pin(update(stage, STOPPER, |update| update.timeout(410))),
    ),
    row(
        "stopper-has-failure-destination",
        "failed stops are dropped",
        |stage| Box::pin(drop_failures(stage, "ForceStopperFunctionArn")),
        |stage| Box::pin(keep_failures(stage, "ForceStopperFunctionArn")),
    ),
    row(
        "keeper-active",
        "somebody has stopped the function: its reserved concurrency is 0",
        |stage| Box::pin(switch_off(stage, KEEPER)),
        |stage| Box::pin(reserve(stage, KEEPER, 1)),
    ),
    row(
        "schedule-can-invoke-keeper",
        "the schedule's permission is removed",
        |stage| Box::pin(forbid(stage, KEEPER)),
        |stage| Box::pin(permit(stage, KEEPER, "events.amazonaws.com", "GuardKeeperScheduleArn")),
    ),
    row(
        "schedule-can-invoke-keeper",
        "every rule of the account may invoke the function",
        |stage| Box::pin(permit_all(stage, KEEPER, "events.amazonaws.com")),
        |stage| Box::pin(forbid_all(stage, KEEPER)),
    ),
    row(
        "keeper-configured",
        "the function's alarms go to another topic than the one that stops",
        |stage| {
            let topic = stage.output("EmailTopicArn");
            Box::pin(variable(stage, KEEPER, "FORCE_STOP_TOPIC_ARN", topic))
        },
        |stage| {
            let topic = stage.output("ForceStopTopicArn");
            Box::pin(variable(stage, KEEPER, "FORCE_STOP_TOPIC_ARN", topic))
        },
    ),
    row(
        "keeper-configured",
        "the default guard cannot be",
        |stage| Box::pin(variable(stage, KEEPER, "DOWNLOAD_TIME_DATAPOINTS_TO_ALARM", "4")),
        |stage| Box::pin(variable(stage, KEEPER, "DOWNLOAD_TIME_DATAPOINTS_TO_ALARM", "3")),
    ),
    row(
        "evidence-clock",
        "its minutes of evidence are seconds",
        |stage| Box::pin(variable(stage, KEEPER, "EVIDENCE_MINUTE_SECONDS", "5")),
        |stage| Box::pin(variable(stage, KEEPER, "EVIDENCE_MINUTE_SECONDS", "")),
    ),
    row(
        "keeper-role-sufficient",
        "the function may not read what jobs were armed with",
        |stage| Box::pin(without_policy(stage, Role::Keeper, |action| action != "dynamodb:Scan")),
        |stage| Box::pin(with_policy(stage, Role::Keeper)),
    ),
    row(
        "keeper-role-sufficient",
        "the function may not create alarms",
        |stage| {
            Box::pin(without_policy(stage, Role::Keeper, |action| {
                action != "cloudwatch:PutMetricAlarm"
            }))
        },
        |stage| Box::pin(with_policy(stage, Role::Keeper)),
    ),
    row(
        "email-has-recipient",
        "the topic has no subscription",
        |stage| {
            Box::pin(async {
                unsubscribe(stage, "EmailTopicArn").await;
                unsubscribe(stage, "SmsTopicArn").await;
            })
        },
        |stage| {
            Box::pin(async {
                subscribe(stage, "EmailTopicArn", "email", "ops@example.com").await;
                subscribe(stage, "SmsTopicArn", "sms", "+12065550100").await;
            })
        },
    ),
    row(
        "email-has-recipient",
        "there are text messages, and the alarms on the guard go to the e-mail topic",
        |stage| Box::pin(unsubscribe(stage, EMAIL)),
        |stage| Box::pin(subscribe(stage, EMAIL, "email", "ops@example.com")),
    ),
    row(
        "email-has-recipient",
        "a filter keeps messages from the only address",
        |stage| {
            let never = r#"{"severity":["never"]}"#.to_owned();
            Box::pin(subscription_to(stage, EMAIL, "FilterPolicy", never))
        },
        |stage| Box::pin(subscription_to(stage, EMAIL, "FilterPolicy", "{}".to_owned())),
    ),
    row(
        "email-has-recipient",
        "only the queue of a drill that was killed hears anything",
        |stage| {
            Box::pin(async {
                unsubscribe(stage, EMAIL).await;
                let queue = "arn:aws:sqs:us-east-1:000000000000:tripline-drill-abcdefghijkl";
                subscribe(stage, EMAIL, "sqs", queue).await;
            })
        },
        |stage| {
            Box::pin(async {
                unsubscribe(stage, EMAIL).await;
                subscribe(stage, EMAIL, "email", "ops@example.com").await;
            })
        },
    ),
    row(
        "generator-role-sufficient",
        "the function may not publish metrics",
        |stage| {
            Box::pin(without_policy(stage, Role::Generator, |action| {
                action != "cloudwatch:PutMetricData"
            }))
        },
        |stage| Box::pin(with_policy(stage, Role::Generator)),
    ),
    row(
        "stopper-role-sufficient",
        "the function may not cancel jobs",
        |stage| Box::pin(without_policy(stage, Role::Stopper, |action| action != "iot:CancelJob")),
        |stage| Box::pin(with_policy(stage, Role::Stopper)),
    ),
    row(
        "stopper-role-sufficient",
        "the function sees no composite alarms",
        |stage| Box::pin(narrow_alarms(stage)),
        |stage| Box::pin(with_policy(stage, Role::Stopper)),
    ),
    row(
        "stopper-role-sufficient",
        "a guard of the region denies it",
        |stage| {
            let here = json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}});
            Box::pin(deny(stage, Role::Stopper, "iot:CancelJob", here))
        },
        |stage| Box::pin(with_policy(stage, Role::Stopper)),
    ),
    row(
        "stopper-role-sufficient",
        "the function runs under another role",
        |stage| Box::pin(run_as(stage, STOPPER, "MetricsGeneratorRoleArn")),
        |stage| Box::pin(run_as(stage, STOPPER, "ForceStopperRoleArn")),
    ),
    row(
        "key-usable",
        "the key is disabled",
        |stage| {
            Box::pin(async {
                drop(
                    stage
                        .kms
                        .disable_key()
                        .key_id(stage.output("StackKeyArn"))
                        .send()
                        .await
                        .unwrap(),
                )
            })
        },
        |stage| {
            Box::pin(async {
                drop(
                    stage
                        .kms
                        .enable_key()
                        .key_id(stage.output("StackKeyArn"))
                        .send()
                        .await
                        .unwrap(),
                )
            })
        },
    ),
    row(
        "key-usable",
        "alarms may not use the key",
        |stage| Box::pin(key_policy(stage, "cloudwatch.amazonaws.com", "nobody.amazonaws.com")),
        |stage| Box::pin(key_policy(stage, "nobody.amazonaws.com", "cloudwatch.amazonaws.com")),
    ),
    Row {
        check: "generator-error-free",
        fault: "the function failed",
        companions: &["health-alarms-ok"],
        arguments: &[],
        seed: |stage| Box::pin(failed(stage, "MetricsGeneratorFunctionArn", "Errors")),
        undo: None,
    },
    Row {
        check: "stopper-error-free",
        fault: "the function had to wait",
        companions: &["health-alarms-ok"],
        arguments: &[],
        seed: |stage| Box::pin(failed(stage, "ForceStopperFunctionArn", "Throttles")),
        undo: None,
    },
    Row {
        check: "keeper-error-free",
        fault: "the function failed",
        companions: &["health-alarms-ok"],
        arguments: &[],
        seed: |stage| Box::pin(failed(stage, KEEPER, "Errors")),
        undo: None,
    },
    Row {
        check: "no-unguarded-jobs",
        fault: "a rollout's alarm fired while its actions were off",
        companions: &["health-alarms-ok"],
        arguments: &[],
        seed: |stage| Box::pin(unguarded(stage)),
        undo: None,
    },
];
