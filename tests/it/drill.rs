//! `tripline drill` on the local AWS: on a sound stack, with each link cut, and ended in the middle.
//!
//! The local AWS enforces no permissions and no topic policies. A row that takes one away also cuts
//! what AWS would cut with it, and says how.

mod cut;
mod ended;
mod safe;
mod sound;
mod stage;
