//! How far a release has come. Everybody reads it; the wave-runner writes it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{ReleaseId, WaveName};
use super::plan::Plan;
use crate::job::JobId;
use crate::text::clean;

/// Longest state in bytes: that of the most waves with the longest reasons is below it. DynamoDB takes 400 kB.
const MAX_STATE: usize = 350_000;
/// Most reasons that are kept of a wave, and most characters of each.
const MAX_REASONS: usize = 8;
const MAX_REASON: usize = 300;

/// A release, as the stack's queue table keeps it.
///
/// A wave begins only if every one before it is [`Phase::Passed`]. A wave that was stopped, and a release that has
/// ended, stay so.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::PlannedWave;
    use crate::release::plan::tests::plan;

    proptest! {
        #[test]
        fn an_execution_says_which_release_and_attempt(
            release in "[A-Za-z0-9_-]{1,36}",
            attempt in 1_u32..,
        ) {
            let release = ReleaseId::new(&release).unwrap();
            let name = State::execution(&release, attempt);
            prop_assert_eq!(State::of_execution(&name), Some((release, attempt)));
            // Step Functions takes names of at most 80 characters.
            prop_assert!(name.len() <= 80);
        }
    }

    #[test]
    fn other_executions_are_no_releases() {
        for name in ["", "fw", "fw-a", "fw-ax", "-a1", "f w-a1", "fw-a-1", "fw-a99999999999"] {
            assert_eq!(State::of_execution(name), None, "{name}");
        }
    }

    #[test]
    fn no_two_things_have_one_key() {
        let state = State::new(&plan(2));
        let mut keys: Vec<String> = Vec::new();
        for wave in &state.waves {
            keys.extend([state.begin_key(&wave.name), state.approval_key(&wave.name)]);
        }
        keys.push(State::plan_key(&state.release, state.attempt));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "{keys:?}");
        assert_eq!(state.begin_key(&state.waves[0].name), "pump-9#1#w0#begin");
    }

    #[test]
    fn what_is_written_is_read_and_fits() {
        let mut state = State::new(&plan(20));
        assert_eq!(State::from_text(&state.to_text()), Some(state.clone()));
        for wave in &mut state.waves {
            wave.reasons = vec!["\u{1f600}\"\n".repeat(9_000); 99];
        }
        let read = State::from_text(&state.to_text()).unwrap();
        assert!(read.waves.iter().all(|wave| wave.reasons.len() == MAX_REASONS));
    }

    #[test]
    fn what_cannot_be_is_no_state() {
        let long = " ".repeat(MAX_STATE + 1);
        for text in ["", "{}", "7", &long] {
            assert_eq!(State::from_text(text), None);
        }
    }

    #[test]
    fn the_first_wave_that_has_not_passed_is_under_way_and_those_that_began_are_exposed() {
        let mut state = State::new(&plan(2));
        assert_eq!((state.current(), state.exposed()), (Some(0), 0));
        state.waves[0].created = Some(7);
        state.waves[0].enter(Phase::Passed, 8);
        assert_eq!((state.current(), state.exposed()), (Some(1), 5));
        state.waves[0].enter(Phase::Passed, 9);
        assert_eq!(state.waves[0].since, 8, "the same phase keeps its time");
        state.waves[1].enter(Phase::Passed, 9);
        assert_eq!(state.current(), None);
    }

    #[test]
    fn a_state_of_an_earlier_version_is_read() {
        let state = State::new(&plan(1));
        let text = state.to_text().replace("\"tokenAt\":null,", "");
        assert_eq!(State::from_text(&text), Some(state));
    }

    #[test]
    fn a_plan_has_a_wave_for_each_of_the_state() {
        let plan = plan(3);
        let jobs: Vec<_> = plan.waves.iter().map(|wave: &PlannedWave| &wave.job).collect();
        let state = State::new(&plan);
        assert_eq!(state.waves.iter().map(|wave| &wave.job).collect::<Vec<_>>(), jobs);
    }
}
