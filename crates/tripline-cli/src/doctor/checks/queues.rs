//! The queues: what waits to be counted, and what nothing could handle.

use crate::aws::arn::is_same_function;
use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Ingest, Need};
use crate::doctor::result::{CheckResult, NotProven, all_right};

pub const CHECKS: &[Check] = &[
    Check {
        name: "ingest-mapping-enabled",
        about: About::Stack,
        proves: "the metrics-generator reads job events from their queue, and failed ones stay in it",
        why: "Tripline never counts events that nothing reads from the queue",
        needs: &[Need::Ingest],
        judge: judge_ingest_mapping_enabled,
        fix: None,
    },
    Check {
        name: "ingest-queue-has-dlq",
        about: About::Stack,
        proves: "SQS moves events that cannot be counted to the undelivered queue",
        why: "they would return until SQS drops them, and delay the others",
        needs: &[Need::Ingest],
        judge: judge_ingest_queue_has_dlq,
        fix: None,
    },
    Check {
        name: "undelivered-queue-empty",
        about: About::Stack,
        proves: "the undelivered queue is empty",
        why: "no function handled what is in the queue: a device that was not counted, or a stop that failed",
        needs: &[Need::Undelivered],
        judge: judge_undelivered_queue_empty,
        fix: None,
    },
];

fn judge_ingest_mapping_enabled(facts: &Facts) -> CheckResult {
    let Ingest::Batched { queue, mappings } = facts.ingest.as_ref()? else {
        return Err(NotProven::skipped("the rule invokes the function itself (`Ingest=direct`)"));
    };
    let function = facts.stack.output("MetricsGeneratorFunctionArn")?;
    let drift =
        format!("aws cloudformation detect-stack-drift --stack-name {}", quoted(&facts.stack.name));
    if queue.is_none() {
        return Err(NotProven::finding("the queue of job events does not exist", drift));
    }
    let Some(mapping) =
        mappings.iter().find(|mapping| is_same_function(&mapping.function, function))
    else {
        return Err(NotProven::finding("the metrics-generator does not read the queue", drift));
    };
    let id = quoted(&mapping.id);
    let (mut wrong, mut fixes) = (Vec::new(), Vec::new());
    if !matches!(mapping.state.as_str(), "Enabled" | "Enabling" | "Updating") {
        wrong.push(format!("the event source mapping is `{}`", mapping.state));
        fixes.push(format!("aws lambda update-event-source-mapping --uuid {id} --enabled"));
    }
    if !mapping.reports_failures {
        wrong.push("one bad event fails its whole batch".to_owned());
        fixes.push(format!("aws lambda update-event-source-mapping --uuid {id} --function-response-types ReportBatchItemFailures"));
    }
    all_right(mapping.state.clone(), wrong, fixes)
}

fn judge_ingest_queue_has_dlq(facts: &Facts) -> CheckResult {
    let Ingest::Batched { queue, .. } = facts.ingest.as_ref()? else {
        return Err(NotProven::skipped("the rule invokes the function itself (`Ingest=direct`)"));
    };
    let Some(queue) = queue else {
        return Err(NotProven::elsewhere("the queue does not exist", "ingest-mapping-enabled"));
    };
    let undelivered = facts.stack.output("UndeliveredQueueArn")?;
    if queue.dead_letters.as_deref() == Some(undelivered) {
        return Ok("to the undelivered queue".to_owned());
    }
    let policy = format!(r#"{{"deadLetterTargetArn":"{undelivered}","maxReceiveCount":"5"}}"#);
    let attributes = serde_json::json!({ "RedrivePolicy": policy });
    Err(NotProven::finding(
        "events that cannot be counted go nowhere",
        format!(
            "aws sqs set-queue-attributes --queue-url {} --attributes {}",
            quoted(&queue.url),
            quoted(&attributes.to_string())
        ),
    ))
}

fn judge_undelivered_queue_empty(facts: &Facts) -> CheckResult {
    let url = quoted(facts.stack.output("UndeliveredQueueUrl")?);
    let Some(queue) = facts.undelivered.as_ref()? else {
        let fix = format!(
            "aws cloudformation detect-stack-drift --stack-name {}",
            quoted(&facts.stack.name)
        );
        return Err(NotProven::finding("the undelivered queue does not exist", fix));
    };
    match queue.messages {
        0 => Ok("empty".to_owned()),
        messages => Err(NotProven::finding(
            format!("{messages} undelivered"),
            format!(
                "aws sqs receive-message --queue-url {url} --visibility-timeout 0 --max-number-of-messages 10"
            ),
        )),
    }
}
