//! What more than one command asks of AWS.
//!
//! - [`region`], [`connect`]: where AWS is; [`clients`]: the clients for it; [`s3`]; [`pace`]: how often
//!   they are asked; [`failure`]: what failures say;
//! - [`stack`], [`topics`]: the deployed stack; [`tags`]: of what Tripline made;
//! - [`job`]: a job as it is described, [`tally`]: its counts; [`job_side`]: a device's side of a job;
//! - [`alarms`]: alarms in CloudWatch; [`arming`]: a job becomes guarded, and is no more;
//! - [`deployment`]: what a `dev.ini` comes to in AWS.

pub mod alarms;
pub mod arming;
pub mod clients;
pub mod connect;
pub mod deployment;
pub mod failure;
pub mod job;
pub mod job_side;
pub mod pace;
pub mod region;
pub mod s3;
pub mod stack;
pub mod tags;
pub mod tally;
pub mod topics;
