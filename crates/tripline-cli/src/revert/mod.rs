//! `tripline revert`: takes devices that have a bad firmware back to an earlier one.
//!
//! - [`targets`]: who has it; [`pending`]: which of them other jobs wait for;
//! - [`good`]: the earlier job, and whether its firmware is still what it was; [`own`]: a firmware of
//!   one's own instead;
//! - [`report`], [`outcome`]: what is said.
//!
//! What it shares with `resume` is in [`successor`](crate::successor). Every step looks first what is
//! there, so that running it again after any failure goes on. The job comes last: what exists of it is
//! guarded.

mod good;
mod outcome;
mod own;
mod pending;
mod report;
mod targets;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_iot::types::TargetSelection;
use clap::Args;
use tripline::job::JobId;
use tripline::release::FALLBACK_TAG;
use tripline::text::{clean, excerpt};

use crate::aws::arming::guard::Guard;
use crate::aws::connect::connect_to_change;
use crate::aws::deployment::firmware::Stored;
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
use crate::successor::inherited::{Inherited, REVERTS_TO};
use crate::successor::link::{Kind, Link, tag};
use crate::successor::place::{self, Place};
use crate::successor::{group, owned, stream};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::progress::Progress;
use good::Checked;
pub use outcome::RevertData;
use outcome::{Existed, Reverted};
use own::{Own, OwnRelease};
use pending::Pending;
use report::Report;
use targets::Targets;

/// Longest description of a job (AWS IoT `CreateJob`).
const MAX_DESCRIPTION: usize = 2_028;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline revert fw-2-1 --to fw-2-0 --dry-run
  tripline revert fw-2-1 --to fw-2-0
  tripline revert fw-2-1 --bin pump-2-0-1.bin --config dev.ini

Creates a counter-job with the document of an earlier job that succeeded, and so with its firmware
and signature. Its targets are only the devices whose latest execution of the bad job succeeded.
The bad job must have ended; `tripline stop` stops it. The counter-job is called `<job>-back` and
names both jobs in its description and in the tags `tripline:reverts` and `tripline:revertsTo`.
More than a hundred devices go into a thing group `tripline-<job>-back`. A counter-job has no
waves.

Tripline arms the job before it creates it: with the alarms of --config, or else with those that
the stack's table, or `tripline deploy` in S3, stores for the earlier job.

Tripline first compares the firmware with what `tripline deploy` recorded in the job's tags: size,
S3's SHA-256, version and ETag, and the signature. It refuses a firmware that has changed.

After an interruption, run the command again: it completes the revert. Devices that succeed with
the bad job later get `<job>-back-2`.

Exit code 0: the job exists, or no device has the firmware; 1: its guard would not stop it, so
Tripline did not create it (accept this with --alert-only), or an earlier revert has ended and some
of its devices still have the firmware (resume that one), or the job of --new-job-id exists and
devices are left; 2: a job is in progress or does not exist, the earlier one did not succeed or its
firmware has changed, or the config, the stack or a name is invalid; 3: AWS refused or could not be
reached.",
    mut_arg("job", |arg| arg.help("The job whose firmware is taken back")))]
pub struct Arguments {
    #[command(flatten)]
    job: RequiredJob,
    /// The earlier job whose firmware devices get [default: the bad job's tag `tripline:fallback`]
    #[arg(long, value_name = "GOOD")]
    to: Option<JobId>,
    /// A firmware file instead, rolled out as --config says
    #[arg(long, value_name = "FILE", requires = "config", conflicts_with_all = ["to", "unrecorded"])]
    bin: Option<PathBuf>,
    /// The job to create [default: the bad one's with `-back`, or `-back-2`, ..]
    #[arg(long, value_name = "NEW")]
    new_job_id: Option<JobId>,
    /// The alarm config [default: the one stored for the earlier job]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let the stack's default guard guard the job
    #[arg(long, conflicts_with = "alert_only")]
    default_guard: bool,
    /// Keep the earlier job's tag `tripline:guard=off`, so that the new job gets no default guard
    #[arg(long)]
    keep_guard_off: bool,
    /// The stack whose topics `@email`, `@sms` and `@force-stop` stand for
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    alert_only: bool,
    /// Include devices that are still in progress with the bad job
    #[arg(long)]
    include_in_progress: bool,
    /// Accept a firmware that `deploy` did not record, so that Tripline cannot compare it
    #[arg(long)]
    unrecorded: bool,
    /// Show what the command would do, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// AWS Region [default: the config's, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// A rollout to take back.
#[derive(Debug)]
pub struct Revert {
    pub job: JobId,
    pub source: Source,
    pub new: Option<JobId>,
    pub guard: Arming,
    pub stack: String,
    pub alert_only: bool,
    pub keep_guard_off: bool,
    pub include_in_progress: bool,
    pub dry_run: bool,
}

/// Where the firmware comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// From an earlier job, or from the one that the bad job's tag names.
    Job { to: Option<JobId>, unrecorded: bool },
    /// From a file.
    Own(Own),
}

/// What devices get.
enum Replacement {
    Job(Box<EndedJob>, Checked, Inherited),
    Own(Box<OwnRelease>),
}

pub async fn run(arguments: Arguments) -> Result<End, Error> {
    let source = match (&arguments.bin, &arguments.config) {
        (Some(bin), Some(config)) => Source::Own(Own { bin: bin.clone(), config: config.clone() }),
        _ => Source::Job { to: arguments.to, unrecorded: arguments.unrecorded },
    };
    let guard = match &arguments.config {
        _ if arguments.default_guard => Arming::Default,
        Some(path) => Arming::Config(Box::new(Config::read(path)?)),
        None => Arming::Kept,
    };
    let aws = Aws::for_connection(connect_to_change(guard.region(arguments.region)?).await?);
    let revert = Revert {
        job: arguments.job.id()?,
        source,
        new: arguments.new_job_id,
        guard,
        stack: arguments.stack,
        alert_only: arguments.alert_only,
        keep_guard_off: arguments.keep_guard_off,
        include_in_progress: arguments.include_in_progress,
        dry_run: arguments.dry_run,
    };
    let reverted = revert.revert(&aws).await?;
    match arguments.output {
        Output::Text => print(&reverted.text(&revert.job)),
        Output::Json => print_document(&reverted.data(&revert.job, &aws.alarms.region)),
    }
    for note in reverted.notes(&revert.job) {
        say(&note);
    }
    Ok(reverted.end())
}

impl Revert {
    /// Looks at everything first, then fills the group, arms, and creates the job.
    pub async fn revert(&self, aws: &Aws) -> Result<Reverted, Error> {
        let bad = EndedJob::find(aws, self.job.clone(), Kind::Reverts).await?;
        let link = Link::new(Kind::Reverts, bad.id.clone());
        let is_known = match &self.source {
            Source::Own(_) => true,
            Source::Job { to, .. } => to.is_some() || bad.tags.contains_key(FALLBACK_TAG),
        };
        if self.dry_run && !is_known {
            return Err(self.who_has_it(aws, &link).await?);
        }
        // Before anything is counted: a wrong answer to what devices would get.
        let good = self.good(aws, &bad).await?;
        let Place { free, earlier } = Place::find(aws, &link, self.new.clone()).await?;
        let fetched;
        let config = match (&self.guard, &good) {
            (Arming::Config(config), _) => Some(config.as_ref()),
            (Arming::Kept, Some((good, _))) => {
                fetched = Config::kept(aws, good, &self.stack).await?;
                Some(&fetched)
            }
            (Arming::Kept | Arming::Default, _) => {
                let stack = Stack::find(&aws.alarms.cloudformation, &self.stack).await?;
                stack.guards_by_default()?;
                None
            }
        };
        let mut progress = Progress::new();
        let mut targets =
            Targets::find(aws, &bad.id, &earlier, self.include_in_progress, &mut progress).await?;
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
        let to = good.as_ref().map(|(good, _)| good.id.clone());
        let new = match free {
            Some(new) if !targets.devices.is_empty() => new,
            _ if earlier.is_empty() => return Ok(Reverted::NothingToDo(targets)),
            _ => {
                return Ok(Reverted::Existed(Box::new(Existed::new(
                    self, to, earlier, targets, seen,
                ))));
            }
        };
        // What it comes to is known before anything is made.
        let mut guard = guarding.map(|guarding| guarding.guard(&new));
        if let Some(guard) = &guard
            && !arm(aws, guard, self.dry_run).await?
        {
            return Ok(Reverted::NotGuarded);
        }
        let replacement = match (good, &self.source) {
            (Some((good, checked)), _) => {
                let inherited = Inherited::new(&good.tags, self.keep_guard_off);
                Replacement::Job(Box::new(good), checked, inherited)
            }
            (None, Source::Own(own)) => Replacement::Own(Box::new(own.read(aws, &new).await?)),
            (None, Source::Job { .. }) => return Err(no_fallback(&bad.id)),
        };
        let own_jobs = earlier.iter().map(|earlier| &earlier.id).chain([&bad.id, &new]);
        let own_jobs: BTreeSet<_> = own_jobs.map(JobId::as_str).collect();
        let pending = Pending::count(aws, &targets.devices, &own_jobs, &mut progress).await;
        let all = guard.as_ref().map(Guard::all_alarms).unwrap_or_default();
        let created = Created {
            job: new.clone(),
            grouped: targets.devices.len() > group::MOST_TARGETS
                || group::is_there(aws, &link, &new).await?,
            alarms: all.iter().map(|alarm| alarm.name_for(&new)).collect(),
            alarms_from: AlarmsFrom::of(config, &self.stack),
            include_in_progress: self.include_in_progress,
            dry_run: self.dry_run,
            seen,
        };
        let mut report = Report {
            inherited: replacement.notes(),
            bad: bad.id.clone(),
            to: replacement.name(),
            checked: replacement.checked(),
            targets: Targets::default(),
            pending,
            created,
        };
        if self.dry_run {
            report.targets = targets;
            return Ok(Reverted::Created(Box::new(report)));
        }
        let arns = if report.created.grouped {
            let gone = group::fill(aws, &link, &new, &targets.devices, &mut progress).await?;
            targets.gone += gone.len();
            for thing in &gone {
                targets.devices.remove(thing);
            }
            vec![bad.arn_of(&format!("thinggroup/{}", group::name(&new)))]
        } else {
            targets.devices.iter().map(|thing| bad.arn_of(&format!("thing/{thing}"))).collect()
        };
        drop(progress);
        if let Some(guard) = &mut guard {
            guard.dry_run = false;
            if !arm(aws, guard, true).await? {
                return Ok(Reverted::NotGuarded);
            }
        }
        let stored = replacement.prepare(aws, &new).await?;
        let request = replacement.request(&link, &new, arns, &stored);
        place::create(aws, &link, &new, request).await?;
        report.targets = targets;
        for note in [&bad.id].into_iter().chain(to.as_ref()).filter_map(owned::note) {
            say(&note);
        }
        if matches!(self.guard, Arming::Default) {
            say(
                "note: the guard-keeper arms the new job with the stack's default guard within two minutes",
            );
        }
        Ok(Reverted::Created(Box::new(report)))
    }

    /// How many devices there are to take back, where it is not known to what.
    async fn who_has_it(&self, aws: &Aws, link: &Link) -> Result<Error, Error> {
        let Place { earlier, .. } = Place::find(aws, link, self.new.clone()).await?;
        let mut progress = Progress::new();
        let (bad, include) = (&link.old, self.include_in_progress);
        let targets = Targets::find(aws, bad, &earlier, include, &mut progress).await?;
        Ok(Error::input(format!(
            "devices that would be reverted from job `{bad}`: {}\nerror: {}",
            targets.devices.len(),
            no_fallback(bad)
        )))
    }

    /// The earlier job, checked; `None` if the firmware is the operator's own.
    async fn good(&self, aws: &Aws, bad: &EndedJob) -> Result<Option<(EndedJob, Checked)>, Error> {
        let Source::Job { to, unrecorded } = &self.source else { return Ok(None) };
        let to = match (to, bad.tags.get(FALLBACK_TAG)) {
            (Some(to), _) => to.clone(),
            (None, None) => return Err(no_fallback(&bad.id)),
            (None, Some(fallback)) => JobId::new(fallback).map_err(|fault| {
                Error::input(format!(
                    "job `{}`: tag `{FALLBACK_TAG}` is `{}`: {fault}",
                    bad.id,
                    excerpt(fallback)
                ))
                .hint("name the earlier job with `--to`")
            })?,
        };
        let good = good::find(aws, to, &bad.id).await?;
        let checked = good::check_firmware(aws, &good, *unrecorded).await?;
        Ok(Some((good, checked)))
    }
}

fn no_fallback(bad: &JobId) -> Error {
    Error::input(format!("job `{bad}` has no tag `{FALLBACK_TAG}`, so the job to revert to is not known")).hint("name an earlier job that succeeded with `--to`, or give a firmware with `--bin FILE --config dev.ini`")
}

impl Replacement {
    /// The job or the file.
    fn name(&self) -> String {
        match self {
            Self::Job(good, ..) => good.id.to_string(),
            Self::Own(own) => own.name().to_owned(),
        }
    }

    /// What to know of what the new job has from the earlier one.
    fn notes(&self) -> Vec<String> {
        match self {
            Self::Job(good, _, inherited) => inherited.notes(good.id.as_str()),
            Self::Own(_) => Vec::new(),
        }
    }

    fn checked(&self) -> Option<Checked> {
        match self {
            Self::Job(_, checked, _) => Some(*checked),
            Self::Own(_) => None,
        }
    }

    /// Stores a firmware of one's own, or keeps the earlier job's stream from being removed.
    async fn prepare(&self, aws: &Aws, new: &JobId) -> Result<Stored, Error> {
        match self {
            Self::Job(good, ..) => stream::share(aws, good, new).await.map(|()| Stored::default()),
            Self::Own(own) => own.store().await,
        }
    }

    fn request(
        &self,
        link: &Link,
        new: &JobId,
        targets: Vec<String>,
        stored: &Stored,
    ) -> CreateJobInputBuilder {
        let about = clean(&format!("Reverts {} to {}", link.old, self.name()), MAX_DESCRIPTION);
        match self {
            Self::Own(own) => own.request(targets, link, &about, stored),
            Self::Job(good, _, inherited) => {
                let request = good.request(new, targets, link, &about, inherited);
                let mut tags = request.get_tags().clone().unwrap_or_default();
                tags.extend(tag(REVERTS_TO, good.id.as_str()));
                // Devices that join a group later have no bad firmware.
                request.set_tags(Some(tags)).target_selection(TargetSelection::Snapshot)
            }
        }
    }
}
