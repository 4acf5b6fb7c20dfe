//! The functions.

use std::collections::BTreeMap;

use tripline_policy::Policy;

use super::answer::{Answer, NoAnswer};

/// What is known of a function. Each part is asked on its own, because each may be denied.
#[derive(Debug)]
pub struct Function {
    pub runs: Answer<Option<FunctionConfiguration>>,
    /// Who may invoke it; `None`: nobody by its own word.
    pub policy: Answer<Option<Policy>>,
    /// Where events go that it fails at.
    pub on_failure: Answer<Option<String>>,
}

impl Function {
    pub fn not_asked() -> Self {
        Self {
            runs: Err(NoAnswer::NotAsked),
            policy: Err(NoAnswer::NotAsked),
            on_failure: Err(NoAnswer::NotAsked),
        }
    }
}

/// Whether a function can run.
#[derive(Debug, Clone, Default)]
pub struct FunctionConfiguration {
    pub state: String,
    pub last_update: String,
    /// Why not, in Lambda's words.
    pub reason: String,
    /// Most that run at once, where somebody has set that.
    pub reserved: Option<i32>,
    /// The role that it runs under.
    pub role: String,
    /// Most seconds that it may take.
    pub timeout: i32,
    pub environment: BTreeMap<String, String>,
}
