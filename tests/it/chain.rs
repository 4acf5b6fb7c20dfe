//! The whole chain on the local AWS: the template, the functions' zips and the command as they are
//! released, and devices that report through the API of AWS IoT.
//!
//! The local AWS judges an alarm at every `PutMetricData`, by all values of its metric, whichever job
//! they are of. So a test whose reports make an alarm fire has a local AWS of its own.

mod announcing;
mod counting;
mod coverage;
mod evidence;
mod failure_rate;
mod foreign;
mod keeping;
mod messages;
mod muting;
mod operating;
pub mod rollout;
pub mod stage;
mod stopping;
mod undelivered;
