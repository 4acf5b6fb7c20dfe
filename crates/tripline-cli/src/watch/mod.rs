//! `tripline watch`: live progress of rollouts, in few calls.
//!
//! - [`seen`]: what is known of a rollout; [`verdict`]: how it ended; [`pace`]: how fast it goes;
//! - [`aws`]: what AWS is asked; [`executions`]: who is slow; [`targets`]: how many devices it is for; [`record`]: how all executions went;
//! - [`follow`]: looks again and again;
//! - [`view`], [`mod@evidence`], [`duration`]: what people and programs read; [`show`]: where it goes;
//! - [`companion`]: the same beside a command that waits itself.

mod aws;
mod companion;
mod duration;
mod evidence;
mod executions;
mod follow;
mod pace;
mod record;
mod seen;
mod show;
mod targets;
mod verdict;
mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use {crate::aws::budget::Budget as WatchBudget, aws::Observer as WatchObserver};

pub use companion::Companion;
pub use view::RolloutData;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tripline::job::JobId;

use crate::aws::budget::Budget;
use crate::aws::clients::Aws;
use crate::aws::connect::connect;
use crate::aws::region::Region;
use crate::exit::{End, Error};
use crate::input::duration::whole_seconds;
use crate::input::file::NewFile;
use crate::terminal::output::Output;
use aws::Observer;
use follow::{Clock, Watch};

/// Most rollouts that are watched at a time: a look at each takes some seconds' worth of calls.
const MOST_JOBS: usize = 50;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline watch fw-1-3-0
  tripline watch fw-1-3-0 fw-1-3-1 --timeout 2h
  tripline watch fw-1-3-0 --once --output json | jq .counts
  tripline watch fw-1-3-0 --record fw-1-3-0.ndjson

Watches any AWS IoT job, whoever created it. A job that no alarm of the stack would stop is
`unguarded`. On a terminal the command redraws the screen; elsewhere, with TERM=dumb or NO_COLOR,
it prints a line for every change. It calls AWS at most once a second on average, however large the
fleet is and however many rollouts you watch.

If the guard-keeper computes evidence of the job, the output shows the latest: how far the rollout
is outside of its limits, which limit counted most, which comes next, and how surely the rollout is
healthy.

The line `coverage` says for each way to go wrong (devices fail, refuse, time out, are slow, never
answer) whether it stops the rollout, alerts people or is not covered. For a way that nothing
covers it gives the reason and what helps. Without the stack, coverage is unknown.

Once the rollout has ended, --record writes when each execution began and ended, for `tripline
calibrate` and `tripline replay`. It writes nothing for a rollout that has not ended.

A CONTINUOUS job never completes by itself, so the command watches it until all current executions
have ended.

The output counts devices. Where AWS IoT counts attempts (a job with retries, a CONTINUOUS job for
groups), the command finds the devices in the lists of executions.

Exit code 0: completed, and every device has the firmware; 1: completed, but some devices do not
have the firmware, or somebody canceled the job; 2: the job does not exist; 3: AWS refused, or was
out of reach for five minutes; 5: the guard or the job's abort criteria stopped it; 6: still
undecided after --timeout or with --once, or AWS IoT counts attempts and does not name their
devices. For several rollouts, a stop counts most, then an undecided one, then a failed one.")]
pub struct Arguments {
    /// The jobs to watch
    #[arg(value_name = "JOB", required_unless_present = "job_id", num_args = 1..)]
    jobs: Vec<JobId>,
    /// The same as JOB; may be given several times
    #[arg(long, value_name = "JOB")]
    job_id: Vec<JobId>,
    /// The stack whose alarms guard the rollouts
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Time from one look to the next
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = whole_seconds(1, 3_600))]
    every: u32,
    /// Stop watching after this time; the rollouts go on
    #[arg(long, value_name = "TIME", value_parser = whole_seconds(1, 31_536_000))]
    timeout: Option<u32>,
    /// Show the state once and exit
    #[arg(long)]
    once: bool,
    /// Write a recording of the rollout once it has ended
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Overwrite an existing recording
    #[arg(long, requires = "record")]
    force: bool,
    /// AWS Region [default: the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let mut jobs = [arguments.jobs, arguments.job_id].concat();
    let mut known = HashSet::new();
    jobs.retain(|job| known.insert(job.clone()));
    if jobs.len() > MOST_JOBS {
        return Err(Error::input(format!(
            "{} jobs to watch (expected at most {MOST_JOBS})",
            jobs.len()
        )));
    }
    let record = arguments.record.as_deref();
    if record.is_some() && jobs.len() > 1 {
        return Err(Error::input(format!("--record: {} jobs (expected one)", jobs.len())));
    }
    let record = record.map(|path| NewFile::new(path, arguments.force)).transpose()?;
    let connection = connect(arguments.region).await?.without_retries();
    let mut observer =
        Observer::new(Aws::for_connection(connection), Budget::new(), &arguments.stack);
    let watch = Watch {
        jobs,
        every: Duration::from_secs(arguments.every.into()),
        timeout: arguments.timeout.map(|seconds| Duration::from_secs(seconds.into())),
        once: arguments.once,
    };
    let mut shown = show::for_output(arguments.output);
    let end = watch.follow(&mut observer, Clock::set(), &mut shown).await?;
    if let (Some(file), Some(job)) = (record, watch.jobs.first()) {
        record::record(&mut observer, job, &file).await?;
    }
    Ok(end)
}
