use super::devices::Devices;
use super::evidence::EvidenceTrace;
use super::notices::Notices;
use super::random::Random;
use super::store::Metrics;
use super::time::Elapsed;
use crate::evaluation::{Evaluator, Series, Slot, Transition};
use tripline::job::EndedCounts;
use tripline::metric::Metric;
use tripline::notification::AlarmState;
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// A guard as it is configured; each run gets a guard of its own from it.
pub trait GuardPlan: Sync {
    /// What it is called in results.
    fn name(&self) -> String;

    /// The metrics it looks at. Others are not kept.
    fn metrics(&self) -> Vec<Metric>;

    /// Whether it takes a statistic of the single values that CloudWatch does not have
    /// ([`crate::evaluation::Interpolation::Linear`]). They are kept only then.
    fn needs_values(&self) -> bool {
        false
    }

    /// How its stop works.
    fn reaction(&self) -> Reaction;

    /// The guard of a job that is created at `start`. What chance decides, such as the second at
    /// which an alarm is evaluated, is drawn from `random`.
    fn guard(&self, start: Timestamp, random: &mut Random) -> Box<dyn Guard>;
}

/// A guard of one rollout. It sees no more than it could see live.
pub trait Guard {
    /// When it looks.
    fn schedule(&self) -> Schedule;

    /// Looks at the rollout, and says whether it goes on.
    fn evaluate(&mut self, live: &Live<'_>) -> Verdict;

    /// After a look, how many endings may pass before it has to look again, for a guard that looks
    /// [`Schedule::AtEachEnding`] and knows that nothing in them can change its verdict.
    fn skips(&self) -> u32 {
        0
    }

    /// Whether the run goes on for it although the job has completed.
    fn waits(&self) -> bool {
        false
    }

    /// Seconds from the last event on in which it may still come to another verdict.
    fn looks_back(&self) -> u64 {
        0
    }

    /// What it saw, for pictures.
    fn trace(&self) -> Option<&Trace> {
        None
    }

    /// The evidence that it had, for pictures.
    fn evidence(&self) -> Option<EvidenceTrace> {
        None
    }
}

/// When a guard looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Each time when an execution has ended.
    AtEachEnding,
    /// At times of its own.
    Every {
        /// The first one.
        first: Timestamp,
        /// Seconds between two of them, at least 1.
        seconds: u32,
    },
}

/// What a guard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The rollout goes on.
    Continue,
    /// It has to stop.
    Stop {
        /// Why, for people.
        reason: String,
    },
}

/// What comes of a guard's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// What is done. With [`StopMode::Observe`] the rollout goes on and the firing is noted.
    pub mode: StopMode,
    /// How long after the verdict it takes effect.
    pub delay: Elapsed,
}

/// What can be seen of a rollout at one time.
pub struct Live<'a> {
    /// When the job was created.
    pub start: Timestamp,
    /// How many devices have ended by themselves, each by its last attempt.
    pub endings: EndedCounts,
    /// How many executions have, as AWS IoT counts them for its abort criteria: with
    /// [`Retried::Counted`](tripline::rollout::Retried::Counted) each attempt is one.
    pub executions: EndedCounts,
    pub(super) notices: &'a Notices,
    pub(super) since_start: Elapsed,
    pub(super) metrics: &'a Metrics,
    pub(super) devices: &'a Devices,
}

impl Live<'_> {
    /// The time.
    pub fn now(&self) -> Timestamp {
        self.since_start.at(self.start)
    }

    /// How many devices were notified.
    pub fn notified(&self) -> u32 {
        self.notices.until(self.since_start)
    }

    /// What of a metric has reached CloudWatch, by the minute.
    pub fn series(&self, metric: Metric) -> &Series {
        self.metrics.series(metric)
    }

    /// For how many seconds each device in progress has been so, in no order.
    pub fn in_progress(&self) -> impl Iterator<Item = f64> {
        let now = self.since_start;
        self.devices.in_progress(now).map(move |begun| now.since(begun).seconds())
    }
}

/// What an alarm saw and did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// The newest period of each evaluation.
    pub readings: Vec<Reading>,
    /// Each change of state.
    pub transitions: Vec<Transition>,
}

impl Trace {
    /// Takes in an evaluation at `now`, and says what comes of it.
    pub(super) fn follow(
        &mut self,
        now: Timestamp,
        evaluator: &Evaluator,
        transition: Option<Transition>,
    ) -> Verdict {
        if let Some(slot) = evaluator.slots().first() {
            self.readings.push(Reading { at: now, slot: *slot, state: evaluator.state() });
        }
        let Some(transition) = transition else { return Verdict::Continue };
        self.transitions.push(transition.clone());
        match transition.to {
            AlarmState::Alarm => Verdict::Stop { reason: transition.reason },
            AlarmState::Ok | AlarmState::InsufficientData => Verdict::Continue,
        }
    }
}

/// One evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// The newest period it looked at.
    pub slot: Slot,
    /// The alarm's state afterwards.
    pub state: AlarmState,
}
