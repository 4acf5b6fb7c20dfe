//! The devices that began, by the tick at which they were first seen.

use super::limits::Limits;

/// Cohorts stay for this many minutes beyond the last age.
const STAY: u32 = 5;
/// Cohorts below this age, in minutes, are never merged.
const YOUNG: u32 = 60;
/// A merged cohort is this many times older than it is wide, at least.
const FINENESS: u32 = 16;

/// The devices that began between two ticks. They are dated at the later one: a device counts as
/// younger than it is, so that less is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cohort {
    /// The minute of the tick.
    pub minute: u32,
    /// The same on the clock that stands still.
    pub virtual_minute: u32,
    /// How many began.
    pub begun: u32,
    /// How many had begun by then in the whole rollout.
    pub total: u32,
}

/// All cohorts that an age still matters of, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cohorts {
    pub list: Vec<Cohort>,
    /// The tick before the first of them, if there was one.
    pub before: Option<u32>,
    /// How many devices began in cohorts that were forgotten.
    pub older: u32,
}

impl Cohorts {
    pub fn push(&mut self, cohort: Cohort) {
        self.list.push(cohort);
    }

    /// The place of the newest cohort that is not younger than a virtual minute.
    pub fn newest_by(&self, virtual_minute: u32) -> Option<usize> {
        self.list.partition_point(|cohort| cohort.virtual_minute <= virtual_minute).checked_sub(1)
    }

    pub fn get(&self, place: usize) -> Option<&Cohort> {
        self.list.get(place)
    }

    /// Each cohort with the tick before it: when its first device may have begun.
    pub fn with_previous(&self) -> impl Iterator<Item = (&Cohort, Option<u32>)> {
        let ticks = self.list.iter().map(|cohort| Some(cohort.minute));
        self.list.iter().zip(std::iter::once(self.before).chain(ticks))
    }

    /// The cohort of the tick at `minute`, if that tick was made and the one before it a minute
    /// earlier. Cohorts that were merged are none.
    pub fn of_one_minute(&self, minute: u32) -> Option<&Cohort> {
        let place = self.list.binary_search_by_key(&minute, |cohort| cohort.minute).ok()?;
        let previous = match place.checked_sub(1) {
            Some(place) => self.list.get(place).map(|cohort| cohort.minute),
            None => self.before,
        };
        if previous != minute.checked_sub(1) { None } else { self.list.get(place) }
    }

    /// Drops the cohorts that are older than any age at `now`, on the clock that stands still.
    pub fn forget(&mut self, now: u32, limits: &Limits) {
        let stay = limits.stairs().last_age().saturating_add(STAY);
        let old = |cohort: &Cohort| now.saturating_sub(cohort.virtual_minute) > stay;
        let first = self.list.iter().position(|cohort| !old(cohort)).unwrap_or(self.list.len());
        for cohort in self.list.drain(..first) {
            self.older = self.older.saturating_add(cohort.begun);
            self.before = Some(cohort.minute);
        }
    }

    /// Merges cohorts that are older than an hour, each pair into the younger one, as if the older
    /// tick had not been made: that lowers evidence or leaves it. A merged cohort is at most a
    /// sixteenth as wide as it is old, so that devices are read that much later.
    pub fn merge(&mut self, now: u32) {
        self.list.dedup_by(|younger, older| {
            let width = width(now.saturating_sub(younger.virtual_minute));
            let block = |minute: u32| minute.saturating_sub(1) / width;
            let same = width > 1 && block(younger.virtual_minute) == block(older.virtual_minute);
            if same {
                // The first of two stays in place, and has to become the second.
                let begun = older.begun.saturating_add(younger.begun);
                *older = Cohort { begun, ..*younger };
            }
            same
        });
    }
}

/// How wide a cohort of an age may be, in minutes: a power of two.
fn width(age: u32) -> u32 {
    if age <= YOUNG {
        return 1;
    }
    let widest = age / FINENESS;
    widest.checked_ilog2().map_or(1, |exponent| 1 << exponent)
}

/// Whether a cohort that began after `previous` may have devices that would be forgotten, had it not
/// been merged.
pub(super) fn may_be_forgotten(previous: Option<u32>, now: u32, limits: &Limits) -> bool {
    let age = previous.map_or(u32::MAX, |previous| now.saturating_sub(previous));
    limits.merges() && age > limits.stairs().last_age().saturating_add(STAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_minute(until: u32) -> Cohorts {
        let cohort =
            |minute| Cohort { minute, virtual_minute: minute, begun: 2, total: 2 * minute };
        Cohorts { list: (1..=until).map(cohort).collect(), before: Some(0), older: 0 }
    }

    #[test]
    fn merged_cohorts_keep_every_device_and_the_younger_date() {
        let mut merged = every_minute(2_000);
        merged.merge(2_000);
        let begun: u32 = merged.list.iter().map(|cohort| cohort.begun).sum();
        assert_eq!(begun, 4_000);
        assert!(merged.list.len() < 160, "{}", merged.list.len());
        let mut devices = 0;
        for (cohort, previous) in merged.with_previous() {
            devices += cohort.begun;
            assert_eq!(devices, cohort.total);
            assert_eq!(cohort.total, 2 * cohort.minute);
            let (age, wide) = (2_000 - cohort.minute, cohort.minute - previous.unwrap());
            assert!(wide == 1 || (age > YOUNG && wide * FINENESS <= age), "{age} {wide}");
        }
    }

    #[test]
    fn merging_every_minute_keeps_few_cohorts_for_seven_days() {
        let mut cohorts = Cohorts::default();
        for minute in 1..=Limits::MAX_AGE {
            cohorts.push(Cohort { minute, virtual_minute: minute, begun: 1, total: minute });
            cohorts.merge(minute);
            assert!(cohorts.list.len() <= 190, "{}", cohorts.list.len());
        }
    }

    #[test]
    fn a_cohort_of_one_minute_is_found_by_its_tick() {
        let mut cohorts = every_minute(5);
        assert_eq!(cohorts.of_one_minute(1).map(|cohort| cohort.total), Some(2));
        cohorts.list.remove(2);
        assert_eq!(cohorts.of_one_minute(3), None, "not made");
        assert_eq!(cohorts.of_one_minute(4), None, "of two minutes");
        assert!(cohorts.of_one_minute(5).is_some());
        cohorts.before = None;
        assert_eq!(cohorts.of_one_minute(1), None, "began at any time before");
        assert_eq!(cohorts.of_one_minute(0), None);
    }
}
