//! `tripline alarms remove`.

use serde_json::json;
use tripline::job::JobId;

use super::aws::Aws;
use super::list::listed;
use super::table::{print, print_json};
use super::{Common, Output, arm, notes};
use crate::exit::{End, Error};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tripline alarms remove --job-id fw-1-3-0 --dry-run
  tripline alarms remove --job-id fw-1-3-0

Only alarms of exactly this job are removed, whatever others are called. A job that still reaches
devices would go on unguarded, so its alarms are not removed without --force.

Exit code 1: the job has no alarms of Tripline's.")]
pub struct Remove {
    /// The job to disarm
    #[arg(long, value_name = "ID")]
    job_id: JobId,
    /// Disarm the job even though it still reaches devices
    #[arg(long)]
    force: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

impl Remove {
    pub async fn run(self) -> Result<End, Error> {
        let aws = Aws::connect(self.common.region.clone()).await?;
        let names = remove(&aws, &self.job_id, self.force, self.dry_run).await?;
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        match self.common.output {
            Output::Text => {
                print(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
            }
            Output::Json => print_json(&json!({
                "job": self.job_id.as_str(), "region": aws.region, "dryRun": self.dry_run, "removed": names,
            })),
        }
        let (said, end) = result(&self.job_id, names.len(), verb, &aws.region);
        eprintln!("{said}");
        Ok(end)
    }
}

/// That there was nothing to remove is not what was asked for: the job may be called otherwise.
pub fn result(job: &JobId, removed: usize, verb: &str, region: &str) -> (String, End) {
    if removed == 0 {
        let said = format!(
            "finding: job `{job}` has no alarms of Tripline's in `{region}`\n\n  hint: `tripline alarms list` shows the jobs that have some"
        );
        return (said, End::Finding);
    }
    (format!("job `{job}`: {} {verb} in `{region}`", notes::alarms(removed)), End::Done)
}

/// Removes a job's alarms, and returns their names.
pub async fn remove(
    aws: &Aws,
    job: &JobId,
    force: bool,
    dry_run: bool,
) -> Result<Vec<String>, Error> {
    let names: Vec<String> =
        listed(aws, Some(job)).await?.iter().map(|listed| listed.name().to_owned()).collect();
    if names.is_empty() {
        return Ok(names);
    }
    if !force && aws.job_state(job).await?.is_some_and(|state| !state.has_ended()) {
        return Err(Error::Input(format!(
            "job `{job}` still reaches devices, and would go on unguarded; nothing was removed\n\n  hint: `--force` disarms it nevertheless"
        )));
    }
    if !dry_run {
        aws.delete(&names).await.map_err(|failure| {
            arm::with(&failure, "\n\n  hint: run this again: it removes what is left")
        })?;
    }
    Ok(names)
}
