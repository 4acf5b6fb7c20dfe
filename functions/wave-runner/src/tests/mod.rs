//! Whole releases, in an account in memory.

mod interrupted;
mod people;
mod waves;
mod world;

pub use world::{plan, settings};
