//! Recordings of rollouts: one execution that began or ended a line.
//!
//! - [`lines`]: a recording's lines, from a file, gzip or not, or stdin;
//! - [`read`]: the rollout that they record;
//! - [`executions`]: all executions of a job; [`write`](mod@write): their lines.

pub mod executions;
pub mod lines;
pub mod read;
pub mod write;

use std::path::Path;

use crate::exit::Error;
use crate::input::source::name_of;
use lines::Lines;

/// Whether a recording is stdin.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What messages call a recording.
pub fn called(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { name_of(path) }
}

/// Opens a recording.
pub fn open(path: &Path) -> Result<Lines, Error> {
    let lines = if is_stdin(path) { Lines::of_stdin() } else { Lines::open(path) };
    lines.map_err(|error| Error::in_file(&called(path), format!("cannot be read: {error}")))
}
