//! `tripline simulate`: what a guard would do, before it is trusted.
//!
//! - [`fleet`]: what the devices are like, from options and rollout files ([`file`](mod@file),
//!   [`values`]); [`conditions`]: what befalls them;
//! - [`open`]: how what AWS leaves open is read;
//! - [`guard`]: a config as the guards of a rollout, with or without the stack's [`default_guard`];
//! - [`single`]: one config and one fleet; [`text`], [`json`], [`picture`]: what is said of it;
//! - [`plan`]: a config with waves, whose release is simulated;
//! - [`compare`]: several of each; [`table`]: what is said of them;
//! - [`progress`]: what is seen while it computes.

mod arguments;
mod compare;
mod conditions;
mod default_guard;
mod file;
mod fleet;
mod guard;
mod json;
mod open;
mod picture;
mod plan;
mod progress;
mod simulated;
mod single;
mod table;
mod text;
mod values;

use crate::exit::{End, Error};
use crate::report::ReportFile;
pub use arguments::Simulate;
pub use json::SimulateData;

impl Simulate {
    /// Simulates, and says what it came to.
    pub fn run(self) -> Result<End, Error> {
        if self.compare.is_empty()
            && let Some(waves) = plan::waves_of(&self)?
        {
            return plan::run(&self, &waves);
        }
        let report = self.report.as_deref().map(ReportFile::new).transpose()?;
        if self.compare.is_empty() {
            single::run(&self, report)
        } else {
            compare::run(&self, report)
        }
    }
}
