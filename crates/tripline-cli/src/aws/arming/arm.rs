//! Changes what a plan says, and proves that the job is armed.
//!
//! Each step may fail, and each is such that running the command again goes on from there: alarms
//! are overwritten by name, and what is no longer wanted goes last.

use std::time::Duration;

use tripline::job::JobId;
use tripline_aws::{Failure, FailureKind};

use super::plan::{Change, Plan, Planned};
use crate::aws::alarms::NamedAlarm;
use crate::aws::clients::Aws;
use tripline_guard::request;
use tripline_guard::verdict::{Stack, Verdict};

/// What was written may be seen a moment later.
const PROOF_PAUSE: Duration = Duration::from_millis(500);
const PROOFS: u32 = 4;

/// Creates, updates and removes alarms, in this order, and reads them back.
pub async fn arm(
    aws: &Aws,
    job: &JobId,
    stack: Stack<'_>,
    plan: &Plan,
) -> Result<Verdict, Failure> {
    for (done, alarm) in plan.alarms.iter().enumerate() {
        put(aws, alarm).await.map_err(|failure| half_done(failure, &plan.alarms, done))?;
    }
    aws.delete(&plan.strays).await.map_err(|failure| {
        let strays = names(plan.strays.iter());
        let state = format!("\n  the job is armed; not yet removed: {strays}");
        failure.with_more(state).with_hint("run the command again")
    })?;
    prove(aws, job, stack, &plan.alarms).await
}

async fn put(aws: &Aws, alarm: &Planned) -> Result<(), Failure> {
    match &alarm.change {
        Change::Keep => Ok(()),
        Change::Create => aws.put(alarm.request.clone()).await,
        Change::Update(arn) => {
            // CloudWatch ignores the tags of an alarm that is there already.
            aws.put(alarm.request.clone().set_tags(None)).await?;
            aws.tag(arn, alarm.request.get_tags().clone().unwrap_or_default()).await
        }
    }
}

/// A failure with the state in which it left the job.
fn half_done(failure: Failure, alarms: &[Planned], done: usize) -> Failure {
    let (armed, rest) = alarms.split_at(done.min(alarms.len()));
    let list = |alarms: &[Planned]| names(alarms.iter().map(|alarm| &alarm.name));
    let (there, missing): (Vec<_>, Vec<_>) =
        rest.iter().partition(|alarm| alarm.change != Change::Create);
    let mut state = format!("\n  armed: {}", list(armed));
    state += &format!("\n  not armed: {}", names(missing.iter().map(|alarm| &alarm.name)));
    if !there.is_empty() {
        state += &format!(
            "\n  perhaps not as in the config: {}",
            names(there.iter().map(|alarm| &alarm.name))
        );
    }
    failure.with_more(state).with_hint("run the command again: it completes what is missing")
}

/// Reads the alarms back: an alarm that is missing, or that notifies no topic, guards nothing.
async fn prove(
    aws: &Aws,
    job: &JobId,
    stack: Stack<'_>,
    alarms: &[Planned],
) -> Result<Verdict, Failure> {
    let mut wrong = Vec::new();
    for proof in 0..PROOFS {
        if proof > 0 {
            tokio::time::sleep(PROOF_PAUSE).await;
        }
        let seen = aws.see(job).await?;
        let there: Vec<_> = seen.alarms.iter().map(NamedAlarm::observed).collect();
        let is_armed = |planned: &Planned| {
            there.iter().any(|alarm| {
                alarm.name() == planned.name && request::has_actions(alarm.alarm, &planned.actions)
            })
        };
        wrong = alarms
            .iter()
            .filter(|planned| !is_armed(planned))
            .map(|planned| &planned.name)
            .collect();
        if wrong.is_empty() {
            return Ok(Verdict::new(&there, job, stack));
        }
    }
    let text = format!(
        "CloudWatch accepted the alarms, but these are missing or have no actions: {}",
        names(wrong.into_iter())
    );
    Err(Failure::new("DescribeAlarms", FailureKind::Refused, text)
        .with_hint("run the command again, and check whether another tool changes them"))
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
