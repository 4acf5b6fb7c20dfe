//! `tripline config check`.

use std::path::PathBuf;

use tripline::text::excerpt;
use tripline_config::{DocumentSource, Remark};
use tripline_guard::coverage::Devices;

use super::checked::Checked;
use super::{json, summary, waves};
use crate::aws::connect::connect;
use crate::aws::deployment::spec::Spec;
use crate::aws::region::{Region, region_for};
use crate::aws::s3;
use crate::exit::{End, Error};
use crate::input::buckets::Buckets;
use crate::input::deployment::{self, Input, InputFaults, Loaded};
use crate::input::planned::{PlannedRollout, StackRules, declared_devices};
use crate::input::renamed::ALERT_ONLY;
use crate::input::review::{self, Meant};
use crate::input::within::Within;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::remarks::say_all;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline config check
  tripline config check release/dev.ini --output json
  tripline config check release/dev.ini --offline --alert-only

Checks all sections of the config and the files that it names in its folder, and shows what a
deployment would create. It makes no network call, unless the job document is at a URL (--offline
prevents that too).

The output says for each way to go wrong (devices fail, refuse, time out, are slow, never answer)
whether it would stop the rollout, alert people or have no alarm, and why. It assumes the default
values of the stack's default guard.

For a config with `[WAVES]` it also shows which devices are in which wave, what each gate can
decide, how many devices may hold the firmware before the first verdict, and how often a person has
to decide.

Exit code 0: the config is valid; 1: it is valid, but some settings do not have the effect they
seem to have, and the output lists them as findings; 2: the config or a file has faults, and the
output lists all of them; 3: the job document is in S3 and could not be read.")]
pub struct Check {
    /// The config; the files that it names are in its folder
    #[arg(default_value = "dev.ini")]
    config: PathBuf,
    /// AWS Region [default: the config's `region`, or else that of its targets]
    #[arg(long)]
    region: Option<Region>,
    /// Refuse files of the config that are outside of this folder, wherever links and `..` lead
    #[arg(long, value_name = "DIR")]
    within: Option<Within>,
    /// Do not fetch a job document that is at a URL
    #[arg(long)]
    offline: bool,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    alert_only: bool,
    /// Accept a config without alarms: the stack's default guard guards the job
    #[arg(long)]
    default_guard: bool,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Check {
    pub async fn run(self) -> Result<End, Error> {
        let is_json = self.output == Output::Json;
        let checked = match self.check().await {
            Ok(Ok(checked)) => checked,
            Ok(Err(wrong)) => return Err(wrong.into()),
            Err(failure) => return Err(failure),
        };
        let Checked { input, review, .. } = &checked;
        if is_json {
            print_document(&json::checked_data(&checked));
        } else {
            print(&summary::text(&checked));
        }
        for fault in &input.config.faults_of_unused {
            let line = fault.line.map_or_else(String::new, |line| format!(":{line}"));
            say(&format!("note: {}{line}: not used, and faulty: {}", input.file, fault.text));
        }
        say_all("note", &input.file, &review.notes);
        let count = review.findings.len();
        let findings =
            if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        say(&format!("{}: no faults; {findings}", input.file));
        say_all("finding", &input.file, &review.findings);
        Ok(if count == 0 { End::Done } else { End::Finding })
    }

    /// Reads all of it. The user's faults are inside, failures of AWS outside.
    async fn check(&self) -> Result<Result<Checked, InputFaults>, Error> {
        let loaded = match deployment::loaded(&self.config, self.within.as_ref()) {
            Ok(loaded) => loaded,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let fetched = match self.client(&loaded).await {
            Ok(s3) => match loaded.fetch(s3.as_ref()).await {
                Err(Error::Aws(failure)) => return Err(failure.into()),
                fetched => fetched,
            },
            Err(fault) => Err(fault),
        };
        let is_fetched = matches!(&fetched, Ok(Some(_)));
        Ok(loaded.with(fetched).and_then(|input| self.checked(input, is_fetched)))
    }

    /// What a document at a URL is fetched with.
    async fn client(&self, loaded: &Loaded) -> Result<Option<Buckets>, Error> {
        if self.offline || !matches!(loaded.config.document, Some(DocumentSource::Url(_))) {
            return Ok(None);
        }
        let region = region_for(self.region.clone(), &loaded.file, &loaded.config.alarms)?;
        Ok(Some(loaded.buckets(s3::client(&connect(region).await?.config))))
    }

    fn checked(&self, input: Input, fetched: bool) -> Result<Checked, InputFaults> {
        let region = self.region.as_ref().map(Region::as_str);
        let region = region.or(input.config.region.as_deref()).or(input.things.region());
        let region = region.unwrap_or_default().to_owned();
        input.check_region(&region)?;
        let of_file = |fault: Error| InputFaults { files: vec![fault], ..InputFaults::default() };
        let spec = Spec::new(&input, &region).map_err(of_file)?;
        let meant = Meant { alert_only: self.alert_only, default_guard: self.default_guard };
        let mut review = review::of_config(&input, &region, meant);
        if let Some(DocumentSource::Url(url)) = &input.config.document
            && !fetched
        {
            let text = format!(
                "the job document was not fetched, so what it adds is not known: {}",
                excerpt(url)
            );
            review.notes.push(Remark { text, ..Remark::default() });
        }
        if input.config.region.is_none() && self.region.is_none() {
            let text = format!(
                "no region: a deploy would go to that of the environment, and the targets are in `{region}`"
            );
            review.notes.push(Remark { text, ..Remark::default() });
        }
        let mut devices = declared_devices(&input);
        if let Some(plan) = &input.waves {
            let (findings, notes) = waves::remarks(plan);
            review.findings.extend(findings);
            review.notes.extend(notes);
            // Each wave is a job: what the largest one cannot see, none can.
            devices = plan.largest().map_or(devices, Devices::Exactly);
            review
                .findings
                .extend(plan.largest().map(|most| input.config.unmet(most)).into_iter().flatten());
        }
        review.notes.extend(review::no_fallback(&input));
        let rollout = PlannedRollout::new(&input, devices, self.alert_only);
        let planned = rollout.coverage(&StackRules::read(|_| None).map_err(of_file)?);
        review::add_uncovered(&planned.coverage, &mut review);
        Ok(Checked { input, spec, region, review, planned })
    }
}
