//! What goes to stdout, which is data, and what is said on stderr.

use std::io::{ErrorKind, Write, stdout};

use serde_json::Value;

use super::progress::above_line;

/// Writes data. A reader that has gone (`| head`) is no fault.
pub fn print(text: &str) {
    if let Err(error) = above_line(|| stdout().write_all(text.as_bytes()))
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("warning: stdout: {error}");
    }
}

/// Writes data as JSON.
pub fn print_json(value: &Value) {
    print(&format!("{value:#}\n"));
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    above_line(|| eprintln!("{text}"));
}
