//! What `watch` shows, beside a command that waits for a rollout itself.

use std::convert::Infallible;
use std::io::stderr;
use std::time::Duration;

use tripline::job::JobId;

use super::aws::Observer;
use super::follow::{Clock, Rollout, Show, Watch};
use super::show::Screen;
use crate::aws::budget::Budget;
use crate::aws::clients::Aws;
use crate::terminal::screen::is_screen;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(10);
/// Until it looks again at a job that AWS IoT does not show yet.
const AGAIN: Duration = Duration::from_secs(2);
/// Longest time of the last look: nobody waits for a picture.
const LAST: Duration = Duration::from_secs(5);

/// Draws a rollout on the terminal of stderr, since stdout is the command's own data.
pub struct Companion {
    observer: Observer,
    watch: Watch,
    shown: Beside,
}

impl Companion {
    /// For a job; `None` where nothing can be drawn over.
    pub fn new(aws: &Aws, stack: &str, job: &JobId) -> Option<Self> {
        is_screen(&stderr()).then(|| Self {
            observer: Observer::new(aws.clone(), Budget::new(), stack),
            watch: Watch { jobs: vec![job.clone()], every: EVERY, timeout: None, once: false },
            shown: Beside(Screen::on_stderr()),
        })
    }

    /// Draws it again and again, for as long as somebody polls.
    pub async fn draw(&mut self) -> Infallible {
        // What cannot be shown is no reason to end what goes on beside it.
        while self.watch.follow(&mut self.observer, Clock::set(), &mut self.shown).await.is_err() {
            tokio::time::sleep(AGAIN).await;
        }
        std::future::pending().await
    }

    /// Draws how it ended.
    pub async fn finish(mut self) {
        let last = Watch { once: true, ..self.watch };
        let looked = last.follow(&mut self.observer, Clock::set(), &mut self.shown);
        // The picture before this one stays.
        tokio::time::timeout(LAST, looked).await.ok();
    }
}

/// A screen of which another command says how it ended.
struct Beside(Screen);

impl Show for Beside {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        self.0.show(rollouts, now);
    }

    fn end(&mut self, _: &[Rollout]) {}
}
