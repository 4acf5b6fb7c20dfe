//! How a rollout stands, in one word.

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::state::State;
use super::verdict::Verdict;

/// How a rollout stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// Outside of its limits: it is to be stopped.
    Breach,
    /// No tick came for [`State::BLIND_MINUTES`]: nobody watches it, which is as bad as no guard.
    Blind,
    /// Nearly nothing ends although much should, everywhere at once, and the clock stands still.
    Stalled,
    /// So surely better than twice its limits that the next wave may go.
    Healthy,
    /// None of these yet.
    #[default]
    Undecided,
}

impl State {
    /// From so many minutes without a tick on nobody watches a rollout.
    pub const BLIND_MINUTES: u32 = 5;

    /// How the rollout stands at a minute.
    pub fn standing(&self, limits: &Limits, now: u32) -> Standing {
        let verdict = self.verdict(limits);
        let is_watched =
            self.last().is_some_and(|last| now.saturating_sub(last) < Self::BLIND_MINUTES);
        if verdict.stop {
            Standing::Breach
        } else if !is_watched {
            Standing::Blind
        } else if verdict.is_stalled {
            Standing::Stalled
        } else if self.clearance().is_some_and(|clearance| clearance.is_open()) {
            Standing::Healthy
        } else {
            Standing::Undecided
        }
    }
}

impl Verdict {
    /// The value to publish: an alarm that compares with the threshold acts on it whether it asks for
    /// "at least" or for "above".
    pub fn published(&self, limits: &Limits) -> f64 {
        /// More than the rounding of CloudWatch, and less than anybody reads.
        const ABOVE: f64 = 1e-4;
        if self.stop { self.evidence.max(limits.threshold() + ABOVE) } else { self.evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Parameters, Tick};

    fn limits() -> Limits {
        Limits::new(Parameters {
            unfinished: vec![(2, 0.3)],
            failed: 0.03,
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        })
        .unwrap()
    }

    /// After some minutes in which devices begin, and end within the next one unless they fail.
    fn state(limits: &Limits, minutes: u32, failing: u32) -> State {
        let mut state = State::new(limits);
        for t in 0..minutes {
            let ages = crate::evidence::Ages::of_counts([(0, 50)]);
            let (begun, ended) = (t * 50, t.saturating_sub(1) * 50);
            let unsuccessful = (t * failing).min(ended);
            let in_progress = Some(ages);
            state.tick(limits, &Tick { t, begun, ended, unsuccessful, in_progress, timed_out: 0 });
        }
        state
    }

    #[test]
    fn a_rollout_stands_by_its_worst_word() {
        let limits = limits();
        for (minutes, failing, now, expected) in [
            (0, 0, 0, Standing::Blind),
            (4, 0, 3, Standing::Undecided),
            (40, 0, 39, Standing::Healthy),
            (40, 0, 43, Standing::Healthy),
            (40, 0, 44, Standing::Blind),
            (40, 10, 39, Standing::Breach),
            (40, 10, 90, Standing::Breach),
        ] {
            let state = state(&limits, minutes, failing);
            assert_eq!(state.standing(&limits, now), expected, "{minutes} {failing} {now}");
        }
    }

    #[test]
    fn what_is_published_is_above_the_threshold_once_it_is_reached() {
        let limits = limits();
        let verdict = State::new(&limits).verdict(&limits);
        let at = |evidence, stop| Verdict { evidence, stop, ..verdict }.published(&limits);
        assert_eq!(at(1.9, false), 1.9);
        assert_eq!(at(2.0 - 1e-10, true), 2.0001);
        assert_eq!(at(7.5, true), 7.5);
    }
}
