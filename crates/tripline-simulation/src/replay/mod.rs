//! Recorded rollouts without AWS: when each alarm would have fired, what the stopper would have
//! done, and how many devices that would have spared.
//!
//! A [`Recording`] takes job-execution events line by line, in any order and with repetitions, and
//! becomes the [`RecordedRollout`] of one job. Its metrics come from the code that the
//! metrics generator runs ([`tripline::event`], [`tripline::batch`]), its alarms from
//! [`crate::evaluation`], abort criteria from [`tripline::rollout`], the stop from [`tripline::stop`].
//! [`Replay`] is what comes of it.
//!
//! What a recording does not say is known from nowhere else either:
//!
//! - The time of an event is its `timestamp`. When it was received is not recorded, so every event
//!   is taken to have been published at its own time, as an event is that comes within three hours.
//! - An event says that an execution has *ended*. When it began is recorded by `tripline watch --record`
//!   only, as a line of its own with the operation `in_progress`; of other recordings it is
//!   approximated for evidence and for the failure rate, and said ([`Begins`]).
//! - A device that ended after a stop may have begun before it, in which case a `cancel` would have left
//!   it alone. Only such a line, or a device's own `downloadTime`, gives that away
//!   ([`Spared::at_work`]).
//! - A rollout that was stopped while it was recorded has no events of the devices it never reached.
//! - Nothing says whether the rollout was over with the last event. It is taken to have been, unless
//!   there is a sign that it was not ([`RecordedRollout::goes_on`]).
//! - Nothing says how many devices were notified, so abort criteria go by those that have ended
//!   ([`ReplayedAbort`]).
//! - Nor is it said how many were queued, so for the failure rate a device was notified when it began.
//! - Nothing says when an alarm was created, or at which second of the minute it is evaluated
//!   ([`evaluation_second`]).

mod abort;
mod alarm;
mod begun;
mod collected;
mod device_times;
mod ended;
mod evidence;
mod frame;
mod identity;
mod line;
mod minutes;
mod recording;
mod replayed;
mod reported;
mod rollout;
mod unsuccessful_rate;

pub use abort::ReplayedAbort;
pub use alarm::{ReplayedAlarm, evaluation_second};
pub use device_times::{Began, DeviceTimes};
pub use evidence::{Begins, ReplayedEvidence};
pub use frame::FarAway;
pub use recording::{Counts, MAX_JOBS, NoRollout, Recording, Unusable};
pub use replayed::{EvidenceOf, Fired, GuardOf, Replay, Response, Stop, TooLate};
pub use reported::NoValue;
pub use rollout::{RecordedRollout, Spared};

#[cfg(test)]
mod tests;
