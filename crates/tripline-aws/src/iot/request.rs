//! How a job is to be rolled out, as AWS IoT is asked for it.

use aws_sdk_iot::error::BuildError;
use aws_sdk_iot::types::{
    AbortAction, AbortConfig, AbortCriteria, ExponentialRolloutRate, JobExecutionFailureType,
    JobExecutionsRetryConfig, JobExecutionsRolloutConfig, RateIncreaseCriteria, RetryCriteria,
    RetryableFailureType, TimeoutConfig,
};
use tripline::metric::Outcome;
use tripline::release::hold::{Exponential as KeptExponential, HELD_RATE, Rates};
use tripline::rollout::{FailureType, Rate, RolloutConfig};

/// How many devices a minute.
pub fn rate(rate: Rate) -> JobExecutionsRolloutConfig {
    let config = JobExecutionsRolloutConfig::builder();
    match rate {
        Rate::Constant(maximum) => config.maximum_per_minute(int(maximum)).build(),
        Rate::Exponential(exponential) => {
            let rate = exponential_rate(KeptExponential {
                base: exponential.base,
                factor: exponential.factor.get(),
                notified: exponential.notified,
                succeeded: exponential.succeeded,
            });
            config
                .maximum_per_minute(int(exponential.maximum))
                .set_exponential_rate(rate.ok())
                .build()
        }
    }
}

fn exponential_rate(rate: KeptExponential) -> Result<ExponentialRolloutRate, BuildError> {
    let criteria = (rate.notified.is_some() || rate.succeeded.is_some()).then(|| {
        RateIncreaseCriteria::builder()
            .set_number_of_notified_things(rate.notified.map(int))
            .set_number_of_succeeded_things(rate.succeeded.map(int))
            .build()
    });
    ExponentialRolloutRate::builder()
        .base_rate_per_minute(int(rate.base))
        .increment_factor(rate.factor)
        .set_rate_increase_criteria(criteria)
        .build()
}

/// When AWS IoT itself gives up; `None`: never.
///
/// # Errors
/// None that a checked config leads to: every member is set.
pub fn abort(rollout: &RolloutConfig) -> Result<Option<AbortConfig>, BuildError> {
    if rollout.abort.is_empty() {
        return Ok(None);
    }
    let criteria = rollout.abort.iter().map(|criterion| {
        AbortCriteria::builder()
            .failure_type(match criterion.failure {
                FailureType::All => JobExecutionFailureType::All,
                FailureType::Failed => JobExecutionFailureType::Failed,
                FailureType::Rejected => JobExecutionFailureType::Rejected,
                FailureType::TimedOut => JobExecutionFailureType::TimedOut,
            })
            .action(AbortAction::Cancel)
            .threshold_percentage(criterion.threshold.percent())
            .min_number_of_executed_things(int(criterion.min_executed))
            .build()
    });
    let criteria = criteria.collect::<Result<_, _>>()?;
    AbortConfig::builder().set_criteria_list(Some(criteria)).build().map(Some)
}

/// How often a device tries again; `None`: never.
///
/// # Errors
/// As [`abort`].
pub fn retries(rollout: &RolloutConfig) -> Result<Option<JobExecutionsRetryConfig>, BuildError> {
    let kinds = [
        (RetryableFailureType::Failed, rollout.retries.after(Outcome::Failed)),
        (RetryableFailureType::TimedOut, rollout.retries.after(Outcome::TimedOut)),
    ];
    let criteria: Vec<_> = kinds
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| {
            RetryCriteria::builder().failure_type(kind).number_of_retries(i32::from(count)).build()
        })
        .collect::<Result<_, _>>()?;
    if criteria.is_empty() {
        return Ok(None);
    }
    JobExecutionsRetryConfig::builder().set_criteria_list(Some(criteria)).build().map(Some)
}

/// How long an execution may be in progress; `None`: for ever.
pub fn timeout(rollout: &RolloutConfig) -> Option<TimeoutConfig> {
    rollout.timeout.map(|timeout| {
        TimeoutConfig::builder()
            .in_progress_timeout_in_minutes(i64::from(timeout.minutes()))
            .build()
    })
}

/// The least rate there is. `UpdateJob` replaces the member whole, so that a rate that rises goes with it.
pub fn held_rate() -> JobExecutionsRolloutConfig {
    JobExecutionsRolloutConfig::builder().maximum_per_minute(int(HELD_RATE)).build()
}

/// The rates of a job, to be kept while it is held.
pub fn rates_of(config: Option<&JobExecutionsRolloutConfig>) -> Rates {
    let number = |number: i32| u32::try_from(number).ok();
    let Some(config) = config else { return Rates::default() };
    Rates {
        maximum: config.maximum_per_minute.and_then(number),
        exponential: config.exponential_rate.as_ref().map(|rate| KeptExponential {
            base: number(rate.base_rate_per_minute).unwrap_or(1),
            factor: rate.increment_factor,
            notified: rate
                .rate_increase_criteria
                .as_ref()
                .and_then(|on| on.number_of_notified_things.and_then(number)),
            succeeded: rate
                .rate_increase_criteria
                .as_ref()
                .and_then(|on| on.number_of_succeeded_things.and_then(number)),
        }),
    }
}

/// The rates that a job had before it was held. One that had none gets AWS IoT's own highest one: a member
/// cannot be taken away again.
///
/// # Errors
/// As [`abort`].
pub fn restored(rates: Rates) -> Result<JobExecutionsRolloutConfig, BuildError> {
    let config = JobExecutionsRolloutConfig::builder();
    let maximum = rates.maximum.unwrap_or(Rate::QUOTA);
    let exponential = rates.exponential.map(exponential_rate).transpose()?;
    Ok(config.maximum_per_minute(int(maximum)).set_exponential_rate(exponential).build())
}

/// The limits of the checked types are far below.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_as_they_were_once_a_hold_is_over() {
        let rising = KeptExponential { base: 5, factor: 1.5, notified: None, succeeded: Some(20) };
        for rates in [
            Rates { maximum: Some(50), exponential: None },
            Rates { maximum: Some(500), exponential: Some(rising) },
        ] {
            assert_eq!(rates_of(Some(&restored(rates).unwrap())), rates);
        }
        let none = restored(Rates::default()).unwrap();
        assert_eq!(rates_of(Some(&none)), Rates { maximum: Some(1_000), exponential: None });
        assert_eq!(rates_of(Some(&held_rate())), Rates { maximum: Some(1), exponential: None });
    }
}
