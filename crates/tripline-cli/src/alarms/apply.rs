//! `tripline alarms apply`.

use super::arguments::Common;
use crate::aws::arming::guard::Guard;
use crate::aws::clients::Aws;
use crate::aws::region::region_for;
use crate::exit::{End, Error};
use crate::input::job::ConfigAndJob;
use crate::input::source::LoadedGuard;
use crate::input::{notes, source};
use crate::terminal::armed::Tense;
use crate::terminal::output::Output;
use crate::terminal::print::{print, print_json, say};
use crate::terminal::verdict::Verdict;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline alarms apply --dry-run
  tripline alarms apply release/dev.ini --stack tripline fw-1-3-0

The config is checked whole before anything is done. Then the job's alarms become those of the
config: missing ones are created, changed ones updated, those that are gone from it removed. Running
it again is harmless, and completes one that failed half-way.

The config is kept in the stack's table, and the guard-keeper of the stack keeps the job armed by it
until it has ended. Where no alarm of it can stop the rollout, and --tell-only does not say that
this is meant, the guard-keeper arms the stack's default guard beside it within two minutes, and no
alarm that stops the rollout is removed.

A config with [EVIDENCE_CONFIG] has an alarm on evidence too, `Evidence`; its baseline is looked for
beside it, and kept with it. Once there is evidence of the job, the guard-keeper adds an alarm that
goes off when nobody computes it any more, `EvidenceMissing`.

AWS IoT sends job events only once they are enabled for the account and region; where they are not,
they are enabled.

Exit code 1: the alarms are there and would not stop the rollout: none goes to the force-stop topic
(--tell-only: that is meant), no function is subscribed to it, or an alarm is in ALARM already, so
that its actions will not run again; 2: the config, the stack's name or an alarm's name is not
right; 3: AWS refused or could not be reached. A stack with StopMode=observe is no fault: it is said.")]
pub struct Apply {
    #[command(flatten)]
    given: ConfigAndJob,
    /// The stack whose topics `@email`, `@sms` and `@force-stop` are
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Accept that no alarm stops the rollout: people are told, and it goes on
    #[arg(long)]
    tell_only: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

impl Apply {
    pub async fn run(self) -> Result<End, Error> {
        let (config, job) = self.given.given();
        let path = config.unwrap_or_else(|| "dev.ini".into());
        let file = source::name_of(&path);
        let LoadedGuard { config, evidence } = source::load_guard(&path)?;
        if let Some(note) = notes::unlisted(&file, &config) {
            say(&note);
        }
        if config.alarms.is_empty() && evidence.is_none() {
            return Err(Error::input(notes::no_alarms(&file)));
        }
        let job = source::job_of(job, &file, &config)?;
        let region = region_for(self.common.region, &file, &config)?;
        let aws = Aws::connect_to_change(region).await?;
        let guard = Guard {
            file,
            stack: self.stack,
            job,
            alarms: config.alarms,
            default_guard: config.default_guard,
            evidence,
            tell_only: self.tell_only,
            dry_run: self.dry_run,
        };
        let report = guard.apply(&aws).await?;
        match self.common.output {
            Output::Text => print(&report.text(Tense::of(&guard))),
            Output::Json => print_json(&report.json(&guard, &aws.region)),
        }
        let verdict = Verdict::of_arming(&guard, &report, &aws.region);
        verdict.tell();
        if guard.dry_run {
            say("dry run: nothing was changed");
        }
        Ok(verdict.end())
    }
}
