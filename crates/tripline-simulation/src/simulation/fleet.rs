use rand::RngExt;
use rand_distr::{Distribution, Poisson, StandardNormal};

use super::random::Random;
use super::time::Elapsed;
use tripline::invalid::Invalid;
use tripline::metric::DownloadTime;

/// Devices and how they take a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet {
    /// How many there are: 1 to 10,000,000.
    pub devices: u32,
    /// The share that never receives the job: offline for good.
    pub unreachable: Share,
    /// The share that refuses before it begins.
    pub rejecting: Share,
    /// The share that begins and is never heard of again.
    pub silent: Share,
    /// The share that fails when its download is over.
    pub failing: Share,
    /// The share that is slow; independent of the other shares.
    pub slow: Share,
    /// Seconds from being notified to beginning.
    pub start: Lognormal,
    /// Seconds from beginning to the end, which is what a device reports as `downloadTime`.
    pub download: Lognormal,
    /// The same for slow devices.
    pub slow_download: Lognormal,
    /// The share of failing and silent devices that would fail again when they try again. Bad
    /// firmware does; a bad connection might not.
    pub lasting: Share,
    /// Mean of the retries that a device reports as `retryCount`: 0 to 1,000.
    pub reported_retries: f64,
    /// Instead of a rollout a steady load: so many devices end in each minute, evenly over it, which
    /// began long before. At least 1; how the job is rolled out and `start` do not matter then.
    pub steady: Option<u32>,
}

/// Most devices of a fleet.
pub const MAX_DEVICES: u32 = 10_000_000;

impl Fleet {
    /// A healthy fleet: everybody is there within seconds and succeeds. The download takes five
    /// minutes in the median and varies as downloads over mobile networks do (sigma 0.5).
    pub fn healthy(devices: u32) -> Self {
        let download = Lognormal { median: 300.0, sigma: 0.5 };
        Self {
            devices: devices.clamp(1, MAX_DEVICES),
            unreachable: Share::NONE,
            rejecting: Share::NONE,
            silent: Share::NONE,
            failing: Share::NONE,
            slow: Share::NONE,
            start: Lognormal { median: 5.0, sigma: 0.5 },
            download,
            slow_download: Lognormal { median: 10.0 * download.median, ..download },
            lasting: Share::ALL,
            reported_retries: 0.0,
            steady: None,
        }
    }

    /// Shares that do not go together: every device is at most one of unreachable, rejecting,
    /// silent and failing.
    pub fn check(&self) -> Result<(), InvalidFleet> {
        let sum = self.unreachable.0 + self.rejecting.0 + self.silent.0 + self.failing.0;
        // 0.7 + 0.2 + 0.1 is a little more than 1.
        if sum > 1.0 + 1e-9 {
            return Err(InvalidFleet::Shares(sum));
        }
        if !(1..=MAX_DEVICES).contains(&self.devices) {
            return Err(InvalidFleet::Devices(self.devices));
        }
        if !(0.0..=1_000.0).contains(&self.reported_retries) {
            return Err(InvalidFleet::Retries(self.reported_retries));
        }
        Ok(())
    }

    /// What becomes of the next device. The same numbers are drawn whatever the shares are, so
    /// that with the same seed two fleets differ in nothing but what was changed.
    pub fn draw(&self, random: &mut Random) -> Fate {
        let which = random.random::<f64>();
        let slow = random.random::<f64>() < self.slow.0;
        let start = self.start.seconds(StandardNormal.sample(random));
        let download = if slow { self.slow_download } else { self.download };
        let download = download.seconds(StandardNormal.sample(random));
        Fate { kind: self.kind(which), start: millis(start), download: tenths(download) }
    }

    /// What becomes of a device's next attempt, whose first one ended as `before`.
    pub(super) fn draw_again(&self, before: Kind, random: &mut Random) -> Fate {
        let fate = self.draw(random);
        let lasts = random.random::<f64>() < self.lasting.0;
        Fate { kind: if lasts { before } else { Kind::Succeeds }, ..fate }
    }

    /// How many retries a device reports.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(super) fn draw_retries(&self, random: &mut Random) -> u16 {
        // A mean of 0 is no Poisson distribution, but a plain answer.
        Poisson::new(self.reported_retries).map_or(0, |poisson| poisson.sample(random) as u16)
    }

    fn kind(&self, which: f64) -> Kind {
        let failing = self.failing.0;
        let silent = failing + self.silent.0;
        let rejecting = silent + self.rejecting.0;
        let unreachable = rejecting + self.unreachable.0;
        match which {
            _ if which < failing => Kind::Fails,
            _ if which < silent => Kind::Silent,
            _ if which < rejecting => Kind::Rejects,
            _ if which < unreachable => Kind::Unreachable,
            _ => Kind::Succeeds,
        }
    }
}

/// A fleet that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidFleet {
    /// The shares are more than the fleet.
    #[error("the shares add up to `{0}` (expected at most 1)")]
    Shares(f64),
    /// None or too many.
    #[error("`{0}` devices (expected 1 to {MAX_DEVICES})")]
    Devices(u32),
    /// No mean of retries.
    #[error("`{0}` retries (expected 0 to 1000)")]
    Retries(f64),
    /// No distribution.
    #[error("a median of `{0}` seconds (expected above 0, at most 604800)")]
    Median(f64),
    /// No distribution.
    #[error("a sigma of `{0}` (expected 0 to 5)")]
    Sigma(f64),
}

/// A part of a fleet, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0.0);
    /// Everybody.
    pub const ALL: Self = Self(1.0);

    /// What it can be, in words.
    pub const EXPECTED: &str = "0 to 1";

    /// Checks a share.
    ///
    /// # Errors
    /// A number outside of it.
    pub fn new(share: f64) -> Result<Self, Invalid> {
        (0.0..=1.0).contains(&share).then_some(Self(share)).ok_or(Invalid(Self::EXPECTED))
    }

    /// The share.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A lognormal time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lognormal {
    median: f64,
    sigma: f64,
}

impl Lognormal {
    /// Checks the median, which half of all times are below (seconds above 0, at most 604,800), and
    /// sigma, the deviation of the times' natural logarithm (0 to 5).
    pub fn new(median: f64, sigma: f64) -> Result<Self, InvalidFleet> {
        if !(median > 0.0 && median <= DownloadTime::MAX) {
            return Err(InvalidFleet::Median(median));
        }
        if !(0.0..=5.0).contains(&sigma) {
            return Err(InvalidFleet::Sigma(sigma));
        }
        Ok(Self { median, sigma })
    }

    /// Half of all times are below this: seconds above 0, at most 604,800.
    pub fn median(self) -> f64 {
        self.median
    }

    /// Deviation of the times' natural logarithm: 0 to 5.
    pub fn sigma(self) -> f64 {
        self.sigma
    }

    /// The times of which a share is over `limit` seconds: above 0 and below 1. `None` if that, the
    /// limit or sigma is out of range.
    pub fn with_share_over(limit: f64, share: f64, sigma: f64) -> Option<Self> {
        if !(share > 0.0 && share < 1.0) {
            return None;
        }
        // Bisection on the normal distribution, whose tail falls from 1 to 0.
        let (mut low, mut high) = (-40.0, 40.0);
        for _ in 0..80 {
            let middle = (low + high) / 2.0;
            let over = 0.5 * libm::erfc(middle / std::f64::consts::SQRT_2);
            if over > share { low = middle } else { high = middle }
        }
        Self::new(limit / (sigma * low).exp(), sigma).ok()
    }

    /// The share of times over `limit` seconds.
    pub fn share_over(self, limit: f64) -> f64 {
        let distance = (limit / self.median).ln();
        if self.sigma == 0.0 {
            return if distance < 0.0 { 1.0 } else { 0.0 };
        }
        0.5 * libm::erfc(distance / self.sigma / std::f64::consts::SQRT_2)
    }

    /// Times that are so many times longer, as far as times go.
    pub(super) fn times(self, factor: f64) -> Self {
        let median = (self.median * factor).clamp(f64::MIN_POSITIVE, DownloadTime::MAX);
        Self { median, ..self }
    }

    /// The time of a standard normal deviate, in tenths of a second.
    pub(super) fn tenths(self, deviate: f64) -> u32 {
        tenths(self.seconds(deviate))
    }

    fn seconds(self, deviate: f64) -> f64 {
        (self.median * (self.sigma * deviate).exp()).min(DownloadTime::MAX)
    }
}

/// What becomes of one device's attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// How it ends.
    pub kind: Kind,
    /// From being notified to beginning.
    pub start: Elapsed,
    /// Tenths of a second from beginning to the end, as a device reports it.
    pub download: u32,
}

/// How an attempt ends if nothing comes in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Installs it.
    Succeeds,
    /// Reports a failure at the end.
    Fails,
    /// Refuses at the beginning.
    Rejects,
    /// Begins, and says no more.
    Silent,
    /// Never begins.
    Unreachable,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn millis(seconds: f64) -> Elapsed {
    // At most seven days; a float that is none becomes 0.
    Elapsed::from_millis((seconds * 1_000.0) as u64)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn tenths(seconds: f64) -> u32 {
    (seconds * 10.0) as u32
}
