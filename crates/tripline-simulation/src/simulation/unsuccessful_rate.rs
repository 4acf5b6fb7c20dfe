//! The alarm on the share of notified devices that were unsuccessful, as a guard.

use super::guard::{Guard, Live, Reading, Schedule, Trace, Verdict};
use crate::evaluation::{CountedDevices, RateEvaluator};
use tripline::notification::AlarmState;

/// Such an alarm in one run. It needs no device to report a time.
pub(super) struct RateGuard {
    evaluator: RateEvaluator,
    trace: Trace,
}

impl RateGuard {
    pub fn new(evaluator: RateEvaluator) -> Self {
        Self { evaluator, trace: Trace::default() }
    }
}

impl Guard for RateGuard {
    fn schedule(&self) -> Schedule {
        let evaluator = self.evaluator.evaluator();
        Schedule::Every { first: evaluator.first_evaluation(), seconds: evaluator.cadence() }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        let unsuccessful = live.endings.unsuccessful();
        let counted = CountedDevices { notified: live.notified(), unsuccessful };
        let transition = self.evaluator.evaluate(live.now(), counted);
        let evaluator = self.evaluator.evaluator();
        if let Some(slot) = evaluator.slots().first() {
            let reading = Reading { at: live.now(), slot: *slot, state: evaluator.state() };
            self.trace.readings.push(reading);
        }
        let Some(transition) = transition else { return Verdict::Continue };
        self.trace.transitions.push(transition.clone());
        match transition.to {
            AlarmState::Alarm => Verdict::Stop { reason: transition.reason },
            AlarmState::Ok | AlarmState::InsufficientData => Verdict::Continue,
        }
    }

    fn looks_back(&self) -> u64 {
        self.evaluator.evaluator().looks_back()
    }

    fn trace(&self) -> Option<&Trace> {
        Some(&self.trace)
    }
}
