//! What time it is at AWS: every answer says so, a refusal for a wrong clock too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_cloudformation::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_cloudformation::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_cloudformation::error::BoxError;
use aws_sdk_cloudformation::primitives::{DateTime, DateTimeFormat};
use tripline_aws::{Failure, FailureKind};

use crate::exit::Error;

/// AWS refuses calls that are signed with a clock that is five minutes off.
const REFUSED: i64 = 240;

/// By how many seconds the local clock is ahead, as of the last answer.
#[derive(Debug, Clone, Default)]
pub struct Dates(Arc<Mutex<Option<i64>>>);

impl Dates {
    /// Seconds by which the local clock is ahead, if AWS has said what time it is.
    pub fn ahead(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time at AWS, in seconds since the epoch.
    pub fn now(&self) -> i64 {
        here() - self.ahead().unwrap_or(0)
    }

    /// A refusal that a wrong clock may have caused, with that as its hint.
    pub fn explain(&self, error: Error) -> Error {
        match (error, self.ahead()) {
            (Error::Aws(failure), Some(ahead)) if ahead.abs() > REFUSED => {
                let hint = format!(
                    "this machine's clock is {} s {} AWS's: set it, for example with `sudo timedatectl set-ntp true`",
                    ahead.abs(),
                    if ahead > 0 { "ahead of" } else { "behind" }
                );
                let detail = failure.detail().to_owned();
                Failure::new(failure.operation, FailureKind::Denied, detail)
                    .with_hint(hint)
                    .with_command("sudo timedatectl set-ntp true")
                    .into()
            }
            (error, _) => error,
        }
    }

    fn note(&self, date: &str, now: i64) {
        if let Ok(date) = DateTime::from_str(date, DateTimeFormat::HttpDate) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now - date.secs());
        }
    }
}

fn here() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.note(date, here());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_by_how_much_the_clock_is_ahead() {
        let dates = Dates::default();
        assert_eq!(dates.ahead(), None);
        dates.note("Fri, 20 Nov 2026 19:14:31 GMT", 1_795_202_071 + 90);
        assert_eq!(dates.ahead(), Some(90));
        dates.note("yesterday", 0);
        assert_eq!(dates.ahead(), Some(90));
    }

    #[test]
    fn a_refusal_for_a_wrong_clock_says_so() {
        let dates = Dates::default();
        let refusal = || {
            Error::Aws(Failure::new(
                "DescribeStacks",
                FailureKind::Denied,
                "SignatureDoesNotMatch: Signature expired",
            ))
        };
        assert_eq!(dates.explain(refusal()).to_string(), refusal().to_string());
        dates.note("Fri, 20 Nov 2026 19:14:31 GMT", 1_795_202_071 - 700);
        assert_eq!(
            dates.explain(refusal()).to_string(),
            "DescribeStacks: SignatureDoesNotMatch: Signature expired\n  hint: this machine's clock is 700 s behind AWS's: set it, for example with `sudo timedatectl set-ntp true`"
        );
    }
}
