//! Evidence as a guard: what the keeper would compute each minute, from what AWS IoT would say.

use std::sync::Arc;

use super::guard::{Guard, GuardPlan, Live, Reaction, Schedule, Verdict};
use super::random::Random;
use super::time::Elapsed;
use tripline::evidence::{Ages, Limits, State, Tick};
use tripline::metric::Metric;
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// Evidence by the minute, of one rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceTrace {
    /// From which evidence on a rollout is stopped: above 0.
    pub threshold: f64,
    /// The evidence at each full minute, the beginning being the first.
    pub minutes: Vec<f64>,
    /// The last minute in one line: the evidence and the limit that it is of.
    pub brief: String,
}

/// The alarm on evidence, with the limits that a config declares. It never sees the fleet's own.
#[derive(Debug, Clone)]
pub struct EvidencePlan {
    limits: Arc<Limits>,
    reaction: Reaction,
}

impl EvidencePlan {
    /// What the guard is called.
    pub const NAME: &str = "evidence";

    /// From the minute that the evidence is of to the effect of `CancelJob`: two minutes, for the
    /// keeper, the alarm, a topic and a function. Assumed, not measured on AWS.
    pub const DELAY: Elapsed = Elapsed::from_minutes(2);

    /// Evidence of leaving these limits leads to `mode`.
    pub fn new(limits: Limits, mode: StopMode) -> Self {
        Self { limits: Arc::new(limits), reaction: Reaction { mode, delay: Self::DELAY } }
    }

    /// The same guard with other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Arc<Limits>) -> Self {
        Self { limits, reaction: self.reaction }
    }

    /// Whether it stops a rollout, or is only noted.
    pub fn stops(&self) -> bool {
        self.reaction.mode != StopMode::Observe
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl GuardPlan for EvidencePlan {
    fn name(&self) -> String {
        Self::NAME.to_owned()
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn reaction(&self) -> Reaction {
        self.reaction
    }

    fn guard(&self, start: Timestamp, _: &mut Random) -> Box<dyn Guard> {
        let state = State::new(&self.limits);
        let minutes = Vec::new();
        Box::new(EvidenceGuard { limits: Arc::clone(&self.limits), start, state, minutes })
    }
}

struct EvidenceGuard {
    limits: Arc<Limits>,
    start: Timestamp,
    state: State,
    minutes: Vec<f64>,
}

impl Guard for EvidenceGuard {
    fn schedule(&self) -> Schedule {
        Schedule::Every { first: self.start, seconds: 60 }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        let verdict = self.state.tick(&self.limits, &live.tick(self.limits.uses_list()));
        self.minutes.push(verdict.evidence);
        match self.state.reason(&self.limits).filter(|_| verdict.stop) {
            Some(reason) => Verdict::Stop { reason: reason.to_string() },
            None => Verdict::Continue,
        }
    }

    fn evidence(&self) -> Option<EvidenceTrace> {
        Some(EvidenceTrace {
            threshold: self.limits.threshold(),
            minutes: self.minutes.clone(),
            brief: self.state.verdict(&self.limits).brief(&self.limits).to_string(),
        })
    }

    fn looks_back(&self) -> u64 {
        let minute = self.state.verdict(&self.limits).minute;
        let to_last_check = Limits::LAST_CHECK.saturating_sub(minute);
        let minutes = self.limits.stairs().last_age().max(to_last_check).saturating_add(1);
        u64::from(minutes) * 60
    }
}

impl Live<'_> {
    /// What AWS IoT says at this minute, with the list of executions in progress if that is read.
    pub(super) fn tick(&self, list: bool) -> Tick {
        let minutes = self.since_start.minute();
        let (by_age, all) = self.devices.in_progress_by_age(self.since_start);
        let ended = self.endings;
        Tick {
            t: u32::try_from(minutes).unwrap_or(u32::MAX),
            begun: ended.executed().saturating_add(all),
            ended: ended.executed().saturating_sub(ended.timed_out),
            unsuccessful: ended.failed.saturating_add(ended.rejected),
            timed_out: ended.timed_out,
            in_progress: list.then(|| Ages::of_counts((0..).zip(by_age))),
        }
    }
}
