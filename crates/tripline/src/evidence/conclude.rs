//! Clearance of a job that has completed.

use super::gate::{Clearance, asked};
use super::limits::Limits;
use super::state::State;
use super::tick::Tick;

impl State {
    /// Clearance once a job that was created at minute 0 has completed: see
    /// [`concluded_since`](Self::concluded_since).
    pub fn concluded(&self, limits: &Limits, last: &Tick) -> Option<Clearance> {
        self.concluded_since(limits, last, 0)
    }

    /// Clearance once a job has completed. No device is in progress any more, so that of those which
    /// began no longer ago than a limit's age it is known that none was unfinished then. Without that a
    /// wave whose last device ends before the age of a limit would never be cleared, however healthy
    /// it was. `last` is the tick of the completion, `created` the minute in which the job was created,
    /// which may lie before the first: nobody began earlier. The state stays as it is. `None` as in
    /// [`clearance`](Self::clearance).
    pub fn concluded_since(&self, limits: &Limits, last: &Tick, created: i64) -> Option<Clearance> {
        let is_empty = last.in_progress.as_ref().is_some_and(|ages| ages.from(0) == 0);
        // Before the first tick nobody knew of it.
        let Some(before) = self.last.filter(|_| is_empty) else { return self.clearance() };
        let now = i64::from(last.t.max(before));
        let mut state = self.clone();
        for (rung, cleared) in asked(limits).zip(&mut state.gate.rungs) {
            let age = i64::from(rung.age);
            // Who began after the last tick, and each cohort: since when, and at which tick it would be read.
            let late = last.begun.saturating_sub(self.counts.begun);
            let mut young = if now - i64::from(before) <= age { late } else { 0 };
            for (cohort, previous) in self.cohorts.with_previous() {
                let since = previous.map_or(created, i64::from);
                let is_unread = i64::from(cohort.minute) + age - 1 > i64::from(before);
                if is_unread && now - since <= age {
                    young = young.saturating_add(cohort.begun);
                }
            }
            cleared.add_good(young, rung.share);
        }
        let failed = last.unsuccessful.max(self.counts.failed);
        state.gate.conclude_failed(last.begun.max(self.counts.begun), failed, limits.failed());
        state.clearance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Ages, Parameters};

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
        assert_eq!(
            State::new(&limits).concluded(&limits, &tick(9, 900, 900, 0)).unwrap().value(),
            0.0
        );
    }

    /// Who may have been unfinished at a limit's age, at a tick that was missed, is left out.
    #[test]
    fn devices_that_may_have_passed_an_age_are_left_out() {
        let limits = limits();
        let mut state = State::new(&limits);
        state.tick(&limits, &tick(1, 900, 0, 0));
        let open = |last: u32, created: i64| {
            let last = tick(last, 900, 900, 0);
            state.concluded_since(&limits, &last, created).unwrap().is_open()
        };
        assert!(open(60, 0), "nobody is older than 60 minutes");
        assert!(!open(61, 0), "some may have been at it at 60 minutes");
        assert!(!open(30, -31), "some may have begun long before the first tick");
        assert!(open(30, -30));
    }

    /// What was read at a tick is not read again: ticks each minute until nobody is left, and the
    /// conclusion of it, know as much.
    #[test]
    fn nothing_is_counted_twice() {
        let limits = Limits::new(Parameters {
            unfinished: vec![(3, 0.3), (6, 0.1)],
            failed: 0.1,
            false_stops: 0.01,
            list: true,
            ..Parameters::default()
        })
        .unwrap();
        let mut state = State::new(&limits);
        state.tick(&limits, &tick(1, 0, 0, 0));
        for t in 2..=10 {
            state.tick(&limits, &tick(t, 20, if t < 5 { 0 } else { 20 }, 0));
            if t >= 5 {
                let mut ticked = state.clone();
                for later in t + 1..=t + 8 {
                    ticked.tick(&limits, &tick(later, 20, 20, 0));
                }
                let concluded = state.concluded(&limits, &tick(t, 20, 20, 0)).unwrap();
                assert!(
                    (concluded.value() - ticked.clearance().unwrap().value()).abs() < 1e-9,
                    "{t}"
                );
            }
        }
    }
}
