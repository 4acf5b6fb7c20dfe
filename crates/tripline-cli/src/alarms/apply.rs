//! `tripline alarms apply`.

use super::arguments::Common;
use crate::aws::arming::guard::Guard;
use crate::aws::clients::Aws;
use crate::aws::region::region_for;
use crate::exit::{End, Error};
use crate::input::job::ConfigAndJob;
use crate::input::renamed::ALERT_ONLY;
use crate::input::source::LoadedGuard;
use crate::input::{notes, source};
use crate::terminal::armed::Tense;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::verdict::Verdict;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline alarms apply --dry-run
  tripline alarms apply release/dev.ini --stack tripline fw-1-3-0

Tripline checks the whole config first. Then it makes the job's alarms match the config: it creates
missing alarms, updates changed ones, and removes those that the config no longer has. You can run
the command again at any time; it completes a run that failed half-way.

Tripline stores the config in the stack's table, and the guard-keeper keeps the job armed with it
until the job ends. If no alarm of the config can stop the rollout, and you did not accept that
with --alert-only, the guard-keeper adds the stack's default guard within two minutes. Tripline
then removes no alarm that stops the rollout.

With [EVIDENCE_CONFIG] the job also gets an alarm on evidence, `Evidence`. Tripline reads the
baseline from the config's folder and stores it with the config. Once the guard-keeper has
published evidence of the job, it adds the alarm `EvidenceMissing`, which fires when evidence no
longer arrives.

The command enables AWS IoT job events for the account and Region if they are disabled.

Exit code 1: the alarms exist but would not stop the rollout, because none notifies the force-stop
topic (accept this with --alert-only), no function is subscribed to it, or an alarm is in ALARM
already and does not run its actions again; 2: the config, the stack's name or an alarm's name is
invalid; 3: AWS refused or could not be reached. StopMode=observe is not an error; the output notes
it.")]
pub struct Apply {
    #[command(flatten)]
    given: ConfigAndJob,
    /// The stack whose topics `@email`, `@sms` and `@force-stop` stand for
    #[arg(long, default_value = "tripline")]
    stack: String,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    alert_only: bool,
    /// Show what the command would do, and change nothing
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
            alert_only: self.alert_only,
            dry_run: self.dry_run,
        };
        let report = guard.apply(&aws).await?;
        match self.common.output {
            Output::Text => print(&report.text(Tense::of(&guard))),
            Output::Json => print_document(&report.data(&guard, &aws.region)),
        }
        let verdict = Verdict::of_arming(&guard, &report, &aws.region);
        verdict.say();
        if guard.dry_run {
            say("dry run: nothing was changed");
        }
        Ok(verdict.end())
    }
}
