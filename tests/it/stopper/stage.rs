//! A rollout with its alarm, the messages about it, and the function as the template declares it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use tripline_tests::http_aws::{ACCOUNT, Account, Alarm, alarm_arn, now, topic_arn};
use tripline_tests::lambda_runtime::{Function, iso};
use tripline_tests::ledger::Entry;

use crate::matrix::released;

pub const NAMESPACE: &str = "IoT:OTA:JobExecution";
/// How long before now the rollout began, and its alarm fired, in seconds.
const CREATED: f64 = 3_600.0;
const FIRED: f64 = 30.0;

/// The function, with `StopMode` as it is unless somebody chooses.
pub fn function() -> Function {
    // The zip is unpacked once.
    static FUNCTION: OnceLock<Function> = OnceLock::new();
    let chosen = &[("StopMode", "cancel")];
    FUNCTION.get_or_init(|| released("force-stopper", "ForceStopperFunction", chosen)).clone()
}

pub fn email_topic() -> String {
    topic_arn("EmailTopic")
}

pub fn sms_topic() -> String {
    topic_arn("SmsTopic")
}

pub fn alarm_name(job: &str) -> String {
    format!("tripline-{job}-failures")
}

/// A rollout in progress, whose alarm went to ALARM a moment ago.
pub fn fired(account: &mut Account, job: &str) {
    account.add_job(job, now() - CREATED);
    let name = alarm_name(job);
    account.alarms.insert(name.clone(), alarm(&name, job, "ALARM", &[(now() - FIRED, "ALARM")]));
}

/// The same, but the alarm has found back to OK since: only its history shows it.
pub fn recovered(account: &mut Account, job: &str) {
    fired(account, job);
    let name = alarm_name(job);
    let history = [(now() - 5.0, "OK"), (now() - FIRED, "ALARM")];
    account.alarms.insert(name.clone(), alarm(&name, job, "OK", &history));
}

/// Why the guard-keeper would stop a rollout.
pub const EVIDENCE: &str = "171 of 900 devices (19 %) failed; at most 3 % may (declared). At most 1 in 100 healthy rollouts ever looks like this.";

/// A rollout whose alarm on its evidence, above 2, went to ALARM a moment ago; the guard-keeper has
/// written down this evidence, or none.
pub fn on_evidence(account: &mut Account, job: &str, evidence: Option<f64>) {
    fired(account, job);
    let alarm = account.alarms.get_mut(&alarm_name(job)).expect("its alarm");
    let described = alarm.described.as_object_mut().expect("an alarm");
    described.remove("ExtendedStatistic");
    for (key, value) in [
        ("MetricName", json!("evidence")),
        ("Statistic", json!("Maximum")),
        ("Threshold", json!(2.0)),
    ] {
        described.insert(key.to_owned(), value);
    }
    if let Some(evidence) = evidence {
        write_evidence(account, job, evidence, now() - 40.0);
    }
}

/// The guard-keeper's item of a job, as it read it at this time (seconds since the epoch).
pub fn write_evidence(account: &mut Account, job: &str, evidence: f64, at: f64) {
    let seconds = |time: f64| time.floor();
    let created = account.jobs[job]["createdAt"].as_f64().map(seconds);
    let reason = (evidence >= 2.0).then_some(EVIDENCE);
    let record = json!({
        "created": created.map(|created| created as i64), "at": seconds(at) as i64,
        "evidence": evidence, "threshold": 2.0, "reason": reason, "stops": true,
    });
    let item = json!({"evidence": {"S": record.to_string()}});
    account.put_item("GuardsTable", [("jobId", &format!("evidence#{job}"))], item);
}

/// A rollout in progress whose alarm never fired.
pub fn healthy(account: &mut Account, job: &str) {
    fired(account, job);
    let name = alarm_name(job);
    account.alarms.insert(name.clone(), alarm(&name, job, "OK", &[(now() - CREATED, "OK")]));
}

/// An alarm on the download time of a job, that asks for a stop.
pub fn alarm(name: &str, job: &str, state: &str, history: &[(f64, &'static str)]) -> Alarm {
    let since = history.first().map_or_else(now, |(at, _)| *at);
    let described = json!({
        "AlarmName": name,
        "AlarmArn": alarm_arn(name),
        "ActionsEnabled": true,
        "AlarmActions": [email_topic(), topic_arn("ForceStopTopic")],
        "OKActions": [],
        "InsufficientDataActions": [],
        "StateValue": state,
        "StateReason": "Threshold Crossed: 1 out of the last 1 datapoints [4000.0] was greater than the threshold (3600.0).",
        "StateUpdatedTimestamp": since,
        "StateTransitionedTimestamp": since,
        "AlarmConfigurationUpdatedTimestamp": now() - CREATED,
        "MetricName": "downloadTime",
        "Namespace": NAMESPACE,
        "ExtendedStatistic": "p90",
        "Dimensions": [{"Name": "jobId", "Value": job}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 3600.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    });
    Alarm { described, is_composite: false, history: history.to_vec() }
}

/// What CloudWatch publishes when an alarm on a job fires.
pub fn message(alarm: &str, job: &str) -> Value {
    json!({
        "AlarmName": alarm,
        "AlarmDescription": null,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 out of the last 1 datapoints [4000.0] was greater than the threshold (3600.0).",
        "StateChangeTime": iso(now() - FIRED).replace('Z', "+0000"),
        "Region": "US East (N. Virginia)",
        "AlarmArn": alarm_arn(alarm),
        "OldStateValue": "OK",
        "Trigger": {
            "MetricName": "downloadTime",
            "Namespace": NAMESPACE,
            "ExtendedStatistic": "p90",
            "Dimensions": [{"name": "jobId", "value": job}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 3600.0,
            "TreatMissingData": "notBreaching",
        },
    })
}

/// A message as SNS hands it to Lambda.
pub fn event(id: &str, message: &Value) -> Value {
    json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{}:1", topic_arn("ForceStopTopic")),
        "Sns": {
            "Type": "Notification",
            "MessageId": id,
            "TopicArn": topic_arn("ForceStopTopic"),
            "Subject": "ALARM",
            "Message": message.as_str().map_or_else(|| message.to_string(), str::to_owned),
            "Timestamp": iso(now()),
            "MessageAttributes": {},
        },
    }]})
}

/// The true message about a rollout.
pub fn alarm_event(job: &str) -> Value {
    event(&format!("m-{job}"), &message(&alarm_name(job), job))
}

/// What people were mailed, in its order.
pub fn mails(account: &Account) -> Vec<String> {
    let mails = account.published.iter().filter(|message| message.topic == email_topic());
    mails.map(|mail| format!("{}\n{}", mail.subject, mail.message)).collect()
}

/// How many calls of an operation were carried out.
pub fn done(entries: &[Entry], operation: &str) -> usize {
    entries.iter().filter(|entry| entry.operation == operation && entry.carried_out).count()
}
