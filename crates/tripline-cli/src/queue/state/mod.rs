//! The queue of rollouts: which one is next, and what may become of it.
//!
//! Rollouts leave a queue one after another. A worker claims the oldest one with a lease, deploys it
//! and says how it ended; a lease that runs out makes it free for another worker. The next one is
//! released when nothing is under way, everything before it ended well and has baked, and no alarm of
//! it has fired.
//!
//! - [`name`]: what queues, entries and their files are called;
//! - [`entry`]: an entry, its states, and every step from one to another;
//! - [`decision`]: what a worker is to do now;
//! - [`mod@ending`]: how a job that nobody waited for has ended;
//! - [`span`]: a length of time, [`tolerance`]: a share of devices, as people write them.

pub mod decision;
pub mod ending;
pub mod entry;
pub mod name;
pub mod span;
pub mod tolerance;

#[cfg(test)]
mod tests;

pub use decision::{Blocking, Decision, Waiting, ended_last, next};
pub use ending::{EntryEnding, JobView, ending, fired_late};
pub use entry::{Entry, EntryOutcome, Lease, MAX_FAILURES, Refusal, State, StoredFile, Use};
pub use name::{EntryId, QueueName};
pub use span::Span;
pub use tolerance::Tolerance;
