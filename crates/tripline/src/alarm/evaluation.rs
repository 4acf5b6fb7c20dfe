use super::Period;

/// M of N: an alarm fires when at least `m` of the last `n` periods breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    m: u32,
    n: u32,
}

/// M and N, or N and the period, that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvaluation {
    /// M > N.
    #[error("datapointsToAlarm {m} is more than evaluationPeriods {n}")]
    MoreThanThereAre {
        /// M
        m: u32,
        /// N
        n: u32,
    },
    /// N x period is more than CloudWatch looks back.
    #[error(
        "evaluationPeriods {n} x period {period} is {seconds} seconds (expected at most {most})"
    )]
    LooksTooFarBack {
        /// N
        n: u32,
        /// Seconds of a period.
        period: u32,
        /// N x period.
        seconds: u64,
        /// One day, or seven days for periods of an hour and more.
        most: u64,
    },
}

impl Evaluation {
    /// The newest period alone decides.
    pub const ONE_OF_ONE: Self = Self { m: 1, n: 1 };

    /// Checks M (`datapointsToAlarm`) and N (`evaluationPeriods`), both at least 1, for a period.
    /// N x period is at most one day, or seven days for periods of an hour and more.
    pub fn new(m: u32, n: u32, period: Period) -> Result<Self, InvalidEvaluation> {
        if m > n {
            return Err(InvalidEvaluation::MoreThanThereAre { m, n });
        }
        let seconds = u64::from(n) * u64::from(period.seconds());
        let most = if period.seconds() < 3_600 { 86_400 } else { 604_800 };
        if seconds > most {
            let period = period.seconds();
            return Err(InvalidEvaluation::LooksTooFarBack { n, period, seconds, most });
        }
        Ok(Self { m: m.max(1), n: n.max(1) })
    }

    /// M, `datapointsToAlarm`.
    pub fn datapoints_to_alarm(self) -> u32 {
        self.m
    }

    /// N, `evaluationPeriods`.
    pub fn evaluation_periods(self) -> u32 {
        self.n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_looks_back_a_day_or_seven() {
        let evaluation = |m, n, period| Evaluation::new(m, n, Period::new(period).unwrap());
        for good in [(3, 5, 60), (1, 1_440, 60), (1, 24, 3_600), (7, 7, 86_400), (168, 168, 3_600)]
        {
            assert!(evaluation(good.0, good.1, good.2).is_ok(), "{good:?}");
        }
        assert_eq!(
            evaluation(6, 5, 60).unwrap_err().to_string(),
            "datapointsToAlarm 6 is more than evaluationPeriods 5"
        );
        assert_eq!(
            evaluation(1, 1_441, 60).unwrap_err().to_string(),
            "evaluationPeriods 1441 x period 60 is 86460 seconds (expected at most 86400)"
        );
        assert!(evaluation(1, 169, 3_600).is_err());
        assert!(evaluation(1, u32::MAX, 604_800).is_err());
    }
}
