//! Long runs of everything under faults: what must hold whatever happens, of every event, message, command and
//! minute.
//!
//! Without more, a run is short. `TRIPLINE_SOAK=<percent>` makes it that much of the long one (`make soak`: 100),
//! `TRIPLINE_SOAK_MINUTES=<n>` lets no part begin anything new after so long, `TRIPLINE_SEED=<n>` makes it
//! another one. A long run writes what it saw into `soak/summary/`.

mod commands;
mod events;
mod frame;
mod memory;
mod messages;
mod minutes;
