//! What was done, or would be.

use serde_json::{Value, json};
use tripline::job::JobId;

use super::targets::Targets;
use crate::successor::config::AlarmsFrom;
use crate::successor::earlier_guards::EarlierGuards;
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

    pub fn json(&self, region: &str) -> Value {
        let Self { old, new, targets, .. } = self;
        json!({
            "job": new.as_str(), "resumes": old.as_str(), "region": region,
            "dryRun": self.dry_run, "created": !self.dry_run,
            "devices": targets.devices.len(), "targeted": targets.all,
            "succeeded": targets.succeeded, "inProgress": targets.in_progress,
            "includesInProgress": self.include_in_progress, "gone": targets.gone,
            "group": self.grouped.then(|| group::name(new)),
            "alarms": self.alarms, "alarmsFrom": self.alarms_from, "resumedBefore": targets.resumed,
            "ended": ended(targets), "armedAgain": self.seen.json(),
        })
    }
}

/// Earlier resumes that have ended, and how many devices of each have not got it.
pub fn ended(targets: &Targets) -> Value {
    let one = |(job, left): &(JobId, usize)| json!({"job": job.as_str(), "left": left});
    targets.ended.iter().map(one).collect()
}
