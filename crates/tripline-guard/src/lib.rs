//! A job's guard, as the command and the guard-keeper share it.
//!
//! - [`guard`]: the alarms a job gets if it brings none, and what its tags change in them;
//! - [`plan`]: what to do, for what is wanted and what is there;
//! - [`put`]: an alarm as CloudWatch is asked for it; [`watch`]: what it watches, for people;
//! - [`owner`]: whose alarm one is;
//! - [`events`]: job events, without which there is nothing to watch;
//! - [`kept`]: a job's own alarm config, kept in the stack's table.

pub mod events;
pub mod guard;
pub mod kept;
pub mod owner;
pub mod plan;
pub mod put;
pub mod watch;
