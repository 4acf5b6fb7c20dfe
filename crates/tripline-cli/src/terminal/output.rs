//! What commands have in common in what they put out.

use clap::ValueEnum;

/// The version of all that is put out as JSON: a field that is renamed or removed makes another one.
pub const SCHEMA_VERSION: u32 = 1;

/// Whom a command's answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}
