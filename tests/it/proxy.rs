//! The proxy: what passes through it, what it counts, whom it kills and what it refuses, and the
//! AWS IoT streams that it stands in for.

mod cutting;
mod passing;
mod streams;
