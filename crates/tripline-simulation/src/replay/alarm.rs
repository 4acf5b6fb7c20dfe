use super::replayed::{Fired, Response};
use super::reported::NoValue;
use super::rollout::RecordedRollout;
use super::unsuccessful_rate::CountedTimes;
use crate::evaluation::{Evaluator, RateEvaluator, Series, Transition};
use crate::simulation::{AlarmPlan, Reading, Trace};
use tripline::alarm::AlarmDefinition;
use tripline::metric::Metric;
use tripline::notification::AlarmState;
use tripline::time::Timestamp;

/// An alarm over the time of the rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedAlarm {
    /// Its definition.
    pub alarm: AlarmDefinition,
    /// Its metric; `None`: it is on the share of unsuccessful devices.
    pub metric: Option<Metric>,
    /// Whether it reaches the stopper: it goes to the stack's topic that stops, or to another one
    /// that may well be it.
    pub stops: bool,
    /// What it saw: at most [`ReplayedAlarm::MAX_READINGS`], evenly, and the first
    /// [`ReplayedAlarm::MAX_TRANSITIONS`].
    pub trace: Trace,
    /// When it went to `ALARM` for the first time.
    pub fired: Option<Fired>,
    /// Whether a period had a value, of as many samples as it takes for one.
    pub has_decided: bool,
    /// Why it never had a value, if that is no sign of a rollout that is well.
    pub no_value: Option<NoValue>,
}

impl ReplayedAlarm {
    /// Most readings that are kept; of a longer rollout it is every second, every third one, and so
    /// on. Two weeks of minutes.
    pub const MAX_READINGS: usize = 20_160;
    /// Most changes of state that are kept.
    pub const MAX_TRANSITIONS: usize = 1_000;

    pub(super) fn new(plan: &AlarmPlan, stops: bool, rollout: &RecordedRollout) -> Option<Self> {
        let metric = plan.metric();
        let wait = i64::from(evaluation_second(plan));
        let first = Timestamp::from_seconds(rollout.start().seconds().saturating_add(wait));
        let mut watch = Watch::new(plan, first, rollout)?;
        let cadence = i64::from(watch.evaluator().cadence()).max(1);
        let until = rollout.last.minute();
        let evaluations = until.seconds_after(first) / cadence;
        let step = usize::try_from(evaluations).unwrap_or(0) / Self::MAX_READINGS + 1;
        let mut trace = Trace::default();
        let (mut fired, mut has_decided) = (None, false);
        let mut now = first;
        for number in 0_usize.. {
            let transition = watch.evaluate(now);
            let evaluator = watch.evaluator();
            // Nothing but silence follows, and whether that says anything depends on whether the
            // rollout was over, which nobody recorded.
            let Some(slot) = evaluator.slots().first().filter(|slot| slot.start <= until) else {
                break;
            };
            has_decided |= slot.value.is_some();
            if number.is_multiple_of(step) || transition.is_some() {
                trace.readings.push(Reading { at: now, slot: *slot, state: evaluator.state() });
            }
            if let Some(transition) = transition {
                if transition.to == AlarmState::Alarm && fired.is_none() {
                    let reason = transition.reason.clone();
                    fired = Some(Fired { at: now, reason, response: Response::AlertsPeople });
                }
                if trace.transitions.len() < Self::MAX_TRANSITIONS {
                    trace.transitions.push(transition);
                }
            }
            now = Timestamp::from_seconds(now.seconds().saturating_add(cadence));
        }
        let no_value = metric.and_then(|metric| rollout.no_value(metric));
        let alarm = plan.alarm.clone();
        Some(Self { alarm, metric, stops, trace, fired, has_decided, no_value })
    }
}

/// An alarm with what it looks at.
enum Watch<'a> {
    Metric(Evaluator, &'a Series),
    UnsuccessfulRate(RateEvaluator, CountedTimes),
}

impl<'a> Watch<'a> {
    /// `None` if the recording does not say what it looks at.
    fn new(plan: &AlarmPlan, first: Timestamp, rollout: &'a RecordedRollout) -> Option<Self> {
        if plan.alarm.is_on_unsuccessful_rate() {
            let evaluator = RateEvaluator::new(&plan.alarm, plan.parameters, first);
            return Some(Self::UnsuccessfulRate(evaluator, CountedTimes::of(rollout)?));
        }
        let series = rollout.series(plan.metric()?);
        Some(Self::Metric(Evaluator::new(plan.alarm.clone(), plan.parameters, first), series))
    }

    fn evaluator(&self) -> &Evaluator {
        match self {
            Self::Metric(evaluator, _) => evaluator,
            Self::UnsuccessfulRate(rate, _) => rate.evaluator(),
        }
    }

    fn evaluate(&mut self, now: Timestamp) -> Option<Transition> {
        match self {
            Self::Metric(evaluator, series) => evaluator.evaluate(now, series),
            Self::UnsuccessfulRate(rate, times) => rate.evaluate(now, times.at(now)),
        }
    }
}

/// The second of its cadence at which a replay evaluates an alarm. CloudWatch evaluates each alarm at
/// a second of its own, which is not recorded; the middle errs by half a minute at most, where the
/// cadence is a minute.
pub fn evaluation_second(plan: &AlarmPlan) -> u32 {
    plan.parameters.cadence(&plan.alarm) / 2
}
