//! `tripline deploy` and `cleanup` on the local AWS, with the stack that guards what is deployed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "deploy/cut_off.rs"]
mod cut_off;
#[path = "deploy/devices.rs"]
mod devices;
#[path = "deploy/refused.rs"]
mod refused;
#[path = "deploy/rolled_out.rs"]
mod rolled_out;
#[path = "deploy/stage.rs"]
mod stage;
#[path = "deploy/values.rs"]
mod values;
