use std::collections::BTreeMap;

use super::decide::{Decision, Point, decide};
use super::parameters::Parameters;
use super::reason;
use super::series::Series;
use tripline::alarm::{AlarmDefinition, Limit};
use tripline::notification::AlarmState;
use tripline::time::Timestamp;

/// One alarm, from its creation on.
#[derive(Debug, Clone)]
pub struct Evaluator {
    alarm: AlarmDefinition,
    parameters: Parameters,
    /// The first evaluation; the others follow at the alarm's cadence.
    first: Timestamp,
    state: AlarmState,
    /// What periods came to, by their end: with sliding windows each is looked at many times.
    known: BTreeMap<i64, Slot>,
    /// The periods of the evaluation under way, the newest first, and what they count as.
    slots: Vec<Slot>,
    points: Vec<Point>,
    scratch: Vec<f64>,
}

/// A period, as an evaluation saw it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// When it begins.
    pub start: Timestamp,
    /// How many values it has.
    pub samples: u64,
    /// The alarm's statistic of them; `None` if it has none, or less than the alarm's least.
    pub value: Option<f64>,
}

/// A change of an alarm's state, which is when its actions run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// The state before.
    pub from: AlarmState,
    /// The state now.
    pub to: AlarmState,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

impl Evaluator {
    /// An alarm whose first evaluation is at `first`. AWS evaluates soon after the creation; each
    /// alarm keeps its own phase from then on.
    pub fn new(alarm: AlarmDefinition, parameters: Parameters, first: Timestamp) -> Self {
        Self {
            alarm,
            parameters,
            first,
            state: AlarmState::InsufficientData,
            known: BTreeMap::new(),
            slots: Vec::new(),
            points: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Its definition.
    pub fn alarm(&self) -> &AlarmDefinition {
        &self.alarm
    }

    /// Its state; `INSUFFICIENT_DATA` until it is evaluated.
    pub fn state(&self) -> AlarmState {
        self.state
    }

    /// The periods of the last evaluation, the newest first.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// When it is first evaluated.
    pub fn first_evaluation(&self) -> Timestamp {
        self.first
    }

    /// Seconds between two evaluations: 10, 60 or 3,600.
    pub fn cadence(&self) -> u32 {
        self.parameters.cadence(&self.alarm)
    }

    /// How many seconds before now an evaluation looks back to.
    pub fn looks_back(&self) -> u64 {
        let range = u64::from(self.parameters.range(&self.alarm));
        // The window may lag by the settle delay and a step.
        range * u64::from(self.alarm.period.seconds())
            + u64::from(self.parameters.settle_delay)
            + u64::from(self.cadence())
    }

    /// Evaluates the alarm on what CloudWatch has at `now`. Its actions run if this is a transition.
    pub fn evaluate(&mut self, now: Timestamp, series: &Series) -> Option<Transition> {
        self.look_at(now, series);
        let treatment = self.alarm.missing_data;
        let decision = if self.has_too_few_samples() {
            Decision::Keep
        } else {
            decide(&self.points, self.alarm.evaluation, treatment)
        };
        let to = match decision {
            Decision::Alarm => AlarmState::Alarm,
            Decision::Ok => AlarmState::Ok,
            Decision::InsufficientData => AlarmState::InsufficientData,
            Decision::Keep => self.state,
        };
        if to == self.state {
            return None;
        }
        let from = std::mem::replace(&mut self.state, to);
        let reason = reason::text(&self.alarm, to, &self.slots, &self.points);
        Some(Transition { at: now, from, to, reason })
    }

    /// Takes the statistic of every period in the range.
    fn look_at(&mut self, now: Timestamp, series: &Series) {
        let period = i64::from(self.alarm.period.seconds());
        let newest = self.parameters.newest_end(&self.alarm, now.seconds());
        self.slots.clear();
        self.points.clear();
        let mut end = newest;
        for _ in 0..self.parameters.range(&self.alarm) {
            let slot = self.slot(end, period, series);
            self.slots.push(slot);
            self.points.push(point(&self.alarm, slot));
            end = end.saturating_sub(period);
        }
        while self.known.first_key_value().is_some_and(|(known, _)| *known <= end) {
            self.known.pop_first();
        }
    }

    fn slot(&mut self, end: i64, period: i64, series: &Series) -> Slot {
        let start = end.saturating_sub(period);
        let samples = series.count(start, end);
        if let Some(known) = self.known.get(&end).filter(|known| known.samples == samples) {
            return *known;
        }
        let decides = self.alarm.min_samples.is_none_or(|least| samples >= u64::from(least.get()));
        let value = if decides {
            let how = self.parameters.interpolation;
            series.statistic((start, end), self.alarm.statistic, how, &mut self.scratch)
        } else {
            None
        };
        let slot = Slot { start: Timestamp::from_seconds(start), samples, value };
        self.known.insert(end, slot);
        slot
    }

    fn has_too_few_samples(&self) -> bool {
        let n = self.alarm.evaluation.evaluation_periods() as usize;
        let evaluated = self.slots.iter().filter(|slot| slot.value.is_some()).take(n);
        let statistic = self.alarm.statistic;
        evaluated.into_iter().any(|slot| self.parameters.is_too_few(statistic, slot.samples))
    }
}

/// What a period counts as.
fn point(alarm: &AlarmDefinition, slot: Slot) -> Point {
    match (slot.value, alarm.limit) {
        (None, _) => Point::Missing,
        (Some(value), Limit::Upper) if value > alarm.threshold => Point::Breaching,
        (Some(value), Limit::Lower) if value < alarm.threshold => Point::Breaching,
        (Some(_), _) => Point::Good,
    }
}
