//! How often AWS may be asked. The time is an argument, as everywhere in the core.

use std::time::Duration;

/// Calls of one kind, spread so that no second has more of them than there may be.
#[derive(Debug, Clone)]
pub struct Pace {
    gap: Duration,
    next: Duration,
}

impl Pace {
    /// So many calls a second; none is as slow as one.
    pub fn new(calls_a_second: u32) -> Self {
        Self { gap: Duration::from_secs(1) / calls_a_second.max(1), next: Duration::ZERO }
    }

    /// How long to wait at `now` until the next call.
    pub fn wait(&self, now: Duration) -> Duration {
        self.next.saturating_sub(now)
    }

    /// A call is made at `now`.
    pub fn called(&mut self, now: Duration) {
        self.next = self.next.max(now) + self.gap;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_second_has_more_calls_than_there_may_be(
            rate in 1_u32..20,
            idle in proptest::collection::vec(0_u64..2_000, 1..200),
        ) {
            let mut pace = Pace::new(rate);
            let mut now = Duration::ZERO;
            let mut calls: Vec<Duration> = Vec::new();
            for pause in idle {
                now += Duration::from_millis(pause);
                now += pace.wait(now);
                pace.called(now);
                calls.push(now);
            }
            for (at, call) in calls.iter().enumerate() {
                let second = *call + Duration::from_millis(999);
                let within = calls.iter().skip(at).take_while(|other| **other <= second).count();
                prop_assert!(within <= rate as usize, "{within} calls from {call:?}");
            }
        }
    }
}
