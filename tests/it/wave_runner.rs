//! The released wave-runner against an AWS that fails: the program in its zip, on a stand-in for Lambda, with a state
//! machine that does as the stack's, before an AWS in memory.

pub(crate) mod matrix;
mod stage;
