//! The core of Tripline: what an event counts, what an alarm config means, what an alarm message
//! says, and whether a rollout is stopped.
//!
//! Pure and total: no AWS SDK, no async, no files, no environment, and no clock (the time is an
//! argument). Anything may come in, since devices write `statusDetails` and anyone may craft a
//! message or a config; what goes out is a value of a type that could only be made by a check.
//!
//! An event in, datums out: a detail that cannot be used never costs the outcome of its execution.
//!
//! ```
//! use tripline::batch::Batch;
//! use tripline::event::ExecutionEvent;
//! use tripline::recent::RecentEvents;
//! use tripline::time::Timestamp;
//!
//! let event = ExecutionEvent::from_json(
//!     br#"{
//!         "eventType": "JOB_EXECUTION", "eventId": "7364ffd1", "timestamp": 1798530000,
//!         "operation": "succeeded", "jobId": "fw-2-1",
//!         "statusDetails": {"downloadTime": "75.5", "retryCount": "none"}
//!     }"#,
//! )?;
//! let now = Timestamp::from_seconds(1_798_530_010);
//! let batch = Batch::new([(0, &event)], &RecentEvents::new(100), now);
//!
//! let datums = batch.requests.iter().flat_map(|request| &request.datums);
//! let counted: Vec<(&str, f64)> =
//!     datums.map(|datum| (datum.metric.name(), datum.values[0].0)).collect();
//! assert_eq!(
//!     counted,
//!     [("downloadTime", 75.5), ("succeededCount", 1.0), ("invalidDetailCount", 1.0)]
//! );
//! # Ok::<(), tripline::event::PoisonEvent>(())
//! ```
//!
//! The modules, in the order in which a rollout meets them:
//!
//! - [`job`]: what a job is called, how far it has come; [`counts`], [`attempts`]: in executions
//!   and in devices; [`rollout`]: how AWS
//!   IoT Jobs rolls it out;
//! - [`alarm`]: what guards it;
//! - [`event`]: the end of one device's execution, read into a [`metric`] reading; [`detail`]: what
//!   of it the device says itself;
//! - [`batch`]: readings aggregated into requests that CloudWatch accepts;
//! - [`notification`]: what CloudWatch says when an alarm changes its state;
//! - [`stop`]: what is done about it;
//! - [`reports`]: whether a fleet reports what an alarm watches;
//! - [`announcement`]: the messages that people get;
//! - [`evidence`]: how unlikely what a rollout shows is, under its operator's limits; [`baseline`]:
//!   those limits from past rollouts;
//! - [`gate`]: whether what comes after a rollout may begin.
//!
//! Below them: what is wrong, as a [`diagnostic`], [`faults`] of a file, why a value is [`invalid`], [`text`], [`time`], and what is [`recent`].

pub mod alarm;
pub mod announcement;
pub mod attempts;
pub mod baseline;
pub mod batch;
pub mod counts;
pub mod detail;
pub mod diagnostic;
pub mod event;
pub mod evidence;
pub mod faults;
pub mod gate;
pub mod invalid;
pub mod job;
pub mod metric;
pub mod notification;
pub mod recent;
pub mod release;
pub mod reports;
pub mod rollout;
pub mod stop;
pub mod text;
pub mod time;
