//! The way of an event: the rule, and the queues.

use tripline_policy::Policy;

/// The IoT rule that takes the job events.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub sql: String,
    pub sql_version: String,
    pub disabled: bool,
    pub actions: Vec<Action>,
    pub error_action: Option<Action>,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Lambda(String),
    Sqs { url: String, role: String },
    Other,
}

/// The queue of job events.
#[derive(Debug, Clone)]
pub enum Ingest {
    /// The rule invokes the function itself.
    Direct,
    Batched {
        queue: Option<Queue>,
        /// What takes messages out of it.
        mappings: Vec<Mapping>,
    },
}

/// An event source mapping.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pub id: String,
    pub function: String,
    pub state: String,
    pub reports_failures: bool,
}

/// A queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pub arn: String,
    pub url: String,
    pub messages: u64,
    pub policy: Policy,
    /// Where messages go that were taken too often.
    pub dead_letters: Option<String>,
}
