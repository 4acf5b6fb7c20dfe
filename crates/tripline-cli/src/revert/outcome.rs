//! How a revert ended.

use schemars::JsonSchema;
use serde::Serialize;
use tripline::diagnostic::Diagnostic;
use tripline::job::{JobId, JobState};

use super::Revert;
use super::good::Checked;
use super::report::{CreatedData, Report};
use super::targets::Targets;
use crate::exit::End;
use crate::successor::created::NothingCreatedData;
use crate::successor::earlier_guards::EarlierGuards;
use crate::successor::inherited::REVERTS_TO;
use crate::successor::place::Earlier;

/// From so many devices on, waves are worth a word.
const MANY: usize = 1_000;

/// How it ended.
#[derive(Debug)]
pub enum Reverted {
    /// The job is created, or would be.
    Created(Box<Report>),
    /// An earlier revert has made it.
    Existed(Box<Existed>),
    /// No device has the firmware.
    NothingToDo(Targets),
    /// Its guard would not stop it.
    NotGuarded,
}

/// Jobs that revert the bad one already.
#[derive(Debug)]
pub struct Existed {
    pub jobs: Vec<JobId>,
    /// Those of them that are in progress.
    pub active: Vec<JobId>,
    /// Those of them that take devices back to another job, with its name.
    pub elsewhere: Vec<(JobId, String)>,
    /// Its devices are those that no job is for.
    pub targets: Targets,
    pub seen: EarlierGuards,
    pub include_in_progress: bool,
    pub dry_run: bool,
}

impl Existed {
    pub fn new(
        revert: &Revert,
        to: Option<JobId>,
        earlier: Vec<Earlier>,
        targets: Targets,
        seen: EarlierGuards,
    ) -> Self {
        let active = earlier.iter().filter(|earlier| earlier.state() == JobState::Active);
        let elsewhere = earlier.iter().filter_map(|earlier| {
            let other = earlier.tags.get(REVERTS_TO)?;
            let is_other = to.as_ref().is_none_or(|to| to.as_str() != other);
            is_other.then(|| (earlier.id.clone(), other.clone()))
        });
        Self {
            active: active.map(|earlier| earlier.id.clone()).collect(),
            elsewhere: elsewhere.collect(),
            jobs: earlier.iter().map(|earlier| earlier.id.clone()).collect(),
            targets,
            seen,
            include_in_progress: revert.include_in_progress,
            dry_run: revert.dry_run,
        }
    }

    /// What is not as it should be.
    fn findings(&self) -> bool {
        self.seen.unguarded || !self.targets.ended.is_empty() || !self.targets.devices.is_empty()
    }

    fn text(&self, bad: &JobId) -> String {
        let jobs: Vec<_> = self.jobs.iter().map(JobId::as_str).collect();
        let (noun, verbs) = if jobs.len() == 1 {
            ("job", "already exists and reverts")
        } else {
            ("jobs", "are there already and revert")
        };
        let rest =
            if self.findings() || !self.seen.rearmed.is_empty() { "" } else { ": nothing to do" };
        let mut text = format!("{noun} {} {verbs} {bad}{rest}\n", jobs.join(", "));
        for (job, count) in &self.targets.ended {
            text += &format!("  {count} of {job}, which has ended, were not reverted\n");
        }
        if !self.targets.devices.is_empty() {
            text += &format!(
                "  {} have the firmware, and no job reverts them\n",
                self.targets.devices.len()
            );
        }
        text
    }
}

/// A rollout that is taken back, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RevertData {
    Created(Box<CreatedData>),
    Unchanged(UnchangedData),
}

/// Nothing was created.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnchangedData {
    /// The job that is there already.
    job_id: Option<String>,
    /// `exists`, `nothingToDo` or, since its guard would not stop it, `notGuarded`.
    state: &'static str,
    /// The job whose firmware is taken back.
    reverts: String,
    #[serde(flatten)]
    nothing: NothingCreatedData,
}

impl Reverted {
    pub fn end(&self) -> End {
        let finding = match self {
            Self::NotGuarded => true,
            Self::NothingToDo(_) => false,
            Self::Existed(existed) => existed.findings(),
            Self::Created(report) => {
                report.created.seen.unguarded || !report.targets.ended.is_empty()
            }
        };
        if finding { End::Finding } else { End::Done }
    }

    pub fn text(&self, bad: &JobId) -> String {
        match self {
            Self::Created(report) => report.text(),
            Self::Existed(existed) => existed.text(bad),
            Self::NothingToDo(targets) => format!(
                "nothing to do: of {} devices that job {bad} reached, {} have its firmware, {} are in progress, {} were removed\n",
                targets.reached,
                targets.succeeded.saturating_sub(targets.gone),
                targets.in_progress,
                targets.gone
            ),
            Self::NotGuarded => String::new(),
        }
    }

    pub fn data(&self, bad: &JobId, region: &str) -> RevertData {
        let unchanged = |state, job: Option<&JobId>, nothing| {
            RevertData::Unchanged(UnchangedData {
                job_id: job.map(ToString::to_string),
                state,
                reverts: bad.to_string(),
                nothing,
            })
        };
        let nothing = || NothingCreatedData::new(region);
        match self {
            Self::Created(report) => RevertData::Created(Box::new(report.data(region))),
            Self::Existed(existed) => {
                let counts = existed.targets.counts();
                let nothing = NothingCreatedData::beside(region, &counts, &existed.seen);
                unchanged("exists", existed.jobs.first(), nothing)
            }
            Self::NothingToDo(_) => unchanged("nothingToDo", None, nothing()),
            Self::NotGuarded => unchanged("notGuarded", None, nothing()),
        }
    }

    pub fn notes(&self, bad: &JobId) -> Vec<String> {
        match self {
            Self::Created(report) => {
                let mut notes = report.created.seen.notes(report.created.dry_run);
                notes.extend(unrecorded(report));
                notes.extend(report.pending.note());
                notes.extend(of_ended(&report.targets));
                notes.extend(in_progress(&report.targets, report.created.include_in_progress));
                notes.extend(report.inherited.iter().cloned());
                if report.targets.devices.len() >= MANY {
                    notes.push("hint: all of them at the rate of one job; `tripline release` rolls out in waves".to_owned());
                }
                notes
            }
            Self::NothingToDo(targets) => in_progress(targets, false).into_iter().collect(),
            Self::Existed(existed) => {
                let targets = &existed.targets;
                let mut notes = existed.seen.notes(existed.dry_run);
                for (job, other) in &existed.elsewhere {
                    let note = Diagnostic::new(format!(
                        "job `{job}` reverts its devices to `{}`",
                        tripline::text::excerpt(other)
                    ));
                    let hint = format!("`tripline revert --job-id {job}` reverts them to another");
                    notes.push(note.with_hint(hint).labeled("note"));
                }
                notes.extend(of_ended(targets));
                if !targets.devices.is_empty() {
                    let finding = Diagnostic::new(format!(
                        "devices that have the firmware, and that no revert of `{bad}` is for: {}",
                        targets.devices.len()
                    ));
                    let hint = "omit `--new-job-id`, or give another one, to create a job for them";
                    notes.push(finding.with_hint(hint).labeled("finding"));
                }
                notes.extend(in_progress(targets, existed.include_in_progress));
                let watch = |job| format!("hint: `tripline watch {job}` shows how it goes");
                notes.extend(existed.active.iter().map(watch));
                notes
            }
            Self::NotGuarded => vec!["nothing was created".to_owned()],
        }
    }
}

fn unrecorded(report: &Report) -> Option<String> {
    match report.checked {
        Some(Checked::Unrecorded) => Some(format!(
            "note: the firmware of `{}` was not compared: `deploy` did not record it",
            report.to
        )),
        Some(Checked::Same) | None => None,
    }
}

/// Devices that are still in progress, and how they are taken in.
fn in_progress(targets: &Targets, included: bool) -> Option<String> {
    (targets.in_progress > 0 && !included).then(|| {
        format!(
            "hint: {} still in progress with the bad job; run the command again once they have ended, or include them with `--include-in-progress`",
            targets.in_progress
        )
    })
}

/// Earlier reverts that are to be resumed.
fn of_ended(targets: &Targets) -> Vec<String> {
    let note = |(job, count): &(JobId, usize)| {
        Diagnostic::new(format!(
            "job `{job}` has ended, and devices of it were not reverted: {count}"
        ))
        .with_hint(format!("`tripline resume --job-id {job}`"))
        .labeled("finding")
    };
    targets.ended.iter().map(note).collect()
}
