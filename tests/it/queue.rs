//! `tripline queue` on the local AWS, as people and pipelines run it.

mod adding;
mod examples;
mod interrupted;
mod pipelines;
mod racing;
mod stage;
mod waiting;
