//! How a release stands in the stack's queue table.

/// The table's partition key: [`State::QUEUE`](super::State::QUEUE) and its like.
pub const QUEUE: &str = "queue";
/// The table's sort key.
pub const ENTRY: &str = "entry";
/// The state, as text.
pub const STATE: &str = "state";
/// Grows with every write of a state.
pub const VERSION: &str = "version";
/// The plan, as text.
pub const PLAN: &str = "plan";
/// A person's word, as text.
pub const APPROVAL: &str = "approval";
