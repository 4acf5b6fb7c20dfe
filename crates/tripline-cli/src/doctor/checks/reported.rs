//! Whether devices report what the alarms of a job watch.

use aws_sdk_cloudwatch::types::MetricAlarm;
use tripline::detail::Detail;
use tripline::job::JobState;
use tripline::reports::Reports;
use tripline::text::excerpt;
use tripline_aws::iot;

use crate::aws::commands::quoted;
use crate::doctor::facts::Facts;
use crate::doctor::result::NotProven;

use super::alarms::details_watched;
use super::guarded::described_job;

/// Whether devices report the detail that an alarm watches: of several the one that nobody reports. `None` if it
/// watches none.
pub fn reports(facts: &Facts, alarm: &MetricAlarm) -> Result<Option<(Detail, Reports)>, NotProven> {
    let mut all = Vec::new();
    for detail in details_watched(alarm) {
        let executions = all_executions(facts)?;
        all.push((detail, facts.job()?.counted.as_ref()?.reports(detail, executions)));
    }
    let never = all.iter().find(|(_, reports)| reports.is_never()).copied();
    Ok(never.or(all.first().copied()))
}

/// The same where nobody reports it.
pub fn never_reported(
    facts: &Facts,
    alarm: &MetricAlarm,
) -> Result<Option<(Detail, Reports)>, NotProven> {
    Ok(reports(facts, alarm)?.filter(|(_, reports)| reports.is_never()))
}

/// How many executions the job will have had, if that is known: of a job that has ended those that ended, of one
/// for things without retries one each.
fn all_executions(facts: &Facts) -> Result<Option<u64>, NotProven> {
    let job = iot::job_of(described_job(facts)?);
    if job.state == JobState::Completed {
        return Ok(Some(job.counts.ended.executed().into()));
    }
    let setup = &job.setup;
    let is_fixed = !setup.is_continuous
        && setup.groups.is_empty()
        && setup.retries.failed == 0
        && setup.retries.timed_out == 0;
    Ok((is_fixed && setup.things > 0).then(|| u64::from(setup.things)))
}

/// What devices have in its place, if one that succeeded shows it; nothing where that may not be asked.
pub fn misspelled(facts: &Facts, detail: Detail) -> Option<String> {
    let found = facts.job().ok()?.misspelled.as_ref().ok()?.get(&detail)?;
    Some(format!("`{}` reports it as `{}`", excerpt(&found.thing), found.key))
}

/// The command that shows what a device reports.
pub fn show_command(facts: &Facts, detail: Detail) -> Result<String, NotProven> {
    let job = facts.job()?;
    let id = &job.id;
    let found = job.misspelled.as_ref().ok().and_then(|found| found.get(&detail));
    Ok(match found {
        Some(found) => format!(
            "aws iot describe-job-execution --job-id {id} --thing-name {} --query execution.statusDetails   # its firmware has to spell it `{detail}`",
            quoted(&found.thing)
        ),
        None => format!(
            "aws iot list-job-executions-for-job --job-id {id} --status SUCCEEDED --max-results 2   # describe-job-execution shows what each reports"
        ),
    })
}
