//! What goes to stdout, which is data, and what is said on stderr.

use std::io::{ErrorKind, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

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

static HAS_PRINTED_JSON: AtomicBool = AtomicBool::new(false);

/// Whether stdout has its one document.
pub fn has_printed_json() -> bool {
    HAS_PRINTED_JSON.load(Ordering::Relaxed)
}

/// Writes data as JSON.
pub fn print_json(value: &Value) {
    HAS_PRINTED_JSON.store(true, Ordering::Relaxed);
    print(&format!("{value:#}\n"));
}

/// Says something to the person at the terminal.
pub fn say(text: &str) {
    above_line(|| eprintln!("{text}"));
}
