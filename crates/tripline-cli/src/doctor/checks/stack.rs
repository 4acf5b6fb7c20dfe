//! The stack itself, and the clock of whoever asks.

use crate::aws::commands::quoted;
use crate::aws::stack::is_at_rest;
use crate::doctor::check::{About, Check, Fix};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven, all_right};

use super::waves::has_releases;

pub const CHECKS: &[Check] = &[
    Check {
        name: "clock-synchronized",
        about: About::Stack,
        proves: "this machine's clock is within a minute of AWS's",
        why: "AWS refuses calls that are five minutes off, and checks of recent events look at the wrong time",
        needs: &[],
        judge: judge_clock_synchronized,
        fix: None,
    },
    Check {
        name: "stack-complete",
        about: About::Stack,
        proves: "no stack operation is in progress or failed, and all resources exist",
        why: "a stack whose update failed may lack any part of the chain",
        needs: &[Need::Resources],
        judge: judge_stack_complete,
        fix: None,
    },
    Check {
        name: "stack-outputs-present",
        about: About::Stack,
        proves: "the stack comes from Tripline's template, in this version",
        why: "Tripline can neither check nor arm what the stack does not name",
        needs: &[],
        judge: judge_stack_outputs_present,
        fix: None,
    },
    Check {
        name: "health-alarms-ok",
        about: About::Stack,
        proves: "the health alarms exist, match the template, alert people, and none is in ALARM",
        why: "only these alarms report a function that fails or events that are lost",
        needs: &[Need::Resources, Need::OwnAlarms],
        judge: super::own_alarms::judge,
        fix: Some(Fix::OwnAlarmActions),
    },
];

/// Outputs that every stack of this version has.
const OUTPUTS: &[&str] = &[
    "EmailTopicArn",
    "SmsTopicArn",
    "ForceStopTopicArn",
    "UndeliveredQueueUrl",
    "UndeliveredQueueArn",
    "MetricsGeneratorFunctionArn",
    "MetricsGeneratorRoleArn",
    "ForceStopperFunctionArn",
    "ForceStopperRoleArn",
    "GuardKeeperFunctionArn",
    "GuardKeeperRoleArn",
    "GuardKeeperScheduleArn",
    "GuardsTableName",
    "JobExecutionRuleArn",
    "StopMode",
    "Ingest",
    "MetricNamespace",
];

/// Those that go with the wave-runner's.
const OF_RELEASES: &[&str] = &[
    "ReleaseMachineArn",
    "WaveRunnerRoleArn",
    "WaveRunnerScheduleArn",
    "QueueTableName",
    "QueueTableArn",
];

const DEPLOY: &str = "make deploy";

/// Seconds that a clock may be off.
const CLOCK: i64 = 60;

fn judge_clock_synchronized(facts: &Facts) -> CheckResult {
    let Some(ahead) = facts.clock_ahead else {
        return Err(NotProven::Untold("AWS did not say what time it is".to_owned()));
    };
    if ahead.abs() <= CLOCK {
        return Ok("within a minute of AWS's".to_owned());
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let what = format!("the local clock is {} s {way} AWS's", ahead.abs());
    Err(NotProven::finding(what, "sudo timedatectl set-ntp true"))
}

fn judge_stack_complete(facts: &Facts) -> CheckResult {
    let stack = &facts.stack;
    let events =
        format!("aws cloudformation describe-stack-events --stack-name {}", quoted(&stack.name));
    if !is_at_rest(&stack.status) {
        let what = format!("the stack is in `{}` (expected a completed state)", stack.status);
        return Err(NotProven::finding(what, events));
    }
    let resources = facts.resources.as_ref()?;
    let wrong: Vec<String> = resources
        .iter()
        .filter(|resource| {
            !resource.status.ends_with("_COMPLETE") || resource.status.starts_with("DELETE")
        })
        .map(|resource| format!("`{}` is in `{}`", resource.logical, resource.status))
        .collect();
    if resources.is_empty() {
        return Err(NotProven::finding("the stack has no resources", DEPLOY));
    }
    all_right(format!("{}, {} resources", stack.status, resources.len()), wrong, vec![events])
}

fn judge_stack_outputs_present(facts: &Facts) -> CheckResult {
    let there = &facts.stack.outputs;
    let ingest = facts.stack.is_batched().then_some(&"IngestQueueArn");
    let of_releases = if has_releases(facts) { OF_RELEASES } else { &[] };
    let missing: Vec<String> = OUTPUTS
        .iter()
        .chain(ingest)
        .chain(of_releases)
        .filter(|output| !there.contains_key(**output))
        .map(|output| format!("no output `{output}`"))
        .collect();
    all_right(format!("{} of {}", OUTPUTS.len(), OUTPUTS.len()), missing, vec![DEPLOY.to_owned()])
}
