//! Waiting for what AWS does in its own time.

use std::time::Duration;

use tokio::time::Instant;
use tripline_aws::{Failure, FailureKind};

use super::diagnosis::BrokenLink;
use super::interrupt::{Interrupt, Interrupted};
use super::record::StepOutcome;
use crate::exit::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A step that takes longer is looked into, again after twice as long, and so on.
const LOOK_AFTER: Duration = Duration::from_secs(5);
const LONGEST_LOOK_AFTER: Duration = Duration::from_secs(60);

/// Why a drill did not get further.
#[derive(Debug)]
pub enum StepError {
    BrokenLink(BrokenLink),
    /// Not seen in time, and no link was found to be cut; what was waited for.
    TimedOut(String),
    Interrupted,
    Failed(Error),
}

/// How long a drill waits, and for whom it ends.
#[derive(Debug)]
pub struct Patience {
    /// The longest that a step may take.
    pub timeout: Duration,
    pub interrupt: Interrupt,
}

impl Patience {
    /// Asks until there is an answer. What takes long is looked into; what is found ends the wait.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, StepError>,
        look: impl AsyncFn() -> Option<BrokenLink>,
    ) -> Result<T, StepError> {
        let begun = Instant::now();
        let (mut looked, mut look_after) = (begun, LOOK_AFTER);
        let mut pause = FIRST_PAUSE;
        loop {
            let mut last = None;
            match ask().await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(StepError::Failed(Error::Aws(failure))) if passes(&failure) => {
                    last = Some(failure)
                }
                Err(broken) => return Err(broken),
            }
            let is_over = begun.elapsed() >= self.timeout;
            if is_over || looked.elapsed() >= look_after {
                // To look only reads, so that it may be broken off.
                let cut = tokio::select! {
                    cut = look() => cut,
                    ended = self.interrupt.pause(self.timeout) => {
                        ended?;
                        None
                    }
                };
                if let Some(cut) = cut {
                    return Err(StepError::BrokenLink(cut));
                }
                looked = Instant::now();
                look_after = (look_after * 2).min(LONGEST_LOOK_AFTER);
            }
            if is_over {
                return Err(match last {
                    Some(failure) => failure.into(),
                    None => StepError::TimedOut(what.to_owned()),
                });
            }
            let left = self.timeout.saturating_sub(begun.elapsed());
            self.interrupt.pause(pause.min(left)).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether a failure may be over in a while.
fn passes(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Throttled | FailureKind::Unavailable)
}

impl StepError {
    /// The same in a record.
    pub fn outcome(&self) -> StepOutcome {
        match self {
            Self::BrokenLink(cut) => StepOutcome::Failed(cut.what.clone()),
            Self::TimedOut(what) => StepOutcome::TimedOut(what.clone()),
            Self::Interrupted => StepOutcome::Interrupted,
            Self::Failed(error) => StepOutcome::Failed(error.to_string()),
        }
    }
}

impl From<Interrupted> for StepError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for StepError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }
}
