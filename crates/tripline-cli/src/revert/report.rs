//! What was done, or would be.

use serde_json::{Value, json};
use tripline::job::JobId;

use super::good::Checked;
use super::pending::Pending;
use super::targets::Targets;
use crate::successor::config::AlarmsFrom;
use crate::successor::earlier_guards::EarlierGuards;
use crate::successor::group;

/// A revert, as far as it has come.
#[derive(Debug)]
pub struct Report {
    pub bad: JobId,
    /// The job, or the file, whose firmware devices get.
    pub to: String,
    /// How the earlier job's firmware was found; `None` for one's own.
    pub checked: Option<Checked>,
    pub new: JobId,
    pub targets: Targets,
    /// What else is pending for the devices.
    pub pending: Pending,
    /// The devices are in a thing group.
    pub grouped: bool,
    /// The names of the alarms that guard the new job.
    pub alarms: Vec<String>,
    /// Where they came from.
    pub alarms_from: AlarmsFrom,
    /// What to know of what it has from the earlier job.
    pub inherited: Vec<String>,
    pub include_in_progress: bool,
    pub dry_run: bool,
    /// The guards of earlier reverts.
    pub seen: EarlierGuards,
}

impl Report {
    pub fn text(&self) -> String {
        let Self { bad, to, new, targets, .. } = self;
        let would = if self.dry_run { "would revert" } else { "reverts" };
        let mut text = format!("job {new} {would} {bad} to {to}\n");
        let mut line = |name: &str, count: usize, note: &str| {
            text += format!("  {name:<12}{count:>8}  {note}").trim_end();
            text += "\n";
        };
        let how = match self.grouped {
            true => format!("receive it, in thing group {}", group::name(new)),
            false => "receive it".to_owned(),
        };
        line("devices", targets.devices.len(), &how);
        line("succeeded", targets.succeeded, &format!("with {bad}, by their latest execution"));
        if targets.back > 0 {
            line("back", targets.back, "were taken back by an earlier revert");
        }
        if targets.reverting > 0 {
            line("reverting", targets.reverting, "are taken back by an earlier revert");
        }
        for (job, count) in &targets.ended {
            line("ended", *count, &format!("were not reverted by {job}, which has ended"));
        }
        if targets.in_progress > 0 {
            let note = if self.include_in_progress {
                "are still in progress, and are taken in"
            } else {
                "are still in progress, and are left out"
            };
            line("in progress", targets.in_progress, note);
        }
        if targets.gone > 0 {
            line("gone", targets.gone, "are no things any more");
        }
        if let Pending::Counted { devices, .. } = &self.pending {
            line("pending", *devices, "have other jobs pending");
        }
        line("alarms", self.alarms.len(), &self.alarms.join(", "));
        text += &format!("  {:<12}{:>8}  {}\n", "", "from", self.alarms_from);
        text
    }

    pub fn json(&self, region: &str) -> Value {
        let Self { bad, to, new, targets, .. } = self;
        json!({
            "job": new.as_str(), "reverts": bad.as_str(), "to": to, "region": region,
            "dryRun": self.dry_run, "created": !self.dry_run,
            "firmware": match self.checked {
                Some(Checked::Same) => "as recorded",
                Some(Checked::Unrecorded) => "not recorded",
                None => "own",
            },
            "devices": targets.devices.len(), "reached": targets.reached,
            "succeeded": targets.succeeded, "inProgress": targets.in_progress,
            "includesInProgress": self.include_in_progress, "gone": targets.gone,
            "back": targets.back, "reverting": targets.reverting,
            "group": self.grouped.then(|| group::name(new)),
            "alarms": self.alarms, "alarmsFrom": self.alarms_from, "pending": self.pending.json(),
            "ended": ended(targets), "armedAgain": self.seen.json(),
        })
    }
}

/// Earlier reverts that have ended, and how many devices each has not taken back.
pub fn ended(targets: &Targets) -> Value {
    let one = |(job, left): &(JobId, usize)| json!({"job": job.as_str(), "left": left});
    targets.ended.iter().map(one).collect()
}
