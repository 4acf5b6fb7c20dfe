//! How far a run is, for people: one line that is redrawn on a terminal, a line now and then
//! elsewhere. Never on stdout, which is data.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Between two lines of a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

pub struct Progress {
    terminal: bool,
    last: String,
    shown: Instant,
}

impl Progress {
    pub fn new() -> Self {
        Self { terminal: stderr().is_terminal(), last: String::new(), shown: Instant::now() }
    }

    pub fn show(&mut self, line: String) {
        if line == self.last {
            return;
        }
        if self.terminal {
            show_line(&line);
        } else if self.shown.elapsed() >= LOG_EVERY {
            eprintln!("{line}");
            self.shown = Instant::now();
        }
        self.last = line;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear_line();
    }
}

/// Shows a line that the next one is written over, if there is a terminal.
pub fn show_line(line: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{line}");
        // A progress line that cannot be written is no reason to end.
        stderr().flush().ok();
    }
}

/// Leaves the place of such a line to something else.
pub fn clear_line() {
    show_line("");
}
