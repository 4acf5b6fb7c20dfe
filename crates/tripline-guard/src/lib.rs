//! A job's guard, as the command and the guard-keeper share it: what it is to be, what it is, and how
//! one becomes the other.
//!
//! - [`desired`]: what a job is to have, by its kept config, its tags and the stack's default guard;
//! - [`observed`]: an alarm as CloudWatch has it; [`ownership`]: whose it is, by its tags;
//! - [`verdict`]: whether an alarm counts as a guard of a job, and whether a job is guarded: the one
//!   answer that everybody gives;
//! - [`coverage`]: for each way to go wrong, whether a rollout is stopped, people are alerted, or nobody
//!   hears of it;
//! - [`reconcile`]: desired and observed in, verdict and actions out;
//! - [`request`], [`definition`]: an alarm to and from CloudWatch;
//! - [`events`]: job events, without which there is nothing to watch;
//! - [`kept`]: what the stack's table keeps of a job: its own alarm config, and its first tags.
//!
//! The default guard of a job, by the stack's parameters and the job's own tags:
//!
//! ```
//! use tripline::alarm::Topic;
//! use tripline_guard::desired::DefaultGuard;
//!
//! let topics = vec![Topic::Email, Topic::ForceStop];
//! let stack = DefaultGuard::new(topics, |parameter| {
//!     (parameter == "DownloadTimeUpperLimit").then(|| "1800".to_owned())
//! })?;
//! let job = stack.with_tags([("tripline:DownloadTimeUpperLimit", "600")]);
//!
//! assert_eq!((stack.download_limit(), job.guard.download_limit()), (1800.0, 600.0));
//! // Two alarms, for a job that reaches a hundred devices a minute.
//! assert_eq!(job.guard.alarms(100).len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod coverage;
pub mod definition;
pub mod desired;
pub mod events;
pub mod kept;
pub mod observed;
pub mod ownership;
mod range;
pub mod reconcile;
pub mod request;
pub mod verdict;

#[cfg(test)]
mod testing;
