//! Disarms a job.

use tripline::job::JobId;

use super::keeping;
use crate::aws::alarms::listed;
use crate::aws::clients::Aws;
use crate::aws::failure::with;
use crate::aws::stack::Stack;
use crate::exit::Error;

/// Removes a job's alarms, and returns their names. The keeper of `stack` forgets the job; without
/// one it does so by itself once the job is gone.
pub async fn disarm(
    aws: &Aws,
    stack: Option<&str>,
    job: &JobId,
    force: bool,
    dry_run: bool,
) -> Result<Vec<String>, Error> {
    let names: Vec<String> =
        listed(aws, Some(job)).await?.iter().map(|listed| listed.name().to_owned()).collect();
    if !force && aws.job_state(job).await?.is_some_and(|state| !state.has_ended()) {
        // It may have a guard of another stack, or none.
        if names.is_empty() {
            return Ok(names);
        }
        return Err(Error::Input(format!(
            "job `{job}` still reaches devices, and would go on unguarded; nothing was removed\n\n  hint: `--force` disarms it nevertheless"
        )));
    }
    if !dry_run {
        // First, or the keeper would arm the job again.
        if let Some(stack) = stack
            && let Some(stack) = Stack::find_in_any_state(&aws.cloudformation, stack).await?
            && let Ok(table) = keeping::table_of(&stack)
        {
            aws.forget(table, job).await?;
        }
        aws.delete(&names).await.map_err(|failure| {
            with(&failure, "\n\n  hint: run this again: it removes what is left")
        })?;
    }
    Ok(names)
}
