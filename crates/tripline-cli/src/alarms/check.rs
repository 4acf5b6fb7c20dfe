//! `tripline alarms check`.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use tripline::alarm::AlarmDefinition;
use tripline_config::GuardConfig;

use super::arguments::Common;
use crate::aws::region::{check_topics, region_for};
use crate::exit::{End, Error};
use crate::input::declared::{DeclaredLimits, all_alarms, watches};
use crate::input::job::ConfigAndJob;
use crate::input::renamed::ALERT_ONLY;
use crate::input::{notes, source};
use crate::terminal::alarm::{AlarmData, topics};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::table::table;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline alarms check
  tripline alarms check release/dev.ini fw-1-3-0 --output json

Exit code 0: the config is valid; 1: it has no alarms, or none that can stop the rollout (accept
the latter with --alert-only); 2: it has faults, and the output names each of them with its line.")]
pub struct Check {
    #[command(flatten)]
    given: ConfigAndJob,
    /// Accept a config whose alarms alert people but never stop the rollout
    #[arg(long, alias = ALERT_ONLY)]
    alert_only: bool,
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub fn run(self) -> Result<End, Error> {
        let (config, job) = self.given.given();
        let path = config.unwrap_or_else(|| "dev.ini".into());
        let file = source::name_of(&path);
        let json = self.common.output == Output::Json;
        let text = source::read(&path)?;
        let config = GuardConfig::parse(&file, &text).map_err(source::faults_in(&text))?;
        let GuardConfig { alarms: config, evidence } = config;
        let folder = path.parent().unwrap_or(Path::new(""));
        let evidence = evidence.map(|config| DeclaredLimits::read(&file, config, folder));
        let evidence = evidence.transpose().map_err(source::faults_in(&text))?;
        let evidence = evidence.as_ref();
        let all = all_alarms(&config.alarms, evidence);
        let region = region_for(self.common.region, &file, &config)?;
        if let Some(region) = &region {
            check_topics(&file, &all, region.as_str())?;
        }
        let job = job.or_else(|| config.job.clone());
        if json {
            print_document(&CheckedData {
                file: file.clone(),
                job_id: job.as_ref().map(ToString::to_string),
                region: region.as_ref().map(|region| region.as_str().to_owned()),
                alarms: all.iter().map(|alarm| AlarmData::new(alarm, evidence)).collect(),
                unlisted: config.unlisted.clone(),
            });
        } else if !all.is_empty() {
            let row = |alarm: &AlarmDefinition| {
                [alarm.name.to_string(), watches(alarm, evidence), topics(alarm)]
            };
            let rows: Vec<_> = all.iter().map(row).collect();
            print(&table(["ALARM", "WATCHES", "ALERTS"], &rows));
        }
        if let Some(note) = notes::unlisted(&file, &config) {
            say(&note);
        }
        if all.is_empty() {
            say(&notes::no_alarms(&file).labeled("finding"));
            return Ok(End::Finding);
        }
        let only_alerts = !all.iter().any(notes::may_stop);
        if only_alerts && self.alert_only {
            say(&format!("note: {}", notes::ONLY_ALERTS));
        }
        let job = job
            .map_or_else(|| "a job that `--job-id` names".to_owned(), |job| format!("job `{job}`"));
        say(&format!("{file}: no faults; {} for {job}", notes::alarms(all.len())));
        if only_alerts && !self.alert_only {
            say(&notes::only_alerts().labeled("finding"));
            return Ok(End::Finding);
        }
        Ok(End::Done)
    }
}

/// A config that can be applied.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedData {
    file: String,
    job_id: Option<String>,
    region: Option<String>,
    alarms: Vec<AlarmData>,
    /// Alarms that are described and not in `alarmList`.
    unlisted: Vec<String>,
}
