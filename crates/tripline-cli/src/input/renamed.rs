//! Names that flags had in earlier versions: they are still taken, and no help shows them.

/// That of `--alert-only`.
pub const ALERT_ONLY: &str = "tell-only";
