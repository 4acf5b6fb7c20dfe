//! An entry of the queue, its states, and every step from one to another.

use super::name::EntryId;
use super::span::Span;
use super::tolerance::Tolerance;
use crate::input::accepted::AcceptedWays;
use tripline::job::JobId;
use tripline::text::clean;
use tripline::time::Timestamp;
use tripline_config::FileName;

/// How often an entry may fail before the queue waits for a person.
pub const MAX_FAILURES: u32 = 5;
/// After the first failure an entry waits so many seconds, after each other twice as long.
const RETRY_SECONDS: i64 = 60;
/// Most seconds by which the clocks of two workers may differ for a lease to hold.
const MAX_SKEW: u32 = 60;
/// Longest text that is kept of an error, in characters.
const MAX_ERROR: usize = 1_000;

/// A rollout in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the queue, and its name.
    pub id: EntryId,
    /// Grows with every step, so that two workers who take one from the same state are distinguished.
    pub version: u64,
    /// Where it is.
    pub state: State,
    /// The job that it becomes.
    pub job: JobId,
    /// Where the job is created, if its `dev.ini` says so.
    pub region: Option<String>,
    /// Where its files are.
    pub bucket: String,
    /// What is stored of it.
    pub files: Vec<StoredFile>,
    /// How long the next one waits after this one has ended well.
    pub bake: Span,
    /// How many of its devices may be without the firmware for it to have ended well. An entry of an earlier
    /// version has none: it was added when a single failed device held up the queue, and nobody has said otherwise.
    pub tolerance: Tolerance,
    /// It is meant that no alarm stops it: people are alerted, and it goes on.
    pub alert_only: bool,
    /// It is meant that it has no alarms.
    pub default_guard: bool,
    /// Ways to go wrong of which it is meant that nobody hears.
    pub accept_uncovered: AcceptedWays,
    /// How often it was claimed.
    pub claims: u32,
    /// How often a worker failed at it, or died.
    pub failures: u32,
    /// It is not tried again before.
    pub not_before: Option<Timestamp>,
    /// What went wrong last, or why it ended as it did.
    pub note: Option<String>,
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for a worker.
    Pending,
    /// A worker deploys it.
    Claimed(Lease),
    /// Its job was created, and nobody waits for its end.
    Deployed,
    /// It is over.
    Done {
        /// How it ended.
        outcome: EntryOutcome,
        /// When; its bake time begins here.
        at: Timestamp,
    },
}

/// A worker's right to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is: a name that no other claim has.
    pub worker: String,
    /// When it ends by the worker's own clock, unless it is renewed.
    pub until: Timestamp,
    /// How long it was given for.
    pub length: Span,
}

impl Lease {
    /// When others may take over: later than its end by as much as two workers' clocks may differ,
    /// a minute or, of a short lease, a quarter of it.
    pub fn free_from(&self) -> Timestamp {
        let skew = (self.length.seconds() / 4).min(MAX_SKEW);
        Timestamp::from_seconds(self.until.seconds().saturating_add(i64::from(skew)))
    }
}

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryOutcome {
    /// The rollout went well: no more devices are without the firmware than are tolerated.
    Succeeded,
    /// It did not.
    Failed,
    /// Its guard stopped it, or an alarm of it fired too late to stop it.
    Stopped,
    /// A person has decided that it does not matter.
    Skipped,
}

impl EntryOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Stopped, Self::Skipped];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the next one may be released after it.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Succeeded | Self::Skipped)
    }
}

/// What a stored file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The `dev.ini`.
    Config,
    /// What is installed.
    Firmware,
    /// Who gets it.
    Things,
    /// The job document that is added to.
    Document,
    /// What the limits of a healthy rollout are of.
    Baseline,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Config, Self::Firmware, Self::Things, Self::Document, Self::Baseline];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Firmware => "firmware",
            Self::Things => "things",
            Self::Document => "document",
            Self::Baseline => "baseline",
        }
    }
}

/// A file of an entry, in its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// What it is for.
    pub used: Use,
    /// What it is called where it is deployed from.
    pub name: FileName,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in 64 hexadecimal digits.
    pub sha256: String,
}

/// A step that an entry's state does not allow, in words that go on after the entry's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(&'static str);

impl Entry {
    /// Whether a worker has ever had it, so that something of it may exist already.
    pub fn is_begun(&self) -> bool {
        self.claims > 0
    }

    /// A stored file by its use.
    pub fn file(&self, used: Use) -> Option<&StoredFile> {
        self.files.iter().find(|file| file.used == used)
    }

    fn step(&self, state: State) -> Self {
        Self { version: self.version.saturating_add(1), state, ..self.clone() }
    }

    /// A worker takes it. That the lease of another has run out is a failure of that one.
    #[must_use]
    pub fn claimed(&self, worker: String, length: Span, now: Timestamp) -> Self {
        let lapsed = matches!(self.state, State::Claimed(_));
        let mut entry =
            self.step(State::Claimed(Lease { worker, until: after(now, length), length }));
        entry.claims = self.claims.saturating_add(1);
        entry.not_before = None;
        if lapsed {
            entry.failures = self.failures.saturating_add(1);
            entry.note = Some("the worker that had it before let its lease run out".to_owned());
        }
        entry
    }

    /// Its worker still works on it. What is not claimed stays as it is.
    #[must_use]
    pub fn renewed(&self, now: Timestamp) -> Self {
        match &self.state {
            State::Claimed(lease) => {
                let until = after(now, lease.length);
                self.step(State::Claimed(Lease { until, ..lease.clone() }))
            }
            _ => self.clone(),
        }
    }

    /// Its worker was interrupted, which is no failure.
    #[must_use]
    pub fn given_back(&self) -> Self {
        Self { note: Some("its worker was interrupted".to_owned()), ..self.step(State::Pending) }
    }

    /// Its worker failed; it is tried again later.
    #[must_use]
    pub fn failed(&self, error: &str, now: Timestamp) -> Self {
        let wait = RETRY_SECONDS << self.failures.min(MAX_FAILURES);
        Self {
            failures: self.failures.saturating_add(1),
            not_before: Some(Timestamp::from_seconds(now.seconds().saturating_add(wait))),
            note: Some(clean(&error.replace('\n', " "), MAX_ERROR)),
            ..self.step(State::Pending)
        }
    }

    /// Its job was created, and nobody waits for its end.
    #[must_use]
    pub fn deployed(&self) -> Self {
        Self { note: None, ..self.step(State::Deployed) }
    }

    /// It is over.
    #[must_use]
    pub fn ended(&self, outcome: EntryOutcome, note: Option<&str>, at: Timestamp) -> Self {
        let note = note.map(|note| clean(&note.replace('\n', " "), MAX_ERROR));
        Self { note, not_before: None, ..self.step(State::Done { outcome, at }) }
    }

    /// A person says how it ended. While a worker has it, the worker does.
    pub fn declared(&self, outcome: EntryOutcome, now: Timestamp) -> Result<Self, Refusal> {
        match &self.state {
            State::Claimed(lease) if now < lease.free_from() => Err(Refusal(
                "is being deployed by a worker, which will record how it ends (expected one that is pending, deployed or done)",
            )),
            _ => Ok(self.ended(outcome, Some("declared by hand"), now)),
        }
    }

    /// A person says that it is worth another try: its failures are forgotten.
    pub fn retried(&self) -> Result<Self, Refusal> {
        match &self.state {
            State::Pending if self.failures > 0 => {}
            State::Claimed(_) if self.failures >= MAX_FAILURES => {}
            _ => return Err(Refusal("has not failed (expected a pending one with failures)")),
        }
        Ok(Self { failures: 0, not_before: None, ..self.step(self.state.clone()) })
    }

    /// Whether it may be taken out of the queue.
    pub fn check_removable(&self) -> Result<(), Refusal> {
        match &self.state {
            State::Pending if !self.is_begun() => Ok(()),
            State::Pending => Err(Refusal(
                "was begun by a worker, and something of its job may exist (expected a pending one that no worker has begun)",
            )),
            _ => Err(Refusal("is not pending (expected a pending one that no worker has begun)")),
        }
    }
}

fn after(now: Timestamp, length: Span) -> Timestamp {
    Timestamp::from_seconds(now.seconds().saturating_add(i64::from(length.seconds())))
}
