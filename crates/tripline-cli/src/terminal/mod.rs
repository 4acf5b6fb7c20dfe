//! What people and programs read.
//!
//! - [`document`]: what is put out as JSON, [`coverage`]: a part of many documents;
//! - [`output`]: for whom it is; [`mod@print`]: stdout; [`table`], [`time`]: how it looks;
//! - [`progress`]: how far something is;
//! - [`plan`]: what is going to be rolled out, [`remarks`]: findings and notes on it;
//! - [`screen`]: what a terminal can show;
//! - [`alarm`]: an alarm of a config, [`armed`]: what arming has changed, [`verdict`]: whether the job
//!   is guarded; [`error_document`]: why a command failed, for programs.

pub mod alarm;
pub mod armed;
pub mod coverage;
pub mod document;
pub mod error_document;
pub mod fault;
pub mod output;
pub mod plan;
pub mod print;
pub mod progress;
pub mod remarks;
pub mod removed;
pub mod screen;
pub mod table;
pub mod time;
pub mod verdict;
