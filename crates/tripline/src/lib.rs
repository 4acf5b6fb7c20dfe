//! The core of Tripline: what an event counts, what an alarm config means, what an alarm message
//! says, and whether a rollout is stopped.
//!
//! Pure and total: no AWS SDK, no async, no files, no environment, and no clock (the time is an
//! argument). Anything may come in, since devices write `statusDetails` and anyone may craft a
//! message or a config; what goes out is a value of a type that could only be made by a check.
//!
//! The rooms, in the order in which a rollout meets them:
//!
//! - [`job`]: what a job is called, how far it has come;
//! - [`config`]: the operator's `dev.ini`, read into [`alarm`] definitions;
//! - [`deployment`]: what a rollout is made of, and what devices are told;
//! - [`event`]: the end of one device's execution, read into a [`metric`] reading;
//! - [`batch`]: readings aggregated into requests that CloudWatch accepts;
//! - [`notification`]: what CloudWatch says when an alarm changes its state;
//! - [`stop`]: what is done about it;
//! - [`announcement`]: what people are told;
//! - [`evaluation`]: what a CloudWatch alarm does with a metric, without CloudWatch;
//! - [`rollout`]: how AWS IoT Jobs rolls a job out, without AWS IoT;
//! - [`simulation`]: what would become of a rollout under its guards;
//! - [`replay`]: what would have become of a recorded one;
//! - [`queue`]: which rollout is next;
//! - [`keeping`]: what keeps every rollout guarded, minute by minute.

pub mod alarm;
pub mod announcement;
pub mod batch;
pub mod config;
pub mod deployment;
pub mod evaluation;
pub mod event;
pub mod job;
pub mod keeping;
pub mod metric;
pub mod notification;
pub mod queue;
pub mod recent;
pub mod replay;
pub mod rollout;
pub mod simulation;
pub mod stop;
pub mod text;
pub mod time;
