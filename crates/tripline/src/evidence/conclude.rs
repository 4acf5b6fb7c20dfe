//! Clearance of a job that has completed.

use super::gate::Clearance;
use super::limits::Limits;
use super::state::State;
use super::tick::{Ages, Tick};

impl State {
    /// Clearance once a job has completed: what the ticks to come would say is known then, since no
    /// device is in progress any more. Without it a wave whose last device ends before the age of a
    /// limit would never be cleared, however healthy it was. `last` is the tick of the completion;
    /// the state stays as it is. `None` as in [`clearance`](Self::clearance).
    pub fn concluded(&self, limits: &Limits, last: &Tick) -> Option<Clearance> {
        if last.in_progress.as_ref().is_none_or(|ages| ages.from(0) > 0) {
            // Somebody may still be at it.
            return self.clearance();
        }
        let mut state = self.clone();
        let last_age = limits.rungs().last().map_or(0, |rung| rung.age);
        for later in 0..=last_age {
            let t = last.t.saturating_add(later);
            let tick = Tick { t, in_progress: Some(Ages::default()), ..last.clone() };
            state.tick(limits, &tick);
        }
        state.clearance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Parameters;

    fn limits() -> Limits {
        Limits::new(Parameters {
            unfinished: vec![(60, 0.03), (75, 0.02)],
            failed: 0.03,
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        })
        .unwrap()
    }

    fn tick(t: u32, begun: u32, ended: u32, failed: u32) -> Tick {
        let at_it = begun - ended;
        let in_progress = Some(Ages::of_counts((at_it > 0).then_some((t - 1, at_it))));
        Tick { t, begun, ended, unsuccessful: failed, timed_out: 0, in_progress }
    }

    #[test]
    fn a_wave_that_was_quick_is_cleared_once_it_has_completed() {
        let limits = limits();
        let mut state = State::new(&limits);
        state.tick(&limits, &tick(1, 900, 0, 0));
        state.tick(&limits, &tick(9, 900, 800, 9));
        assert!(!state.clearance().unwrap().is_open(), "no device is old enough");
        let before = state.clone();
        let last = tick(20, 900, 900, 18);
        assert!(state.concluded(&limits, &last).unwrap().is_open());
        assert_eq!(state, before);
    }

    #[test]
    fn failures_and_few_devices_keep_it_shut() {
        let limits = limits();
        let of = |devices: u32, failed: u32| {
            let mut state = State::new(&limits);
            state.tick(&limits, &tick(1, devices, 0, 0));
            state.concluded(&limits, &tick(20, devices, devices, failed)).unwrap().is_open()
        };
        assert!(of(900, 20));
        assert!(!of(900, 60), "twice the limit");
        assert!(!of(40, 0), "too few");
    }

    #[test]
    fn while_a_device_is_at_it_nothing_is_concluded() {
        let limits = limits();
        let mut state = State::new(&limits);
        state.tick(&limits, &tick(1, 900, 0, 0));
        for last in [tick(20, 900, 899, 0), Tick { in_progress: None, ..tick(20, 900, 900, 0) }] {
            assert_eq!(state.concluded(&limits, &last), state.clearance());
        }
    }
}
