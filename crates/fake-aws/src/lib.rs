//! AWS in memory, for tests: the SDK's own clients, answered by AWS's rules.
//!
//! One [`Account`] holds what all services know; each service's file says what its operations answer.
//! All of them go through one door, `FakeAws::answer`: there a call is written down, and there a
//! [`Fault`] comes in.
//!
//! A request that AWS would refuse panics (`aws_models::Taken`).
//!
//! It is small: what the tests need, and of that what AWS would answer. Lists come in small pages, as
//! AWS may send them, so that whoever forgets the next page sees too little.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking
#![allow(clippy::result_large_err, reason = "errors as the SDK has them")]

mod attempts;
mod cloudformation;
mod cloudwatch;
mod door;
mod dynamodb;
mod iot;
mod page;
mod s3;
mod sns;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use cloudformation::CloudFormation;
pub use cloudwatch::CloudWatch;
pub use door::{Call, Fault, Faults};
pub use dynamodb::{DynamoDb, Item, Table};
pub use iot::{Execution, Iot};
pub use s3::{Head, S3};
pub use sns::{Sns, Subscription};

/// Where the account is.
pub const REGION: &str = "us-east-1";
/// Its number.
pub const ACCOUNT: &str = "111122223333";

/// An account, and the clients that see it. A clone is the same account.
#[derive(Debug, Clone, Default)]
pub struct FakeAws(Arc<Mutex<Account>>);

/// What an account holds, what it was asked, and what goes wrong.
#[derive(Debug, Default)]
pub struct Account {
    /// Its stack.
    pub cloudformation: CloudFormation,
    /// Its alarms and metrics.
    pub cloudwatch: CloudWatch,
    /// Its tables.
    pub dynamodb: DynamoDb,
    /// Its things, groups and jobs.
    pub iot: Iot,
    /// Its objects.
    pub s3: S3,
    /// Its topics' subscriptions.
    pub sns: Sns,
    /// Every call, in their order.
    pub calls: Vec<Call>,
    /// Which calls fail.
    pub faults: Faults,
    /// What was changed, in words.
    pub changes: Vec<String>,
}

impl FakeAws {
    /// What the account holds. No call is answered meanwhile.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        // What a test that panicked has left is as good as ever.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides of every call whether it fails.
    pub fn fail(&self, decide: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.account().faults.add(decide);
    }
}

impl Account {
    /// What was changed since the last look.
    pub fn take_changes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.changes)
    }
}
