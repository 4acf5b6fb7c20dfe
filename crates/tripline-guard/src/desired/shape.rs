//! What a rollout is, as far as its guard goes by it.

use tripline::job::{Job, Setup};
use tripline::rollout::{AbortCriterion, Rate};

/// How many devices a rollout is to reach: its things, and those of its groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// That is not known.
    Unknown,
    /// So many, and perhaps more.
    AtLeast(u32),
    /// So many. Of a continuous job: so many now.
    Exactly(u32),
}

impl Devices {
    /// Those of a job that names things alone; `None`: its groups have to be counted, or it shows no targets.
    pub fn of_things(setup: &Setup) -> Option<Self> {
        (setup.groups.is_empty() && setup.things > 0).then_some(Self::Exactly(setup.things))
    }

    /// The number, if it is known.
    pub fn exactly(self) -> Option<u32> {
        match self {
            Self::Exactly(devices) => Some(devices),
            Self::Unknown | Self::AtLeast(_) => None,
        }
    }

    /// Whether there may be so many.
    pub fn may_be(self, needed: u32) -> bool {
        self.exactly().is_none_or(|devices| devices >= needed)
    }
}

/// What a rollout was created with, as far as its guard goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How many devices it is to reach.
    pub devices: Devices,
    /// How many devices a minute it reaches at most.
    pub most_rate: u32,
    /// After how many minutes AWS IoT ends an execution.
    pub timeout: Option<u32>,
    /// AWS IoT's own criteria to abort it.
    pub abort: Vec<AbortCriterion>,
    /// AWS IoT counts attempts of it, and not devices.
    pub counts_attempts: bool,
}

impl Shape {
    /// That of a rollout of which nothing is known: it may be large and quick, and has no timeout.
    pub fn unknown() -> Self {
        Self {
            devices: Devices::Unknown,
            most_rate: Rate::QUOTA,
            timeout: None,
            abort: Vec::new(),
            counts_attempts: false,
        }
    }

    /// That of a job, which comes to so many devices.
    pub fn of_job(job: &Job, devices: Devices) -> Self {
        Self {
            devices,
            most_rate: job.setup.most_rate,
            timeout: job.timeout,
            abort: job.setup.abort.clone(),
            counts_attempts: job.setup.counts_attempts(),
        }
    }
}
