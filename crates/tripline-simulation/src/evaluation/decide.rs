use tripline::alarm::{Evaluation, MissingData};

/// One period, as an evaluation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// It has no value.
    Missing,
    /// Its value is within the threshold.
    Good,
    /// Its value is beyond the threshold.
    Breaching,
}

/// What an evaluation makes of the periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// `ALARM`
    Alarm,
    /// `OK`
    Ok,
    /// `INSUFFICIENT_DATA`
    InsufficientData,
    /// Whatever the state was.
    Keep,
}

/// Decides on the periods of the evaluation range, the newest first.
///
/// Real points come before any treatment of missing ones, and the range is longer than N so that
/// more of them are found. AWS's prose leaves two cases open, which recordings settle: a lone fresh
/// breach is no alarm yet, and a good point among the points overrules the rule against missing an
/// alarm.
pub fn decide(newest_first: &[Point], evaluation: Evaluation, missing: MissingData) -> Decision {
    let (m, n) = (evaluation.datapoints_to_alarm(), evaluation.evaluation_periods());
    let Real { good, breaching, oldest_breaching } = Real::of(newest_first, n);
    let empty = n.saturating_sub(good + breaching);
    if breaching >= m {
        return Decision::Alarm;
    }
    if good > n - m {
        return Decision::Ok;
    }
    match missing {
        MissingData::Breaching if breaching + empty >= m => Decision::Alarm,
        MissingData::Breaching | MissingData::NotBreaching => Decision::Ok,
        MissingData::Ignore if good == 0 => Decision::Keep,
        MissingData::Missing if good == 0 => match oldest_breaching {
            // All points are breaching or missing, and the oldest breach leaves the range soon.
            Some(age) if age >= m => Decision::Alarm,
            _ => Decision::InsufficientData,
        },
        MissingData::Ignore | MissingData::Missing => Decision::Ok,
    }
}

/// The newest points that are not missing, at most N.
pub(super) struct Real {
    pub good: u32,
    pub breaching: u32,
    /// The age in periods of the oldest that is breaching; the newest period has age 1.
    pub oldest_breaching: Option<u32>,
}

impl Real {
    pub fn of(newest_first: &[Point], n: u32) -> Self {
        let mut real = Self { good: 0, breaching: 0, oldest_breaching: None };
        for (age, point) in (1..).zip(newest_first) {
            if real.good + real.breaching >= n {
                break;
            }
            match point {
                Point::Missing => {}
                Point::Good => real.good += 1,
                Point::Breaching => {
                    real.breaching += 1;
                    real.oldest_breaching = Some(age);
                }
            }
        }
        real
    }
}
