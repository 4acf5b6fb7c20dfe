//! `tripline doctor` on the local AWS: silent on a sound stack, and finding exactly the fault that was
//! seeded.

mod commands;
mod elsewhere;
mod fixing;
mod job_rows;
mod kept;
mod rows;
mod seeds;
mod stack_rows;
mod stage;
