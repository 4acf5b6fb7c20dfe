//! The guards that there are: the job's CloudWatch alarms, and AWS IoT Jobs' own abort criteria.

use rand::RngExt;

use super::guard::{Guard, GuardPlan, Live, Reaction, Schedule, Trace, Verdict};
use super::random::Random;
use super::time::Elapsed;
use super::unsuccessful_rate::RateGuard;
use crate::evaluation::{self, Evaluator, RateEvaluator, Series};
use crate::stop_topics::StopTopics;
use tripline::alarm::AlarmDefinition;
use tripline::metric::{Metric, NAMESPACE};
use tripline::rollout::{self, AbortCriterion, MinExecuted};
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// One CloudWatch alarm of the job, with what stops the rollout when it fires.
#[derive(Debug, Clone)]
pub struct AlarmPlan {
    /// Its definition.
    pub alarm: AlarmDefinition,
    /// How CloudWatch evaluates it.
    pub parameters: evaluation::Parameters,
    /// What is done when it fires.
    pub reaction: Reaction,
}

impl AlarmPlan {
    /// From the alarm's change of state to the effect of `CancelJob`, in seconds: a topic, a function
    /// that verifies the alarm, a call. Assumed, not measured on AWS.
    pub const DELAY: Elapsed = Elapsed::from_seconds(5);

    /// An alarm whose firing leads to `mode`. One that alerts only people stops nothing; who is behind
    /// the ARN of a topic is assumed ([`StopTopics`]).
    pub fn new(alarm: AlarmDefinition, mode: StopMode) -> Self {
        Self::with_topics(alarm, mode, &StopTopics::default())
    }

    /// The same with what is known of the topics.
    pub fn with_topics(alarm: AlarmDefinition, mode: StopMode, topics: &StopTopics) -> Self {
        let mode = if topics.stop(&alarm) { mode } else { StopMode::Observe };
        let reaction = Reaction { mode, delay: Self::DELAY };
        Self { alarm, parameters: evaluation::Parameters::default(), reaction }
    }

    /// The metric it looks at; `None` if it is on the failure rate, which the guard-keeper counts, or if it is not
    /// Tripline's, of which a simulation knows nothing.
    pub fn metric(&self) -> Option<Metric> {
        let known = Metric::ALL.into_iter().find(|metric| metric.name() == self.alarm.metric);
        known.filter(|_| self.alarm.namespace == NAMESPACE)
    }
}

impl GuardPlan for AlarmPlan {
    fn name(&self) -> String {
        self.alarm.name.to_string()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.metric().into_iter().collect()
    }

    fn needs_values(&self) -> bool {
        self.parameters.interpolation == evaluation::Interpolation::Linear
    }

    fn reaction(&self) -> Reaction {
        self.reaction
    }

    fn guard(&self, start: Timestamp, random: &mut Random) -> Box<dyn Guard> {
        // Each alarm has a phase of its own, which is as good as any other.
        let phase = i64::from(random.random_range(0..self.parameters.cadence(&self.alarm)));
        let first = Timestamp::from_seconds(start.seconds().saturating_add(phase));
        if self.alarm.is_on_unsuccessful_rate() {
            let evaluator = RateEvaluator::new(&self.alarm, self.parameters, first);
            return Box::new(RateGuard::new(evaluator));
        }
        Box::new(AlarmGuard {
            evaluator: Evaluator::new(self.alarm.clone(), self.parameters, first),
            metric: self.metric(),
            nothing: Series::new(60),
            trace: Trace::default(),
        })
    }
}

struct AlarmGuard {
    evaluator: Evaluator,
    metric: Option<Metric>,
    nothing: Series,
    trace: Trace,
}

impl Guard for AlarmGuard {
    fn schedule(&self) -> Schedule {
        Schedule::Every {
            first: self.evaluator.first_evaluation(),
            seconds: self.evaluator.cadence(),
        }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        let series = self.metric.map_or(&self.nothing, |metric| live.series(metric));
        let transition = self.evaluator.evaluate(live.now(), series);
        self.trace.follow(live.now(), &self.evaluator, transition)
    }

    fn looks_back(&self) -> u64 {
        self.evaluator.looks_back()
    }

    fn trace(&self) -> Option<&Trace> {
        Some(&self.trace)
    }
}

/// The abort criteria of the job, each of which is enough.
#[derive(Debug, Clone)]
pub struct AbortPlan {
    /// The criteria.
    pub criteria: Vec<AbortCriterion>,
    /// How AWS's text is read.
    pub parameters: rollout::Parameters,
    /// What is done: AWS IoT Jobs cancels what is queued. AWS does not say how soon; assumed is at
    /// once.
    pub reaction: Reaction,
}

impl AbortPlan {
    /// The criteria of a job.
    pub fn new(criteria: Vec<AbortCriterion>) -> Self {
        let reaction = Reaction { mode: StopMode::Cancel, delay: Elapsed::default() };
        Self { criteria, parameters: rollout::Parameters::default(), reaction }
    }
}

impl GuardPlan for AbortPlan {
    fn name(&self) -> String {
        "abortConfig".to_owned()
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    fn reaction(&self) -> Reaction {
        self.reaction
    }

    fn guard(&self, _: Timestamp, _: &mut Random) -> Box<dyn Guard> {
        Box::new(AbortGuard { plan: self.clone(), skips: 0 })
    }
}

struct AbortGuard {
    plan: AbortPlan,
    skips: u32,
}

impl Guard for AbortGuard {
    fn schedule(&self) -> Schedule {
        Schedule::AtEachEnding
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        let counted = match self.plan.parameters.min_executed {
            MinExecuted::Executed => live.executions.executed(),
            MinExecuted::Notified => live.notified(),
        };
        let met = |criterion: &&AbortCriterion| criterion.is_met(&live.executions, counted);
        match self.plan.criteria.iter().find(met) {
            Some(criterion) => Verdict::Stop { reason: criterion.reason(&live.executions) },
            None => {
                let criteria = self.plan.criteria.iter();
                let skips =
                    criteria.map(|criterion| criterion.cannot_be_met_within(&live.executions));
                self.skips = skips.min().unwrap_or(u32::MAX);
                Verdict::Continue
            }
        }
    }

    fn skips(&self) -> u32 {
        self.skips
    }
}
