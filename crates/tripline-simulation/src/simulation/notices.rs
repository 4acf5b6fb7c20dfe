use super::time::{Elapsed, MINUTE};

/// When the devices are notified: evenly over each minute.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// Devices notified before this minute.
    before: u32,
    /// When this minute's devices are notified.
    times: Vec<Elapsed>,
    /// No device is notified later than this.
    stopped: Option<Elapsed>,
}

impl Notices {
    pub fn clear(&mut self) {
        *self = Self { times: std::mem::take(&mut self.times), ..Self::default() };
        self.times.clear();
    }

    /// A minute begins in which `number` devices are notified, at `rate` a minute.
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

    /// No further device is notified.
    pub fn stop(&mut self, at: Elapsed) {
        self.stopped = Some(at);
    }

    /// Devices notified by the end of this minute.
    pub fn all(&self) -> u32 {
        self.until(Elapsed::NEVER)
    }

    /// Devices notified by `now`, which is in this minute.
    pub fn until(&self, now: Elapsed) -> u32 {
        let now = self.stopped.map_or(now, |stopped| stopped.min(now));
        let notified = self.times.partition_point(|at| *at <= now);
        self.before + u32::try_from(notified).unwrap_or(u32::MAX)
    }

    /// When the last device was notified by `now`, if any was in this minute.
    pub fn last(&self, now: Elapsed) -> Option<Elapsed> {
        let now = self.stopped.map_or(now, |stopped| stopped.min(now));
        self.times.iter().copied().rfind(|at| *at <= now)
    }
}
