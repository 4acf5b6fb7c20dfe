//! The job that is checked, and its alarms: what several checks take from the facts, and say of them.

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::Job;
use tripline::alarm::alarm_name_prefix;
use tripline::job::JobId;
use tripline_guard::desired::DEFAULT_PREFIX;

use crate::aws::commands::quoted;
use crate::doctor::facts::Facts;
use crate::doctor::result::NotProven;

/// The job, which may not be there.
pub fn described_job(facts: &Facts) -> Result<&Job, NotProven> {
    facts
        .job()?
        .job
        .as_ref()?
        .as_ref()
        .ok_or_else(|| NotProven::elsewhere("there is no such job", "job-in-progress"))
}

/// The job's ARN.
pub fn job_arn(facts: &Facts) -> Result<String, NotProven> {
    let (stack, id) = (&facts.stack, &facts.job()?.id);
    Ok(format!("arn:{}:iot:{}:{}:job/{id}", stack.partition(), facts.region, stack.account()))
}

/// The job's alarms; without any there is nothing to say of them.
pub fn job_alarms(facts: &Facts) -> Result<&[MetricAlarm], NotProven> {
    match facts.job()?.alarms.as_ref()?.as_slice() {
        [] => Err(NotProven::elsewhere("the job has no alarms", "alarms-exist")),
        alarms => Ok(alarms),
    }
}

/// Whether an alarm is one of the stack's default guard.
pub fn is_default_alarm(alarm: &MetricAlarm, id: &JobId) -> bool {
    let prefix = format!("{}{DEFAULT_PREFIX}", alarm_name_prefix(id));
    alarm.alarm_name().is_some_and(|name| name.starts_with(&prefix))
}

/// The command that arms the job.
pub fn arm_command(facts: &Facts) -> Result<String, NotProven> {
    let (stack, job) = (quoted(&facts.stack.name), facts.job()?);
    let file = quoted(job.config_file());
    Ok(format!("tripline alarms apply {file} --stack {stack} --job-id {}", job.id))
}
