//! `tripline doctor`: proves that a stack is armed and that a job is guarded.
//!
//! - [`facts`]: what the facts are; [`ask`]: asks AWS for them, and judges nothing;
//! - [`check`]: what a check is; [`result`]: what can come of it;
//! - [`mod@checks`]: all of them, each a row in a table and a judgment that only sees facts;
//! - [`fix`]: what `--fix` does about a finding;
//! - [`examination`]: runs the checks; [`report`], [`junit`]: says what came of them;
//! - [`chain`]: the same for a drill that waits in vain.

mod ask;
pub mod chain;
mod check;
mod checks;
mod examination;
mod facts;
mod fix;
mod junit;
mod report;
mod result;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use tripline::job::JobId;

use crate::aws::arming::guard::Guard;
use crate::aws::connect::connect;
use crate::aws::region::{Region, region_for};
use crate::exit::{End, Error};
use crate::input::job::OptionalJob;
use crate::input::source::{self, LoadedGuard};
use crate::terminal::document::document;
use crate::terminal::print::print;
use ask::{Clients, Question};
use check::{About, Check};
use checks::{checks, checks_of};
use examination::Examination;
pub use report::DoctorData;
use report::Format;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline doctor
  tripline doctor fw-1-3-0
  tripline doctor --config release/dev.ini --fix
  tripline doctor --only rule-enabled --only undelivered-queue-empty --output json
  tripline doctor --output junit > doctor.xml
  tripline doctor --list

A guard can fail without any sign. CloudWatch does not check that an alarm's message arrives. AWS
IoT publishes no job events until you enable them. An alarm that is in ALARM does not fire again.
Each check tests one link of the chain. A finding says what is wrong, why it matters, and which
command fixes it. The documentation lists all checks.

Doctor changes nothing without --fix. With it, doctor enables job events, the rule and alarm
actions, lets the rule, the force-stop topic and the schedules invoke their functions, applies the
alarms of --config, and checks again. With --only, the results of all other checks count as
unknown.

Exit code 0: every check passed, or is allowed; 1: there are findings, or a check could not be
made; 2: an argument or the config is invalid, or the stack does not exist; 3: AWS refused or could
not be reached.",
    mut_arg("job", |arg| arg.help(
        "Check the guard of this job too [default: the config's `jobId`, if there is a config]"
    )))]
pub struct Doctor {
    /// The stack to check
    #[arg(long, default_value = "tripline")]
    stack: String,
    #[command(flatten)]
    job: OptionalJob,
    /// Compare the job's alarms with this config
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Number of devices of the job; AWS IoT knows it only once the rollout has reached all of them
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    devices: Option<u32>,
    /// Run only this check; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = names(), hide_possible_values = true)]
    only: Vec<String>,
    /// Accept the findings of this check; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = names(), hide_possible_values = true)]
    allow: Vec<String>,
    /// Accept checks that could not be made, for example for lack of a right
    #[arg(long)]
    allow_unknown: bool,
    /// Fix what is safe to fix, report it, and check again
    #[arg(long)]
    fix: bool,
    /// List the checks; needs no AWS
    #[arg(long)]
    list: bool,
    /// AWS Region [default: `region` of the config, or else the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

/// The names of all checks.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(checks().map(|check| check.name))
}

/// A config's alarms, for its job.
struct Config {
    file: String,
    guard: LoadedGuard,
}

impl Doctor {
    pub async fn run(self) -> Result<End, Error> {
        if self.list {
            print(&report::list(self.output));
            return Ok(End::Done);
        }
        let config = match &self.config {
            None => None,
            Some(path) => {
                Some(Config { file: source::name_of(path), guard: source::load_guard(path)? })
            }
        };
        let job = self.job(config.as_ref())?;
        let checks = self.checks(job.is_some())?;
        let region = match &config {
            Some(config) => region_for(self.region.clone(), &config.file, &config.guard.config)?,
            None => self.region.clone(),
        };
        let clients = Clients::new(connect(region).await?);
        let guard = config.zip(job.clone()).map(|(config, job)| Guard {
            file: config.file,
            stack: self.stack.clone(),
            job,
            alarms: config.guard.config.alarms,
            default_guard: config.guard.config.default_guard,
            evidence: config.guard.evidence,
            alert_only: true,
            dry_run: true,
        });
        let question = Question {
            stack: &self.stack,
            job: job.as_ref(),
            devices: self.devices,
            guard: guard.as_ref(),
        };
        let mut examination =
            Examination::new(&clients, &question, checks, !self.only.is_empty()).await?;
        if self.fix {
            examination.fix(&clients, &question, &self.allow).await?;
        }
        let report = examination.report(&self.allow, self.allow_unknown);
        print(&match self.output {
            Format::Text => report.text(),
            Format::Json => {
                format!("{:#}\n", document(&DoctorData::Report(Box::new(report.data()))))
            }
            Format::Junit => junit::render(&report),
        });
        eprintln!("{}", report.summary());
        Ok(if report.is_sound() { End::Done } else { End::Finding })
    }

    fn job(&self, config: Option<&Config>) -> Result<Option<JobId>, Error> {
        let Some(Config { file, guard }) = config else { return Ok(self.job.id()) };
        if guard.is_empty() {
            return Err(Error::input(crate::input::notes::no_alarms(file)));
        }
        source::job_of(self.job.id(), file, &guard.config).map(Some)
    }

    /// The checks to run.
    fn checks(&self, with_job: bool) -> Result<Vec<&'static Check>, Error> {
        let only =
            |check: &Check| self.only.is_empty() || self.only.iter().any(|name| name == check.name);
        if let Some(check) = checks().find(|check| {
            !with_job
                && check.about == About::Job
                && self.only.iter().any(|name| name == check.name)
        }) {
            return Err(Error::input(format!("check `{}` is about a job", check.name))
                .hint("name the job with `--job-id`"));
        }
        Ok(checks_of(with_job).filter(|check| only(check)).collect())
    }
}
