//! The front: what passes through it, what it counts, whom it kills and what it refuses, and the
//! AWS IoT streams that it stands in for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "front/cutting.rs"]
mod cutting;
#[path = "front/passing.rs"]
mod passing;
#[path = "front/streams.rs"]
mod streams;
