//! Why a value cannot be.

/// A value that cannot be, with what could be in its place. Whoever reads it says where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct Invalid(pub &'static str);
