//! `tripline alarms apply`.

use std::path::PathBuf;

use serde_json::json;
use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;
use tripline::stop::StopMode;

use super::aws::Aws;
use super::plan::{Change, Plan, Planned};
use super::region::{check_topics, region_for};
use super::stopping::Stopping;
use super::table::{print, print_json, table};
use super::verdict::Verdict;
use super::watch::Watch;
use super::{Common, Output, arm, check, keeping, notes, source, topics};
use crate::exit::{End, Error};
use crate::stack::Stack;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tripline alarms apply --dry-run
  tripline alarms apply release/dev.ini --stack tripline --job-id fw-1-3-0

The config is checked whole before anything is done. Then the job's alarms become those of the
config: missing ones are created, changed ones updated, those that are gone from it removed. Running
it again is harmless, and completes one that failed half-way.

The config is kept in the stack's table, and the guard-keeper of the stack keeps the job armed by it
until it has ended.

AWS IoT sends job events only once they are enabled for the account and region; where they are not,
they are enabled.

Exit code 1: the alarms are there and would not stop the rollout: none goes to the force-stop topic
(--tell-only: that is meant), no function is subscribed to it, or an alarm is in ALARM already, so
that its actions will not run again; 2: the config, the stack's name or an alarm's name is not
right; 3: AWS refused or could not be reached. A stack with StopMode=observe is no fault: it is said.")]
pub struct Apply {
    /// The alarm config
    #[arg(default_value = "dev.ini")]
    config: PathBuf,
    /// The stack whose topics `@email`, `@sms` and `@force-stop` are
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// The job to arm [default: the config's `jobId`]
    #[arg(long, value_name = "ID")]
    job_id: Option<JobId>,
    /// Accept that no alarm stops the rollout: people are told, and it goes on
    #[arg(long)]
    tell_only: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

/// A job to arm.
#[derive(Debug, Clone)]
pub struct Guard {
    /// What the messages call the config.
    pub file: String,
    pub stack: String,
    pub job: JobId,
    /// At least one.
    pub alarms: Vec<AlarmDefinition>,
    /// It is meant that no alarm stops the rollout.
    pub tell_only: bool,
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub job_events_were_on: bool,
    pub stopping: Stopping,
}

impl Apply {
    pub async fn run(self) -> Result<End, Error> {
        let file = source::name_of(&self.config);
        let config = source::load(&self.config)?;
        if let Some(note) = notes::unlisted(&file, &config) {
            eprintln!("{note}");
        }
        if config.alarms.is_empty() {
            return Err(Error::Input(notes::no_alarms(&file)));
        }
        let job = source::job_of(self.job_id, &file, &config)?;
        let region = region_for(self.common.region, &file, &config)?;
        let aws = Aws::connect(region).await?;
        let guard = Guard {
            file,
            stack: self.stack,
            job,
            alarms: config.alarms,
            tell_only: self.tell_only,
            dry_run: self.dry_run,
        };
        let report = guard.apply(&aws).await?;
        match self.common.output {
            Output::Text => print(&report.text(guard.dry_run)),
            Output::Json => print_json(&report.json(&guard, &aws.region)),
        }
        let verdict = Verdict::of(&guard, &report, &aws.region);
        verdict.tell();
        Ok(verdict.end())
    }
}

impl Guard {
    /// Looks at everything first, so that what can be refused is refused before the first change.
    pub async fn apply(&self, aws: &Aws) -> Result<Report, Error> {
        check_topics(&self.file, &self.alarms, &aws.region)?;
        let stack = Stack::find(&aws.cloudformation, &self.stack).await?;
        let mut wanted = Vec::new();
        for alarm in &self.alarms {
            wanted.push((alarm.clone(), topics::actions(alarm, &stack)?));
        }
        let table = keeping::table_of(&stack)?;
        let kept = keeping::text_of(&self.file, &self.alarms)?;
        let stopping = Stopping::look(aws, &stack).await?;
        let job_events_were_on = aws.sends_job_events().await?;
        let plan = Plan::make(aws, &self.job, stack.name(), wanted).await?;
        if !self.dry_run {
            if !job_events_were_on {
                aws.enable_job_events().await?;
            }
            // First, so that the keeper never puts another guard beside this one. One that only tells
            // people, and is not said to be meant so, does not take the place of the default guard.
            if self.tell_only
                || plan.alarms.iter().any(|alarm| stopping.is_reached_by(&alarm.actions))
            {
                aws.keep(table, &self.job, &kept).await?;
            } else {
                aws.forget(table, &self.job).await?;
            }
            arm::arm(aws, &self.job, &plan).await?;
        }
        Ok(Report { plan, job_events_were_on, stopping })
    }
}

impl Planned {
    fn change(&self, dry_run: bool) -> &'static str {
        match (&self.change, dry_run) {
            (Change::Create, false) => "created",
            (Change::Create, true) => "would be created",
            (Change::Update(_), false) => "updated",
            (Change::Update(_), true) => "would be updated",
            (Change::Keep, _) => "unchanged",
        }
    }
}

impl Report {
    /// Whether any alarm gets to the topic that stops rollouts.
    pub fn is_reached(&self) -> bool {
        self.plan.alarms.iter().any(|alarm| self.stopping.is_reached_by(&alarm.actions))
    }

    /// The alarms that were not as they were wanted.
    pub fn changed(&self) -> Vec<&str> {
        let alarms = self.plan.alarms.iter().filter(|alarm| alarm.change != Change::Keep);
        alarms.map(|alarm| alarm.name.as_str()).collect()
    }

    /// Whether any alarm stops the rollout.
    pub fn stops(&self) -> bool {
        self.is_reached() && self.stopping.is_heard && self.stopping.mode != StopMode::Observe
    }

    pub fn text(&self, dry_run: bool) -> String {
        let mut rows: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                let watch = Watch::from(&alarm.definition).to_string();
                let topics = check::topics(&alarm.definition);
                let does = self.stopping.does(&alarm.actions);
                [alarm.name.clone(), alarm.change(dry_run).to_owned(), watch, topics, does]
            })
            .collect();
        let removed = if dry_run { "would be removed" } else { "removed" };
        rows.extend(self.plan.strays.iter().map(|name| {
            let why = "no longer in the config".to_owned();
            [name.clone(), removed.to_owned(), why, String::new(), String::new()]
        }));
        table(["ALARM", "CHANGE", "WATCHES", "TELLS", "DOES"], &rows)
    }

    pub fn json(&self, guard: &Guard, region: &str) -> serde_json::Value {
        let alarms: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                json!({
                    "name": alarm.name,
                    "alarm": alarm.definition.name.as_str(),
                    "change": match alarm.change {
                        Change::Create => "create",
                        Change::Update(_) => "update",
                        Change::Keep => "keep",
                    },
                    "watches": Watch::from(&alarm.definition).to_string(),
                    "actions": alarm.actions,
                    "does": self.stopping.does(&alarm.actions),
                    "inAlarmAlready": alarm.mute,
                })
            })
            .collect();
        json!({
            "job": guard.job.as_str(), "stack": guard.stack, "region": region,
            "dryRun": guard.dry_run, "alarms": alarms, "removed": self.plan.strays,
            "jobEventsWereOn": self.job_events_were_on,
            "stopMode": self.stopping.mode.to_string(), "stops": self.stops(),
            "unconfirmed": self.stopping.unconfirmed,
        })
    }
}
