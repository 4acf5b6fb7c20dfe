//! Every check judged on facts: silent on sound ones, and finding its fault in those that have it. What
//! the local AWS can express is proven there once more (`tests/it/doctor`).

mod agreement;
mod answers;
mod fixes;
mod kept;
mod pasted;
mod reported;
mod reports;
pub mod sound;
mod verdicts;
