//! How fast a rollout goes, and when it will be through.

use std::collections::VecDeque;

use crate::aws::job::DescribedJob;

/// How far back the rate is looked at, in seconds: alarms look about as far.
const WINDOW: i64 = 600;
/// Shortest time that makes a rate, in seconds. Until then it is taken from the job's whole life.
const LEAST: i64 = 60;
/// Most looks that are remembered.
const MOST: usize = 1_000;

/// How many executions had ended at which times.
#[derive(Debug, Clone, Default)]
pub struct History(VecDeque<(i64, u32)>);

/// When the rollout will be through, at its present rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eta {
    /// In so many seconds.
    In(u64),
    /// In so many seconds for the executions that there are; devices that the rollout has not come
    /// to yet are not counted by AWS.
    AtLeast(u64),
    /// None has ended for so many seconds.
    Still(u64),
    /// Too early to say.
    Unknown,
}

impl History {
    /// Remembers a look. A clock that was set back begins again.
    pub fn push(&mut self, at: i64, ended: u32) {
        if self.0.back().is_some_and(|(last, _)| *last > at) {
            self.0.clear();
        }
        self.0.push_back((at, ended));
        // The one before the window stays: the rate is over the whole of it.
        while self.0.len() > MOST || self.0.get(1).is_some_and(|(next, _)| at - next >= WINDOW) {
            self.0.pop_front();
        }
    }

    /// Executions that end in a minute.
    pub fn per_minute(&self, seen: &DescribedJob) -> Option<f64> {
        let (from, span) = self.span(seen)?;
        Some(f64::from(seen.tally.ended().saturating_sub(from)) * 60.0 / span as f64)
    }

    /// How many had ended when the time that is looked at began, and its length in seconds.
    fn span(&self, seen: &DescribedJob) -> Option<(u32, i64)> {
        let (first, (last, _)) = (self.0.front()?, self.0.back()?);
        if last - first.0 >= LEAST {
            return Some((first.1, last - first.0));
        }
        let age = last - seen.created_at?;
        (age > 0).then_some((0, age))
    }

    pub fn eta(&self, seen: &DescribedJob) -> Eta {
        let Some((rate, (_, span))) = self.per_minute(seen).zip(self.span(seen)) else {
            return Eta::Unknown;
        };
        if rate <= 0.0 {
            return if span >= LEAST { Eta::Still(span.unsigned_abs()) } else { Eta::Unknown };
        }
        // Saturates: a fleet and a rate of whatever size stay far below.
        let in_seconds = |open: u32| (f64::from(open) / rate * 60.0).ceil() as u64;
        match seen.progress().open() {
            Some(open) => Eta::In(in_seconds(open)),
            None if seen.reaches_more => Eta::AtLeast(in_seconds(seen.tally.open())),
            // More may join, which is not waited for.
            None => Eta::In(in_seconds(seen.tally.open())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tripline::job::JobState;

    use super::*;
    use crate::aws::job::Counted;
    use crate::aws::tally::Tally;
    use tripline_guard::coverage::{Devices, Shape};

    fn seen(succeeded: u32, queued: u32, reaches_more: bool) -> DescribedJob {
        DescribedJob {
            state: JobState::Active,
            status: "IN_PROGRESS".to_owned(),
            continuous: false,
            reaches_more,
            reason_code: None,
            comment: None,
            created_at: Some(1_000),
            tally: Tally { succeeded, queued, ..Tally::default() },
            targets: Vec::new(),
            devices: Devices::Unknown,
            shape: Shape::unknown(),
            counted: Counted::Devices,
        }
    }

    fn history(looks: &[(i64, u32)]) -> History {
        let mut history = History::default();
        for (at, ended) in looks {
            history.push(*at, *ended);
        }
        history
    }

    #[test]
    fn rates_and_ends() {
        for (looks, seen, rate, eta) in [
            // The first look knows the job's whole life only.
            (vec![(1_100, 50)], seen(50, 25, false), Some(30.0), Eta::In(50)),
            (vec![(1_100, 50)], seen(50, 25, true), Some(30.0), Eta::AtLeast(50)),
            (vec![(1_000, 0)], seen(0, 25, false), None, Eta::Unknown),
            (vec![(1_010, 0)], seen(0, 25, false), Some(0.0), Eta::Unknown),
            // Later ones know what has been lately.
            (vec![(2_000, 50), (2_060, 60)], seen(60, 20, false), Some(10.0), Eta::In(120)),
            (vec![(2_000, 60), (2_090, 60)], seen(60, 20, false), Some(0.0), Eta::Still(90)),
            // What was before the window does not count.
            (
                vec![(2_000, 0), (2_100, 900), (2_700, 900), (2_710, 900)],
                seen(900, 5, false),
                Some(0.0),
                Eta::Still(610),
            ),
            // A clock that was set back.
            (vec![(9_000, 10), (1_100, 50)], seen(50, 25, false), Some(30.0), Eta::In(50)),
        ] {
            let history = history(&looks);
            assert_eq!(history.per_minute(&seen), rate, "{looks:?}");
            assert_eq!(history.eta(&seen), eta, "{looks:?}");
        }
    }

    #[test]
    fn a_history_is_bounded() {
        let looks: Vec<_> = (0..5_000).map(|at| (at, 0)).collect();
        assert!(history(&looks).0.len() <= 1_000);
    }
}
