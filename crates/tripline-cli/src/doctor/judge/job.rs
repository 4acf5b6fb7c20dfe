//! A job, and whether its executions are counted.

use aws_sdk_iot::types::{Job, JobStatus};

use crate::doctor::check::{About, Check, Judged, Not, quoted};
use crate::doctor::facts::{Facts, Need, seen};

pub const CHECKS: &[Check] = &[
    Check {
        name: "job-in-progress",
        about: About::Job,
        proves: "the job is there and still reaches devices",
        why: "there is nothing to guard, or the job has another name",
        needs: &[Need::Job],
        judge: in_progress,
        fix: None,
    },
    Check {
        name: "job-timeout",
        about: About::Job,
        proves: "an execution that never ends is ended by the job's own timeout",
        why: "a device that dies during the update never reports, and nothing counts it",
        needs: &[Need::Job],
        judge: timeout,
        fix: None,
    },
    Check {
        name: "metrics-arriving",
        about: About::Job,
        proves: "executions of the job that ended were counted",
        why: "the chain is broken somewhere, and no alarm of the job can fire",
        needs: &[Need::Job, Need::Counted],
        judge: arriving,
        fix: None,
    },
    Check {
        name: "guarded-by-keeper",
        about: About::Job,
        proves: "the guard-keeper looks after the job's alarms",
        why: "alarms that somebody deletes stay deleted",
        needs: &[Need::Job],
        judge: kept,
        fix: None,
    },
];

/// The job, which may not be there.
pub fn job(facts: &Facts) -> Result<&Job, Not> {
    seen(&facts.job()?.job)?
        .as_ref()
        .ok_or_else(|| Not::skipped("there is no such job: see `job-in-progress`"))
}

fn in_progress(facts: &Facts) -> Judged {
    let id = &facts.job()?.id;
    let Some(job) = seen(&facts.job()?.job)? else {
        return Err(Not::finding(
            format!("there is no job `{id}` in `{}`", facts.region),
            "aws iot list-jobs --status IN_PROGRESS",
        ));
    };
    match job.status() {
        Some(status @ (JobStatus::InProgress | JobStatus::Scheduled)) => {
            Ok(status.as_str().to_owned())
        }
        status => {
            let status = status.map_or("of an unknown state", |status| status.as_str());
            Err(Not::finding(
                format!("the job is `{status}`: it reaches no more devices"),
                "aws iot list-jobs --status IN_PROGRESS",
            ))
        }
    }
}

fn timeout(facts: &Facts) -> Judged {
    let minutes =
        job(facts)?.timeout_config().and_then(|config| config.in_progress_timeout_in_minutes());
    match minutes {
        Some(minutes) => Ok(format!("{minutes} minutes")),
        None => Err(Not::finding(
            "the job has no timeout",
            "tripline deploy dev.ini   # a new job, with `inProgressTimeoutInMinutes`: a job's timeout cannot be set later",
        )),
    }
}

/// Executions that have come to an end of their own.
pub fn ended(job: &Job) -> i32 {
    job.job_process_details().map_or(0, |details| {
        [
            details.number_of_succeeded_things(),
            details.number_of_failed_things(),
            details.number_of_rejected_things(),
            details.number_of_timed_out_things(),
        ]
        .into_iter()
        .flatten()
        .sum()
    })
}

fn arriving(facts: &Facts) -> Judged {
    let ended = ended(job(facts)?);
    if ended == 0 {
        return Err(Not::skipped("no execution has ended yet"));
    }
    let counted = *seen(&facts.job()?.counted)?;
    // Counting takes seconds, and a rollout ends hundreds a minute.
    if counted * 2.0 >= f64::from(ended) {
        return Ok(format!("{counted:.0} of {ended}"));
    }
    let stack = quoted(&facts.stack.name);
    Err(Not::finding(
        format!("{ended} executions ended and {counted:.0} were counted"),
        format!(
            "tripline doctor --stack {stack}   # the other findings say where it breaks; again in a minute if there is none"
        ),
    ))
}

fn kept(facts: &Facts) -> Judged {
    if !facts.stack.outputs.contains_key("GuardKeeperFunctionArn") {
        return Err(Not::skipped("the stack has no guard-keeper"));
    }
    job(facts)?;
    let id = &facts.job()?.id;
    if !*seen(&facts.job()?.opted_out)? {
        return Ok("every minute".to_owned());
    }
    let stack = &facts.stack;
    let arn =
        format!("arn:{}:iot:{}:{}:job/{id}", stack.partition(), facts.region, stack.account());
    Err(Not::finding(
        "the job's tag `tripline:guard` is `off`",
        format!("aws iot untag-resource --resource-arn {} --tag-keys tripline:guard", quoted(&arn)),
    ))
}
