//! Devices followed one by one past an age: how many were unfinished.

use super::bernoulli::ln_bernoulli;
use super::cohorts::Cohorts;
use super::limits::{Limits, Rung};
use super::tick::Tick;

/// How far the devices have passed a rung.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// The tick up to whose devices they were read; `None` before the first.
    pub until: Option<u32>,
    /// How many passed the age, at least as many as did.
    pub n: u32,
    /// How many of them were unfinished then, at most as many as were.
    pub x: u32,
}

impl Passed {
    /// Reads the devices that have passed the age since the last time. Without a list they wait, and
    /// are read when they are older, which is when fewer of them are unfinished.
    pub fn read(
        &mut self,
        rung: &Rung,
        tick: &Tick,
        virtual_minute: u32,
        cohorts: &Cohorts,
        limits: &Limits,
    ) {
        let Some(ages) = &tick.in_progress else { return };
        let Some(place) = virtual_minute
            .checked_sub(rung.age)
            .and_then(|virtual_minute| cohorts.newest_by(virtual_minute))
        else {
            return;
        };
        let Some(until) = cohorts.get(place).map(|cohort| cohort.minute) else { return };
        let Some(counted) = cohorts.get(place.saturating_add(limits.slack())) else { return };
        if self.until.is_some_and(|last| last >= until) {
            return;
        }
        // Those that began after the last time and by `until` have these ages.
        let youngest = tick.t.saturating_sub(until);
        let unfinished = match self.until {
            Some(last) => ages.between(youngest, tick.t.saturating_sub(last)),
            None => ages.from(youngest),
        };
        self.n = counted.total;
        self.x = self.x.saturating_add(unfinished).min(self.n);
        self.until = Some(until);
    }

    /// At the job's timeout AWS IoT itself counts those that were unfinished.
    pub fn read_timed_out(&mut self, rung: &Rung, t: u32, timed_out: u32, cohorts: &Cohorts) {
        let from = t.checked_sub(rung.age);
        let place = cohorts.list.partition_point(|cohort| Some(cohort.minute) <= from);
        if let Some(cohort) = cohorts.get(place) {
            self.n = cohort.total;
            self.x = timed_out.min(self.n);
        }
    }

    pub fn ln_evidence(&self, rung: &Rung) -> f64 {
        ln_bernoulli(self.x, self.n, rung.share)
    }
}
