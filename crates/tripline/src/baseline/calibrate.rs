//! From the executions of past rollouts to a baseline.

use super::{Baseline, Unfinished};
use crate::text::clean;

/// Longest name of a baseline.
pub(super) const MAX_NAME: usize = 100;

/// One execution of a past rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// For how many seconds it was in progress: from `startedAt` to `lastUpdatedAt`. `None` if it
    /// never ended: it timed out, or was in progress until the end.
    pub lasted: Option<u32>,
    /// Whether it failed or was rejected.
    pub failed: bool,
    /// Whether it was not the device's first attempt.
    pub is_retry: bool,
}

/// A past rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRollout {
    /// Whether it was stopped: then its slow devices were never seen to end.
    pub was_stopped: bool,
    /// Its executions that began.
    pub executions: Vec<Execution>,
}

/// A baseline, and what did not go into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibration {
    /// The baseline.
    pub baseline: Baseline,
    /// What was left out.
    pub left_out: LeftOut,
}

/// What a baseline does not contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Rollouts that were stopped.
    pub stopped_rollouts: u32,
    /// Rollouts without an execution that began.
    pub empty_rollouts: u32,
    /// Attempts after a device's first one.
    pub retries: u32,
}

/// No rollout has run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no rollout ran to its end (expected at least one that was not stopped)")]
pub struct TooLittle;

/// Counts how many devices were unfinished, and how many failures had come, by each whole minute.
pub fn calibrate(
    name: &str,
    rollouts: impl IntoIterator<Item = PastRollout>,
) -> Result<Calibration, TooLittle> {
    let mut left_out = LeftOut::default();
    let mut all = Vec::new();
    for mut rollout in rollouts {
        let before = rollout.executions.len();
        rollout.executions.retain(|execution| !execution.is_retry);
        left_out.retries += number(before - rollout.executions.len());
        if rollout.was_stopped {
            left_out.stopped_rollouts += 1;
        } else if rollout.executions.is_empty() {
            left_out.empty_rollouts += 1;
        } else {
            all.push(rollout.executions);
        }
    }
    let each: Vec<Unfinished> = all.iter().map(|rollout| unfinished(rollout)).collect();
    let slowest = each.iter().fold(None, |slowest: Option<&Unfinished>, next| match slowest {
        Some(slowest) if slowest.mean_minutes() >= next.mean_minutes() => Some(slowest),
        _ => Some(next),
    });
    let slowest = slowest.ok_or(TooLittle)?.clone();
    let every = all.concat();
    let baseline = Baseline {
        name: clean(name, MAX_NAME),
        rollouts: number(all.len()),
        pooled: unfinished(&every),
        slowest,
        failures: failures(&every),
    };
    Ok(Calibration { baseline, left_out })
}

impl Unfinished {
    /// How long a device was unfinished, in minutes, on average.
    fn mean_minutes(&self) -> f64 {
        let minutes: f64 = self.at.iter().map(|unfinished| f64::from(*unfinished)).sum();
        let never = self.at.last().map_or(self.devices, |last| *last);
        let beyond = f64::from(Baseline::MAX_AGE) - self.at.len() as f64;
        (minutes + f64::from(never) * beyond) / f64::from(self.devices.max(1))
    }
}

fn unfinished(executions: &[Execution]) -> Unfinished {
    let ended: Vec<u32> = by_minute(executions.iter());
    let devices = number(executions.len());
    let mut left = devices;
    let at = ended.iter().map(|ended| {
        left = left.saturating_sub(*ended);
        left
    });
    Unfinished { devices, at: at.collect() }
}

fn failures(executions: &[Execution]) -> Vec<u32> {
    let failed = by_minute(executions.iter().filter(|execution| execution.failed));
    let mut so_far = 0_u32;
    let by = failed.iter().map(|failed| {
        so_far = so_far.saturating_add(*failed);
        so_far
    });
    by.collect()
}

/// How many ended in each minute from the first, up to the last in which any did. One that ended
/// after exactly a minute was finished at that minute. What took longer than can be counted never
/// ended.
fn by_minute<'a>(executions: impl Iterator<Item = &'a Execution>) -> Vec<u32> {
    let mut counts: Vec<u32> = Vec::new();
    for minute in executions.filter_map(|execution| execution.lasted).map(|s| s.div_ceil(60)) {
        if minute > Baseline::MAX_AGE {
            continue;
        }
        let place = usize::try_from(minute.saturating_sub(1)).unwrap_or(0);
        if counts.len() <= place {
            counts.resize(place + 1, 0);
        }
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(seconds: u32) -> Execution {
        Execution { lasted: Some(seconds), failed: false, is_retry: false }
    }

    fn rollout(executions: Vec<Execution>) -> PastRollout {
        PastRollout { was_stopped: false, executions }
    }

    #[test]
    fn devices_are_counted_at_every_whole_minute() {
        let silent = Execution { lasted: None, ..took(0) };
        let failed = Execution { failed: true, ..took(61) };
        let forever = took((Baseline::MAX_AGE + 1) * 60);
        let executions = vec![took(0), took(60), failed, took(240), silent, forever];
        let baseline = calibrate("fw", [rollout(executions)]).unwrap().baseline;
        assert_eq!(baseline.pooled, Unfinished { devices: 6, at: vec![4, 3, 3, 2] });
        assert_eq!(baseline.slowest, baseline.pooled);
        assert_eq!((baseline.failures.as_slice(), baseline.failures()), (&[0, 1][..], 1));
        assert_eq!((baseline.devices(), baseline.rollouts(), baseline.last_age()), (6, 1, 4));
        assert_eq!([0.0, 0.5, 1.0].map(|share| baseline.failed_by(share)), [Some(2); 3]);
        let shares = [0, 1, 4, 900].map(|minute| baseline.unfinished(minute));
        assert_eq!(shares, [1.0, 4.0 / 6.0, 2.0 / 6.0, 2.0 / 6.0]);
    }

    #[test]
    fn the_slowest_rollout_is_the_one_whose_devices_took_longest() {
        let quick = rollout(vec![took(30); 9]);
        let slow = rollout(vec![took(30), took(400)]);
        let silent = rollout(vec![took(30), took(30), Execution { lasted: None, ..took(0) }]);
        let of = |rollouts: Vec<PastRollout>| calibrate("fw", rollouts).unwrap().baseline;
        let two = of(vec![quick.clone(), slow.clone()]);
        assert_eq!((two.slowest.devices, two.failed_by(0.5)), (2, None));
        assert_eq!([1, 6, 7].map(|minute| two.slowest_unfinished(minute)), [0.5, 0.5, 0.0]);
        assert_eq!(of(vec![quick.clone(), slow.clone(), silent, quick]).slowest.devices, 3);
    }

    #[test]
    fn stopped_rollouts_and_retries_do_not_count_and_are_named() {
        let stopped = PastRollout { was_stopped: true, executions: vec![took(9); 5] };
        let again = Execution { is_retry: true, ..took(9_000) };
        let rollouts = [stopped.clone(), rollout(vec![took(9), again]), rollout(vec![again])];
        let Calibration { baseline, left_out } = calibrate("fw", rollouts).unwrap();
        assert_eq!((baseline.devices(), baseline.last_age()), (1, 1));
        assert_eq!(left_out, LeftOut { stopped_rollouts: 1, empty_rollouts: 1, retries: 2 });
        assert_eq!(calibrate("fw", [stopped]), Err(TooLittle));
    }
}
