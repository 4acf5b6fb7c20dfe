//! When each device of a recorded rollout began and ended, as far as the recording says.

use super::begun::FirstBegun;
use super::ended::Ended;
use tripline::metric::Outcome;
use tripline::time::Timestamp;

/// How it is known when a device began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    /// The recording says so.
    Recorded(Timestamp),
    /// The device says how long its download took, so that it began then at the latest.
    Reported(Timestamp),
    /// It ended without beginning: it was canceled, removed, or refused at once.
    AtItsEnd,
    /// Nobody knows.
    Unknown,
}

/// One device's part in a recorded rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceTimes {
    /// When it began.
    pub began: Began,
    /// Whether what is known of it is not its first attempt.
    pub is_retry: bool,
    /// When its first attempt ended, and how; `None` if it never did.
    pub ended: Option<(Timestamp, Outcome)>,
    /// When its last attempt ended, and how: the same, unless it tried again.
    pub last: Option<(Timestamp, Outcome)>,
    /// How many attempts ended.
    pub attempts: u32,
}

impl DeviceTimes {
    /// All devices, in no order that says anything.
    pub(super) fn of(endings: &[Ended], begun: &FirstBegun) -> Vec<Self> {
        let mut sorted: Vec<&Ended> = endings.iter().collect();
        sorted.sort_unstable_by_key(|ended| ended.order());
        let mut all: Vec<Self> = Vec::new();
        let mut with_endings: Vec<u64> = Vec::new();
        for device in sorted.chunk_by(|one, other| one.device == other.device) {
            let (Some(first), Some(last)) = (device.first(), device.last()) else { continue };
            with_endings.push(first.device);
            let recorded = begun.get(first.device);
            all.push(Self {
                began: recorded
                    .map_or_else(|| began(first), |begun| Began::Recorded(begun.at.min(first.at))),
                is_retry: recorded.is_some_and(|begun| begun.is_retry),
                ended: Some((first.at, first.outcome)),
                last: Some((last.at, last.outcome)),
                attempts: u32::try_from(device.len()).unwrap_or(u32::MAX),
            });
        }
        let silent = begun.all().iter();
        let silent = silent.filter(|begun| with_endings.binary_search(&begun.device).is_err());
        all.extend(silent.map(|begun| Self {
            began: Began::Recorded(begun.at),
            is_retry: begun.is_retry,
            ended: None,
            last: None,
            attempts: 0,
        }));
        all
    }
}

/// When a device began of which the recording says only how it ended.
fn began(ended: &Ended) -> Began {
    match (ended.began(), ended.outcome) {
        (Some(at), _) => Began::Reported(at),
        (None, Outcome::Rejected | Outcome::Canceled | Outcome::Removed) => Began::AtItsEnd,
        (None, Outcome::Succeeded | Outcome::Failed | Outcome::TimedOut) => Began::Unknown,
    }
}
