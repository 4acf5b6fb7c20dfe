//! In whose AWS a command changes something: said before it does, since a profile or a variable is easily that of
//! another account; and said with a call that AWS refuses.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_sts::Client;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use tripline_aws::{Failure, FailureKind, SdkConfig};

/// Longest wait for who asks: nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(4);

/// Of the first connection: a command has one Region, and whatever else it asks for is of the same account.
static FIRST: OnceLock<SdkConfig> = OnceLock::new();
static CALLER: OnceLock<Caller> = OnceLock::new();
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// Who asks AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The number of the account.
    pub account: String,
    /// The user or role.
    pub arn: String,
}

/// Remembers where the command asks.
pub fn remember(config: &SdkConfig) {
    // The first one counts.
    FIRST.set(config.clone()).ok();
}

/// The account, if AWS has said it.
pub fn account() -> Option<String> {
    CALLER.get().map(|caller| caller.account.clone())
}

/// The Region, once the command has asked for AWS.
pub fn region() -> Option<String> {
    FIRST.get().and_then(|config| config.region().map(ToString::to_string))
}

/// Says in whose account and in which Region a command is about to change something.
pub async fn say_place(config: &SdkConfig) {
    let region = config.region().map_or("", AsRef::as_ref);
    let place = match caller(config).await {
        Ok(caller) => format!("account {}, Region {region}", caller.account),
        Err(failure) if failure.code().is_some() => {
            format!("account not known ({}), Region {region}", failure.in_short())
        }
        // Nobody answered, or there are no credentials: what comes next says so.
        Err(_) => format!("account not known, Region {region}"),
    };
    // A command that runs another one says it once.
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.as_deref() != Some(&place) {
        eprintln!("{place}");
        *said = Some(place);
    }
}

/// Who asks. AWS answers that to whoever has credentials, without a right.
async fn caller(config: &SdkConfig) -> Result<Caller, Failure> {
    const OPERATION: &str = "GetCallerIdentity";
    if let Some(caller) = CALLER.get() {
        return Ok(caller.clone());
    }
    let config = aws_sdk_sts::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(PATIENCE).build())
        .build();
    let identity = Client::from_conf(config).get_caller_identity().send().await;
    let identity = identity.map_err(|error| Failure::from_sdk(OPERATION, &error))?;
    let (Some(account), Some(arn)) = (identity.account, identity.arn) else {
        let text = "the answer has no account";
        return Err(Failure::new(OPERATION, FailureKind::Unavailable, text));
    };
    let caller = Caller { account, arn };
    CALLER.set(caller.clone()).ok();
    Ok(caller)
}

/// The same failure with where it happened, if it may be that somewhere else was meant.
pub async fn located(failure: Failure) -> Failure {
    let Some(config) = FIRST.get() else { return failure };
    if !matches!(failure.kind, FailureKind::Denied | FailureKind::NotFound) {
        return failure;
    }
    let region = config.region().map_or("", AsRef::as_ref);
    // Whoever has no credentials, or bad ones, is nobody.
    match caller(config).await {
        Ok(Caller { account, arn }) => {
            failure.with_more(format!("\n  in account {account}, Region {region}, as {arn}"))
        }
        Err(_) => failure.with_more(format!("\n  in Region {region}")),
    }
}
