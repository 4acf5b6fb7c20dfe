//! `tripline queue` on the local AWS, as people and pipelines run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "queue/adding.rs"]
mod adding;
#[path = "queue/examples.rs"]
mod examples;
#[path = "queue/interrupted.rs"]
mod interrupted;
#[path = "queue/racing.rs"]
mod racing;
#[path = "queue/stage.rs"]
mod stage;
#[path = "queue/waiting.rs"]
mod waiting;
