//! What commands have in common in what they put out.

use clap::ValueEnum;

/// Whom a command's answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}
