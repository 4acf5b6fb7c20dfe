//! `tripline stop`: a stop by hand.
//!
//! Nothing is asked first: who stops is in a hurry. What an abort may do is said.

#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::{JobId, JobState};
use tripline::stop::{OPERATOR_REASON_CODE, operator_comment};
use tripline::text::clean;
use tripline_aws::{Failure, FailureKind};

use crate::aws::connect::{Connection, connect_to_change};
use crate::aws::job::DescribedJob;
use crate::aws::region::Region;
use crate::aws::tally::Tally;
use crate::exit::{End, Error};
use crate::input::job::RequiredJob;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};

/// What was canceled may be seen a moment later.
const PROOF_PAUSE: Duration = Duration::from_millis(500);
const PROOFS: u32 = 6;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline stop fw-1-3-0 --reason \"bricks pump A\"
  tripline stop fw-1-3-0 --mode abort --dry-run

`cancel` leaves devices in progress alone, and no other device receives the firmware. `abort` also
cancels devices in progress, which can leave a device unable to report, or stuck in the middle of
its update. Use `tripline resume` later for the devices that do not have the firmware.

Exit code 0: the job is canceled, now or before; 1: the job is completed or deleted, so there was
nothing to stop; 2: the job does not exist; 3: AWS refused or could not be reached.",
    mut_arg("job", |arg| arg.help("The job to stop")))]
pub struct Arguments {
    #[command(flatten)]
    job: RequiredJob,
    /// What becomes of devices in progress
    #[arg(long, value_enum, default_value = "cancel")]
    mode: Mode,
    /// The reason, shown with the job
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what the command would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// AWS Region [default: the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// They go on; the others do not receive it
    Cancel,
    /// They are canceled too; this can leave a device stuck
    Abort,
}

/// A job to stop.
#[derive(Debug)]
pub struct Stop {
    pub job: JobId,
    pub mode: Mode,
    pub reason: Option<String>,
    pub dry_run: bool,
}

/// A job that was stopped, or was to be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoppedData {
    job_id: String,
    region: String,
    dry_run: bool,
    mode: Mode,
    /// Whether this command has stopped it.
    stopped: bool,
    /// Whether it had ended before.
    had_ended: bool,
    /// The job's state, as AWS IoT has it.
    state: String,
    reason_code: Option<String>,
    comment: Option<String>,
    counts: StoppedCounts,
    /// As AWS IoT counts, where that is attempts.
    attempts: Option<Tally>,
}

/// In devices.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StoppedCounts {
    succeeded: u32,
    /// Failed, rejected or timed out; `null` where only attempts are known.
    failed: Option<u32>,
    in_progress: u32,
    spared: u32,
}

/// How it was found, or left.
#[derive(Debug, PartialEq, Eq)]
pub struct Stopped {
    pub seen: DescribedJob,
    /// It had ended before.
    pub before: bool,
    /// Devices that were in progress and are no more, because an abort canceled them.
    pub torn: u32,
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let Connection { region, config } = connect_to_change(arguments.region).await?;
    let stop = Stop {
        job: arguments.job.id()?,
        mode: arguments.mode,
        reason: arguments.reason,
        dry_run: arguments.dry_run,
    };
    let stopped = stop.stop(&aws_sdk_iot::Client::new(&config)).await?;
    match arguments.output {
        Output::Text => print(&stop.text(&stopped)),
        Output::Json => print_document(&stop.data(&stopped, &region)),
    }
    if let Some(hint) = stop.hint(&stopped) {
        say(&format!("hint: {hint}"));
    }
    Ok(stopped.end())
}

impl Stop {
    /// Stops it, and proves it.
    pub async fn stop(&self, iot: &aws_sdk_iot::Client) -> Result<Stopped, Error> {
        let seen = self.describe(iot).await?;
        if seen.state.has_ended() {
            return Ok(Stopped { seen, before: true, torn: 0 });
        }
        if self.dry_run {
            return Ok(Stopped { seen, before: false, torn: 0 });
        }
        let at_work = seen.tally.in_progress;
        let canceled = iot
            .cancel_job()
            .job_id(self.job.as_str())
            .reason_code(OPERATOR_REASON_CODE)
            .comment(operator_comment(self.reason.as_deref()))
            .force(self.mode == Mode::Abort)
            .send()
            .await;
        if let Err(error) = canceled {
            let failure = Failure::from_sdk("CancelJob", &error);
            // It may have ended, or been stopped by its guard, a moment before.
            if failure.kind == FailureKind::Refused {
                let seen = self.describe(iot).await?;
                if seen.state.has_ended() {
                    return Ok(Stopped { seen, before: true, torn: 0 });
                }
            }
            return Err(failure.into());
        }
        let mut seen = self.describe(iot).await?;
        for _ in 1..PROOFS {
            if seen.state.has_ended() {
                break;
            }
            tokio::time::sleep(PROOF_PAUSE).await;
            seen = self.describe(iot).await?;
        }
        if seen.state.has_ended() {
            let abort = self.mode == Mode::Abort;
            let torn = if abort { at_work.saturating_sub(seen.tally.in_progress) } else { 0 };
            return Ok(Stopped { seen, before: false, torn });
        }
        let text = format!(
            "AWS IoT accepted the stop, but shows job `{}` in `{}`",
            self.job,
            clean(&seen.status, 64)
        );
        Err(Failure::new("CancelJob", FailureKind::Unavailable, text)
            .with_hint("run the command again")
            .into())
    }

    async fn describe(&self, iot: &aws_sdk_iot::Client) -> Result<DescribedJob, Error> {
        let failure = match tripline_aws::iot::describe(iot, &self.job).await {
            Ok(job) => return Ok(DescribedJob::from(&job)),
            Err(failure) => failure,
        };
        if failure.kind == FailureKind::NotFound {
            return Err(Error::input(format!("there is no job `{}`", self.job))
                .hint("check the Region and the account"));
        }
        Err(failure.into())
    }

    fn text(&self, stopped: &Stopped) -> String {
        let (job, tally) = (&self.job, &stopped.seen.tally);
        let mut text = match (stopped.before, self.dry_run, self.mode) {
            (true, ..) => format!(
                "nothing to stop: job {job} is {} already\n",
                clean(&stopped.seen.status, 64)
            ),
            (_, true, Mode::Cancel) => format!("dry run: job {job} would be canceled\n"),
            (_, true, Mode::Abort) => format!("dry run: job {job} would be aborted\n"),
            (_, _, Mode::Cancel) => format!("job {job} is canceled\n"),
            (_, _, Mode::Abort) => format!("job {job} is aborted\n"),
        };
        let mut line = |name: &str, count: u32, note: &str| {
            text += format!("  {name:<12}{count:>8}  {note}").trim_end();
            text += "\n";
        };
        line("succeeded", tally.succeeded, "have it");
        match stopped.seen.uncounted() {
            None => line("failed", tally.failures(), "failed, rejected or timed out"),
            // To stop is not to wait for lists.
            Some(_) => line("attempts", tally.failures(), "failed, rejected or timed out"),
        }
        line("in progress", stopped.in_progress(), self.note_on_progress(stopped));
        line("spared", stopped.spared(), "and those that the rollout had not come to");
        if let Some(comment) = stopped.seen.comment.as_deref().filter(|_| stopped.before) {
            let code = stopped.seen.reason_code.as_deref().unwrap_or("no reason code");
            text += &format!("  {}: {}\n", clean(code, 128), clean(comment, 400));
        }
        text
    }

    fn note_on_progress(&self, stopped: &Stopped) -> &'static str {
        match self.mode {
            _ if stopped.before => "",
            Mode::Cancel => "go on",
            Mode::Abort => "are canceled too; some may be stuck or unable to report",
        }
    }

    fn data(&self, stopped: &Stopped, region: &str) -> StoppedData {
        let Stopped { seen, before, .. } = stopped;
        StoppedData {
            job_id: self.job.to_string(),
            region: region.to_owned(),
            dry_run: self.dry_run,
            mode: self.mode,
            stopped: !before && !self.dry_run,
            had_ended: *before,
            state: seen.status.clone(),
            reason_code: seen.reason_code.clone(),
            comment: seen.comment.clone(),
            counts: StoppedCounts {
                succeeded: seen.tally.succeeded,
                failed: seen.uncounted().is_none().then(|| seen.tally.failures()),
                in_progress: stopped.in_progress(),
                spared: stopped.spared(),
            },
            attempts: seen.attempts(),
        }
    }

    fn hint(&self, stopped: &Stopped) -> Option<String> {
        let (job, seen) = (&self.job, &stopped.seen);
        if seen.state == JobState::Canceled
            && stopped.before
            && self.mode == Mode::Abort
            && seen.tally.in_progress > 0
        {
            return Some(format!(
                "AWS IoT cancels a job only once; to cancel single devices in progress, use\n      `aws iot cancel-job-execution --force --job-id {job} --thing-name ..`"
            ));
        }
        let revert = match seen.tally.succeeded {
            0 => String::new(),
            _ => {
                format!("\nhint: `tripline revert --job-id {job}` reverts the devices that have it")
            }
        };
        (seen.state == JobState::Canceled).then(|| {
            format!(
                "`tripline resume --job-id {job}` goes on with the devices that do not have the firmware{revert}"
            )
        })
    }
}

impl Stopped {
    /// Devices that were at it when it was stopped.
    fn in_progress(&self) -> u32 {
        self.seen.tally.in_progress.saturating_add(self.torn)
    }

    /// Devices that were notified and had not begun. AWS cancels their executions by and by.
    fn spared(&self) -> u32 {
        let tally = &self.seen.tally;
        tally.queued.saturating_add(tally.canceled).saturating_sub(self.torn)
    }

    /// A job that is canceled is as it was asked for, whoever did it.
    fn end(&self) -> End {
        match self.seen.state {
            JobState::Canceled | JobState::Active => End::Done,
            JobState::Completed | JobState::Deleting => End::Finding,
        }
    }
}
