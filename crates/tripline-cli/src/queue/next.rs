//! `tripline queue next`.

use std::path::PathBuf;
use std::time::Duration;

use crate::queue::state::{
    Blocking, Decision, Entry, EntryOutcome, MAX_FAILURES, Span, State, Waiting, ended_last,
    fired_late, next,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tripline::diagnostic::Diagnostic;
use tripline::time::Timestamp;

use super::arguments::Common;
use super::aws::Aws;
use super::store::{Change, View, pause};
use super::work::{Work, Worked, work};
use super::{clock, job};
use crate::deploy::Deployment;
use crate::exit::{End, Error};
use crate::input::within::Within;
use crate::terminal::document::print_document;
use crate::terminal::error_document::ErrorDocument;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::time::iso;

/// Longest time between two looks at the queue, in seconds.
const LOOK_AGAIN: u64 = 20;
/// Shortest lease in seconds.
const SHORTEST_LEASE: u32 = 2;

#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  tripline queue next
  tripline queue next --wait --output json
  tripline queue next --detach --queue sensors

Claims the oldest release that may go for this worker, downloads its files, verifies their SHA-256,
and deploys it. The claim is a lease that the worker renews. If the worker dies, another one takes
over the release when the lease expires. Ctrl-C returns the release to the queue.

A release may go when no other release of its queue is in progress, every earlier one succeeded and
has baked, and no alarm has fired since. If a deployment fails for another reason than its devices
(no network, a missing role), Tripline retries it after 1, 2, 4 and 8 minutes. After that it waits
for `tripline queue retry`.

With --detach the command returns once the job exists, and the next `tripline queue next` checks
how it ended. This needs a config with a single round.

Exit code 0: the rollout succeeded, or its job exists (--detach), or the queue is empty; stdout
says which; 1: the rollout failed, or an unsuccessful entry holds up the queue until you decide
with `tripline queue done`; 2: the input is invalid; 3: AWS refused or could not be reached, and
the release is back in the queue; 5: the rollout was stopped, or one of its alarms fired before the
next release began; 6: not yet: a release is in progress or bakes, somebody interrupted this
worker, or AWS IoT counts attempts and does not name their devices.")]
pub struct Next {
    /// Wait while a release is in progress or bakes, instead of exiting with 6
    #[arg(long)]
    wait: bool,
    /// How long the claim of a worker lasts unless it renews the claim
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = lease)]
    lease: Span,
    /// Return once the job exists, without waiting for its end
    #[arg(long)]
    detach: bool,
    /// Keep the files of the release in a new folder below this one
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Refuse a release whose dev.ini names files outside of this folder, other than its own that are fetched
    #[arg(long, value_name = "DIR")]
    within: Option<Within>,
    #[command(flatten)]
    common: Common,
}

fn lease(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span.seconds() < SHORTEST_LEASE {
        return Err(format!("`{span}` is too short (expected {SHORTEST_LEASE}s at least)"));
    }
    Ok(span)
}

/// What came of it, for stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One word.
    pub result: &'static str,
    /// The entry that it is about.
    pub entry: Option<Entry>,
    /// Why, for people.
    pub why: Option<Diagnostic>,
    /// When to come back.
    pub until: Option<Timestamp>,
    pub end: End,
}

/// One look at the queue.
#[derive(Debug)]
pub enum Attempt {
    /// This worker has it now.
    Claimed(Entry),
    /// There is nothing to deploy now.
    Over(Report),
    /// Somebody was faster.
    Again,
}

impl Next {
    pub async fn run(self) -> Result<End, Error> {
        let mut interrupt = Interrupt::listen()?;
        let aws = Aws::connect_to_change(&self.common).await?;
        let mut said = None;
        let claimed = loop {
            let report = match try_next(&aws, self.lease, &worker_name()).await? {
                Attempt::Claimed(entry) => break entry,
                Attempt::Again => {
                    pause().await;
                    continue;
                }
                Attempt::Over(report) if !self.wait || report.result != "waiting" => {
                    return Ok(self.report(&aws, &report, None).await);
                }
                Attempt::Over(report) => report,
            };
            if said != report.why {
                report.say(&aws);
                said.clone_from(&report.why);
            }
            tokio::select! {
                () = tokio::time::sleep(report.nap()) => {}
                () = interrupt.wait() => return Ok(self.report(&aws, &report, None).await),
            }
        };
        say(&format!(
            "queue `{}`: entry `{}`: deploying job `{}`",
            aws.store.queue, claimed.id, claimed.job
        ));
        let how = Work {
            stack: self.common.stack.clone(),
            detach: self.detach,
            folder: self.keep.clone(),
            within: self.within.clone(),
        };
        let deploy = async |deployment: Deployment| deployment.run().await;
        let worked = work(&aws, claimed.clone(), &how, deploy, interrupt.wait()).await?;
        let (report, error) = report_of(claimed, worked, self.detach);
        let end = self.report(&aws, &report, error.as_ref()).await;
        error.map_or(Ok(end), Err)
    }

    async fn report(&self, aws: &Aws, report: &Report, error: Option<&Error>) -> End {
        match self.common.output {
            Output::Text => print(&report.text()),
            Output::Json => {
                let error = Error::document_of(error).await;
                print_document(&NextData { error, ..report.data(aws) });
            }
        }
        report.say(aws);
        report.end
    }
}

/// Looks at the queue: first how detached rollouts have ended, then whether an alarm of what has ended fired
/// since, then what is next.
pub async fn try_next(aws: &Aws, lease: Span, worker: &str) -> Result<Attempt, Error> {
    let view = aws.store.read().await?;
    // What fires from here on is seen by the next look.
    let now = clock::now();
    if let Some(entry) = view.entries.iter().find(|entry| entry.state == State::Deployed)
        && let Some(ended) = job::ending_of(aws, entry).await?
    {
        let Some(outcome) = ended.outcome else {
            return Ok(Attempt::Over(Report::uncounted(entry, &ended.why.unwrap_or_default())));
        };
        let to = entry.ended(outcome, ended.why.as_deref(), now);
        let change = Change::step(entry, &to);
        if !aws.store.change(&view, change).await? || outcome.is_well() {
            return Ok(Attempt::Again);
        }
        return Ok(Attempt::Over(Report::ended(to, outcome)));
    }
    if is_free(&next(&view.entries, now)) {
        for entry in ended_last(&view.entries, now) {
            let State::Done { at, .. } = entry.state else { continue };
            let Some(fired) = job::fired_after(aws, entry, at).await? else { continue };
            let why = fired_late(fired.seen()).why;
            let to = entry.ended(EntryOutcome::Stopped, why.as_deref(), now);
            if !aws.store.change(&view, Change::step(entry, &to)).await? {
                return Ok(Attempt::Again);
            }
            return Ok(Attempt::Over(Report::ended(to, EntryOutcome::Stopped)));
        }
    }
    claim(aws, &view, lease, worker).await
}

/// Whether nothing is under way, and nothing holds up the queue already.
fn is_free(decision: &Decision<'_>) -> bool {
    match decision {
        Decision::Claim(_) | Decision::Empty => true,
        Decision::Wait { why, .. } => matches!(why, Waiting::Bake | Waiting::Retry),
        Decision::Blocked { .. } => false,
    }
}

async fn claim(aws: &Aws, view: &View, lease: Span, worker: &str) -> Result<Attempt, Error> {
    let entry = match next(&view.entries, clock::now()) {
        Decision::Claim(entry) => entry,
        other => return Ok(Attempt::Over(Report::undecided(&other))),
    };
    let claimed = entry.claimed(worker.to_owned(), lease, clock::now());
    let change = Change::step(entry, &claimed);
    let is_ours = aws.store.change(view, change).await?;
    Ok(if is_ours { Attempt::Claimed(claimed) } else { Attempt::Again })
}

/// A name that no other claim has; the beginning is for people.
fn worker_name() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let host: String = host.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let host = if host.is_empty() { "worker" } else { host.as_str() };
    format!("{host}-{}-{:016x}", std::process::id(), clock::random())
}

fn report_of(claimed: Entry, worked: Worked, detach: bool) -> (Report, Option<Error>) {
    let report = |result, entry: Entry, end, why: Option<Diagnostic>| {
        let until = entry.not_before;
        Report { result, entry: Some(entry), why, until, end }
    };
    match worked {
        Worked::Ended(entry, End::Done) if detach => {
            let why = "its job exists; the next `tripline queue next` checks how it ended".into();
            (report("deployed", entry, End::Done, Some(why)), None)
        }
        Worked::Ended(entry, end) => match entry.state {
            State::Done { outcome, .. } => (Report::ended(entry, outcome), None),
            _ => {
                let why = back(&entry, "undecided, as its devices could not be counted,");
                (report("undecided", entry, end, Some(why)), None)
            }
        },
        Worked::Failed(entry, error) => {
            let why = back(&entry, "failed");
            (report("error", entry, End::Undecided, Some(why)), Some(error))
        }
        Worked::Interrupted(entry) => {
            let why = format!("entry `{}`: interrupted, and back in the queue", entry.id);
            (report("interrupted", entry, End::Undecided, Some(why.into())), None)
        }
        Worked::Lost => {
            let why = format!(
                "entry `{}`: its lease was lost, so another worker may take it over",
                claimed.id
            );
            (report("lost", claimed, End::Undecided, Some(why.into())), None)
        }
    }
}

fn back(entry: &Entry, what: &str) -> Diagnostic {
    let count = format!("{what} {} of {MAX_FAILURES} times", entry.failures);
    match entry.not_before {
        Some(at) if entry.failures < MAX_FAILURES => {
            format!("entry `{}`: {count}; to be tried again from {}", entry.id, iso(at)).into()
        }
        _ => Diagnostic::new(format!("entry `{}`: {count}; it waits for a person", entry.id))
            .with_hint(format!(
                "`tripline queue retry --entry {0}` or `tripline queue done --entry {0} --outcome skipped`",
                entry.id
            )),
    }
}

impl Report {
    fn ended(entry: Entry, outcome: EntryOutcome) -> Self {
        let end = match outcome {
            EntryOutcome::Succeeded | EntryOutcome::Skipped => End::Done,
            EntryOutcome::Stopped => End::Stopped,
            EntryOutcome::Failed => End::Finding,
        };
        let note = entry.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
        let why = Some(format!("entry `{}`: {}{note}", entry.id, outcome.as_str()).into());
        Self { result: outcome.as_str(), entry: Some(entry), why, until: None, end }
    }

    /// A rollout has ended, and how is not known. A person says so, or the next look does.
    fn uncounted(entry: &Entry, why: &str) -> Self {
        let id = &entry.id;
        let why = Diagnostic::new(format!(
            "entry `{id}`: its job is complete, and whether every device has the firmware is not known: {why}"
        ))
        .with_hint(format!("`tripline queue done --entry {id}` says how it ended"));
        let (entry, end) = (Some(entry.clone()), End::Undecided);
        Self { result: "undecided", entry, why: Some(why), until: None, end }
    }

    /// Why nothing is claimed.
    pub fn undecided(decision: &Decision<'_>) -> Self {
        let (result, entry, until, end) = match decision {
            Decision::Wait { of, until, .. } => ("waiting", Some(*of), *until, End::Undecided),
            Decision::Blocked { by, .. } => ("blocked", Some(*by), None, End::Finding),
            Decision::Claim(entry) => ("ready", Some(*entry), None, End::Done),
            Decision::Empty => ("nothing", None, None, End::Done),
        };
        Self { result, entry: entry.cloned(), why: Some(why(decision)), until, end }
    }

    fn say(&self, aws: &Aws) {
        if let Some(why) = &self.why {
            say(&format!("queue `{}`: {why}", aws.store.queue));
        }
    }

    /// How long to wait before another look.
    fn nap(&self) -> Duration {
        let left = self.until.map(|until| until.seconds_after(clock::now()));
        let seconds = left.map_or(LOOK_AGAIN, |left| u64::try_from(left).unwrap_or(0));
        Duration::from_secs(seconds.clamp(1, LOOK_AGAIN))
    }

    fn text(&self) -> String {
        match &self.entry {
            Some(entry) => format!("{} {} {}\n", self.result, entry.id, entry.job),
            None => format!("{}\n", self.result),
        }
    }

    /// The decision, for programs.
    pub fn data(&self, aws: &Aws) -> NextData {
        NextData {
            queue: aws.store.queue.to_string(),
            table: aws.store.table.clone(),
            state: self.result,
            entry: self.entry.as_ref().map(|entry| entry.id.to_string()),
            job_id: self.entry.as_ref().map(|entry| entry.job.to_string()),
            why: self.why.as_ref().map(|why| why.what().to_owned()),
            hint: self.why.as_ref().and_then(Diagnostic::hint).map(str::to_owned),
            until: self.until.map(iso),
            error: None,
        }
    }
}

/// What is next in a queue, or what came of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextData {
    queue: String,
    /// The table of the queue.
    table: String,
    /// In one word.
    state: &'static str,
    /// The entry that it is about.
    entry: Option<String>,
    job_id: Option<String>,
    /// Why, for people.
    why: Option<String>,
    /// What to do about it.
    hint: Option<String>,
    /// When to come back.
    until: Option<String>,
    /// Why the command failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument>,
}

fn why(decision: &Decision<'_>) -> Diagnostic {
    let until =
        |at: &Option<Timestamp>| at.map_or_else(String::new, |at| format!(" until {}", iso(at)));
    match decision {
        Decision::Claim(entry) => format!("entry `{}` is next", entry.id).into(),
        Decision::Empty => "nothing to do".into(),
        Decision::Wait { of, why, until: at } => {
            let (id, until) = (&of.id, until(at));
            let text = match why {
                Waiting::Lease => format!("entry `{id}` is being deployed; its lease lasts{until}"),
                Waiting::Rollout => {
                    format!("entry `{id}`: the rollout of job `{}` goes on", of.job)
                }
                Waiting::Bake => format!("entry `{id}` bakes{until}"),
                Waiting::Retry => format!("entry `{id}` failed, and waits{until}"),
            };
            text.into()
        }
        Decision::Blocked { by, why: Blocking::GaveUp } => back(by, "failed"),
        Decision::Blocked { by, why: Blocking::Ended(outcome) } => {
            let note = by.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
            let (id, outcome) = (
                &by.id,
                match outcome {
                    EntryOutcome::Stopped => "was stopped by its guard",
                    _ => "was unsuccessful",
                },
            );
            Diagnostic::new(format!("entry `{id}` {outcome}, and holds up the others{note}"))
                .with_hint(format!(
                    "`tripline queue done --entry {id} --outcome skipped` lets them go"
                ))
        }
    }
}

/// Ctrl-C, and what CI sends instead.
#[derive(Debug)]
struct Interrupt([Signal; 2]);

impl Interrupt {
    /// From now on the process is not ended by them.
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(|error| Error::input(format!("signals: {error}")));
        Ok(Self([listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}
