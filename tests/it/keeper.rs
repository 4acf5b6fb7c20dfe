//! The released guard-keeper against an AWS that fails: the program in its zip, on a stand-in for Lambda, before an
//! AWS in memory.

pub(crate) mod matrix;
pub(crate) mod stage;
