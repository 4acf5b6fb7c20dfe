//! `tripline queue list`.

use crate::queue::state::{
    Decision, Entry, EntryEnding, EntryOutcome, State, StoredFile, Tolerance, next,
};
use schemars::JsonSchema;
use serde::Serialize;
use tripline::text::clean;
use tripline::time::Timestamp;

use super::arguments::Common;
use super::aws::Aws;
use super::item::word;
use super::next::{NextData, Report};
use super::{clock, job};
use crate::exit::{End, Error};
use crate::terminal::document::print_document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::table::table;
use crate::terminal::time::iso;

/// Most characters of a note in the table; JSON has all of it.
const NOTE: usize = 60;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue list
  tripline queue list --queue sensors --output json

Lists all entries, oldest first. On stderr it says which one is next, and what that one waits for.
For a detached rollout (`--detach`) it shows the current state of the job; `tripline queue next`
records it.

Exit code 2: the table does not exist; 3: AWS refused or could not be reached.")]
pub struct List {
    #[command(flatten)]
    common: Common,
}

impl List {
    pub async fn run(self) -> Result<End, Error> {
        let aws = Aws::connect(&self.common).await?;
        let view = aws.store.read().await?;
        let now = clock::now();
        let mut rows = Vec::new();
        for entry in &view.entries {
            let ended = if entry.state == State::Deployed {
                job::ending_of(&aws, entry).await?
            } else {
                None
            };
            rows.push((entry, ended));
        }
        let decision = next(&view.entries, now);
        match self.common.output {
            Output::Text if rows.is_empty() => {}
            Output::Text => print(&text(&rows, now)),
            Output::Json => {
                let entries = rows.iter().map(|(entry, ended)| data_of(entry, ended.as_ref()));
                print_document(&QueueData {
                    queue: aws.store.queue.to_string(),
                    table: aws.store.table.clone(),
                    region: aws.region.clone(),
                    entries: entries.collect(),
                    next: Report::undecided(&decision).data(&aws),
                });
            }
        }
        let said = match &decision {
            Decision::Wait { of, .. }
                if rows.iter().any(|(entry, ended)| entry.id == of.id && ended.is_some()) =>
            {
                format!(
                    "entry `{}`: the rollout has ended; `tripline queue next` records how it ended",
                    of.id
                )
            }
            other => Report::undecided(other).why.map(|why| why.to_string()).unwrap_or_default(),
        };
        say(&format!("queue `{}`: {said}", aws.store.queue));
        Ok(End::Done)
    }
}

pub fn text(rows: &[(&Entry, Option<EntryEnding>)], now: Timestamp) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|(entry, ended)| {
            let note = entry.note.as_deref().unwrap_or_default();
            [
                entry.id.to_string(),
                entry.job.to_string(),
                state(entry, ended.as_ref(), now),
                entry.bake.to_string(),
                if entry.failures > 0 { entry.failures.to_string() } else { String::new() },
                clean(note, NOTE),
            ]
        })
        .collect();
    table(["ENTRY", "JOB", "STATE", "BAKE", "FAILURES", "NOTE"], &rows)
}

/// A state in a few words.
fn state(entry: &Entry, ended: Option<&EntryEnding>, now: Timestamp) -> String {
    match &entry.state {
        State::Claimed(lease) if now >= lease.free_from() => "claimed, lease over".to_owned(),
        State::Claimed(lease) => format!("claimed until {}", iso(lease.until)),
        State::Deployed => match ended {
            Some(ended) => format!("deployed, {}", how(ended)),
            None => "deployed, in progress".to_owned(),
        },
        State::Done { outcome, .. } => outcome.as_str().to_owned(),
        State::Pending => match entry.not_before {
            Some(at) if now < at => format!("pending, not before {}", iso(at)),
            _ => "pending".to_owned(),
        },
    }
}

/// For programs.
pub fn percent(tolerance: Tolerance) -> f64 {
    tolerance.share() * 100.0
}

/// How a rollout ended, in a word.
fn how(ended: &EntryEnding) -> &'static str {
    ended.outcome.map_or("undecided", EntryOutcome::as_str)
}

/// The entries of a queue, and what is next.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueData {
    queue: String,
    /// The table of the queue.
    table: String,
    region: String,
    /// The oldest first.
    entries: Vec<EntryData>,
    next: NextData,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EntryData {
    entry: String,
    job_id: String,
    /// Where the rollout goes; `null`: to the Region of its config.
    region: Option<String>,
    state: &'static str,
    added_at: String,
    /// Who has claimed it.
    worker: Option<String>,
    lease_until: Option<String>,
    outcome: Option<&'static str>,
    ended_at: Option<String>,
    /// How the rollout ended, of an entry that was left to itself.
    rollout_ended: Option<&'static str>,
    tolerance_percent: f64,
    bake_seconds: u32,
    claims: u32,
    failures: u32,
    alert_only: bool,
    default_guard: bool,
    accept_uncovered: String,
    not_before: Option<String>,
    note: Option<String>,
    bucket: String,
    files: Vec<EntryFile>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct EntryFile {
    /// What it is to the release.
    r#use: &'static str,
    name: String,
    bytes: u64,
    sha256: String,
}

fn data_of(entry: &Entry, ended: Option<&EntryEnding>) -> EntryData {
    let (lease, done) = match &entry.state {
        State::Claimed(lease) => (Some(lease), None),
        State::Done { outcome, at } => (None, Some((outcome, at))),
        State::Pending | State::Deployed => (None, None),
    };
    let file = |file: &StoredFile| EntryFile {
        r#use: file.used.as_str(),
        name: file.name.to_string(),
        bytes: file.bytes,
        sha256: file.sha256.to_string(),
    };
    EntryData {
        entry: entry.id.to_string(),
        job_id: entry.job.to_string(),
        region: entry.region.clone(),
        state: word(&entry.state),
        added_at: iso(Timestamp::from_seconds(entry.id.milliseconds() / 1_000)),
        worker: lease.map(|lease| clean(&lease.worker, NOTE)),
        lease_until: lease.map(|lease| iso(lease.until)),
        outcome: done.map(|(outcome, _)| outcome.as_str()),
        ended_at: done.map(|(_, at)| iso(*at)),
        rollout_ended: ended.map(how),
        tolerance_percent: percent(entry.tolerance),
        bake_seconds: entry.bake.seconds(),
        claims: entry.claims,
        failures: entry.failures,
        alert_only: entry.alert_only,
        default_guard: entry.default_guard,
        accept_uncovered: entry.accept_uncovered.to_string(),
        not_before: entry.not_before.map(iso),
        note: entry.note.clone(),
        bucket: entry.bucket.clone(),
        files: entry.files.iter().map(file).collect(),
    }
}
