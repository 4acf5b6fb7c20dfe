//! `tripline drill`: a fire drill of a deployed stack, from a device's report to the stop and to
//! the people.
//!
//! - [`sentinel`]: the job, its things and its alarm;
//! - [`run`]: the drill, link by link, [`wait`]: waiting for one, [`diagnosis`]: which link is cut,
//!   [`record`]: how each ended;
//! - [`mailbox`]: the messages that people get; [`interrupt`]: Ctrl-C, [`mod@panic`]: panics;
//! - [`clean_up`]: removes what it made, [`leftovers`]: removes what killed drills made;
//! - [`clients`]: the clients, and whose things are.
//!
//! **A drill touches nothing that it has not made.** Every name is random; before anything is
//! removed, its tag or mark is read; the alarm watches the sentinel and nothing else.

mod clean_up;
mod clients;
mod diagnosis;
mod interrupt;
mod leftovers;
mod mailbox;
mod panic;
mod record;
mod run;
mod sentinel;
mod wait;

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tripline::diagnostic::Diagnostic;
use tripline::stop::StopMode;
use tripline_aws::{Failure, FailureKind};

use crate::aws::arming::stopping::Stopping;
use crate::aws::commands::in_region;
use crate::aws::connect::connect_to_change;
use crate::aws::drill_name::DrillName;
use crate::aws::region::Region;
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::exit::{End, Error};
use crate::input::duration::whole_seconds;
use crate::terminal::document::print_document;
use crate::terminal::error_document::ErrorDocument;
use crate::terminal::output::Output;
use crate::terminal::print::print;
use clean_up::{CleanUp, CleanUpReport, LeftData};
use clients::DrillClients;
use interrupt::Interrupt;
use panic::catch_panic;
use record::{Record, Step, StepData};
use run::Run;
use wait::{Patience, StepError};

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline drill
  tripline drill --stack tripline --output json
  tripline drill --clean-up

Creates a sentinel: a job that installs nothing, for two things that are no real devices. The drill
arms it, reports for one of the things, reads the metric back, and sets the alarm to ALARM
(SetAlarmState). Then it waits until the force-stopper stops the sentinel and alerts people. All
subscribers of the stack's topics get these messages, which name the drill: announce it first.

A drill touches nothing else. Its names are random, and it changes or removes only what carries its
own tag. It removes everything at the end, also after a failure, Ctrl-C or SIGTERM. --clean-up
removes what a killed drill left behind, and also what a running drill uses.

A drill does not prove that an e-mail or text message arrives, nor that CloudWatch evaluates the
alarms of a rollout as intended. With StopMode=observe it proves that Tripline alerts people and
stops nothing.

Exit code 0: every link works; 1: a link is cut, and the drill names it; 2: the stack's name is
invalid; 3: AWS refused or could not be reached, or something could not be removed; 6: a step took
longer than the timeout and no link was found to be cut, or somebody interrupted the drill.")]
pub struct Drill {
    /// The stack to test
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// The longest that a step may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = whole_seconds(1, 3_600))]
    timeout: u32,
    /// Enable AWS IoT job events for the account and Region if they are disabled
    #[arg(long)]
    enable_events: bool,
    /// Remove what earlier drills left behind, instead of a drill
    #[arg(long, conflicts_with = "enable_events")]
    clean_up: bool,
    /// With --clean-up: show what it would remove, and change nothing
    #[arg(long, requires = "clean_up")]
    dry_run: bool,
    /// AWS Region [default: the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Drill {
    pub async fn run(self) -> Result<End, Error> {
        let cloud = DrillClients::new(connect_to_change(self.region.clone()).await?);
        if self.clean_up {
            return self.clean_up(&cloud).await;
        }
        let interrupt = Interrupt::listen();
        let stack = Stack::find(&cloud.aws.cloudformation, &self.stack).await?;
        let stopping = Stopping::find(&cloud.aws, &stack).await?;
        let email = topics::of_stack(&stack, topics::EMAIL)?;
        let subscribers = mailbox::count_subscribers(&cloud, email).await?;
        let name = DrillName::random();
        let job = name.job().map_err(|error| Error::input(error.to_string()))?;
        let mut record = Record::default();
        let run = Run {
            cloud: &cloud,
            stack: &stack,
            stack_name: &self.stack,
            mode: stopping.mode,
            name: &name,
            job,
            enable_events: self.enable_events,
            patience: Patience { timeout: Duration::from_secs(self.timeout.into()), interrupt },
            record: &mut record,
            report_step,
        };
        let ended = catch_panic(run.run()).await;
        if matches!(ended, Ok(Err(StepError::Interrupted))) {
            eprintln!("interrupted: removing what the drill has made");
        }
        let mut tidied = CleanUpReport::default();
        let region = cloud.aws.region.as_str();
        let (topic, of) = (Some(email), Some(self.stack.as_str()));
        let tidy = CleanUp { cloud: &cloud, topic, stack: of, dry_run: false };
        // Before job events were seen to be on, nothing was made.
        if record.has_passed(Step::JobEvents) {
            tidy.remove(&name, &mut tidied).await;
            tidied.in_region(region);
        }
        let ended = match ended {
            Ok(ended) => ended,
            Err(panic) => {
                warn(&tidied, region);
                std::panic::resume_unwind(panic)
            }
        };
        let error = match &ended {
            Ok(()) if !tidied.left.is_empty() => Some(self.not_removed()),
            Err(StepError::Failed(error)) => Some(error.clone()),
            _ => None,
        };
        match self.output {
            Output::Text => print(&record.text()),
            Output::Json => print_document(&DrillData::Drilled(DrilledData {
                drill: name.as_str().to_owned(),
                stack: self.stack.clone(),
                region: region.to_owned(),
                stop_mode: stopping.mode.to_string(),
                steps: record.data(),
                holds: record.is_whole(),
                subscribers,
                left: tidied.data(),
                error: Error::document_of(error.as_ref()).await,
            })),
        }
        warn(&tidied, region);
        if subscribers == 0 {
            let hint = format!(
                "`aws sns subscribe --topic-arn {email} --protocol email --notification-endpoint <address>`"
            );
            let note =
                Diagnostic::new("the e-mail topic has no subscription, so nobody is alerted");
            eprintln!("{}", note.with_hint(in_region(&hint, region)).labeled("note"));
        }
        self.end(ended, &record, &stopping, &tidied, region)
    }

    fn not_removed(&self) -> Error {
        let text =
            format!("stack `{}` works, and the drill could not be removed whole", self.stack);
        Failure::new("drill", FailureKind::Refused, text).into()
    }

    /// The last words, and the exit code.
    fn end(
        &self,
        ended: Result<(), StepError>,
        record: &Record,
        stopping: &Stopping,
        tidied: &CleanUpReport,
        region: &str,
    ) -> Result<End, Error> {
        let stack = &self.stack;
        let at = record.failed().map_or_else(|| "the drill".to_owned(), |step| step.to_string());
        match ended {
            Ok(()) if !tidied.left.is_empty() => Err(self.not_removed()),
            Ok(()) => {
                if !stopping.unconfirmed.is_empty() {
                    let who = stopping.unconfirmed.join(", ");
                    eprintln!("note: not confirmed, so nothing is sent to: {who}");
                }
                eprintln!(
                    "{}",
                    match stopping.mode {
                        StopMode::Observe => format!(
                            "stack `{stack}` alerts people and stops nothing: StopMode is `observe`"
                        ),
                        _ => format!("stack `{stack}` stops a bad rollout and alerts people"),
                    }
                );
                Ok(End::Done)
            }
            Err(StepError::BrokenLink(cut)) => {
                let mut hint = cut.hint;
                if !hint.is_empty() {
                    hint.push_str("; ");
                }
                hint.push_str(&format!("`tripline doctor --stack {stack}` checks every link"));
                let finding = Diagnostic::new(format!("{at} failed: {}", cut.what));
                eprintln!("{}", finding.with_hint(in_region(&hint, region)).labeled("finding"));
                Ok(End::Finding)
            }
            Err(StepError::TimedOut(what)) => {
                let hint = format!(
                    "no link was found to be cut; check with `tripline doctor --stack {stack}`, or allow more time with --timeout"
                );
                let late =
                    Diagnostic::new(format!("{at} took longer than {} s: {what}", self.timeout));
                eprintln!("{}", late.with_hint(in_region(&hint, region)).labeled("undecided"));
                Ok(End::Undecided)
            }
            Err(StepError::Interrupted) => Ok(End::Undecided),
            Err(StepError::Failed(error)) => {
                match record.failed() {
                    Some(step) => eprintln!("{step} failed"),
                    None => eprintln!("the sentinel could not be made"),
                }
                Err(error)
            }
        }
    }

    async fn clean_up(&self, cloud: &DrillClients) -> Result<End, Error> {
        let mut tidied = leftovers::remove(cloud, &self.stack, self.dry_run).await?;
        tidied.in_region(&cloud.aws.region);
        let error = (!tidied.left.is_empty()).then(|| {
            let text = "not everything of earlier drills could be removed";
            Error::from(Failure::new("clean-up", FailureKind::Refused, text))
        });
        match self.output {
            Output::Text => {
                print(&tidied.removed.iter().map(|what| format!("{what}\n")).collect::<String>())
            }
            Output::Json => print_document(&DrillData::CleanedUp(CleanedUpData {
                region: cloud.aws.region.clone(),
                dry_run: self.dry_run,
                removed: tidied.removed.clone(),
                left: tidied.data(),
                error: Error::document_of(error.as_ref()).await,
            })),
        }
        warn(&tidied, &cloud.aws.region);
        if let Some(error) = error {
            return Err(error);
        }
        let count = tidied.removed.len();
        match (count, self.dry_run) {
            (0, _) => eprintln!("no drill left anything behind in `{}`", cloud.aws.region),
            (_, true) => eprintln!("dry run: nothing was changed"),
            (_, false) => eprintln!("removed what earlier drills have left"),
        }
        Ok(End::Done)
    }
}

/// A drill, or what was removed after earlier ones.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DrillData {
    Drilled(DrilledData),
    CleanedUp(CleanedUpData),
}

/// A drill.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrilledData {
    /// What its job and its things are called after.
    drill: String,
    stack: String,
    region: String,
    stop_mode: String,
    steps: Vec<StepData>,
    /// Whether every step was seen.
    holds: bool,
    /// How many are subscribed to the e-mail topic.
    subscribers: usize,
    /// What could not be removed.
    left: Vec<LeftData>,
    /// Why the command failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument>,
}

/// What earlier drills have left.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CleanedUpData {
    region: String,
    dry_run: bool,
    removed: Vec<String>,
    /// What could not be removed.
    left: Vec<LeftData>,
    /// Why the command failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument>,
}

/// A step that has ended, for who watches.
fn report_step(line: &str) {
    if stderr().is_terminal() {
        eprintln!("{line}");
    }
}

fn warn(tidied: &CleanUpReport, region: &str) {
    for note in &tidied.notes {
        eprintln!("note: {note}");
    }
    if let Some(warning) = tidied.warning(region) {
        eprintln!("warning: {warning}");
    }
}
