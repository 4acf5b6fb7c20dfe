//! What a CloudWatch alarm does with a metric, worked out without CloudWatch.
//!
//! A [`Series`] holds the values of a metric, an [`Evaluator`] is one alarm. At its own cadence the
//! alarm cuts the time before now into periods, takes its statistic of each, and [`decide`]s by
//! "M of N" and its treatment of missing data. Its actions run when its state changes, and only
//! then.
//!
//! AWS documents the rules in "Configuring how CloudWatch alarms treat missing data"
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>)
//! and "Alarm evaluation"
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>); all
//! cells of the documented tables are tests. What AWS does not publish is a field of [`Parameters`].

mod decide;
mod evaluator;
mod histogram;
mod parameters;
mod reason;
mod series;
mod unsuccessful_rate;

pub use decide::{Decision, Point, decide};
pub use evaluator::{Evaluator, Slot, Transition};
pub use parameters::{Interpolation, LowSamples, Parameters, Window};
pub use series::Series;
pub use unsuccessful_rate::{CountedDevices, RateEvaluator};

#[cfg(test)]
mod tests;
