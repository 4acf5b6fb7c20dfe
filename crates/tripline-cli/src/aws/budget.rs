//! At most one call a second on average, however many rollouts are looked at.
//!
//! AWS IoT allows an account about ten calls a second of each kind, for everything that runs there:
//! who only watches must not stand in the way of who stops.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What a call costs.
const CALL: Duration = Duration::from_secs(1);
/// Calls that may be made at once: a look at a rollout takes up to seven.
const AT_ONCE: u32 = 10;

/// Lets calls pass. What was made at once has to be paid for before the next look.
#[derive(Debug)]
pub struct Budget {
    paid_until: Instant,
}

impl Budget {
    pub fn new() -> Self {
        Self { paid_until: Instant::now() }
    }

    /// Waits until a call may be made.
    pub async fn turn(&mut self) {
        let at = self.take(Instant::now());
        sleep_until(at).await;
    }

    /// When the calls that were made are paid for, so that the next look may begin.
    pub fn settled(&self) -> Instant {
        self.paid_until
    }

    /// When a call that is asked for now may be made. Time in which none was made is not saved up.
    fn take(&mut self, now: Instant) -> Instant {
        let credit = CALL * (AT_ONCE - 1);
        let at = self.paid_until.checked_sub(credit).map_or(now, |at| at.max(now));
        self.paid_until = self.paid_until.max(at) + CALL;
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_calls_pass_at_once_and_then_one_a_second() {
        let (start, mut budget) = (Instant::now(), Budget::new());
        for _ in 0..10 {
            budget.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..5 {
            budget.turn().await;
        }
        // The clock of the test has steps of a millisecond.
        assert_eq!(start.elapsed().as_secs(), 5);
        assert_eq!(budget.settled() - start, Duration::from_secs(15));
    }

    proptest! {
        #[test]
        fn a_look_begins_when_all_calls_before_are_paid_for(
            looks in prop::collection::vec((0_u64..30_000, 0_u32..25), 1..10),
        ) {
            let start = Instant::now();
            let (mut now, mut budget) = (start, Budget { paid_until: start });
            let mut calls: Vec<Instant> = Vec::new();
            for (pause, count) in looks {
                now = (now + Duration::from_millis(pause)).max(budget.settled());
                prop_assert!(calls.len() as f64 <= (now - start).as_secs_f64() + 1e-6);
                for _ in 0..count {
                    now = budget.take(now);
                    calls.push(now);
                }
            }
            // In no stretch of time are there more than those at once, and one a second.
            for (i, from) in calls.iter().enumerate() {
                for (j, to) in calls.iter().enumerate().skip(i) {
                    let most = f64::from(AT_ONCE) + (*to - *from).as_secs_f64() + 1e-6;
                    prop_assert!((j - i + 1) as f64 <= most);
                }
            }
        }
    }
}
