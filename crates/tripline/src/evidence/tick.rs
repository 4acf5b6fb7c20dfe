//! What AWS IoT says of a job at a full minute.

/// One reading of a job. All counts come from the same `DescribeJob`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// The whole minute that was read, from any origin. A reading within 15 s after a full minute
    /// belongs to that minute; a later one to no earlier minute than its own.
    pub t: u32,
    /// Devices that have left QUEUED: ended, timed out or in progress.
    pub begun: u32,
    /// Devices that ended: SUCCEEDED, FAILED, REJECTED, CANCELED and REMOVED. A device that timed
    /// out never ended.
    pub ended: u32,
    /// FAILED and REJECTED.
    pub unsuccessful: u32,
    /// TIMED_OUT.
    pub timed_out: u32,
    /// Since when the executions in progress have been so; `None` if their list was not read whole.
    pub in_progress: Option<Ages>,
}

/// How many executions are in progress by age. The age is in whole minutes at the tick, rounded
/// down. Only first attempts count, so that each device is counted once, and none that began after
/// the tick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages(Vec<(u32, u32)>);

impl Ages {
    /// From the ages of single executions, in minutes, in any order.
    pub fn of_devices(ages: impl IntoIterator<Item = u32>) -> Self {
        Self::of_counts(ages.into_iter().map(|age| (age, 1)))
    }

    /// From ages in minutes with how many devices have each, in any order.
    pub fn of_counts(counts: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut counts: Vec<(u32, u32)> = counts.into_iter().collect();
        counts.sort_unstable_by_key(|(age, _)| *age);
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        Self(counts)
    }

    /// How many devices have an age of at least `from` and below `to`.
    pub fn between(&self, from: u32, to: u32) -> u32 {
        let start = self.0.partition_point(|(age, _)| *age < from);
        let ages = self.0.get(start..).unwrap_or_default().iter();
        ages.take_while(|(age, _)| *age < to).fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many devices have an age of at least `from`.
    pub fn from(&self, from: u32) -> u32 {
        let start = self.0.partition_point(|(age, _)| *age < from);
        let ages = self.0.get(start..).unwrap_or_default().iter();
        ages.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many devices have exactly this age.
    pub fn at(&self, age: u32) -> u32 {
        let found = self.0.binary_search_by_key(&age, |(age, _)| *age);
        found.ok().and_then(|place| self.0.get(place)).map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_counted_in_any_order() {
        let ages = Ages::of_devices([7, 3, 7, 0, u32::MAX]);
        assert_eq!(ages, Ages::of_counts([(u32::MAX, 1), (0, 1), (7, 2), (3, 1)]));
        assert_eq!((ages.at(7), ages.at(4), ages.at(u32::MAX)), (2, 0, 1));
        assert_eq!((ages.between(3, 7), ages.between(3, 8), ages.between(8, 3)), (1, 3, 0));
        assert_eq!(ages.between(0, u32::MAX), 4);
    }

    #[test]
    fn counts_of_one_age_add_up_without_overflow() {
        assert_eq!(Ages::of_counts([(5, u32::MAX), (5, 9)]).at(5), u32::MAX);
    }
}
