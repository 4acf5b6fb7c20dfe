//! The tests that need more than one package: the chain and the command on the local AWS, the
//! template, the documents, the zips. One program, since each links all SDKs.
//!
//! They run on threads of one process: no test changes the environment or the current directory, and
//! each that needs a local AWS has one of its own, on a port of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::indexing_slicing)]

mod chain;
mod deploy;
mod docs;
mod doctor;
mod drill;
mod fleet;
mod fuzz;
mod generator;
mod keeper;
mod local_aws;
mod matrix;
mod policies;
mod proxy;
mod queue;
mod releases;
mod replayed;
mod report;
mod stopper;
mod template;
mod watch;
mod wave_runner;
mod zips;
