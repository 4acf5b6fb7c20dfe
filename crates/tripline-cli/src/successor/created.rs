//! A job that is made to follow another, or would be: what a resume and a revert say of it alike.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

use super::config::AlarmsFrom;
use super::earlier_guards::EarlierGuards;
use super::ended_before::EndedBefore;
use super::group;

/// The job, as far as it has come.
#[derive(Debug)]
pub struct Created {
    pub job: JobId,
    /// The devices are in a thing group.
    pub grouped: bool,
    /// The names of the alarms that guard it.
    pub alarms: Vec<String>,
    /// Where they came from.
    pub alarms_from: AlarmsFrom,
    pub include_in_progress: bool,
    pub dry_run: bool,
    /// The guards of earlier jobs that follow the same one.
    pub seen: EarlierGuards,
}

/// How the devices of the job that it follows stand.
#[derive(Debug)]
pub struct Counts<'a> {
    /// Those that receive it.
    pub devices: usize,
    pub succeeded: usize,
    pub in_progress: usize,
    /// Those that are no things any more.
    pub gone: usize,
    /// Earlier jobs that have ended, and how many devices each has left.
    pub ended: &'a [(JobId, usize)],
}

/// A count with its name before and what it means behind it.
pub fn line(name: &str, count: usize, note: &str) -> String {
    format!("{}\n", format!("  {name:<12}{count:>8}  {note}").trim_end())
}

impl Created {
    /// `created` or, of a dry run, `planned`.
    pub fn state(&self) -> &'static str {
        if self.dry_run { "planned" } else { "created" }
    }

    /// How many devices receive it, and through what.
    pub fn devices_line(&self, devices: usize) -> String {
        let how = match self.grouped {
            true => format!("receive it, in thing group {}", group::name(&self.job)),
            false => "receive it".to_owned(),
        };
        line("devices", devices, &how)
    }

    /// Its alarms, and where they come from.
    pub fn alarm_lines(&self) -> String {
        let names = line("alarms", self.alarms.len(), &self.alarms.join(", "));
        format!("{names}  {:<12}{:>8}  {}\n", "", "from", self.alarms_from)
    }

    /// The same, for programs.
    pub fn data(&self, region: &str, counts: Counts<'_>) -> CreatedData {
        CreatedData {
            region: region.to_owned(),
            dry_run: self.dry_run,
            created: !self.dry_run,
            devices: counts.devices,
            succeeded: counts.succeeded,
            in_progress: counts.in_progress,
            includes_in_progress: self.include_in_progress,
            gone: counts.gone,
            group: self.grouped.then(|| group::name(&self.job)),
            alarms: self.alarms.clone(),
            alarms_from: self.alarms_from.clone(),
            ended: EndedBefore::of(counts.ended),
            armed_again: self.seen.data(),
        }
    }
}

/// A job that follows another, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedData {
    region: String,
    dry_run: bool,
    created: bool,
    /// How many devices receive it.
    devices: usize,
    succeeded: usize,
    in_progress: usize,
    /// Whether devices in progress are among them.
    includes_in_progress: bool,
    /// Devices that are no things any more.
    gone: usize,
    /// The thing group of the devices, if it takes one.
    group: Option<String>,
    /// The names of its alarms.
    alarms: Vec<String>,
    /// Where the alarms come from.
    alarms_from: AlarmsFrom,
    /// Earlier ones that have ended, and how many devices each has left.
    ended: Vec<EndedBefore>,
    /// Jobs whose lost alarms are there again, or would be.
    armed_again: Vec<String>,
}

/// Nothing was created, for programs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NothingCreatedData {
    region: String,
    created: bool,
    /// How many devices are left.
    left: Option<usize>,
    /// Earlier ones that have ended, and how many devices each has left.
    ended: Vec<EndedBefore>,
    /// Jobs whose lost alarms are there again, or would be.
    armed_again: Vec<String>,
}

impl NothingCreatedData {
    /// Since there was nothing to create it for, or to guard it with.
    pub fn new(region: &str) -> Self {
        let region = region.to_owned();
        Self { region, created: false, left: None, ended: Vec::new(), armed_again: Vec::new() }
    }

    /// Since a job is there already.
    pub fn beside(region: &str, counts: &Counts<'_>, seen: &EarlierGuards) -> Self {
        Self {
            left: Some(counts.devices),
            ended: EndedBefore::of(counts.ended),
            armed_again: seen.data(),
            ..Self::new(region)
        }
    }
}
