//! The proxy: what passes through it, what it counts, whom it kills and what it refuses, and the
//! AWS IoT streams and alarm mute rules that it stands in for.

mod cutting;
mod mutes;
mod passing;
mod rights;
mod streams;
mod taken;
