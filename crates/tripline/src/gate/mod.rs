//! The gate: whether what comes after a rollout may begin. The same for the next wave of a release,
//! the next entry of a queue and the next round of a deployment.
//!
//! [`ask`] is asked again at every look, also after the job has completed: an alarm, a device that
//! fails late and a hold count whenever they are seen.

mod observed;
mod reasons;

pub use observed::{
    DeviceCounts, FiredAlarm, Observed, ObservedClearance, ObservedCounts, ObservedJob, Unclearable,
};
pub use reasons::{Missing, MoreDevices, Passed, Stopped, Waiting};

/// What is asked for before the gate opens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The share of the devices, 0 to 1, that may be without the firmware.
    pub tolerance: f64,
    /// For how long nothing may happen, in seconds, once the rollout has reached every device.
    pub bake: u32,
    /// How long after the bake began the gate may take, in seconds, before a person is asked.
    pub decide_within: u32,
    /// Whether clearance has to be open.
    pub clearance: Needed,
}

/// Whether something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// It is.
    Required,
    /// It is not.
    NotNeeded,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Not yet; what it waits for, at least one.
    Wait(Vec<Waiting>),
    /// The next one may begin.
    Go(Passed),
    /// The next one must not begin, whoever approves.
    Stop(Stopped),
    /// A person has to decide; what is missing, at least one.
    Undecided(Vec<Missing>),
}

/// How long clearance may still open after the job has completed, in seconds: as long as nobody
/// calls a rollout blind, [`State::BLIND_MINUTES`](crate::evidence::State::BLIND_MINUTES).
pub const SETTLE_SECONDS: i64 = 300;

impl Rules {
    /// How many of so many devices may be without the firmware.
    pub fn allowed(&self, devices: u32) -> u32 {
        // 29 % of 100 are 29, and not the 28.999.. that binary fractions make of it.
        const ROUNDING: f64 = 1e-9;
        (self.tolerance * f64::from(devices) + ROUNDING) as u32
    }
}

/// Whether the next one may begin. In this order:
///
/// 1. an alarm of the job has fired, or the job was canceled or deleted: stop, also if approved;
/// 2. held: wait;
/// 3. the bake is not over: wait; an approval does not shorten it;
/// 4. a person has approved: go;
/// 5. more devices are without the firmware than are tolerated: undecided, at once;
/// 6. everything that is asked for is there: go. It is: devices are counted, and at least one has the
///    firmware; clearance is open, or, where it is not needed, the job has completed;
/// 7. time is up: undecided. It is `decide_within` after the bake began; or once the job has
///    completed, where clearance is not needed or can never be known; or else [`SETTLE_SECONDS`]
///    after that;
/// 8. otherwise wait.
///
/// A device whose execution somebody canceled is without the firmware, as a failed one is; one that
/// was removed from the targets is not missed.
pub fn ask(rules: &Rules, seen: &Observed<'_>) -> Answer {
    if let Some(stopped) = stopped(seen) {
        return Answer::Stop(stopped);
    }
    let missing = missing(rules, seen);
    let mut waiting: Vec<Waiting> = Vec::new();
    if seen.held {
        waiting.push(Waiting::Held);
    }
    if let Some(bake) = baking(rules, seen) {
        waiting.push(bake);
    }
    if !waiting.is_empty() {
        // What people will be asked about later they can see now.
        waiting.extend(missing.into_iter().map(Waiting::For));
        return Answer::Wait(waiting);
    }
    if seen.approved {
        return Answer::Go(Passed::Approved);
    }
    if missing.is_empty() {
        return Answer::Go(passed(rules, seen));
    }
    let is_over_tolerance = missing.iter().any(|one| matches!(one, Missing::OverTolerance { .. }));
    if is_over_tolerance || is_time_up(rules, seen) {
        return Answer::Undecided(missing);
    }
    Answer::Wait(missing.into_iter().map(Waiting::For).collect())
}

/// Whether what comes after a job that has completed may begin, where neither a bake nor clearance is
/// asked for. The devices are those that have ended and are still targets.
pub fn after_completion(
    tolerance: f64,
    counts: ObservedCounts<'_>,
    fired: Option<FiredAlarm<'_>>,
) -> Answer {
    let devices = match &counts {
        ObservedCounts::Known(counts) => counts.succeeded.saturating_add(counts.without()),
        ObservedCounts::Unknown(_) => 0,
    };
    let rules = Rules { tolerance, bake: 0, decide_within: 0, clearance: Needed::NotNeeded };
    let seen = Observed {
        now: 0,
        devices,
        job: ObservedJob::Completed { at: 0 },
        counts,
        fired,
        clearance: ObservedClearance::NotYet,
        bake_began: None,
        approved: false,
        held: false,
        clears_at: None,
    };
    ask(&rules, &seen)
}

fn stopped(seen: &Observed<'_>) -> Option<Stopped> {
    if let Some(alarm) = seen.fired {
        return Some(Stopped::Fired { alarm: alarm.name.to_owned(), at: alarm.at });
    }
    match seen.job {
        ObservedJob::Canceled(by) => Some(Stopped::Canceled(by)),
        ObservedJob::Gone => Some(Stopped::Gone),
        ObservedJob::Active | ObservedJob::Completed { .. } => None,
    }
}

/// When the bake began, or would have: nobody is left to be notified once the job has completed.
fn bake_began(seen: &Observed<'_>) -> Option<i64> {
    seen.bake_began.or(match seen.job {
        ObservedJob::Completed { at } => Some(at),
        _ => None,
    })
}

fn baking(rules: &Rules, seen: &Observed<'_>) -> Option<Waiting> {
    let Some(began) = bake_began(seen) else { return Some(Waiting::BakeNotBegun) };
    let until = began.saturating_add(rules.bake.into());
    (seen.now < until).then_some(Waiting::Bake { until })
}

fn missing(rules: &Rules, seen: &Observed<'_>) -> Vec<Missing> {
    let mut missing = Vec::new();
    match &seen.counts {
        ObservedCounts::Unknown(why) => missing.push(Missing::Counts((*why).to_owned())),
        ObservedCounts::Known(counts) => {
            let (without, allowed) = (counts.without(), rules.allowed(seen.devices));
            if without > allowed {
                missing.push(Missing::OverTolerance { without, devices: seen.devices, allowed });
            }
            if counts.succeeded == 0 {
                missing.push(Missing::Success);
            }
        }
    }
    match rules.clearance {
        Needed::Required => missing.extend(clearance_missing(seen)),
        Needed::NotNeeded if matches!(seen.job, ObservedJob::Completed { .. }) => {}
        Needed::NotNeeded => missing.push(Missing::Completion { open: seen.counts.open() }),
    }
    missing
}

fn clearance_missing(seen: &Observed<'_>) -> Option<Missing> {
    match seen.clearance {
        ObservedClearance::Value(_) if seen.clearance.is_open() => None,
        ObservedClearance::Value(value) => {
            let more = MoreDevices::needed(seen.clears_at, seen.devices);
            Some(Missing::Clearance { value, more })
        }
        ObservedClearance::NotYet => Some(Missing::FirstLook),
        ObservedClearance::Blind => Some(Missing::Watch),
        ObservedClearance::Stalled => Some(Missing::Endings),
        ObservedClearance::Never(why) => Some(Missing::NoClearance(why)),
    }
}

fn is_time_up(rules: &Rules, seen: &Observed<'_>) -> bool {
    let is_over = |since: i64, seconds: i64| seen.now >= since.saturating_add(seconds);
    if bake_began(seen).is_some_and(|began| is_over(began, rules.decide_within.into())) {
        return true;
    }
    let ObservedJob::Completed { at } = seen.job else { return false };
    let is_known_never = matches!(seen.clearance, ObservedClearance::Never(_));
    rules.clearance == Needed::NotNeeded || is_known_never || is_over(at, SETTLE_SECONDS)
}

fn passed(rules: &Rules, seen: &Observed<'_>) -> Passed {
    match (rules.clearance, seen.clearance) {
        (Needed::Required, ObservedClearance::Value(value)) => Passed::Cleared { value },
        _ => Passed::Completed { succeeded: seen.counts.succeeded(), devices: seen.devices },
    }
}

#[cfg(test)]
mod tests;
