//! The gate of a wave as a guard: it looks each minute, and its answer ends the run.

use std::sync::Arc;

use super::guard::{Guard, GuardPlan, Live, Reaction, Schedule, Verdict};
use super::outcome::Firing;
use super::random::Random;
use super::time::Elapsed;
use tripline::evidence::{Limits, State};
use tripline::gate::{
    self, Answer, DeviceCounts, Missing, Observed, ObservedClearance, ObservedCounts, ObservedJob,
    Rules, Unclearable,
};
use tripline::metric::Metric;
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// The gate of a wave.
#[derive(Debug, Clone)]
pub struct GatePlan {
    /// What it asks for.
    pub rules: Rules,
    /// How many devices the wave has.
    pub devices: u32,
    /// The limits that it is cleared of.
    pub limits: Arc<Limits>,
    /// Whether the job retries, so that nothing is ever cleared.
    pub retries: bool,
    /// Whether clearance is concluded once the job has completed ([`State::concluded`]), or stands as it was then.
    pub concludes: bool,
}

/// What a gate has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The next wave begins.
    Go,
    /// A person is asked; nothing bad was seen.
    Asks,
    /// A person is asked, since more devices are without the firmware than are tolerated.
    OverTolerance,
}

impl GatePlan {
    /// What the guard is called.
    pub const NAME: &str = "gate";

    /// What a firing of this guard says.
    pub fn decision(firing: &Firing) -> Decision {
        match firing.reason.as_str() {
            GO => Decision::Go,
            OVER => Decision::OverTolerance,
            _ => Decision::Asks,
        }
    }
}

const GO: &str = "go";
const OVER: &str = "over the tolerance";

impl GuardPlan for GatePlan {
    fn name(&self) -> String {
        Self::NAME.to_owned()
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    /// Nobody is left to be notified when it answers, so that its stop stops nothing.
    fn reaction(&self) -> Reaction {
        Reaction { mode: StopMode::Cancel, delay: Elapsed::default() }
    }

    fn guard(&self, start: Timestamp, _: &mut Random) -> Box<dyn Guard> {
        Box::new(GateGuard {
            state: State::new(&self.limits),
            plan: self.clone(),
            start,
            bake_began: None,
            completed: None,
            clearance: ObservedClearance::NotYet,
            is_done: false,
        })
    }
}

struct GateGuard {
    plan: GatePlan,
    start: Timestamp,
    state: State,
    bake_began: Option<i64>,
    completed: Option<i64>,
    clearance: ObservedClearance,
    is_done: bool,
}

impl GateGuard {
    /// Looks as the guard-keeper does, which leaves jobs alone that have completed.
    fn counts(&mut self, live: &Live<'_>) -> DeviceCounts {
        let GatePlan { limits, devices, retries, concludes, .. } = &self.plan;
        let tick = live.tick(limits.uses_list());
        let ended = live.endings;
        let executed = ended.executed();
        let in_progress = tick.begun.saturating_sub(executed);
        let counts = DeviceCounts {
            succeeded: ended.succeeded,
            unsuccessful: executed.saturating_sub(ended.succeeded),
            in_progress,
            queued: live.notified().saturating_sub(tick.begun),
            ..DeviceCounts::default()
        };
        if self.completed.is_some() {
            return counts;
        }
        let now = live.now().seconds();
        let are_all_notified = live.notified() >= *devices;
        self.bake_began = self.bake_began.or(are_all_notified.then_some(now));
        let is_complete = executed >= *devices;
        self.completed = is_complete.then_some(now);
        let clearance = if is_complete && *concludes {
            self.state.concluded(limits, &tick)
        } else {
            self.state.tick(limits, &tick);
            self.state.clearance()
        };
        self.clearance = match clearance {
            _ if *retries => ObservedClearance::Never(Unclearable::Retries),
            Some(clearance) => ObservedClearance::Value(clearance.value()),
            None => ObservedClearance::Never(Unclearable::NoLimit),
        };
        counts
    }
}

impl Guard for GateGuard {
    fn schedule(&self) -> Schedule {
        Schedule::Every { first: self.start, seconds: 60 }
    }

    fn evaluate(&mut self, live: &Live<'_>) -> Verdict {
        let counts = self.counts(live);
        let seen = Observed {
            now: live.now().seconds(),
            devices: self.plan.devices,
            job: self.completed.map_or(ObservedJob::Active, |at| ObservedJob::Completed { at }),
            counts: ObservedCounts::Known(counts),
            // What fires stops the run by itself, or is looked at when the run is over.
            fired: None,
            clearance: self.clearance,
            bake_began: self.bake_began,
            approved: false,
            held: false,
            clears_at: None,
        };
        let is_over = |one: &Missing| matches!(one, Missing::OverTolerance { .. });
        let reason = match gate::ask(&self.plan.rules, &seen) {
            Answer::Wait(_) | Answer::Stop(_) => return Verdict::Continue,
            Answer::Go(_) => GO.to_owned(),
            Answer::Undecided(missing) if missing.iter().any(is_over) => OVER.to_owned(),
            Answer::Undecided(missing) => {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                missing.join("; ")
            }
        };
        self.is_done = true;
        Verdict::Stop { reason }
    }

    /// The bake goes on after the job has completed.
    fn waits(&self) -> bool {
        !self.is_done
    }

    fn looks_back(&self) -> u64 {
        let Rules { bake, decide_within, .. } = self.plan.rules;
        u64::from(bake.max(decide_within)).saturating_add(600)
    }
}
