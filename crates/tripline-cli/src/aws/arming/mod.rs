//! A job becomes guarded, and is no more.
//!
//! - [`guard`]: arms it; [`plan`]: what is to be changed; [`arm`]: changes it, and proves it;
//! - [`stopping`]: who hears the alarms, and what that does;
//! - [`keeping`]: what the guard-keeper goes by; [`disarm`]: the way back.

pub mod arm;
pub mod disarm;
pub mod guard;
pub mod keeping;
pub mod plan;
pub mod stopping;
