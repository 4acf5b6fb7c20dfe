use super::{OPERATOR_REASON_CODE, REASON_CODE};

/// The reason code of a job that AWS IoT has canceled by the job's own abort criteria ..
const ABORT_REASON_CODE: &str = "ABORT_CANCEL";
/// .. and how its comment begins then. Anybody may use the code alone.
const ABORT_COMMENT: &str = "Abort criteria for failure type ";

/// Who has canceled a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canceler {
    /// An alarm, by the force-stopper.
    Alarm,
    /// The job's own abort criteria.
    AbortCriteria,
    /// An operator, with `tripline stop`.
    Operator,
    /// Anybody else.
    Somebody,
}

impl Canceler {
    /// Reads it from what the job says of its cancellation.
    pub fn from_reason(reason_code: Option<&str>, comment: Option<&str>) -> Self {
        let aborted = || comment.is_some_and(|text| text.starts_with(ABORT_COMMENT));
        match reason_code {
            Some(REASON_CODE) => Self::Alarm,
            Some(ABORT_REASON_CODE) if aborted() => Self::AbortCriteria,
            Some(OPERATOR_REASON_CODE) => Self::Operator,
            _ => Self::Somebody,
        }
    }

    /// Whether it is the rollout's guard.
    pub fn is_guard(self) -> bool {
        matches!(self, Self::Alarm | Self::AbortCriteria)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_known_by_code_and_comment() {
        let abort = "Abort criteria for failure type FAILED with threshold 10.00% met.";
        for (code, comment, canceler) in [
            (Some("TRIPLINE_ALARM"), None, Canceler::Alarm),
            (Some("ABORT_CANCEL"), Some(abort), Canceler::AbortCriteria),
            (Some("ABORT_CANCEL"), Some("lunch"), Canceler::Somebody),
            (Some("TRIPLINE_OPERATOR"), Some(abort), Canceler::Operator),
            (None, Some(abort), Canceler::Somebody),
        ] {
            assert_eq!(Canceler::from_reason(code, comment), canceler);
        }
    }

    #[test]
    fn no_person_is_a_guard() {
        let all =
            [Canceler::Alarm, Canceler::AbortCriteria, Canceler::Operator, Canceler::Somebody];
        assert_eq!(all.map(Canceler::is_guard), [true, true, false, false]);
    }
}
