//! `tripline fleet run`: the command's arguments, and what it says at the end.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use tripline_aws::{FailureKind, SdkConfig};

use super::arguments::{Devices, Limits};
use super::device::{Behavior, Outcomes};
use super::plan::Plan;
use super::registry::check_simulated;
use super::value::{Seconds, Share, Speedup, UpTo};
use crate::aws::job_side::AwsJobSide;
use crate::exit::{End, Error};
use crate::input::job::RequiredJob;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  # A healthy update: five minutes of download at the median, 2 % fail
  tripline fleet run --devices 200 --prefix demo- fw-1-3-0 --failed 0.02

  # A bad one: a third downloads for an hour and retries; the same devices each time
  tripline fleet run --devices 200 --prefix demo- fw-1-4-0 \\
      --slow 0.33 --slow-median 1h --retries 4 --seed 7

Every device takes the execution of that job when the rollout reaches it, waits for its download,
and reports SUCCEEDED or FAILED with statusDetails `downloadTime` (seconds) and `retryCount`, or
REJECTED. It never touches another job, and never a device that `tripline fleet register` has not
created. The run ends when every device has ended or the job has.

Exit code 0: all have ended; 6: --for was over before; 2: an option is not right, or a thing is not
of a fleet; 3: AWS refused or could not be reached.",
    mut_arg("job", |arg| arg.help("The job whose executions the devices take")))]
pub struct Run {
    #[command(flatten)]
    devices: Devices,
    #[command(flatten)]
    job: RequiredJob,
    /// Seed of all random numbers [default: another one each time, printed]
    #[arg(long)]
    seed: Option<u64>,

    /// Share of devices that fail after the download
    #[arg(long, value_name = "SHARE", default_value = "0", help_heading = "Outcomes")]
    failed: Share,
    /// Share of devices that reject the job
    #[arg(long, value_name = "SHARE", default_value = "0", help_heading = "Outcomes")]
    rejected: Share,
    /// Share of devices that take the job and never answer
    #[arg(long, value_name = "SHARE", default_value = "0", help_heading = "Outcomes")]
    silent: Share,

    /// Median download time (lognormal)
    #[arg(long, value_name = "TIME", default_value = "5m", help_heading = "Download")]
    median: Seconds,
    /// Deviation of the download time's logarithm: 0 is the same for all, 0.5 is usual
    #[arg(long, default_value = "0.5", help_heading = "Download")]
    sigma: UpTo<3>,
    /// Share of devices that are slow
    #[arg(long, value_name = "SHARE", default_value = "0", help_heading = "Download")]
    slow: Share,
    /// Median download time of the slow ones
    #[arg(long, value_name = "TIME", default_value = "1h", help_heading = "Download")]
    slow_median: Seconds,
    /// Mean number of retries a device reports
    #[arg(long, value_name = "MEAN", default_value = "0", help_heading = "Download")]
    retries: UpTo<1000>,

    /// How many times faster than its download a device lives: at 60, a minute takes a second
    #[arg(long, value_name = "FACTOR", default_value = "60", help_heading = "Time")]
    speedup: Speedup,
    /// Time between two looks of a device for its job
    #[arg(long, value_name = "TIME", default_value = "5s", help_heading = "Time")]
    poll: Seconds,
    /// Longest time of the run
    #[arg(long = "for", value_name = "TIME", default_value = "1h", help_heading = "Time")]
    longest: Seconds,

    #[command(flatten)]
    limits: Limits,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Run {
    pub async fn run(self, config: &SdkConfig) -> Result<End, Error> {
        let plan = self.plan()?;
        let job_id = self.job.id()?;
        // Before anything is asked of the job: a device that reports takes the place of its thing.
        let iot = aws_sdk_iot::Client::new(config);
        check_simulated(&iot, &self.devices.prefix, &plan.names).await?;
        say(&format!("{} devices, seed {}", plan.names.len(), plan.seed));
        let side = Arc::new(AwsJobSide::new(config, job_id.clone()).await?);
        let (board, status) = plan.run(side).await.map_err(|failure| {
            if failure.kind == FailureKind::NotFound {
                Error::input(format!("job `{job_id}`: {}", failure.what()))
                    .hint("check the Region and the account")
            } else {
                failure.into()
            }
        })?;
        match self.output {
            Output::Text => print(&format!("{}\n", board.text(job_id.as_str(), &status.name))),
            Output::Json => print_document(&board.data(job_id.as_str(), &status.name)),
        }
        Ok(if board.open() == 0 { End::Done } else { End::Undecided })
    }

    fn plan(&self) -> Result<Plan, Error> {
        let outcomes = Outcomes::new(self.failed, self.rejected, self.silent)
            .map_err(|fault| Error::input(format!("--failed, --rejected, --silent: {fault}")))?;
        Ok(Plan {
            names: self.devices.prefix.names(self.devices.devices).collect(),
            behavior: Behavior::new(
                outcomes,
                (self.median, self.sigma),
                (self.slow, self.slow_median),
                self.retries,
            ),
            // The standard library's hash keys are random: a seed without another crate. Half of
            // it, so that any JSON reader keeps it exactly.
            seed: self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32),
            speedup: self.speedup,
            poll: self.poll.duration(),
            longest: self.longest.duration(),
            looks: self.limits.pace(),
            acts: self.limits.pace(),
        })
    }
}
