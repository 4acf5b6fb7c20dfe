//! `tripline replay`: what the guard would have made of a recorded rollout.
//!
//! - [`text`], [`json`], [`picture`]: what is said of it.

mod json;
mod picture;
mod replayed;
mod text;

pub use json::ReplayData;

use std::path::PathBuf;

use tripline::alarm::AlarmDefinition;
use tripline::diagnostic::Diagnostic;
use tripline::stop::StopMode;
use tripline_config::AlarmConfig;
use tripline_simulation::replay::{EvidenceOf, Replay};
use tripline_simulation::simulation::Record;

use crate::exit::{End, Error};
use crate::input::job::OptionalJob;
use crate::input::limits;
use crate::input::source::{self, name_of};
use crate::input::stop_topic::StopTopic;
use crate::recording::{self, is_stdin, read};
use crate::report::{self, ReportFile, When};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use replayed::Replayed;
use tripline_guard::definition::in_words;

const EXAMPLES: &str = "\
Examples:
  tripline replay examples/recordings/slow.ndjson.gz --config examples/dev.ini
  tripline replay all-of-may.ndjson.gz fw-2-1 --config examples/dev.ini
  aws s3 cp s3://events/fw-2-1.ndjson.gz - | tripline replay - --config examples/dev.ini

A recording has one AWS IoT job-execution event a line, as the IoT rule delivers it, in any
order and with repetitions; gzip is recognized. Events take place at their own `timestamp`: when
they were received is not recorded. Each alarm is evaluated in the middle of the minute;
CloudWatch does it at a second of its own. A device that ended after the stop may have begun
before it: what would have been spared is an upper bound. Abort criteria go by executions that have
ended: a recording does not say how many devices were notified. Evidence, if the config has limits of a healthy
rollout, takes when devices began from a recording of `tripline watch --record`; without one it is
approximate, and said.

Exit code 0: the rollout would have run to its end; 5: its guard would have stopped it; 1: it would
have, but by then the last recorded execution had ended, or no guard looked, since devices never
reported what its alarms watch; 2: a fault in an option, the config or the recording. A malformed
line is skipped and counted (--strict: a fault), as long as most are well.";

/// What to replay.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES,
    mut_arg("job", |arg| arg.help("The job, if the recording has events of several")))]
pub struct Arguments {
    /// Job-execution events or what `watch --record` wrote, one a line; `-` is stdin
    recording: PathBuf,
    #[command(flatten)]
    job: OptionalJob,
    /// The config with the alarms, the abort criteria and the limits of evidence
    #[arg(long, value_name = "FILE", default_value = "dev.ini")]
    config: PathBuf,
    /// How many devices the rollout was for. If fewer ended in the recording, because the rollout was
    /// stopped or the recording cut short, it was not over with the last event
    #[arg(long)]
    devices: Option<u32>,
    /// What is done when an alarm fires that stops, as the stack's parameter `StopMode` says: cancel,
    /// abort or observe
    #[arg(long, visible_alias = "mode", value_name = "MODE", default_value_t)]
    stop_mode: StopMode,
    #[command(flatten)]
    stop_topic: StopTopic,
    /// Fail at the first malformed line
    #[arg(long)]
    strict: bool,

    /// Write a self-contained HTML report with charts
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// When to draw a chart
    #[arg(long, value_enum, default_value = "auto")]
    chart: When,
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Arguments {
    /// Replays, and says what it came to.
    pub fn run(self) -> Result<End, Error> {
        let page = self.report.as_deref().map(ReportFile::new).transpose()?;
        let replayed = self.replay()?;
        if let Some(page) = page {
            page.write(&report::html(&picture::replay_picture(&replayed)))?;
        }
        match self.output {
            Output::Json => print_document(&json::replay_data(&replayed)),
            Output::Text => {
                let chart = |width| report::terminal(&picture::replay_picture(&replayed), width);
                let chart = self.chart.width().map(chart);
                print(&text::replay_text(&replayed, chart.as_deref()));
            }
        }
        Ok(match &replayed.replay {
            Replay { stop: Some(_), .. } => End::Stopped,
            Replay { too_late: Some(_), .. } | Replay { is_unwatched: true, .. } => End::Finding,
            _ => End::Done,
        })
    }

    /// Of a config that cannot be read: that, and the same of the recording.
    fn unread(&self, fault: &Error) -> Error {
        let mut wrong = fault.diagnostics();
        if !is_stdin(&self.recording)
            && let Err(error) = std::fs::metadata(&self.recording)
        {
            let what = format!("cannot be read: {error}");
            wrong.add(Diagnostic::new(what).in_file(&recording::called(&self.recording), None));
        }
        Error::input(wrong).hint("name the config with `--config`")
    }

    fn replay(&self) -> Result<Replayed, Error> {
        // The config first: it is small, and may come with a fault. A recording that is not there is
        // said with it.
        let config = name_of(&self.config);
        let text = source::read(&self.config).map_err(|fault| self.unread(&fault))?;
        let alarms = AlarmConfig::parse(&config, &text).map_err(source::faults_in(&text))?.alarms;
        let abort =
            tripline_config::parse_rollout(&config, &text).map_err(source::faults_in(&text))?.abort;
        let evidence = limits::load(&self.config, &text)?;
        if alarms.is_empty() && abort.is_empty() && evidence.is_none() {
            return Err(Error::in_file(&config, "neither alarms, abort criteria nor evidence, so nothing would have stopped the rollout").hint("name alarms in `alarmList` of `[ALARM_CONFIG]`"));
        }
        let file = recording::called(&self.recording);
        let lines = recording::open(&self.recording)?;
        let (job, strict) = (self.job.id(), self.strict);
        let goes_by_begins =
            evidence.is_some() || alarms.iter().any(AlarmDefinition::is_on_unsuccessful_rate);
        let wanted = read::Wanted { job, strict, devices: goes_by_begins };
        let mut read = read::rollout(&file, lines, wanted)?;
        read.rollout.devices = self.devices;
        let ended = read.rollout.devices_ended();
        if let Some(devices) = self.devices.filter(|devices| *devices < ended) {
            return Err(Error::in_file(
                &file,
                format!("--devices {devices}: {ended} devices ended (expected at least as many)"),
            ));
        }
        let of_alarms = alarms.iter().map(|alarm| alarm.topics.as_slice());
        let of_evidence = evidence.iter().map(|(config, _)| config.topics.as_slice());
        for note in self.stop_topic.notes_of(&config, of_alarms.chain(of_evidence).collect()) {
            say(&format!("note: {note}"));
        }
        let topics = self.stop_topic.topics();
        let of_evidence = evidence.as_ref();
        let of_evidence =
            of_evidence.map(|(config, limits)| EvidenceOf { limits, topics: &config.topics });
        let replay = Replay::with_evidence(
            &read.rollout,
            &alarms,
            &abort,
            of_evidence,
            self.stop_mode,
            &topics,
        );
        if evidence.is_some() {
            for note in text::begins(&file, replay.evidence.as_ref()) {
                say(&format!("note: {note}"));
            }
        }
        for note in text::unsuccessful_rate(&file, &replay) {
            say(&format!("note: {note}"));
        }
        let of_nothing = |alarm: &&AlarmDefinition| !alarm.is_on_unsuccessful_rate();
        for alarm in replay.not_replayed.iter().filter(of_nothing) {
            say(&format!(
                "note: {config}: alarm `{}` is not replayed: it watches {}, of which events say nothing",
                alarm.name,
                in_words(alarm)
            ));
        }
        if replay.alarms.is_empty() && replay.abort.is_none() && replay.evidence.is_none() {
            return Err(Error::in_file(&config, "no alarm watches a metric of job executions"));
        }
        let record = Record { minutes: read.rollout.minutes.clone(), traces: Vec::new() };
        let (lines, malformed, rollout) = (read.lines, read.malformed, read.rollout);
        Ok(Replayed {
            file,
            config,
            mode: self.stop_mode,
            lines,
            malformed,
            rollout,
            replay,
            record,
        })
    }
}
