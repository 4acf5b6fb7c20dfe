//! The stack, what it is made of, and what it counts of itself.

use std::collections::BTreeMap;

use super::answer::NoAnswer;
use crate::aws::arn;

/// The stack as CloudFormation describes it.
#[derive(Debug, Clone, Default)]
pub struct StackFacts {
    pub name: String,
    pub status: String,
    /// Seconds since it was created or last updated, if CloudFormation says when.
    pub age: Option<i64>,
    pub outputs: BTreeMap<String, String>,
}

impl StackFacts {
    /// An output.
    pub fn output(&self, key: &'static str) -> Result<&str, NoAnswer> {
        self.outputs.get(key).map(String::as_str).ok_or(NoAnswer::NoOutput(key))
    }

    /// The account's number, which every ARN has.
    pub fn account(&self) -> &str {
        let topic = self.outputs.get("ForceStopTopicArn").map_or("", String::as_str);
        arn::account(topic)
    }

    /// `aws`, or what stands for it elsewhere.
    pub fn partition(&self) -> &str {
        let topic = self.outputs.get("ForceStopTopicArn").map_or("", String::as_str);
        arn::partition(topic)
    }

    /// Whether job events go through a queue.
    pub fn is_batched(&self) -> bool {
        self.outputs.get("Ingest").is_some_and(|ingest| ingest == "batched")
    }
}

/// A resource of the stack.
#[derive(Debug, Clone)]
pub struct Resource {
    pub logical: String,
    pub kind: String,
    pub physical: String,
    pub status: String,
}

/// What CloudWatch counted of the functions in the last hour, by the function's ARN.
#[derive(Debug, Clone, Default)]
pub struct Health {
    pub errors: BTreeMap<String, f64>,
    pub throttles: BTreeMap<String, f64>,
    /// What the guard-keeper said last, in the last ten minutes: jobs without a guard.
    pub unguarded: Option<f64>,
    /// In how many of the last ten minutes the wave-runner was invoked.
    pub runner_minutes: usize,
}
