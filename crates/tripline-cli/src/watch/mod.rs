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

Watches any job of AWS IoT, whoever created it; one that no alarm of the stack would stop is `unguarded`. On a
terminal the screen is redrawn; elsewhere, with TERM=dumb or NO_COLOR, there is a line when something
has changed. AWS is asked
at most once a second on average, however large the fleet and however many the rollouts.

Where the stack's guard-keeper computes evidence of the job, it is shown as it was kept last: how far
the rollout is outside of its limits, which limit spoke, the next one, and how surely it is healthy.

The line `coverage` says for each way to go wrong (devices fail, refuse, time out, are slow, never
answer) whether the rollout is stopped, people are alerted, or nobody hears of it; each way of which
nobody hears is named with why, and what helps. Without the stack it is not known.

--record writes, once the rollout has ended, when each execution began and ended: for `tripline
calibrate` and `tripline replay`. Nothing is written of a rollout that has not ended.

A CONTINUOUS job never completes by itself: it is watched until everything that is there has
ended.

Devices are counted. Where AWS IoT counts attempts (a job with retries, a CONTINUOUS one for
groups), they are found in the lists of its executions.

Exit code 0: completed, and every device has it; 1: completed, and devices have not got it, or
cancelled by somebody; 2: there is no such job; 3: AWS refused, or was out of reach for five
minutes; 5: stopped by its guard, or by its own abort criteria; 6: undecided when --timeout was
over, or at --once, or completed with attempts of which AWS does not say which device's they are.
Of several rollouts a stop counts most, then what is undecided, then what failed.")]
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
    /// Look once
    #[arg(long)]
    once: bool,
    /// Write a recording of the rollout once it has ended
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Overwrite a recording that is there
    #[arg(long, requires = "record")]
    force: bool,
    /// AWS region [default: the environment's]
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
