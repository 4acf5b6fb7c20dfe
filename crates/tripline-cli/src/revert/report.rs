//! What was done, or would be.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

use super::good::Checked;
use super::pending::{Pending, PendingData};
use super::targets::Targets;
use crate::successor::config::AlarmsFrom;
use crate::successor::earlier_guards::EarlierGuards;
use crate::successor::ended_before::EndedBefore;
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

    pub fn data(&self, region: &str) -> CreatedData {
        let Self { bad, to, new, targets, .. } = self;
        CreatedData {
            job_id: new.to_string(),
            state: if self.dry_run { "planned" } else { "created" },
            reverts: bad.to_string(),
            to: to.clone(),
            firmware: match self.checked {
                Some(Checked::Same) => "as recorded",
                Some(Checked::Unrecorded) => "not recorded",
                None => "own",
            },
            reached: targets.reached,
            back: targets.back,
            reverting: targets.reverting,
            pending: self.pending.data(),
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

/// A rollout that is taken back, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedData {
    /// The new job; a dry run creates none.
    job_id: String,
    /// `created` or, of a dry run, `planned`.
    state: &'static str,
    /// The job whose firmware is taken back.
    reverts: String,
    /// The earlier job whose firmware devices get.
    to: String,
    /// `as recorded`, `not recorded` or, of a file, `own`.
    firmware: &'static str,
    /// Devices that the bad job reached.
    reached: usize,
    /// Devices that were taken back by an earlier revert.
    back: usize,
    /// Devices that an earlier revert takes back.
    reverting: usize,
    /// Devices that have other jobs pending.
    pending: PendingData,
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
