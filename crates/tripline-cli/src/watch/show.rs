//! Where what was seen goes: a screen that is redrawn, lines of a log, or JSON.

use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, stderr, stdout};

use console::Term;
use tripline::job::JobId;
use tripline_guard::coverage::Coverage;

use super::follow::{Rollout, Show};
use super::view;
use crate::terminal::document::document;
use crate::terminal::output::Output;
use crate::terminal::print::{print, say};
use crate::terminal::screen::{self, is_screen};

/// What fits where stdout goes to.
pub fn for_output(output: Output) -> Box<dyn Show> {
    match output {
        Output::Json => Box::new(Json::default()),
        Output::Text if is_screen(&stdout()) => Box::new(Screen::default()),
        Output::Text => Box::new(Lines::default()),
    }
}

impl Show for Box<dyn Show> {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        (**self).show(rollouts, now);
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        (**self).end(rollouts);
    }
}

/// Draws over what it has drawn before.
#[derive(Debug, Default)]
pub struct Screen {
    drawn: usize,
    on_stderr: bool,
}

impl Screen {
    /// On the terminal of stderr.
    pub fn on_stderr() -> Self {
        Self { drawn: 0, on_stderr: true }
    }
}

impl Show for Screen {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        let (width, height) = match self.on_stderr {
            true => screen::size_of(&Term::stderr()),
            false => screen::size(),
        };
        let lines =
            rollouts.iter().flat_map(|rollout| view::screen(rollout, now, width.saturating_sub(1)));
        let lines = fitted(lines.collect(), height);
        let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        let picture = format!("{up}\r\x1b[J{}", lines.concat());
        if self.on_stderr {
            eprint!("{picture}")
        } else {
            print(&picture)
        }
        self.drawn = lines.len();
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        // The screen may have cut it.
        for rollout in rollouts {
            print(&indented(&view::uncovered(rollout)));
        }
        verdicts(rollouts.iter().filter(|rollout| rollout.verdict.is_final()));
        hints(rollouts);
    }
}

/// Lines that the terminal does not scroll away, so that they can be drawn over. Those for which there is no row
/// are counted.
fn fitted(mut lines: Vec<String>, height: usize) -> Vec<String> {
    let most = height.saturating_sub(1).max(1);
    if lines.len() > most {
        let hidden = lines.len() - (most - 1);
        lines.truncate(most - 1);
        lines.push(format!("… {hidden} more lines"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A line when something has changed.
#[derive(Debug, Default)]
struct Lines {
    last: HashMap<JobId, String>,
    /// What nothing covers is said again once this changes.
    coverage: HashMap<JobId, Option<String>>,
}

impl Show for Lines {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        for rollout in rollouts {
            let news = view::news(rollout);
            if self.last.get(&rollout.job) != Some(&news) {
                print(&format!("{}\n", view::line(rollout, now)));
                self.last.insert(rollout.job.clone(), news);
            }
            let coverage = rollout.details.coverage.as_ref().map(Coverage::line);
            if self.coverage.get(&rollout.job) != Some(&coverage) {
                print(&indented(&view::uncovered(rollout)));
                self.coverage.insert(rollout.job.clone(), coverage);
            }
        }
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        verdicts(rollouts.iter());
        hints(rollouts);
    }
}

/// An object a look and rollout; one that has ended is said once.
#[derive(Debug, Default)]
struct Json {
    ended: HashSet<JobId>,
}

impl Show for Json {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        for rollout in rollouts.iter().filter(|rollout| !self.ended.contains(&rollout.job)) {
            print(&format!("{}\n", document(&view::data(rollout, now))));
        }
        let ended = rollouts.iter().filter(|rollout| rollout.verdict.is_final());
        self.ended.extend(ended.map(|rollout| rollout.job.clone()));
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        if stderr().is_terminal() {
            hints(rollouts);
        }
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

fn verdicts<'a>(rollouts: impl Iterator<Item = &'a Rollout>) {
    for rollout in rollouts {
        if let Some(seen) = &rollout.seen {
            print(&format!("{}\n", rollout.verdict.sentence(&rollout.job, seen)));
            if let Some(reason) = view::reason(rollout) {
                print(&format!("  {reason}\n"));
            }
        }
    }
}

fn hints(rollouts: &[Rollout]) {
    for hint in rollouts.iter().filter_map(view::hint) {
        say(&format!("hint: {hint}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_fits_its_terminal() {
        let lines = || ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(fitted(lines(), 3), ["a\n", "… 3 more lines\n"]);
        assert_eq!(fitted(lines(), 24).len(), 4);
        assert_eq!(fitted(lines(), 0), ["… 4 more lines\n"]);
    }
}
