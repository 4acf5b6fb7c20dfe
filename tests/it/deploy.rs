//! `tripline deploy` and `cleanup` on the local AWS, with the stack that guards what is deployed.

mod cut_off;
mod devices;
mod refused;
mod rolled_out;
pub(crate) mod stage;
mod values;
