//! Pictures of a rollout under its guards: a page that needs nothing but itself, and a chart in
//! the terminal.
//!
//! - [`html`]: one rollout as a page; [`comparison::html`]: guards against rollouts;
//!   [`baseline::html`]: past rollouts and the limits of the next;
//! - [`terminal`](fn@terminal): one rollout as text;
//! - [`ReportFile`]: where a page goes;
//! - [`picture`]: what is to be drawn; [`format`](mod@format): numbers as people read them;
//! - [`page`]: what is around the pictures; [`svg`], [`scale`], [`frame`]: what they are made of;
//! - [`rollout`], [`evidence`], [`alarm`], [`forest`]: the panels.
//!
//! Every text may come from outside, such as an alarm's name; it is cleaned and escaped here, and
//! nowhere before.

mod alarm;
pub mod baseline;
pub mod comparison;
mod evidence;
mod file;
mod forest;
pub mod format;
mod frame;
mod page;
mod picture;
mod rollout;
mod rollout_page;
mod scale;
mod svg;
mod terminal;

#[cfg(test)]
mod tests;

use crate::terminal::screen::width;
pub use file::ReportFile;

pub use picture::{AlarmPanel, Fact, Known, Picture, StopMark};

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
            Self::Auto => width(),
            Self::Always => Some(width().unwrap_or(USUAL_WIDTH)),
            Self::Never => None,
        }
    }
}

/// The rollout as one HTML page with inline SVG: light and dark, readable in print, without a
/// script or anything from elsewhere.
pub fn html(picture: &Picture<'_>) -> String {
    rollout_page::html(picture)
}

/// The rollout as a chart of so many columns (at least 40 are used), with a newline at its end and
/// without colors.
pub fn terminal(picture: &Picture<'_>, width: usize) -> String {
    terminal::chart(picture, width)
}

/// Columns of a chart that goes to no terminal.
const USUAL_WIDTH: usize = 100;
