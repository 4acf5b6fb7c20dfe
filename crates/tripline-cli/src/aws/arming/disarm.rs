//! Disarms a job.

use tripline::job::JobId;
use tripline::text::excerpt;
use tripline_guard::observed::{Watched, watched};
use tripline_guard::ownership::{Foreign, Owner};

use super::keeping;
use crate::aws::alarms::NamedAlarm;
use crate::aws::clients::Aws;
use crate::aws::stack::{self, Stack};
use crate::exit::Error;

/// What was removed, or would be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disarmed {
    /// The names of the job's alarms.
    pub names: Vec<String>,
    /// Alarms that are called and tagged as the job's are, or watch it, and are somebody else's: they stay.
    pub others: Vec<(String, Foreign)>,
}

/// Removes a job's alarms: those that are this stack's by their tags, or, if no stack is named, any
/// stack's. The keeper of `stack` forgets the job; without one it does so by itself once the job is gone.
pub async fn disarm(
    aws: &Aws,
    stack: Option<&str>,
    job: &JobId,
    force: bool,
    dry_run: bool,
) -> Result<Disarmed, Error> {
    let found = match stack {
        Some(stack) => Stack::find_in_any_state(&aws.cloudformation, stack).await?,
        None => None,
    };
    // A stack that is gone may have left alarms.
    let name = found.as_ref().map(Stack::name).or_else(|| stack.map(stack::name_of));
    let disarmed = Disarmed::of(&aws.see_owners(job).await?.alarms, job, name);
    if !force && aws.job_state(job).await?.is_some_and(|state| !state.has_ended()) {
        // It may have a guard of another stack, or none.
        if disarmed.names.is_empty() {
            return Ok(disarmed);
        }
        return Err(Error::input(format!(
            "job `{job}` still reaches devices, and would go on unguarded, so nothing was removed"
        ))
        .hint("`--force` disarms it anyway"));
    }
    if !dry_run {
        // First, or the keeper would arm the job again.
        if let Some(stack) = &found
            && let Ok(table) = keeping::table_of(stack)
        {
            aws.forget(table, job).await?;
        }
        aws.delete(&disarmed.names).await.map_err(|failure| {
            failure.with_hint("run the command again: it removes what is left")
        })?;
    }
    Ok(disarmed)
}

impl Disarmed {
    fn of(seen: &[NamedAlarm], job: &JobId, stack: Option<&str>) -> Self {
        let mut disarmed = Self::default();
        for alarm in seen {
            // Without a stack's name, whichever its tag names: untagged is untagged.
            let stack = stack.or(alarm.tags.stack.as_deref()).unwrap_or_default();
            let observed = alarm.observed();
            let is_called_so = alarm.tags.job.as_deref() == Some(job.as_str())
                || watched(&alarm.alarm) == Watched::Job(job.as_str());
            match observed.owner(job, stack) {
                Owner::Ours => disarmed.names.push(observed.name().to_owned()),
                Owner::Foreign(whose) if is_called_so => {
                    disarmed.others.push((observed.name().to_owned(), whose));
                }
                Owner::Foreign(_) | Owner::NotKnown => {}
            }
        }
        disarmed
    }

    /// What stays, a note for each.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let others = self.others.iter();
        others.map(|(name, whose)| format!("alarm `{}` {whose}, and stays", excerpt(name)))
    }
}
