//! What several subcommands share of AWS.
//!
//! - [`arn`]: what an ARN says; [`policy`]: who may do what by a policy;
//! - [`commands`]: commands that a message suggests, for their region and for a shell;
//! - [`drill_name`]: what the things of a drill are called.

pub mod arn;
pub mod commands;
pub mod drill_name;
pub mod policy;
