//! A job's guard on AWS, as the command and the guard-keeper share it.
//!
//! - [`put`]: an alarm as CloudWatch is asked for it; [`watch`]: what it watches, for people;
//! - [`owner`]: whose alarm one is;
//! - [`events`]: job events, without which there is nothing to watch;
//! - [`kept`]: a job's own alarm config, kept in the stack's table.

pub mod events;
pub mod kept;
pub mod owner;
pub mod put;
pub mod watch;
