//! What commands read before they ask AWS for anything.
//!
//! - [`source`]: a file and an alarm config; [`stop_topic`]: which topic stops, where AWS is not asked;
//! - [`limits`]: the limits of evidence, with their baseline; [`declared`]: what a job is armed with of them;
//! - [`job`]: the job that a command is about; [`duration`]: lengths of time;
//! - [`file`](mod@file): a file that is made again;
//! - [`review`]: what deserves a look in a config;
//! - [`notes`], [`alarms`]: what is to be said of a config, and whether its alarms will do;
//! - [`limits`]: the limits of evidence, with their baseline;
//! - [`planned`]: what would be seen of a rollout that is not there yet; [`accepted`]: what may go unseen;
//! - [`renamed`]: flags under their earlier names;
//! - [`deployment`]: a `dev.ini` with all its files: [`firmware`], [`document`]; [`named`]: where it names them,
//!   [`within`]: where they have to be; [`waves`]: who is in which wave.

pub mod accepted;
pub mod alarms;
pub mod buckets;
pub mod declared;
pub mod deployment;
pub mod document;
pub mod duration;
pub mod file;
pub mod firmware;
pub mod job;
pub mod limits;
pub mod named;
pub mod notes;
pub mod planned;
pub mod renamed;
pub mod review;
pub mod source;
pub mod stop_topic;
pub mod waves;
pub mod within;
