//! The alarm on the share of notified devices that were unsuccessful, as a guard.

use super::guard::{Guard, Live, Schedule, Trace, Verdict};
use crate::evaluation::{CountedDevices, RateEvaluator};

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
        self.trace.follow(live.now(), self.evaluator.evaluator(), transition)
    }

    fn looks_back(&self) -> u64 {
        self.evaluator.evaluator().looks_back()
    }

    fn trace(&self) -> Option<&Trace> {
        Some(&self.trace)
    }
}
