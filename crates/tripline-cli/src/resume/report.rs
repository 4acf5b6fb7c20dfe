//! What was done, or would be.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

use super::targets::Targets;
use crate::successor::config::AlarmsFrom;
use crate::successor::earlier_guards::EarlierGuards;
use crate::successor::ended_before::EndedBefore;
use crate::successor::group;

/// A resume, as far as it has come.
#[derive(Debug)]
pub struct Report {
    pub old: JobId,
    pub new: JobId,
    pub targets: Targets,
    /// The devices are in a thing group.
    pub grouped: bool,
    /// The names of the alarms that guard the new job.
    pub alarms: Vec<String>,
    /// Where they came from.
    pub alarms_from: AlarmsFrom,
    /// What differs from the old job.
    pub differences: Vec<String>,
    pub include_in_progress: bool,
    pub dry_run: bool,
    /// The guards of earlier resumes.
    pub seen: EarlierGuards,
}

impl Report {
    pub fn text(&self) -> String {
        let Self { old, new, targets, .. } = self;
        let would = if self.dry_run { "would resume" } else { "resumes" };
        let mut text = format!("job {new} {would} {old}\n");
        let mut line = |name: &str, count: usize, note: &str| {
            text += format!("  {name:<12}{count:>8}  {note}").trim_end();
            text += "\n";
        };
        let how = match self.grouped {
            true => format!("receive it, in thing group {}", group::name(new)),
            false => "receive it".to_owned(),
        };
        line("devices", targets.devices.len(), &how);
        line("succeeded", targets.succeeded, "have it");
        if targets.resumed > 0 {
            line("resumed", targets.resumed, "get it by an earlier resume");
        }
        for (job, count) in &targets.ended {
            line("ended", *count, &format!("have not got it by {job}, which has ended"));
        }
        if targets.in_progress > 0 {
            let note = if self.include_in_progress {
                "were still in progress, and are included"
            } else {
                "are still in progress, and are not included"
            };
            line("in progress", targets.in_progress, note);
        }
        if targets.gone > 0 {
            line("gone", targets.gone, "are no things any more");
        }
        line("alarms", self.alarms.len(), &self.alarms.join(", "));
        text += &format!("  {:<12}{:>8}  {}\n", "", "from", self.alarms_from);
        text
    }

    pub fn data(&self, region: &str) -> CreatedData {
        let Self { old, new, targets, .. } = self;
        CreatedData {
            job_id: new.to_string(),
            state: if self.dry_run { "planned" } else { "created" },
            resumes: old.to_string(),
            targeted: targets.all,
            resumed_before: targets.resumed,
            region: region.to_owned(),
            dry_run: self.dry_run,
            created: !self.dry_run,
            devices: targets.devices.len(),
            succeeded: targets.succeeded,
            in_progress: targets.in_progress,
            includes_in_progress: self.include_in_progress,
            gone: targets.gone,
            group: self.grouped.then(|| group::name(new)),
            alarms: self.alarms.clone(),
            alarms_from: self.alarms_from.clone(),
            ended: EndedBefore::of(&targets.ended),
            armed_again: self.seen.data(),
        }
    }
}

/// A rollout that goes on, or would.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedData {
    /// The new job; a dry run creates none.
    job_id: String,
    /// `created` or, of a dry run, `planned`.
    state: &'static str,
    /// The job that was stopped.
    resumes: String,
    /// Devices of the old job.
    targeted: usize,
    /// Devices that get it by an earlier resume.
    resumed_before: usize,
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
