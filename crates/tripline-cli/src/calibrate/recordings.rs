//! Past rollouts from recordings that say when executions began.

use std::path::PathBuf;

use tripline::baseline::Execution;
use tripline::job::JobId;
use tripline::metric::Outcome;
use tripline_simulation::replay::{Began, RecordedRollout};

use super::jobs::seconds;
use super::past::{Past, Reason};
use crate::exit::Error;
use crate::recording::{self, read};

/// Reads recordings, each of one rollout.
pub fn read(files: &[PathBuf], job: Option<&JobId>) -> Result<Vec<Past>, Error> {
    let mut all: Vec<(String, Past)> = Vec::new();
    for path in files {
        let file = recording::called(path);
        let lines = recording::open(path)?;
        let wanted = read::Wanted { job: job.cloned(), strict: false, devices: true };
        let rollout = read::rollout(&file, lines, wanted)?.rollout;
        let is_recorded = |began: Began| matches!(began, Began::Recorded(_));
        if !rollout.device_times.iter().any(|device| is_recorded(device.began)) {
            return Err(Error::input(format!(
                "{file}: says of no execution when it began (expected a recording of `tripline watch --record`)"
            )));
        }
        let past = of_recording(&rollout);
        if let Some((other, _)) = all.iter().find(|(_, other)| other.job == past.job) {
            return Err(Error::input(format!(
                "{file}: of job `{}`, as {other} is (expected each rollout once)",
                past.job
            )));
        }
        all.push((file, past));
    }
    Ok(all.into_iter().map(|(_, past)| past).collect())
}

/// Only a rollout that was stopped leaves executions that were canceled, or that never ended.
fn of_recording(rollout: &RecordedRollout) -> Past {
    if rollout.canceled() > 0 || rollout.devices_silent() > 0 {
        return Past::left_out(rollout.job.clone(), Reason::Stopped);
    }
    let (mut executions, mut unknown) = (Vec::new(), 0);
    for device in &rollout.device_times {
        let failed = device
            .ended
            .is_some_and(|(_, outcome)| matches!(outcome, Outcome::Failed | Outcome::Rejected));
        let lasted = match device.began {
            Began::Recorded(began) => device
                .ended
                .filter(|(_, outcome)| *outcome != Outcome::TimedOut)
                .map(|(at, _)| seconds(began.seconds(), at.seconds())),
            // Refused without beginning: it began and ended at once.
            Began::AtItsEnd if failed => Some(0),
            Began::AtItsEnd => continue,
            Began::Reported(_) | Began::Unknown => {
                unknown += 1;
                continue;
            }
        };
        executions.push(Execution { lasted, failed, is_retry: device.is_retry });
        let again = Execution { lasted: None, failed: false, is_retry: true };
        executions.extend((1..device.attempts).map(|_| again));
    }
    Past::ended(rollout.job.clone(), executions, unknown, 0)
}
