//! The whole chain on the local AWS: the template, the functions' zips and the command as they are
//! released, and devices that report through the API of AWS IoT.
//!
//! The local AWS judges an alarm at every `PutMetricData`, by all values of its metric, whichever job
//! they are of. So a test whose reports make an alarm fire has a local AWS of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

#[path = "chain/counting.rs"]
mod counting;
#[path = "chain/keeping.rs"]
mod keeping;
#[path = "chain/messages.rs"]
mod messages;
#[path = "chain/operating.rs"]
mod operating;
#[path = "chain/rollout.rs"]
mod rollout;
#[path = "chain/stage.rs"]
mod stage;
#[path = "chain/stopping.rs"]
mod stopping;
#[path = "chain/undelivered.rs"]
mod undelivered;
