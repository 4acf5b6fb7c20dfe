//! What the guard-keeper does each minute: every job in progress has its alarms, jobs that ended
//! lose theirs, and a guard that sees nothing is noticed.
//!
//! Level-triggered: each minute begins with what is there, so that whatever was left undone, undone by
//! somebody, or never begun comes right the next minute.
//!
//! - [`guard`]: the alarms a job gets if it brings none, and what its tags change in them;
//! - [`plan`]: what to do, for what is wanted and what is there;
//! - [`pipeline`]: whether executions that end are counted;
//! - [`suspects`]: whether devices have died at work;
//! - [`memory`]: what the keeper has to know from minute to minute;
//! - [`pace`]: how often AWS may be asked.

pub mod guard;
pub mod memory;
pub mod pace;
pub mod pipeline;
pub mod plan;
pub mod suspects;
