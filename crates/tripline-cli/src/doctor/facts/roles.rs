//! Who may do what: the roles, and the key.

use tripline_policy::Policy;

/// A role.
#[derive(Debug, Clone, Default)]
pub struct Role {
    pub name: String,
    /// Who may take it.
    pub trust: Policy,
    /// What it may do.
    pub policy: Policy,
    /// A permissions boundary, which takes away from that.
    pub boundary: Option<String>,
}

/// The stack's key.
#[derive(Debug, Clone, Default)]
pub struct Key {
    pub arn: String,
    pub state: String,
    pub policy: Policy,
}
