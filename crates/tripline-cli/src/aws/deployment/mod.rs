//! What a `dev.ini` comes to in AWS.
//!
//! - [`spec`]: what AWS is going to be asked for; [`cloud`]: asks; [`removal`]: removes it again.

pub mod cloud;
pub mod removal;
pub mod spec;
