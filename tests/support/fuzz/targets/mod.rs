//! Every reader of what others wrote.

mod alarm_message;
mod baseline;
mod dev_ini;
mod job_event;
mod kept_config;
mod recording;
mod release_step;
mod thing_list;

use super::Target;

/// One file each.
pub const ALL: [Target; 8] = [
    job_event::TARGET,
    alarm_message::TARGET,
    release_step::TARGET,
    dev_ini::TARGET,
    thing_list::TARGET,
    recording::TARGET,
    kept_config::TARGET,
    baseline::TARGET,
];
