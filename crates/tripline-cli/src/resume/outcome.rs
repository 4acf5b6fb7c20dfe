//! How a resume ended.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::diagnostic::Diagnostic;
use tripline::job::JobId;

use super::report::{CreatedData, Report};
use super::targets::Targets;
use crate::exit::End;
use crate::successor::created::NothingCreatedData;
use crate::successor::earlier_guards::EarlierGuards;

/// How it ended.
#[derive(Debug)]
pub enum Resumed {
    /// The job is created, or would be.
    Created(Box<Report>),
    /// An earlier resume has made it.
    Existed(Box<Existed>),
    /// Nobody is left that has not got it.
    NothingLeft(Targets),
    /// Its guard would not stop it.
    NotGuarded,
}

/// Jobs that resume the old one already.
#[derive(Debug)]
pub struct Existed {
    pub jobs: Vec<JobId>,
    /// Those of them that are in progress.
    pub active: Vec<JobId>,
    /// Its devices are those that no job is for.
    pub targets: Targets,
    pub seen: EarlierGuards,
    pub include_in_progress: bool,
    pub dry_run: bool,
}

impl Existed {
    /// What is not as it should be.
    fn findings(&self) -> bool {
        self.seen.unguarded || !self.targets.ended.is_empty() || !self.targets.devices.is_empty()
    }

    fn text(&self, old: &JobId) -> String {
        let jobs: Vec<_> = self.jobs.iter().map(JobId::as_str).collect();
        let (noun, verbs) = if jobs.len() == 1 {
            ("job", "already exists and resumes")
        } else {
            ("jobs", "are there already and resume")
        };
        let rest =
            if self.findings() || !self.seen.rearmed.is_empty() { "" } else { ": nothing to do" };
        let mut text = format!("{noun} {} {verbs} {old}{rest}\n", jobs.join(", "));
        for (job, count) in &self.targets.ended {
            text += &format!("  {count} of {job}, which has ended, do not have it\n");
        }
        if !self.targets.devices.is_empty() {
            text += &format!(
                "  {} have not got it, and no job is for them\n",
                self.targets.devices.len()
            );
        }
        text
    }
}

/// A rollout that goes on, or would.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ResumeData {
    Created(CreatedData),
    Unchanged(UnchangedData),
}

/// Nothing was created.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnchangedData {
    /// The job that is there already.
    job_id: Option<String>,
    /// `exists`, `nothingLeft` or, since its guard would not stop it, `notGuarded`.
    state: &'static str,
    /// The job that was stopped.
    resumes: String,
    #[serde(flatten)]
    nothing: NothingCreatedData,
}

impl Resumed {
    pub fn end(&self) -> End {
        let finding = match self {
            Self::NotGuarded => true,
            Self::NothingLeft(_) => false,
            Self::Existed(existed) => existed.findings(),
            Self::Created(report) => {
                report.created.seen.unguarded || !report.targets.ended.is_empty()
            }
        };
        if finding { End::Finding } else { End::Done }
    }

    pub fn text(&self, old: &JobId) -> String {
        match self {
            Self::Created(report) => report.text(),
            Self::Existed(existed) => existed.text(old),
            Self::NothingLeft(targets) => format!(
                "nothing left to do: of {} devices of job {old}, {} have the firmware, {} are still in progress, {} were removed\n",
                targets.all, targets.succeeded, targets.in_progress, targets.gone
            ),
            Self::NotGuarded => String::new(),
        }
    }

    pub fn data(&self, old: &JobId, region: &str) -> ResumeData {
        let unchanged = |state, job: Option<&JobId>, nothing| {
            ResumeData::Unchanged(UnchangedData {
                job_id: job.map(ToString::to_string),
                state,
                resumes: old.to_string(),
                nothing,
            })
        };
        let nothing = || NothingCreatedData::new(region);
        match self {
            Self::Created(report) => ResumeData::Created(report.data(region)),
            Self::Existed(existed) => {
                let counts = existed.targets.counts();
                let nothing = NothingCreatedData::beside(region, &counts, &existed.seen);
                unchanged("exists", existed.jobs.first(), nothing)
            }
            Self::NothingLeft(_) => unchanged("nothingLeft", None, nothing()),
            Self::NotGuarded => unchanged("notGuarded", None, nothing()),
        }
    }

    pub fn notes(&self, old: &JobId) -> Vec<String> {
        match self {
            Self::Created(report) => {
                let mut notes = report.created.seen.notes(report.created.dry_run);
                notes.extend(of_ended(&report.targets));
                notes.extend(at_it(&report.targets, report.created.include_in_progress));
                notes.extend(report.differences.iter().cloned());
                notes
            }
            Self::NothingLeft(targets) => at_it(targets, false).into_iter().collect(),
            Self::Existed(existed) => {
                let targets = &existed.targets;
                let mut notes = existed.seen.notes(existed.dry_run);
                notes.extend(of_ended(targets));
                if !targets.devices.is_empty() {
                    let finding = Diagnostic::new(format!(
                        "devices that do not have the firmware, and that no resume of `{old}` is for: {}",
                        targets.devices.len()
                    ));
                    let hint = "omit `--new-job-id`, or give another one, to create a job for them";
                    notes.push(finding.with_hint(hint).labeled("finding"));
                }
                notes.extend(at_it(targets, existed.include_in_progress));
                let watch = |job| format!("hint: `tripline watch {job}` shows how it goes");
                notes.extend(existed.active.iter().map(watch));
                notes
            }
            Self::NotGuarded => vec!["nothing was created".to_owned()],
        }
    }
}

/// Devices that are still in progress, and how they are taken in.
fn at_it(targets: &Targets, included: bool) -> Option<String> {
    (targets.in_progress > 0 && !included).then(|| {
        format!(
            "hint: {} still in progress with the old job; `--include-in-progress` includes them",
            targets.in_progress
        )
    })
}

/// Earlier resumes that are to be resumed themselves.
fn of_ended(targets: &Targets) -> Vec<String> {
    let note = |(job, count): &(JobId, usize)| {
        Diagnostic::new(format!(
            "job `{job}` has ended, and devices of it do not have the firmware: {count}"
        ))
        .with_hint(format!("`tripline resume --job-id {job}`"))
        .labeled("finding")
    };
    targets.ended.iter().map(note).collect()
}
