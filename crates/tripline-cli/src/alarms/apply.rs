//! `tripline alarms apply`.

use std::path::PathBuf;

use serde_json::json;
use tripline::alarm::AlarmDefinition;
use tripline::job::JobId;

use super::aws::Aws;
use super::plan::{Change, Plan, Planned};
use super::region::{Region, check_topics};
use super::table::{print, print_json, table};
use super::watch::Watch;
use super::{Common, Output, arm, check, notes, source, topics};
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

AWS IoT sends job events only once they are enabled for the account and region; where they are not,
they are enabled.

Exit code 1: an alarm is in ALARM already, so that its actions will not run again; 2: the config,
the stack's name or an alarm's name is not right; 3: AWS refused or could not be reached.")]
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
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

/// A job to arm.
#[derive(Debug)]
pub struct Guard {
    /// What the messages call the config.
    pub file: String,
    pub stack: String,
    pub job: JobId,
    /// At least one.
    pub alarms: Vec<AlarmDefinition>,
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub job_events_were_on: bool,
    /// The ARN of the stack's topic that stops rollouts, if it has one.
    pub force_stop: Option<String>,
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
        let region = Region::of(self.common.region, &file, &config)?;
        let aws = Aws::connect(region).await?;
        let guard = Guard {
            file,
            stack: self.stack,
            job,
            alarms: config.alarms,
            dry_run: self.dry_run,
        };
        let report = guard.apply(&aws).await?;
        match self.common.output {
            Output::Text => print(&report.text(guard.dry_run)),
            Output::Json => print_json(&report.json(&guard, &aws.region)),
        }
        Ok(guard.tell(&report, &aws.region))
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
        let job_events_were_on = aws.sends_job_events().await?;
        let plan = Plan::make(aws, &self.job, wanted).await?;
        if !self.dry_run {
            if !job_events_were_on {
                aws.enable_job_events().await?;
            }
            arm::arm(aws, &self.job, &plan).await?;
        }
        let force_stop = stack.output(topics::FORCE_STOP).ok().map(str::to_owned);
        Ok(Report {
            plan,
            job_events_were_on,
            force_stop,
        })
    }

    /// What people should know, on stderr.
    fn tell(&self, report: &Report, region: &str) -> End {
        let (job, plan) = (&self.job, &report.plan);
        if let Some(note) = notes::only_tells(&self.alarms, report.force_stop.as_deref()) {
            eprintln!("{note}");
        }
        if !plan.others.is_empty() {
            eprintln!(
                "note: alarms of this job that are not Tripline's, left as they are: {}",
                plan.others.join(", ")
            );
        }
        if !report.job_events_were_on {
            let did = if self.dry_run {
                "are off and would be"
            } else {
                "were off and are now"
            };
            eprintln!(
                "note: AWS IoT job events {did} enabled, for the whole account in `{region}`"
            );
        }
        let mute: Vec<_> = plan
            .alarms
            .iter()
            .filter(|alarm| alarm.mute)
            .map(|alarm| format!("`{}`", alarm.name))
            .collect();
        let count = notes::alarms(plan.alarms.len());
        if self.dry_run {
            eprintln!(
                "dry run: nothing was changed; job `{job}` would be armed in `{region}` with {count}"
            );
        } else if mute.is_empty() {
            eprintln!("job `{job}` is armed in `{region}` with {count}");
        }
        if mute.is_empty() {
            return End::Done;
        }
        eprintln!(
            "finding: job `{job}` has alarms that are in ALARM already, so that their actions will not run again: {}\n\n  hint: stop the rollout (`aws iot cancel-job --job-id {job}`), or remove its alarms\n        (`tripline alarms remove --job-id {job} --force`) and apply again: new alarms are judged afresh",
            mute.join(", ")
        );
        End::Finding
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
    fn text(&self, dry_run: bool) -> String {
        let mut rows: Vec<_> = self
            .plan
            .alarms
            .iter()
            .map(|alarm| {
                let watch = Watch::from(&alarm.definition).to_string();
                let topics = check::topics(&alarm.definition);
                [
                    alarm.name.clone(),
                    alarm.change(dry_run).to_owned(),
                    watch,
                    topics,
                ]
            })
            .collect();
        let removed = if dry_run {
            "would be removed"
        } else {
            "removed"
        };
        rows.extend(self.plan.strays.iter().map(|name| {
            [
                name.clone(),
                removed.to_owned(),
                "no longer in the config".to_owned(),
                String::new(),
            ]
        }));
        table(["ALARM", "CHANGE", "WATCHES", "TELLS"], &rows)
    }

    fn json(&self, guard: &Guard, region: &str) -> serde_json::Value {
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
                    "inAlarmAlready": alarm.mute,
                })
            })
            .collect();
        json!({
            "job": guard.job.as_str(), "stack": guard.stack, "region": region,
            "dryRun": guard.dry_run, "alarms": alarms, "removed": self.plan.strays,
            "jobEventsWereOn": self.job_events_were_on,
        })
    }
}
