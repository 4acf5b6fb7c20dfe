//! Pictures of a rollout under its guards: a page that needs nothing but itself, and a chart in
//! the terminal.
//!
//! - [`html`]: one rollout as a page; [`comparison::html`]: guards against rollouts;
//! - [`terminal`](fn@terminal): one rollout as text;
//! - [`ReportFile`]: where a page goes;
//! - [`format`](mod@format): numbers as people read them;
//! - [`page`]: what is around the pictures; [`svg`], [`scale`], [`frame`]: what they are made of;
//! - [`rollout`], [`alarm`], [`forest`]: the panels.
//!
//! Every text may come from outside, such as an alarm's name; it is cleaned and escaped here, and
//! nowhere before.

mod alarm;
pub mod comparison;
mod file;
mod forest;
pub mod format;
mod frame;
mod page;
mod rollout;
mod rollout_page;
mod scale;
mod svg;
mod terminal;

#[cfg(test)]
mod tests;

use std::io::IsTerminal;

use tripline::alarm::AlarmDefinition;
use tripline::time::Timestamp;
use tripline_simulation::simulation::{Elapsed, Reached, Record, Study, Trace};

pub use file::ReportFile;

/// When a chart is drawn in the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// On a terminal
    Auto,
    Always,
    Never,
}

impl When {
    /// How many columns the chart has, if one is drawn.
    pub fn width(self) -> Option<usize> {
        match self {
            Self::Auto => terminal_width(),
            Self::Always => Some(terminal_width().unwrap_or(USUAL_WIDTH)),
            Self::Never => None,
        }
    }
}

/// A rollout to be drawn, simulated or recorded.
pub struct Picture<'a> {
    /// What the page is about, such as the job's id or the config's name.
    pub title: &'a str,
    /// What came of it, in one sentence.
    pub verdict: String,
    /// Whether the guard stopped the rollout, or would have.
    pub stopped: bool,
    /// What the record is made of.
    pub known: Known,
    /// Devices that the rollout was for.
    pub devices: u32,
    /// When the rollout began: minute 0 of the record.
    pub start: Timestamp,
    /// The rollout by the minute.
    pub record: &'a Record,
    /// The same rollout by the minute without its guards, for a line beside the one of the devices
    /// that got the firmware. `None` where it is not known, or where the record is that rollout.
    pub unguarded: Option<&'a [Reached]>,
    /// The alarms, in the order in which they are shown.
    pub alarms: Vec<AlarmPanel<'a>>,
    /// The stop, marked in every panel.
    pub stop: Option<StopMark>,
    /// Key numbers, in the order in which they are shown.
    pub facts: Vec<Fact>,
    /// Things to know, such as advice: each a paragraph.
    pub notes: Vec<String>,
    /// Many runs of the same rollout, each with what it is called ("this fleet", "a healthy one").
    pub studies: Vec<(String, &'a Study)>,
    /// How to make this picture again, such as the command with its seed.
    pub made_by: String,
}

/// What is known of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Everything, as in a simulation.
    All,
    /// The executions that ended, as in a recording: [`Reached::notified`] is how many had, and
    /// nobody knows who was in progress.
    Ended,
}

impl Known {
    /// What [`Reached::notified`] is a number of.
    fn notified(self) -> &'static str {
        match self {
            Self::All => "told",
            Self::Ended => "ended",
        }
    }

    /// What [`Picture::devices`] is called.
    fn fleet(self) -> &'static str {
        match self {
            Self::All => "fleet",
            Self::Ended => "executions",
        }
    }
}

/// An alarm and what it saw.
pub struct AlarmPanel<'a> {
    /// Its definition: name, statistic, threshold.
    pub alarm: &'a AlarmDefinition,
    /// Its readings and changes of state.
    pub trace: &'a Trace,
}

/// Where a guard stopped a rollout, or would have.
#[derive(Debug, Clone)]
pub struct StopMark {
    /// When the stop took effect.
    pub at: Elapsed,
    /// The guard's name.
    pub by: String,
    /// Why, in the guard's words.
    pub reason: String,
    /// How far the rollout was by then.
    pub reached: Reached,
}

/// A number that is worth a line.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// The number with its unit, and its interval where it has one.
    pub value: String,
}

/// The rollout as one HTML page with inline SVG: light and dark, readable in print, without a
/// script or anything from elsewhere.
pub fn html(picture: &Picture<'_>) -> String {
    rollout_page::html(picture)
}

/// The rollout as a chart of so many columns (at least 40 are used), with a newline at its end and
/// without colours.
pub fn terminal(picture: &Picture<'_>, width: usize) -> String {
    terminal::chart(picture, width)
}

/// Columns of a chart that goes to no terminal, or to one that does not say how wide it is.
const USUAL_WIDTH: usize = 100;

/// The columns of the terminal that stdout is; `None` if it is none.
fn terminal_width() -> Option<usize> {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let width = size.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0));
    std::io::stdout().is_terminal().then_some(width)
}
