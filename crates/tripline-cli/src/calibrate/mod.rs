//! `tripline calibrate`: a baseline of past rollouts, and the limits that it gives the next one.
//!
//! - [`jobs`], [`recordings`]: where past rollouts come from; [`past`]: what is known of each;
//! - [`calibrated`]: the baseline and its limits;
//! - [`text`], [`json`], [`page`]: what is said of them.

mod calibrated;
mod jobs;
mod json;
mod page;
mod past;
mod recordings;
#[cfg(test)]
mod tests;
mod text;

pub use json::CalibratedData;

use std::path::{Path, PathBuf};

use clap::Args;
use tripline::baseline::SlowerBy;
use tripline::job::JobId;
use tripline_config::{EvidenceConfig, FileName};

use crate::aws::budget::Budget;
use crate::aws::clients::Aws;
use crate::aws::region::Region;
use crate::exit::{End, Error};
use crate::input::duration::whole_minutes;
use crate::input::file::NewFile;
use crate::report::ReportFile;
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use calibrated::{Asked, Calibrated};
use past::Past;

/// Most rollouts of a baseline.
const MOST: usize = 50;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  tripline calibrate fw-1-8 fw-1-9 fw-2-0 --name tracker
  tripline calibrate --recording fw-2-0.ndjson --recording fw-2-1.ndjson --report limits.html
  tripline calibrate fw-2-0 --slower-by 60 --output json

Reads when each device of past rollouts began and ended, from jobs that AWS IoT still has or from
recordings that `tripline watch --record` wrote. Writes the baseline to a file, for `baseline` in
`[EVIDENCE_CONFIG]`, and shows the limits that it gives the next rollout. The command calls AWS at
most once a second on average, for 250 devices at a time.

Calibrate skips stopped rollouts, because their slow devices never ended, and every attempt after a
device's first. One rollout does not show how much rollouts differ, so use several.

--slower-by, --silent and --timeout change the limits shown, not the file. Set them in the config
with its own keys.

Exit code 0: the baseline is written; 2: an option, a recording or a job is invalid, or no rollout
ran to its end; 3: AWS refused or could not be reached.")]
pub struct Arguments {
    /// Jobs that have ended; with --recording the job, if a recording has events of several
    #[arg(value_name = "JOB", required_unless_present_any = ["recordings", "job_id"], num_args = 1..)]
    jobs: Vec<JobId>,
    /// The same as JOB; may be given several times
    #[arg(long, value_name = "JOB")]
    job_id: Vec<JobId>,
    /// A recording of `tripline watch --record`, instead of jobs of AWS IoT; may be given several times
    #[arg(long = "recording", value_name = "FILE")]
    recordings: Vec<PathBuf>,
    /// Name of the baseline [default: the first job]
    #[arg(long)]
    name: Option<FileName>,
    /// File to write [default: the name and `.baseline.json`]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
    /// How much slower a healthy rollout may be, in percent [default: 20; 50 for one rollout]
    #[arg(long, value_name = "PERCENT", value_parser = slower_by)]
    slower_by: Option<SlowerBy>,
    /// Share of devices that may never end, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = EvidenceConfig::SILENT * 100.0, value_parser = silent)]
    silent: f64,
    /// The timeout of the next rollout; a number without a unit is in minutes
    #[arg(long, value_name = "TIME", value_parser = whole_minutes(1, 10_080))]
    timeout: Option<u32>,

    /// Write a self-contained HTML report with a chart
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// AWS Region [default: the environment's]
    #[arg(long)]
    region: Option<Region>,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

fn slower_by(text: &str) -> Result<SlowerBy, String> {
    let percent = text.parse().ok().and_then(|it| SlowerBy::new(it).ok());
    percent.ok_or_else(|| format!("expected percent, 0 to {}", SlowerBy::MAX))
}

fn silent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=50.0).contains(percent));
    percent.ok_or_else(|| "expected percent, 0 to 50".to_owned())
}

impl Arguments {
    /// Calibrates, and says what it came to.
    pub async fn run(mut self) -> Result<End, Error> {
        let mut known = std::collections::HashSet::new();
        self.jobs.append(&mut self.job_id);
        self.jobs.retain(|job| known.insert(job.clone()));
        if let [_, _, ..] = self.jobs.as_slice()
            && !self.recordings.is_empty()
        {
            return Err(Error::input(format!(
                "{} jobs with --recording (expected at most one: whose events are read)",
                self.jobs.len()
            )));
        }
        let rollouts = self.jobs.len().max(self.recordings.len());
        if rollouts > MOST {
            return Err(Error::input(format!("{rollouts} rollouts (expected at most {MOST})")));
        }
        // What cannot be written is known before AWS is asked, unless a recording has to say the name.
        let early = match (&self.out, &self.name, self.jobs.first()) {
            (None, None, None) => None,
            _ => Some(self.file(self.jobs.first())?),
        };
        let page = self.report.as_deref().map(ReportFile::new).transpose()?;
        let past = self.past().await?;
        let first = past.first().map(|past| past.job.clone());
        let file = early.map_or_else(|| self.file(first.as_ref()), Ok)?;
        let calibrated = Calibrated::of(past, self.asked(first.as_ref()))?;
        file.write(&calibrated.baseline.to_json())?;
        say(&format!("baseline: {}", file.name()));
        if let Some(page) = page {
            page.write(&page::html(&calibrated))?;
        }
        for note in text::notes(&calibrated) {
            say(&format!("note: {note}"));
        }
        match self.output {
            Output::Json => print_document(&json::calibrated_data(&calibrated)),
            Output::Text => print(&text::calibrated_text(&calibrated)),
        }
        Ok(End::Done)
    }

    async fn past(&self) -> Result<Vec<Past>, Error> {
        if !self.recordings.is_empty() {
            return recordings::read(&self.recordings, self.jobs.first());
        }
        let aws = Aws::connect(self.region.clone()).await?;
        jobs::read(&aws.iot, &self.jobs, Budget::new()).await
    }

    fn called(&self, first: Option<&JobId>) -> String {
        let named = self.name.as_ref().map(|name| name.as_str().to_owned());
        named.or_else(|| first.map(|job| job.as_str().to_owned())).unwrap_or_default()
    }

    fn path(&self, first: Option<&JobId>) -> PathBuf {
        let usual = || Path::new(&format!("{}.baseline.json", self.called(first))).to_owned();
        self.out.clone().unwrap_or_else(usual)
    }

    fn file(&self, first: Option<&JobId>) -> Result<NewFile, Error> {
        NewFile::new(&self.path(first), self.force)
    }

    fn asked(&self, first: Option<&JobId>) -> Asked {
        Asked {
            name: self.called(first),
            file: self.path(first),
            slower_by: self.slower_by,
            silent: self.silent / 100.0,
            timeout: self.timeout,
        }
    }
}
