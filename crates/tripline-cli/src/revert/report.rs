//! What was done, or would be.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

use super::good::Checked;
use super::pending::{Pending, PendingData};
use super::targets::Targets;
use crate::successor::created::{self, Created, line};

/// A revert, as far as it has come.
#[derive(Debug)]
pub struct Report {
    pub bad: JobId,
    /// The job, or the file, whose firmware devices get.
    pub to: String,
    /// How the earlier job's firmware was found; `None` for one's own.
    pub checked: Option<Checked>,
    pub created: Created,
    pub targets: Targets,
    /// What else is pending for the devices.
    pub pending: Pending,
    /// What to know of what it has from the earlier job.
    pub inherited: Vec<String>,
}

impl Report {
    pub fn text(&self) -> String {
        let Self { bad, to, created, targets, .. } = self;
        let would = if created.dry_run { "would revert" } else { "reverts" };
        let mut text = format!("job {} {would} {bad} to {to}\n", created.job);
        text += &created.devices_line(targets.devices.len());
        let mut line = |name: &str, count: usize, note: &str| text += &line(name, count, note);
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
            let note = if created.include_in_progress {
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
        text += &created.alarm_lines();
        text
    }

    pub fn data(&self, region: &str) -> CreatedData {
        let Self { bad, to, created, targets, .. } = self;
        CreatedData {
            job_id: created.job.to_string(),
            state: created.state(),
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
            created: created.data(region, targets.counts()),
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
    #[serde(flatten)]
    created: created::CreatedData,
}
