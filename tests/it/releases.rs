//! Releases in waves, by the stack's own state machine and functions.

mod stage;
mod taking_back;
mod waves;
