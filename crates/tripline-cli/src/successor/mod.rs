//! A job that follows one that has ended, for other devices than that one reached: a resume goes on
//! with it, a revert takes it back.
//!
//! - [`ended`]: a job that has ended, and the request for one that is as it was; [`owned`]: jobs that
//!   another service makes, and that are not followed here;
//! - [`inherited`]: the tags that it has from that job;
//! - [`link`]: how what is made is linked to the job that it follows; [`place`]: its name, and the
//!   jobs that follow already; [`targets`]: whom a job is for; [`group`]: more devices than a job can
//!   name;
//! - [`config`]: where its alarms come from; [`arming`]: its guard, [`earlier_guards`]: those of jobs
//!   that follow already; [`stream`]: where its devices read the firmware;
//! - [`created`]: what is said of it;
//! - [`aws`]: what is asked of AWS.
//!
//! The job comes last: what exists of it is guarded.

pub mod arming;
pub mod aws;
pub mod config;
pub mod created;
pub mod earlier_guards;
pub mod ended;
pub mod ended_before;
#[cfg(test)]
pub mod fake;
pub mod group;
pub mod inherited;
pub mod link;
pub mod owned;
pub mod place;
pub mod stream;
pub mod targets;
