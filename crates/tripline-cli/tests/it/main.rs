//! The command as people and scripts see it, without any AWS: one program, since each links ten SDKs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)] // a test fails by panicking

mod alarms;
mod calibrate;
mod config;
mod config_faults;
mod errors;
mod help;
mod queue;
mod refusals;
mod replay;
mod rollouts;
#[path = "../../../../tests/support/runner.rs"]
mod runner;
mod schemas;
mod simulate;

use std::path::Path;
use std::process::Command;

/// The command `tripline`, in this folder and with nothing of the environment's.
fn command(folder: impl AsRef<Path>) -> Command {
    runner::command(env!("CARGO_BIN_EXE_tripline"), folder)
}
