//! What more than one command asks of AWS.
//!
//! - [`region`], [`connect`]: where AWS is; [`scope`]: whose it is; [`clients`]: the clients for it; [`s3`]; [`pace`], [`budget`]: how
//!   often they are asked;
//! - [`stack`], [`topics`]: the deployed stack; [`tags`]: of what Tripline made; [`arn`]: what an ARN says;
//! - [`job`]: a job as it is described, [`coverage`]: what would be seen if it went wrong, [`tally`]: its counts; [`executions`]: its executions, page by page;
//!   [`devices`]: its counts in devices, where AWS IoT counts attempts; [`job_side`]: a device's side of a job;
//! - [`alarms`]: alarms in CloudWatch, [`fired`]: which of them have fired; [`arming`]: a job becomes guarded, and is no more;
//! - [`policy`]: who may do what by a policy;
//! - [`commands`]: commands that a message suggests, for their Region and for a shell;
//! - [`drill_name`]: what the things of a drill are called;
//! - [`deployment`]: what a `dev.ini` comes to in AWS.

pub mod alarms;
pub mod arming;
pub mod arn;
pub mod budget;
pub mod clients;
pub mod commands;
pub mod connect;
pub mod coverage;
pub mod deployment;
pub mod devices;
pub mod drill_name;
pub mod evidence;
pub mod executions;
pub mod fired;
pub mod job;
pub mod job_side;
pub mod pace;
pub mod policy;
pub mod progress;
pub mod region;
pub mod s3;
pub mod scope;
pub mod stack;
pub mod tags;
pub mod tally;
pub mod topics;
