//! What would be seen if a rollout went wrong, and what would become of it: for each way to go wrong whether it
//! would be stopped, people be alerted, or nothing cover it. The guard-keeper, `watch`, `deploy`, `config check`,
//! `simulate` and doctor all ask here.
//!
//! - here: the answer; `facts`: what is known of a rollout; `watcher`: an alarm, as it is wanted or as it is; `sees`:
//!   which ways it sees, and what it takes; `reason`: why it does not; `fill`: the default guard where a config sees
//!   nothing; `table`: for people.

mod facts;
mod fill;
mod reason;
mod sees;
mod table;
mod watcher;

use std::collections::BTreeMap;
use std::fmt;

use tripline::job::CountRejected;

pub use crate::desired::{Devices, Shape};
pub use facts::{Counted, Facts, Keeper};
pub use fill::desired;
pub use reason::{Reason, Shortfall};
pub use sees::{OVERDUE_COUNT, OVERDUE_FROM};
pub use watcher::{Inactive, Watcher};

use crate::desired::Purpose;

/// A way for a rollout to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Devices fail.
    Fails,
    /// Devices refuse.
    Refuses,
    /// Devices run into the job's timeout.
    TimesOut,
    /// Devices get there, too slowly.
    Slow,
    /// Devices begin, and are never heard of again.
    NeverAnswers,
}

impl Way {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Fails, Self::Refuses, Self::TimesOut, Self::Slow, Self::NeverAnswers];

    /// Its name for programs, and in `--accept-uncovered`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fails => "fails",
            Self::Refuses => "refuses",
            Self::TimesOut => "timesOut",
            Self::Slow => "slow",
            Self::NeverAnswers => "neverAnswers",
        }
    }

    /// The way of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }

    /// The devices that go this way: `devices that fail`.
    pub const fn devices(self) -> &'static str {
        match self {
            Self::Fails => "devices that fail",
            Self::Refuses => "devices that refuse",
            Self::TimesOut => "devices that time out",
            Self::Slow => "slow devices",
            Self::NeverAnswers => "devices that never answer",
        }
    }
}

/// What becomes of a rollout whose devices go one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing covers it.
    Nobody,
    /// People are alerted.
    Alerts,
    /// It is stopped.
    Stops,
    /// It cannot happen, or is not meant to count: the job has no timeout, or rejections do not count.
    NotNeeded,
}

impl Level {
    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Alerts => "alerts",
            Self::Stops => "stops",
            Self::NotNeeded => "notNeeded",
        }
    }
}

/// One way, and who sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct WayCoverage {
    /// What becomes of the rollout.
    pub level: Level,
    /// Who sees it: an alarm by its name in the guard, or what AWS IoT does by itself.
    pub by: Option<String>,
    /// Why nobody does more about it, by whom it would be: at most [`WayCoverage::MAX_SHORTFALLS`].
    pub shortfalls: Vec<Shortfall>,
}

impl WayCoverage {
    /// Most reasons that are kept of one way.
    pub const MAX_SHORTFALLS: usize = 8;
}

/// How a rollout is guarded, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Devices that fail stop it, and people hear at least of every other way.
    Guarded,
    /// Something stops it, and some way it is not seen, or devices that fail do not stop it.
    PartlyGuarded,
    /// Nothing stops it.
    Unguarded,
    /// It has too few devices for anything to be decided.
    TooFewDevices,
    /// People are alerted, and nothing stops it: so it is meant.
    AlertsOnly,
    /// It wants no guard of the stack's.
    OptedOut,
    /// The stack's parameters leave it alone.
    Outside,
}

impl Status {
    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guarded => "guarded",
            Self::PartlyGuarded => "partlyGuarded",
            Self::Unguarded => "unguarded",
            Self::TooFewDevices => "tooFewDevices",
            Self::AlertsOnly => "alertsOnly",
            Self::OptedOut => "optedOut",
            Self::Outside => "outside",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guarded => "guarded",
            Self::PartlyGuarded => "partly guarded",
            Self::Unguarded => "not guarded",
            Self::TooFewDevices => "too few devices to be guarded",
            Self::AlertsOnly => "alerts only",
            Self::OptedOut => "opted out",
            Self::Outside => "not guarded by this stack",
        })
    }
}

/// What would be seen if a rollout went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// In a word.
    pub status: Status,
    /// How many devices it is to reach, if that is known exactly.
    pub devices: Option<u32>,
    ways: BTreeMap<Way, WayCoverage>,
    /// It has fewer devices than anything can be decided of.
    is_too_small: bool,
}

impl Coverage {
    /// What these watchers, and AWS IoT by itself, would see of a rollout.
    pub fn new(facts: &Facts, watchers: &[Watcher], purpose: Purpose) -> Self {
        let mut ways: BTreeMap<Way, WayCoverage> = BTreeMap::new();
        for way in Way::ALL {
            // What never answers runs into the timeout, if there is one, and is seen then.
            let by_timeout = match way {
                Way::NeverAnswers => facts.shape.timeout.zip(ways.get(&Way::TimesOut)),
                _ => None,
            };
            let seen = seen(way, facts, watchers, by_timeout);
            ways.insert(way, seen);
        }
        let devices = facts.shape.devices.exactly();
        let mut coverage =
            Self { status: Status::Unguarded, devices, ways, is_too_small: facts.is_too_small() };
        coverage.status = coverage.status_for(purpose);
        coverage
    }

    /// One way.
    pub fn of(&self, way: Way) -> &WayCoverage {
        const NONE: &WayCoverage =
            &WayCoverage { level: Level::Nobody, by: None, shortfalls: Vec::new() };
        self.ways.get(&way).unwrap_or(NONE)
    }

    /// The ways that nobody sees.
    pub fn uncovered(&self) -> impl Iterator<Item = Way> {
        Way::ALL.into_iter().filter(|way| self.of(*way).level == Level::Nobody)
    }

    /// Whether nobody sees a way only because the rollout has fewer devices than anything can be decided of: that is
    /// said, and is nobody's to change.
    pub fn lacks_only_devices(&self, way: Way) -> bool {
        let is_of_number =
            |shortfall: &Shortfall| matches!(shortfall.reason, Reason::TooFewDevices { .. });
        self.is_too_small && self.of(way).shortfalls.iter().all(is_of_number)
    }

    /// The same with another status: an alarm of its guard does not act, whatever else sees.
    #[must_use]
    pub fn with_fault(mut self) -> Self {
        if self.status == Status::Guarded {
            self.status = Status::PartlyGuarded;
        }
        self
    }

    fn status_for(&self, purpose: Purpose) -> Status {
        let is = |way: Way, level: Level| self.of(way).level == level;
        match purpose {
            Purpose::OptedOut => return Status::OptedOut,
            Purpose::Outside => return Status::Outside,
            Purpose::Alert => return Status::AlertsOnly,
            Purpose::Stop | Purpose::AlertUntilTagsAreRead => {}
        }
        if is(Way::Fails, Level::Stops) && self.uncovered().next().is_none() {
            Status::Guarded
        } else if Way::ALL.into_iter().any(|way| is(way, Level::Stops)) {
            Status::PartlyGuarded
        } else if self.is_too_small {
            Status::TooFewDevices
        } else {
            Status::Unguarded
        }
    }
}

/// Who sees one way. `by_timeout`: the job's timeout in minutes, by which it becomes another way, and who sees that.
fn seen(
    way: Way,
    facts: &Facts,
    watchers: &[Watcher],
    by_timeout: Option<(u32, &WayCoverage)>,
) -> WayCoverage {
    let why_not = match way {
        Way::TimesOut if facts.shape.timeout.is_none() => Some(Reason::NoTimeout),
        Way::Refuses if facts.count_rejected == CountRejected::No => Some(Reason::NotCounted),
        _ => None,
    };
    if let Some(reason) = why_not {
        let shortfalls = vec![Shortfall { by: None, reason, would: Level::NotNeeded }];
        return WayCoverage { level: Level::NotNeeded, by: None, shortfalls };
    }
    let mut best = (Level::Nobody, None);
    let mut shortfalls = Vec::new();
    let judged = sees::of_aws(way, facts)
        .into_iter()
        .chain(watchers.iter().filter_map(|watcher| watcher.sees(way, facts)))
        .chain(sees::of_keeper(way, facts))
        .chain(by_timeout.and_then(|(minutes, seen)| {
            let by = seen.by.as_ref()?;
            Some((format!("the job's timeout of {minutes} min, and then {by}"), seen.level, None))
        }));
    for (by, would, reason) in judged {
        match reason {
            None if would > best.0 => best = (would, Some(by)),
            None => {}
            Some(reason) => shortfalls.push(Shortfall { by: Some(by), reason, would }),
        }
    }
    let (level, by) = best;
    // Whoever would do no more than is done is not missed.
    shortfalls.retain(|shortfall| shortfall.would > level);
    if shortfalls.is_empty() && level == Level::Nobody {
        let reason = Reason::NobodyLooks;
        shortfalls.push(Shortfall { by: None, reason, would: Level::Stops });
    }
    shortfalls.truncate(WayCoverage::MAX_SHORTFALLS);
    WayCoverage { level, by, shortfalls }
}

#[cfg(test)]
mod tests;
