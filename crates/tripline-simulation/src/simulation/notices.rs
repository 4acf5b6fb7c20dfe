use super::time::{Elapsed, MINUTE};

/// When the devices are told: evenly over each minute.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// Devices told before this minute.
    before: u32,
    /// When this minute's devices are told.
    times: Vec<Elapsed>,
    /// No device is told later than this.
    stopped: Option<Elapsed>,
}

impl Notices {
    pub fn clear(&mut self) {
        *self = Self { times: std::mem::take(&mut self.times), ..Self::default() };
        self.times.clear();
    }

    /// A minute begins in which `number` devices are told, at `rate` a minute.
    pub fn begin(&mut self, minute: u64, rate: u32, number: u32) {
        self.before = self.all();
        self.times.clear();
        let (mut at, mut rest) = (minute * MINUTE, 0);
        let (step, part) = (MINUTE / u64::from(rate.max(1)), MINUTE % u64::from(rate.max(1)));
        for _ in 0..number {
            self.times.push(Elapsed::from_millis(at));
            at += step;
            rest += part;
            if rest >= u64::from(rate) {
                rest -= u64::from(rate);
                at += 1;
            }
        }
    }

    /// This minute's.
    pub fn times(&self) -> &[Elapsed] {
        &self.times
    }

    /// No further device is told.
    pub fn stop(&mut self, at: Elapsed) {
        self.stopped = Some(at);
    }

    /// Devices told by the end of this minute.
    pub fn all(&self) -> u32 {
        self.until(Elapsed::NEVER)
    }

    /// Devices told by `now`, which is in this minute.
    pub fn until(&self, now: Elapsed) -> u32 {
        let now = self.stopped.map_or(now, |stopped| stopped.min(now));
        let told = self.times.partition_point(|at| *at <= now);
        self.before + u32::try_from(told).unwrap_or(u32::MAX)
    }

    /// When the last device was told by `now`, if any was in this minute.
    pub fn last(&self, now: Elapsed) -> Option<Elapsed> {
        let now = self.stopped.map_or(now, |stopped| stopped.min(now));
        self.times.iter().copied().rfind(|at| *at <= now)
    }
}
