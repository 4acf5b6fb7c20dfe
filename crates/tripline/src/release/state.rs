//! How far a release has come. Everybody reads it; the wave-runner writes it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{ReleaseId, WaveName};
use super::plan::Plan;
use crate::job::JobId;
use crate::text::clean;

/// Longest state in bytes.
const MAX_STATE: usize = 100_000;
/// Most reasons that are kept of a wave, and most characters of each.
const MAX_REASONS: usize = 8;
const MAX_REASON: usize = 300;

/// A release, as the stack's queue table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// What it is called.
    pub release: ReleaseId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was started, in seconds since the epoch.
    pub started: i64,
    /// Who has started it.
    pub by: String,
    /// In their order.
    pub waves: Vec<WaveState>,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
}

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Every wave was let through.
    pub well: bool,
    /// When, in seconds since the epoch.
    pub at: i64,
    /// Why, unless it went well.
    pub why: String,
}

/// A wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaveState {
    /// What it is called.
    pub name: WaveName,
    /// Its job.
    pub job: JobId,
    /// How many devices it is.
    pub devices: u32,
    /// Where it is.
    pub phase: Phase,
    /// Since when, in seconds since the epoch.
    pub since: i64,
    /// With what the state machine is answered that waits for this wave.
    pub token: Option<String>,
    /// Since when it waits with that, in seconds since the epoch.
    #[serde(default)]
    pub token_at: Option<i64>,
    /// When its job was created.
    pub created: Option<i64>,
    /// When its last device was notified, or its job ended: its bake begins here.
    pub bake_began: Option<i64>,
    /// When the config of its alarms was last kept alive: those of an ended job go after a while.
    pub kept: Option<i64>,
    /// When the state of each of its alarms last changed, as far as its history has been read.
    pub alarms: BTreeMap<String, i64>,
    /// The alarm that fired, and when.
    pub fired: Option<(String, i64)>,
    /// What it waits for, or why it ended, for people.
    pub reasons: Vec<String>,
    /// When people were asked to decide.
    pub asked: Option<i64>,
    /// Who has let it through, and when.
    pub approved: Option<Approval>,
}

/// A person's word that a wave may go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When, in seconds since the epoch.
    pub at: i64,
    /// In their words.
    pub note: Option<String>,
}

/// Where a wave is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Those before it have not been let through.
    Waiting,
    /// A person has to let it begin.
    Approval,
    /// Its job is being made.
    Beginning,
    /// It is rolled out, and watched.
    Running,
    /// Its gate cannot decide: a person has to.
    Undecided,
    /// It was let through.
    Passed,
    /// It was stopped.
    Stopped,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Approval => "waits for approval",
            Self::Beginning => "beginning",
            Self::Running => "running",
            Self::Undecided => "undecided",
            Self::Passed => "let through",
            Self::Stopped => "stopped",
        })
    }
}

impl State {
    /// The hash key of every release's state in the queue table. No queue can be called so.
    pub const QUEUE: &str = "$releases";
    /// The hash key of every plan.
    pub const PLANS: &str = "$plans";
    /// The hash key of every approval. Its writers need a right of their own.
    pub const APPROVALS: &str = "$approvals";

    /// A release that has not begun.
    pub fn new(plan: &Plan) -> Self {
        let wave = |wave: &super::plan::PlannedWave| WaveState {
            name: wave.name.clone(),
            job: wave.job.clone(),
            devices: wave.devices,
            phase: Phase::Waiting,
            since: plan.started,
            token: None,
            token_at: None,
            created: None,
            bake_began: None,
            kept: None,
            alarms: BTreeMap::new(),
            fired: None,
            reasons: Vec::new(),
            asked: None,
            approved: None,
        };
        Self {
            release: plan.release.clone(),
            attempt: plan.attempt,
            started: plan.started,
            by: plan.by.clone(),
            waves: plan.waves.iter().map(wave).collect(),
            ended: None,
        }
    }

    /// What the execution of the state machine is called: two starts of one attempt make one.
    pub fn execution(release: &ReleaseId, attempt: u32) -> String {
        format!("{release}-a{attempt}")
    }

    /// The release and attempt of an execution.
    pub fn of_execution(name: &str) -> Option<(ReleaseId, u32)> {
        let (release, attempt) = name.rsplit_once("-a")?;
        Some((ReleaseId::new(release).ok()?, attempt.parse().ok()?))
    }

    /// The range key of a plan.
    pub fn plan_key(release: &ReleaseId, attempt: u32) -> String {
        format!("{release}#{attempt}")
    }

    /// The range key of a person's word that a wave may begin.
    pub fn begin_key(&self, wave: &WaveName) -> String {
        format!("{}#begin", self.approval_key(wave))
    }

    /// The range key of a person's word that what comes after a wave may begin.
    pub fn approval_key(&self, wave: &WaveName) -> String {
        format!("{}#{}#{wave}", self.release, self.attempt)
    }

    /// The wave that is under way: the first that was not let through.
    pub fn current(&self) -> Option<usize> {
        self.waves.iter().position(|wave| wave.phase != Phase::Passed)
    }

    /// Most devices that hold the firmware, or may: those of the waves whose jobs exist.
    pub fn exposed(&self) -> u32 {
        let begun = self.waves.iter().filter(|wave| wave.created.is_some());
        begun.fold(0, |sum, wave| sum.saturating_add(wave.devices))
    }

    /// As text: JSON in one line, with reasons that fit.
    pub fn to_text(&self) -> String {
        let mut state = self.clone();
        for wave in &mut state.waves {
            wave.reasons.truncate(MAX_REASONS);
            for reason in &mut wave.reasons {
                *reason = clean(reason, MAX_REASON);
            }
        }
        // Numbers and words always have a text.
        serde_json::to_string(&state).unwrap_or_default()
    }

    /// Reads what was written; `None` if it is none.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > MAX_STATE {
            return None;
        }
        serde_json::from_str(text).ok()
    }
}

impl WaveState {
    /// Moves it on; the same phase keeps its time.
    pub fn enter(&mut self, phase: Phase, now: i64) {
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }
}
