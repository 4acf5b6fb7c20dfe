//! The checks. Each file has the checks of one part of the chain: their names and words in a table,
//! and under it the judgments, which turn facts into a verdict and do nothing else.
//!
//! To add one: a row in the table of its part, a judgment, and a row in
//! `tests/it/doctor/` that seeds its fault (a test fails until there is one). What has to be
//! asked for it is a [`Need`](super::facts::Need).

mod alarms;
mod coverage;
mod events;
mod evidence;
mod feasible;
mod functions;
mod guarded;
mod invoker;
mod job;
mod keeper;
mod limits;
mod own_alarms;
mod people;
mod queues;
mod reported;
mod rights;
mod stack;
mod stopping;
mod waves;

use super::check::{About, Check};
pub use coverage::shown as coverage_of;
pub use events::{rule_invoker, rule_name};
pub use keeper::schedule_invoker;
pub use stopping::{is_observing, topic_invoker};
pub use waves::{has_releases, runner_invoker};

/// Every check, in the order of the chain.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [
        stack::CHECKS,
        events::CHECKS,
        functions::GENERATOR,
        queues::CHECKS,
        stopping::CHECKS,
        functions::STOPPER,
        keeper::CHECKS,
        waves::CHECKS,
        people::CHECKS,
        rights::CHECKS,
        job::CHECKS,
        alarms::CHECKS,
        feasible::CHECKS,
        coverage::CHECKS,
        evidence::CHECKS,
        limits::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The checks of a stack, its releases among them, and of a job if there is one.
pub fn checks_of(with_job: bool) -> impl Iterator<Item = &'static Check> {
    checks().filter(move |check| with_job || check.about != About::Job)
}
