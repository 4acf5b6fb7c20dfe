//! How a resume ended.

use serde_json::{Value, json};
use tripline::diagnostic::Diagnostic;
use tripline::job::JobId;

use super::report::{Report, ended};
use super::targets::Targets;
use crate::exit::End;
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

impl Resumed {
    pub fn end(&self) -> End {
        let finding = match self {
            Self::NotGuarded => true,
            Self::NothingLeft(_) => false,
            Self::Existed(existed) => existed.findings(),
            Self::Created(report) => report.seen.unguarded || !report.targets.ended.is_empty(),
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

    pub fn json(&self, old: &JobId, region: &str) -> Value {
        let base = |job: Option<&JobId>, why: &str| {
            json!({
                "job": job.map(JobId::as_str), "resumes": old.as_str(), "region": region,
                "created": false, "because": why,
            })
        };
        match self {
            Self::Created(report) => report.json(region),
            Self::Existed(existed) => {
                let mut value = base(existed.jobs.first(), "it already exists");
                if let Some(fields) = value.as_object_mut() {
                    let left = existed.targets.devices.len();
                    fields.insert("left".to_owned(), left.into());
                    fields.insert("ended".to_owned(), ended(&existed.targets));
                    fields.insert("armedAgain".to_owned(), existed.seen.json());
                }
                value
            }
            Self::NothingLeft(_) => base(None, "nothing left to do"),
            Self::NotGuarded => base(None, "its guard would not stop it"),
        }
    }

    pub fn notes(&self, old: &JobId) -> Vec<String> {
        match self {
            Self::Created(report) => {
                let mut notes = report.seen.notes(report.dry_run);
                notes.extend(of_ended(&report.targets));
                notes.extend(at_it(&report.targets, report.include_in_progress));
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
