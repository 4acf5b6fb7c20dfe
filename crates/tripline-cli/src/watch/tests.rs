//! Watching a small AWS in memory, by a clock that the tests control.

mod attempts;
mod coverage;
mod fake;
mod following;
mod recording;
mod targets;
mod views;
