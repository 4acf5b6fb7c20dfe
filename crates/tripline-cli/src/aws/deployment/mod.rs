//! What a `dev.ini` comes to in AWS.
//!
//! - [`spec`]: what AWS is going to be asked for; [`cloud`]: asks; [`removal`]: removes it again;
//! - [`firmware`]: what is noted of the firmware; [`bucket`]: whether it is safe where it is.

pub mod bucket;
pub mod cloud;
pub mod firmware;
pub mod removal;
pub mod spec;
