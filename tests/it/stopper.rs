//! The released force-stopper against an AWS that fails and against messages that lie: the program
//! in its zip, on a stand-in for Lambda, before an AWS in memory.

mod attacks;
mod forged;
pub(crate) mod matrix;
mod soak;
pub(crate) mod stage;
mod stopping;
