use super::evidence::EvidenceTrace;
use super::guard::Trace;
use super::time::Elapsed;
use tripline::job::ExecutionCounts;

/// What became of one simulated rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutOutcome {
    /// Devices of the fleet.
    pub devices: u32,
    /// The first firing of each guard that fired, in the order of time.
    pub firings: Vec<Firing>,
    /// The firing that stopped the rollout, as an index into [`Self::firings`].
    pub stopped_by: Option<usize>,
    /// When the job or the simulation ended.
    pub ended_at: Elapsed,
    /// How far the rollout was in the end.
    pub end: Reached,
    /// The rollout by the minute and what each guard saw, if it was asked for.
    pub record: Option<Record>,
    /// The evidence that there was, if it was asked for and a guard computes it.
    pub evidence: Option<EvidenceTrace>,
}

/// A guard has said that the rollout must stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// The guard, as an index into the plans.
    pub guard: usize,
    /// When.
    pub at: Elapsed,
    /// Why.
    pub reason: String,
    /// The effect, unless the job or the simulation ended before it came.
    pub effect: Option<Effect>,
}

/// What a firing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// When the stop took effect, or would have.
    pub at: Elapsed,
    /// How far the rollout was by then.
    pub reached: Reached,
}

/// How far a rollout has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Devices that were notified.
    pub notified: u32,
    /// Devices that have begun: their execution has been `IN_PROGRESS`, so they were getting the
    /// firmware or have got it, and no `cancel` takes that back. Devices that refused or were still
    /// queued are not among them.
    pub exposed: u32,
    /// The executions.
    pub progress: ExecutionCounts,
}

/// A rollout by the minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// How far it was at the end of each minute, the first one first.
    pub minutes: Vec<Reached>,
    /// What each guard saw, in the order of the plans; `None` for those that keep nothing.
    pub traces: Vec<Option<Trace>>,
}

impl RolloutOutcome {
    /// What stopped the rollout, if anything did.
    pub fn stop(&self) -> Option<(&Firing, Effect)> {
        let firing = self.firings.get(self.stopped_by?)?;
        Some((firing, firing.effect?))
    }

    /// Devices that got the firmware: until the stop took effect or, without one, until the end.
    pub fn exposed(&self) -> u32 {
        self.stop().map_or(self.end.exposed, |(_, effect)| effect.reached.exposed)
    }

    /// Devices that did not.
    pub fn spared(&self) -> u32 {
        self.devices.saturating_sub(self.exposed())
    }
}
