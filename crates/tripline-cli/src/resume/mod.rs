//! `tripline resume`: goes on with a rollout that was stopped, for the devices that have not got
//! the firmware.
//!
//! - [`targets`]: who has not got it; [`report`], [`outcome`]: what is said.
//!
//! What it shares with `revert` is in [`successor`](crate::successor): the job that was stopped, the
//! name of the new one, its thing group, its guard.
//!
//! Every step looks first what is there, so that running it again after any failure goes on. The
//! job comes last: what exists of it is guarded.

mod outcome;
mod report;
mod targets;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use aws_sdk_iot::types::JobExecutionStatus;
use clap::Args;
use tripline::job::{JobId, JobState};

use crate::aws::arming::guard::Guard;
use crate::aws::connect::connect_to_change;
use crate::aws::region::Region;
use crate::aws::stack::Stack;
use crate::exit::{End, Error};
use crate::input::job::RequiredJob;
use crate::input::renamed::ALERT_ONLY;
use crate::successor::arming::{Guarding, arm};
use crate::successor::aws::Aws;
use crate::successor::config::{AlarmsFrom, Arming, Config};
use crate::successor::created::Created;
use crate::successor::earlier_guards::EarlierGuards;
use crate::successor::ended::EndedJob;
use crate::successor::inherited::Inherited;
use crate::successor::link::{Kind, Link};
use crate::successor::place::{self, Earlier, Place};
use crate::successor::{group, owned, stream};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::progress::Progress;
pub use outcome::ResumeData;
use outcome::{Existed, Resumed};
use report::Report;
use targets::Targets;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline resume fw-1-3-0 --dry-run
  tripline resume fw-1-3-0 --config dev.ini
  tripline resume fw-1-3-0 --new-job-id fw-1-3-0-again --default-guard

Nobody can restart a canceled job, so Tripline creates a new one. It has the document, the
configuration and your own tags of the old job, and names it in its description and in the tag
`tripline:resumes`. Its targets are the devices of the old job whose execution has not succeeded,
unless an earlier resume has them. More than a hundred devices go into a thing group `tripline-<new
job>`.

Tripline arms the job before it creates it: with the alarms of --config, or else with those that
the stack's table stores for the old job. Without either it uses the config that `tripline deploy`
stored in S3, if the job's tag proves that nobody has changed it.

After an interruption, run the command again: it completes the resume. If `-r1` exists and devices
are left, they get `-r2`. If `-r1` lost its alarms, Tripline arms it again. It finds earlier
resumes by these names, and by --new-job-id.

Exit code 0: the job exists, or no device is left; 1: its guard would not stop it, so Tripline did
not create it (accept this with --alert-only), or an earlier resume has ended and some of its
devices lack the firmware (resume that one), or the job of --new-job-id exists and devices are
left; 2: the old job is in progress or does not exist, or the config, the stack or a name is
invalid; 3: AWS refused or could not be reached.",
    mut_arg("job", |arg| arg.help("The job that was stopped")))]
pub struct Arguments {
    #[command(flatten)]
    job: RequiredJob,
    /// The job to create [default: the old one's with `-r1`, or `-r2`, ..]
    #[arg(long, value_name = "NEW")]
    new_job_id: Option<JobId>,
    /// The alarm config [default: the one stored for the old job]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let the stack's default guard guard the job
    #[arg(long, conflicts_with_all = ["config", "alert_only"])]
    default_guard: bool,
    /// Keep the old job's tag `tripline:guard=off`, so that the new job gets no default guard
    #[arg(long)]
    keep_guard_off: bool,
    /// The stack whose topics `@email`, `@sms` and `@force-stop` stand for
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    alert_only: bool,
    /// Include devices that are still in progress with the old job
    #[arg(long)]
    include_in_progress: bool,
    /// Show what the command would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// AWS Region [default: the config's, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// A rollout to go on with.
#[derive(Debug)]
pub struct Resume {
    pub job: JobId,
    pub new: Option<JobId>,
    pub guard: Arming,
    pub stack: String,
    pub alert_only: bool,
    pub keep_guard_off: bool,
    pub include_in_progress: bool,
    pub dry_run: bool,
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let guard = match &arguments.config {
        _ if arguments.default_guard => Arming::Default,
        Some(path) => Arming::Config(Box::new(Config::read(path)?)),
        None => Arming::Kept,
    };
    let region = guard.region(arguments.region)?;
    let aws = Aws::for_connection(connect_to_change(region).await?);
    let resume = Resume {
        job: arguments.job.id()?,
        new: arguments.new_job_id,
        guard,
        stack: arguments.stack,
        alert_only: arguments.alert_only,
        keep_guard_off: arguments.keep_guard_off,
        include_in_progress: arguments.include_in_progress,
        dry_run: arguments.dry_run,
    };
    let resumed = resume.resume(&aws).await?;
    match arguments.output {
        Output::Text => print(&resumed.text(&resume.job)),
        Output::Json => print_document(&resumed.data(&resume.job, &aws.alarms.region)),
    }
    for note in resumed.notes(&resume.job) {
        say(&note);
    }
    Ok(resumed.end())
}

impl Resume {
    /// Looks at everything first, then fills the group, arms, and creates the job.
    pub async fn resume(&self, aws: &Aws) -> Result<Resumed, Error> {
        let old = EndedJob::find(aws, self.job.clone(), Kind::Resumes).await?;
        let link = Link::new(Kind::Resumes, old.id.clone());
        let Place { free, earlier } = Place::find(aws, &link, self.new.clone()).await?;
        let fetched;
        let config = match &self.guard {
            Arming::Default => {
                let stack = Stack::find(&aws.alarms.cloudformation, &self.stack).await?;
                stack.guards_by_default()?;
                None
            }
            Arming::Config(config) => Some(config.as_ref()),
            Arming::Kept => {
                fetched = Config::kept(aws, &old, &self.stack).await?;
                Some(&fetched)
            }
        };
        let mut progress = Progress::new();
        let mut targets =
            Targets::find(aws, &old, &earlier, self.include_in_progress, &mut progress).await?;
        let guarding = config.map(|config| Guarding {
            config,
            stack: &self.stack,
            alert_only: self.alert_only,
            dry_run: self.dry_run,
        });
        let seen = match &guarding {
            Some(guarding) => guarding.see_to(aws, &earlier).await?,
            None => EarlierGuards::default(),
        };
        let new = match free {
            Some(new) if !targets.devices.is_empty() => new,
            _ if earlier.is_empty() => return Ok(Resumed::NothingLeft(targets)),
            _ => {
                let is_active = |earlier: &&Earlier| earlier.state() == JobState::Active;
                let active = earlier.iter().filter(is_active).map(|earlier| earlier.id.clone());
                return Ok(Resumed::Existed(Box::new(Existed {
                    active: active.collect(),
                    jobs: earlier.into_iter().map(|earlier| earlier.id).collect(),
                    targets,
                    seen,
                    include_in_progress: self.include_in_progress,
                    dry_run: self.dry_run,
                })));
            }
        };
        // What it comes to is known before anything is made.
        let mut guard = guarding.map(|guarding| guarding.guard(&new));
        if let Some(guard) = &guard
            && !arm(aws, guard, self.dry_run).await?
        {
            return Ok(Resumed::NotGuarded);
        }
        let all = guard.as_ref().map(Guard::all_alarms).unwrap_or_default();
        let names: Vec<String> = all.iter().map(|alarm| alarm.name_for(&new)).collect();
        let inherited = Inherited::new(&old.tags, self.keep_guard_off);
        let created = Created {
            job: new.clone(),
            grouped: targets.devices.len() > group::MOST_TARGETS
                || group::is_there(aws, &link, &new).await?,
            alarms: names,
            alarms_from: AlarmsFrom::of(config, &self.stack),
            include_in_progress: self.include_in_progress,
            dry_run: self.dry_run,
            seen,
        };
        let mut report = Report {
            differences: self.differences(&old, &inherited),
            old: old.id.clone(),
            targets: Targets::default(),
            created,
        };
        if self.dry_run {
            report.targets = targets;
            return Ok(Resumed::Created(Box::new(report)));
        }
        let arns = if report.created.grouped {
            let gone = group::fill(aws, &link, &new, &targets.devices, &mut progress).await?;
            targets.gone += gone.len();
            for thing in &gone {
                targets.devices.remove(thing);
            }
            if self.include_in_progress {
                // That took its time, in which devices went on.
                let done = Some(JobExecutionStatus::Succeeded);
                let done = targets.without(aws, &old.id, done, &mut progress).await?;
                targets.succeeded += done;
                if done > 0 {
                    group::fill(aws, &link, &new, &targets.devices, &mut progress).await?;
                }
            }
            vec![old.arn_of(&format!("thinggroup/{}", group::name(&new)))]
        } else {
            let arn = |thing: &String| old.arn_of(&format!("thing/{thing}"));
            targets.devices.iter().map(arn).collect()
        };
        drop(progress);
        if let Some(guard) = &mut guard {
            guard.dry_run = false;
            if !arm(aws, guard, true).await? {
                return Ok(Resumed::NotGuarded);
            }
        }
        // Before there is a job whose stream another could remove.
        stream::take_over(aws, &old, &new, &earlier).await?;
        let about = format!("Resumes {}", old.id);
        let request = old.request(&new, arns, &link, &about, &inherited);
        place::create(aws, &link, &new, request).await?;
        report.targets = targets;
        Ok(Resumed::Created(Box::new(report)))
    }

    /// What differs from the old job, or would.
    fn differences(&self, old: &EndedJob, inherited: &Inherited) -> Vec<String> {
        let mut notes = inherited.notes(old.id.as_str());
        if matches!(self.guard, Arming::Default) {
            notes.push(
                "note: the guard-keeper arms the new job with the stack's default guard within two minutes"
                    .to_owned(),
            );
        }
        notes.extend(owned::note(&old.id));
        if old.has_schedule() {
            let is_not = if self.dry_run { "would not be" } else { "was not" };
            notes.push(format!(
                "note: the old job's schedule {is_not} taken over: the new job begins at once"
            ));
        }
        if old.is_continuous() {
            notes.push(
                "note: devices that join the old job's groups from now on are not the new job's"
                    .to_owned(),
            );
        }
        notes
    }
}
