//! `tripline doctor` on the local AWS: silent on a sound stack, and finding exactly the fault that was
//! seeded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "doctor/elsewhere.rs"]
mod elsewhere;
#[path = "doctor/fixing.rs"]
mod fixing;
#[path = "doctor/job_rows.rs"]
mod job_rows;
#[path = "doctor/kept.rs"]
mod kept;
#[path = "doctor/mending.rs"]
mod mending;
#[path = "doctor/rows.rs"]
mod rows;
#[path = "doctor/seeds.rs"]
mod seeds;
#[path = "doctor/stack_rows.rs"]
mod stack_rows;
#[path = "doctor/stage.rs"]
mod stage;
