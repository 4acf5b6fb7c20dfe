//! How far the runs are, for people at a terminal. Never on stdout, which is data.

use std::io::stderr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::report::format::counted;
use crate::terminal::progress::{clear_line, show_line};
use crate::terminal::screen::is_screen;

/// Between two lines.
const EVERY: Duration = Duration::from_millis(100);

/// A line that is redrawn while runs are worked out, from any thread.
pub struct Progress {
    terminal: bool,
    what: String,
    runs: u32,
    shown: Mutex<Instant>,
}

impl Progress {
    /// Of so many runs of something.
    pub fn new(what: String, runs: u32) -> Self {
        Self { terminal: is_screen(&stderr()), what, runs, shown: Mutex::new(Instant::now()) }
    }

    /// So many are done.
    pub fn show(&self, done: u32) {
        if !self.terminal {
            return;
        }
        // Whoever finds the line taken has nothing newer to say.
        let Ok(mut shown) = self.shown.try_lock() else { return };
        if shown.elapsed() >= EVERY {
            let Self { what, runs, .. } = self;
            let runs = counted(&runs.to_string(), "run");
            show_line(&format!("{what}: {done} of {runs}"));
            *shown = Instant::now();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            clear_line();
        }
    }
}
