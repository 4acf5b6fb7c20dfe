//! How far a run is, for people: one line that is redrawn on a terminal, a line now and then
//! elsewhere. Never on stdout, which is data.

use std::io::stderr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen;

/// Between two lines of a log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The line at the end of the screen.
static LINE: LazyLock<ProgressBar> = LazyLock::new(|| {
    let target = match screen::is_screen(&stderr()) {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let line = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        line.set_style(style);
    }
    line
});

pub struct Progress {
    is_screen: bool,
    last: String,
    shown: Instant,
}

impl Progress {
    pub fn new() -> Self {
        let is_screen = screen::is_screen(&stderr());
        Self { is_screen, last: String::new(), shown: Instant::now() }
    }

    pub fn show(&mut self, line: String) {
        if line == self.last {
            return;
        }
        if self.is_screen {
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

/// Shows a line that the next one is written over, if there is a screen.
pub fn show_line(line: &str) {
    if !LINE.is_hidden() {
        let width = Term::stderr().size().1;
        LINE.set_message(screen::cut(line, width.into()));
        LINE.tick();
    }
}

/// Leaves the place of such a line to something else.
pub fn clear_line() {
    if !LINE.is_hidden() {
        LINE.set_message("");
        LINE.finish_and_clear();
        LINE.reset();
    }
}

/// Writes something else above such a line.
pub fn above_line<R>(write: impl FnOnce() -> R) -> R {
    LINE.suspend(write)
}
