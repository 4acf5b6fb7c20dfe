//! What can be asked, and that there may be no answer.

use tripline_aws::Failure;

/// What a check needs to be asked. Each is one or a few calls, made once whatever the number of
/// checks that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    Resources,
    OwnAlarms,
    Events,
    Rule,
    RuleRole,
    Generator,
    GeneratorRole,
    Ingest,
    Stopper,
    StopperRole,
    Keeper,
    KeeperRole,
    Runner,
    RunnerRole,
    Undelivered,
    Topics,
    Filters,
    StopSubscription,
    Sms,
    Key,
    Health,
    Job,
    Tags,
    Kept,
    Evidence,
    Counted,
    Alarms,
    Config,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum NoAnswer {
    /// It was not asked: the check does not say that it needs it.
    NotAsked,
    /// The stack does not say what to ask for.
    NoOutput(&'static str),
    /// Nobody has said which job.
    NoJob,
    /// The call failed.
    Failed(Failure),
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An answer, or why there is none.
pub type Answer<T> = Result<T, NoAnswer>;
