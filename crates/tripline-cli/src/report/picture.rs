//! What is to be drawn.

use tripline::alarm::AlarmDefinition;
use tripline::time::Timestamp;
use tripline_simulation::simulation::{Elapsed, EvidenceTrace, Reached, Record, Study, Trace};

/// A rollout to be drawn, simulated or recorded.
pub struct Picture<'a> {
    /// What the page is about, such as the job's id or the config's name.
    pub title: &'a str,
    /// What came of it, in one sentence.
    pub verdict: String,
    /// Whether the guard stopped the rollout, or would have.
    pub stopped: bool,
    /// What the record is made of.
    pub known: Known,
    /// Devices that the rollout was for.
    pub devices: u32,
    /// When the rollout began: minute 0 of the record.
    pub start: Timestamp,
    /// The rollout by the minute.
    pub record: &'a Record,
    /// The same rollout by the minute without its guards, for a line beside the one of the devices
    /// that got the firmware. `None` where it is not known, or where the record is that rollout.
    pub unguarded: Option<&'a [Reached]>,
    /// The alarms, in the order in which they are shown.
    pub alarms: Vec<AlarmPanel<'a>>,
    /// Evidence by the minute, if somebody computed it.
    pub evidence: Option<&'a EvidenceTrace>,
    /// The stop, marked in every panel.
    pub stop: Option<StopMark>,
    /// Key numbers, in the order in which they are shown.
    pub facts: Vec<Fact>,
    /// Things to know, such as advice: each a paragraph.
    pub notes: Vec<String>,
    /// Many runs of the same rollout, each with what it is called ("this fleet", "a healthy one").
    pub studies: Vec<(String, &'a Study)>,
    /// How to make this picture again, such as the command with its seed.
    pub made_by: String,
}

/// What is known of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Everything, as in a simulation.
    All,
    /// The executions that ended, as in a recording: [`Reached::notified`] is how many had, and
    /// nobody knows who was in progress.
    Ended,
}

impl Known {
    /// What [`Reached::notified`] is a number of.
    pub fn notified(self) -> &'static str {
        match self {
            Self::All => "notified",
            Self::Ended => "ended",
        }
    }

    /// What [`Picture::devices`] is called.
    pub fn fleet(self) -> &'static str {
        match self {
            Self::All => "fleet",
            Self::Ended => "executions",
        }
    }
}

/// An alarm and what it saw.
pub struct AlarmPanel<'a> {
    /// Its definition: name, statistic, threshold.
    pub alarm: &'a AlarmDefinition,
    /// Its readings and changes of state.
    pub trace: &'a Trace,
}

/// Where a guard stopped a rollout, or would have.
#[derive(Debug, Clone)]
pub struct StopMark {
    /// When the stop took effect.
    pub at: Elapsed,
    /// The guard's name.
    pub by: String,
    /// Why, in the guard's words.
    pub reason: String,
    /// How far the rollout was by then.
    pub reached: Reached,
}

/// A number that is worth a line.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The number with its unit, and its interval where it has one.
    pub value: String,
}
