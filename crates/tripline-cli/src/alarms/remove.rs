//! `tripline alarms remove`.

use tripline::diagnostic::Diagnostic;
use tripline::job::JobId;

use super::arguments::Common;
use crate::aws::arming::disarm::disarm;
use crate::aws::clients::Aws;
use crate::exit::{End, Error};
use crate::input::job::RequiredJob;
use crate::input::notes;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::removed::RemovedData;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline alarms remove fw-1-3-0 --dry-run
  tripline alarms remove fw-1-3-0

Removes the alarms whose tags name this job and this stack. Other alarms stay, and the output names
them. While a job still reaches devices, its alarms stay unless you pass --force. The guard-keeper
then gives the job the stack's default guard within a minute, unless the job has had the tag
`tripline:guard` with the value `off` since it was first seen. The guard-keeper removes the alarms
of ended jobs by itself.

Exit code 1: the job has no alarms of this stack.",
    mut_arg("job", |arg| arg.help("The job to disarm")))]
pub struct Remove {
    #[command(flatten)]
    job: RequiredJob,
    /// The stack that keeps the job armed; it may be gone
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Disarm the job even though it still reaches devices
    #[arg(long)]
    force: bool,
    /// Show what the command would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

impl Remove {
    pub async fn run(self) -> Result<End, Error> {
        let job = self.job.id()?;
        let aws = Aws::connect_to_change(self.common.region.clone()).await?;
        let disarmed = disarm(&aws, Some(&self.stack), &job, self.force, self.dry_run).await?;
        for note in disarmed.notes() {
            say(&format!("note: {note}"));
        }
        let names = &disarmed.names;
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        match self.common.output {
            Output::Text => {
                print(&names.iter().map(|name| format!("{name}\n")).collect::<String>())
            }
            Output::Json => print_document(&RemovedData {
                job_id: job.to_string(),
                region: aws.region.clone(),
                dry_run: self.dry_run,
                removed: names.clone(),
            }),
        }
        let (said, end) = result(&job, names.len(), verb, &aws.region);
        say(&said);
        Ok(end)
    }
}

/// That there was nothing to remove is not what was asked for: the job may be called otherwise.
pub fn result(job: &JobId, removed: usize, verb: &str, region: &str) -> (String, End) {
    if removed == 0 {
        let finding = Diagnostic::new(format!(
            "job `{job}` has no alarms of this stack's in `{region}`"
        ))
        .with_hint(
            "`tripline alarms list` shows the jobs that have some; `--stack` takes another name",
        );
        return (finding.labeled("finding"), End::Finding);
    }
    (format!("job `{job}`: {} {verb} in `{region}`", notes::alarms(removed)), End::Done)
}
