//! `tripline drill` on the local AWS: on a sound stack, with each link cut, and ended in the middle.
//!
//! The local AWS enforces no permissions and no topic policies. A row that takes one away also cuts
//! what AWS would cut with it, and says how.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "drill/cut.rs"]
mod cut;
#[path = "drill/ended.rs"]
mod ended;
#[path = "drill/safe.rs"]
mod safe;
#[path = "drill/sound.rs"]
mod sound;
#[path = "drill/stage.rs"]
mod stage;
