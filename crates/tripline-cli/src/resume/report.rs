//! What was done, or would be.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::job::JobId;

use super::targets::Targets;
use crate::successor::created::{self, Created, line};

/// A resume, as far as it has come.
#[derive(Debug)]
pub struct Report {
    pub old: JobId,
    pub created: Created,
    pub targets: Targets,
    /// What differs from the old job.
    pub differences: Vec<String>,
}

impl Report {
    pub fn text(&self) -> String {
        let Self { old, created, targets, .. } = self;
        let would = if created.dry_run { "would resume" } else { "resumes" };
        let mut text = format!("job {} {would} {old}\n", created.job);
        text += &created.devices_line(targets.devices.len());
        let mut line = |name: &str, count: usize, note: &str| text += &line(name, count, note);
        line("succeeded", targets.succeeded, "have it");
        if targets.resumed > 0 {
            line("resumed", targets.resumed, "get it by an earlier resume");
        }
        for (job, count) in &targets.ended {
            line("ended", *count, &format!("have not got it by {job}, which has ended"));
        }
        if targets.in_progress > 0 {
            let note = if created.include_in_progress {
                "were still in progress, and are included"
            } else {
                "are still in progress, and are not included"
            };
            line("in progress", targets.in_progress, note);
        }
        if targets.gone > 0 {
            line("gone", targets.gone, "are no things any more");
        }
        text += &created.alarm_lines();
        text
    }

    pub fn data(&self, region: &str) -> CreatedData {
        let Self { old, created, targets, .. } = self;
        CreatedData {
            job_id: created.job.to_string(),
            state: created.state(),
            resumes: old.to_string(),
            targeted: targets.all,
            resumed_before: targets.resumed,
            created: created.data(region, targets.counts()),
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
    #[serde(flatten)]
    created: created::CreatedData,
}
