//! What befalls a rollout as a whole: it is slower or faster than the others, a network is away, the
//! devices come in some order.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::fleet::{Fate, Fleet, Kind, Lognormal, Share};
use super::random::Random;
use super::time::Elapsed;

/// What befalls a rollout as a whole. By default nothing does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Conditions {
    /// How rollouts differ from one another.
    pub drift: Drift,
    /// When no device can report anything.
    pub outage: Option<Outage>,
    /// Devices that lose their connection on the way, for long.
    pub offline: Option<Offline>,
    /// Seconds from beginning to a failure; `None`: failures come at the end of a download.
    pub failing_after: Option<Lognormal>,
    /// Seconds from notification to a rejection, beside what it takes to begin; `None`: at once.
    pub rejecting_after: Option<Lognormal>,
    /// Whether the slow devices of the fleet come before all others.
    pub slow_first: bool,
}

/// How rollouts differ from one another. Each value is drawn once a rollout, evenly from its range.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Drift {
    /// The lowest and highest factor of how long devices take.
    pub time: Option<(f64, f64)>,
    /// The lowest and highest share that fails.
    pub failing: Option<(Share, Share)>,
    /// The lowest and highest share that falls silent.
    pub silent: Option<(Share, Share)>,
}

/// A time in which no device can report anything. What would have been reported comes when it is
/// over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// When it begins.
    pub from: Elapsed,
    /// When it is over.
    pub to: Elapsed,
}

impl Outage {
    /// When something is reported that happens at a time.
    pub(super) fn reported(&self, at: Elapsed) -> Elapsed {
        if self.from <= at && at < self.to { self.to } else { at }
    }
}

/// Devices that lose their connection on the way, for long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offline {
    /// How many.
    pub share: Share,
    /// For how many seconds, in addition to what they take otherwise.
    pub seconds: Lognormal,
}

/// The fleet of one rollout under its conditions.
pub(super) struct Conditioned {
    conditions: Conditions,
    fleet: Fleet,
    slow: u32,
    random: Random,
}

impl Conditioned {
    /// Draws what the rollout has in common.
    pub fn new(fleet: Fleet, conditions: Conditions, mut random: Random) -> Self {
        let Drift { time, failing, silent } = conditions.drift;
        let mut within = |range: Option<(f64, f64)>| {
            range.map(|(low, high)| low + (high - low) * random.random::<f64>())
        };
        let share =
            |range: Option<(Share, Share)>| range.map(|(low, high)| (low.get(), high.get()));
        let mut drifted = fleet;
        if let Some(factor) = within(time) {
            drifted.download = fleet.download.times(factor);
            drifted.slow_download = fleet.slow_download.times(factor);
        }
        drifted.failing =
            within(share(failing)).and_then(|it| Share::new(it).ok()).unwrap_or(fleet.failing);
        drifted.silent =
            within(share(silent)).and_then(|it| Share::new(it).ok()).unwrap_or(fleet.silent);
        let slow = f64::from(fleet.devices) * fleet.slow.get();
        Self { conditions, fleet: drifted, slow: slow as u32, random }
    }

    /// The fleet as it is in this rollout.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// What becomes of a device, by its number.
    #[inline]
    pub fn draw(&mut self, device: u32, random: &mut Random) -> Fate {
        if self.conditions.slow_first {
            self.fleet.slow = if device < self.slow { Share::ALL } else { Share::NONE };
        }
        let mut fate = self.fleet.draw(random);
        if let Some(after) = self.conditions.failing_after {
            let after = after.tenths(StandardNormal.sample(&mut self.random));
            if fate.kind == Kind::Fails {
                fate.download = after;
            }
        }
        if let Some(after) = self.conditions.rejecting_after {
            let after = after.tenths(StandardNormal.sample(&mut self.random));
            if fate.kind == Kind::Rejects {
                fate.start = fate.start.plus(Elapsed::from_millis(u64::from(after) * 100));
            }
        }
        if let Some(Offline { share, seconds }) = self.conditions.offline {
            let is_offline = self.random.random::<f64>() < share.get();
            let more = seconds.tenths(StandardNormal.sample(&mut self.random));
            if is_offline {
                fate.download = fate.download.saturating_add(more);
            }
        }
        fate
    }

    /// When something is reported that happens at a time.
    #[inline]
    pub fn reported(&self, at: Elapsed) -> Elapsed {
        self.conditions.outage.map_or(at, |outage| outage.reported(at))
    }
}
