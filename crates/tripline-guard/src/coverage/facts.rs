//! What a rollout is, and what is known of it.

use tripline::evidence::{CoverageFacts, Limits, Needs, Record, State};
use tripline::job::CountRejected;
use tripline::reports::{Reported, Reports};

use crate::desired::{Devices, Shape};

/// What is known of the guard-keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// It looks every minute, or nothing says that it does not.
    Alive,
    /// It has not looked at this rollout for so many minutes.
    Silent(u32),
}

impl Keeper {
    /// Minutes from which on it is silent.
    pub const SILENT_FROM: u32 = State::BLIND_MINUTES;

    /// By when it has last looked, and now, in seconds since the epoch.
    pub fn last_seen(at: i64, now: i64) -> Self {
        match u32::try_from(now.saturating_sub(at) / 60).unwrap_or(0) {
            minutes if minutes >= Self::SILENT_FROM => Self::Silent(minutes),
            _ => Self::Alive,
        }
    }
}

/// What was counted of what devices report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Executions that ended by themselves.
    pub ended: u32,
    /// Of those, the ones that succeeded.
    pub succeeded: u32,
    /// Values of `downloadTime`.
    pub download_times: u32,
    /// Details that could not be used.
    pub invalid: u32,
    /// Executions that ended while no event was counted.
    pub uncounted: u32,
}

impl Counted {
    /// Whether devices report `downloadTime`, of so many that there are to be.
    pub fn reports(self, devices: Devices) -> Reports {
        Reports::new(Reported {
            succeeded: self.succeeded.into(),
            ended: self.ended.into(),
            samples: self.download_times.into(),
            invalid: self.invalid.into(),
            executions: devices.exactly().map(u64::from),
        })
    }
}

/// What is known of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// What it was created with.
    pub shape: Shape,
    /// Whether rejections count as failures.
    pub count_rejected: CountRejected,
    /// Where AWS IoT counts attempts: whether devices are counted from the lists of executions.
    pub devices_are_counted: bool,
    /// What evidence takes; `None` if nobody computes any.
    pub evidence: Option<Needs>,
    /// For how many minutes it has been going on.
    pub minute: u32,
    /// What devices have reported.
    pub counted: Counted,
    /// Whether the guard-keeper looks.
    pub keeper: Keeper,
    /// The least number of devices of which anything can be decided, with the stack's default guard.
    pub least_devices: u32,
}

impl Facts {
    /// Those of a rollout that has not begun.
    pub fn of_new(shape: Shape, evidence: Option<Needs>, least_devices: u32) -> Self {
        Self {
            shape,
            count_rejected: CountRejected::Yes,
            devices_are_counted: true,
            evidence,
            minute: 0,
            counted: Counted::default(),
            keeper: Keeper::Alive,
            least_devices,
        }
    }

    /// Those of a rollout of which the guard-keeper wrote this record.
    pub fn of_record(shape: Shape, record: &Record, now: i64) -> Self {
        let keeper = Keeper::last_seen(record.at, now);
        Self::of_kept(shape, &record.coverage, (record.created, now), keeper)
    }

    /// Those of a rollout of which the guard-keeper knows this. `life`: when it was created, and now, in seconds since
    /// the epoch.
    pub fn of_kept(shape: Shape, kept: &CoverageFacts, life: (i64, i64), keeper: Keeper) -> Self {
        let devices = kept.devices.map_or(shape.devices, Devices::Exactly);
        Self {
            shape: Shape { devices, ..shape },
            count_rejected: match kept.rejections_left_out {
                true => CountRejected::No,
                false => CountRejected::Yes,
            },
            devices_are_counted: !kept.attempts_only,
            evidence: kept.needs,
            minute: minutes_between(life),
            counted: Counted {
                ended: kept.ended,
                succeeded: kept.succeeded,
                download_times: kept.download_times,
                invalid: kept.invalid,
                uncounted: kept.uncounted,
            },
            keeper,
            least_devices: kept.least_devices,
        }
    }

    /// Whether it has fewer devices than anything can be decided of.
    pub fn is_too_small(&self) -> bool {
        !self.shape.devices.may_be(self.least_devices)
    }

    /// Whether evidence that only goes by counts has said all that it can.
    pub fn is_late_for_counts(&self) -> bool {
        self.minute > Limits::LAST_CHECK
    }
}

/// Whole minutes.
fn minutes_between((from, to): (i64, i64)) -> u32 {
    u32::try_from(to.saturating_sub(from).max(0) / 60).unwrap_or(u32::MAX)
}
