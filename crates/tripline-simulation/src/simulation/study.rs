use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::guard::GuardPlan;
use super::outcome::RolloutOutcome;
use super::run::Simulator;
use super::statistics::{Proportion, Spread};
use super::{Detail, Scenario};

/// Many runs of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// What all random numbers follow from.
    pub seed: u64,
    /// Runs; number 0 to this are the runs that [`Simulator::run`] repeats one by one.
    pub runs: u32,
    /// Runs that were stopped. Of a healthy fleet: false stops; of a faulty one: catches.
    pub stopped: Proportion,
    /// Runs in which a guard fired, whether or not that stopped them.
    pub fired: Proportion,
    /// What each guard did, in the order of the plans.
    pub guards: Vec<GuardShare>,
    /// Devices that got the firmware, over all runs: until the stop or, without one, until the end.
    pub exposed: Option<Spread>,
    /// The same over the runs that were stopped.
    pub exposed_at_stop: Option<Spread>,
    /// Minutes until the stop took effect, over the runs that were stopped.
    pub minutes_to_stop: Option<Spread>,
}

/// What a guard did.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardShare {
    /// Its name.
    pub name: String,
    /// Runs in which it said stop. A run ends with the first stop, so a guard that is late may not
    /// come to it.
    pub fired: Proportion,
    /// Runs that it stopped.
    pub stopped: Proportion,
}

/// How many runs, and how they are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    /// What all random numbers follow from.
    pub seed: u64,
    /// How many.
    pub runs: u32,
    /// Threads that compute. The result does not depend on it.
    pub threads: NonZeroUsize,
}

impl Study {
    /// Simulates many runs. `progress` gets after each how many are done, from any thread.
    pub fn new(
        scenario: &Scenario,
        plans: &[&dyn GuardPlan],
        runs: Runs,
        progress: &(dyn Fn(u32) + Sync),
    ) -> Self {
        Self::of(plans, runs, &outcomes(scenario, plans, runs, progress))
    }

    fn of(
        plans: &[&dyn GuardPlan],
        Runs { seed, runs, .. }: Runs,
        outcomes: &[RolloutOutcome],
    ) -> Self {
        let share = |is: &dyn Fn(&RolloutOutcome) -> bool| {
            let count = outcomes.iter().filter(|outcome| is(outcome)).count();
            Proportion { count: u32::try_from(count).unwrap_or(u32::MAX), of: runs }
        };
        let guards = plans.iter().enumerate().map(|(index, plan)| GuardShare {
            name: plan.name(),
            fired: share(&|outcome| outcome.firings.iter().any(|firing| firing.guard == index)),
            stopped: share(&|outcome| {
                outcome.stop().is_some_and(|(firing, _)| firing.guard == index)
            }),
        });
        let stops = || outcomes.iter().filter_map(|outcome| Some(outcome.stop()?.1));
        Self {
            seed,
            runs,
            stopped: share(&|outcome| outcome.stop().is_some()),
            fired: share(&|outcome| !outcome.firings.is_empty()),
            guards: guards.collect(),
            exposed: Spread::of(
                outcomes.iter().map(|outcome| f64::from(outcome.exposed())).collect(),
            ),
            exposed_at_stop: Spread::of(
                stops().map(|stop| f64::from(stop.reached.exposed)).collect(),
            ),
            minutes_to_stop: Spread::of(stops().map(|stop| stop.at.minutes()).collect()),
        }
    }
}

/// The outcomes in the order of their runs, whichever thread worked them out.
fn outcomes(
    scenario: &Scenario,
    plans: &[&dyn GuardPlan],
    runs: Runs,
    progress: &(dyn Fn(u32) + Sync),
) -> Vec<RolloutOutcome> {
    let worker = || {
        let mut simulator = Simulator::new(scenario, plans);
        move |run| simulator.run(runs.seed, run, Detail::Summary)
    };
    each_run(runs, worker, progress)
}

/// What comes of each run, in their order. Each thread has a worker of its own.
pub(super) fn each_run<T: Send, W: FnMut(u32) -> T>(
    Runs { runs, threads, .. }: Runs,
    worker: impl Fn() -> W + Sync,
    progress: &(dyn Fn(u32) + Sync),
) -> Vec<T> {
    let (next, done) = (AtomicU32::new(0), AtomicU32::new(0));
    let work = || {
        let mut worker = worker();
        let mut outcomes = Vec::new();
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            // Each thread counts once beyond the end, which is far from the largest number.
            if run >= runs {
                return outcomes;
            }
            outcomes.push((run, worker(run)));
            progress(done.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        }
    };
    let mut outcomes = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.get()).map(|_| scope.spawn(work)).collect();
        let mut outcomes = work();
        for other in others {
            match other.join() {
                Ok(more) => outcomes.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcomes
    });
    outcomes.sort_unstable_by_key(|(run, _)| *run);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
