//! How often and how many at once: AWS limits both, for the whole account.

use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Lets calls pass one by one, evenly spaced, and only so many at a time.
pub struct Pace {
    between: Duration,
    next: Mutex<Instant>,
    at_once: Semaphore,
}

impl Pace {
    /// `rate`: calls a second; `concurrency`: calls at a time.
    pub fn new(rate: u32, concurrency: u32) -> Self {
        Self {
            between: Duration::from_secs(1) / rate.max(1),
            next: Mutex::new(Instant::now()),
            at_once: Semaphore::new(concurrency.max(1) as usize),
        }
    }

    /// Waits until a call may be made; it counts as running until the permit is dropped.
    pub async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so that there always is a permit.
        let permit = self.at_once.acquire().await.ok();
        let turn = {
            let mut next = self.next.lock().await;
            let turn = (*next).max(Instant::now());
            *next = turn + self.between;
            turn
        };
        sleep_until(turn).await;
        permit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_spaced_evenly() {
        let pace = Pace::new(1000, 4);
        let start = Instant::now();
        for _ in 0..=50 {
            pace.permit().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
    }
}
