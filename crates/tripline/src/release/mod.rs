//! A release: a firmware that goes out in waves.

mod name;

pub use name::{InvalidName, ReleaseId, WaveName};
