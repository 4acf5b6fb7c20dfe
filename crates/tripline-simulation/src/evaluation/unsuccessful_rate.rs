//! The alarm on the share of notified devices that were unsuccessful.

use super::evaluator::{Evaluator, Transition};
use super::parameters::Parameters;
use super::series::Series;
use tripline::alarm::{AlarmDefinition, MinSamples};
use tripline::time::Timestamp;

/// Such an alarm, and what the guard-keeper publishes for it.
///
/// The guard-keeper counts once a minute, at a second of its own, and the alarm is evaluated once a minute, at
/// another. Here both are at the same second: what is counted is seen a minute later, which is what it
/// takes in the mean.
#[derive(Debug, Clone)]
pub struct RateEvaluator {
    evaluator: Evaluator,
    least: u32,
    published: Series,
}

/// Devices of a rollout, as the guard-keeper counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountedDevices {
    /// The job was sent to them.
    pub notified: u32,
    /// Of those, the ones that failed, rejected it or timed out, each by its last attempt.
    pub unsuccessful: u32,
}

impl CountedDevices {
    /// Unsuccessful ones in percent of the notified; `None` of fewer than `least`.
    fn percent(self, least: u32) -> Option<f64> {
        let decides = self.notified >= least.max(1);
        decides.then(|| 100.0 * f64::from(self.unsuccessful) / f64::from(self.notified))
    }
}

impl RateEvaluator {
    /// An alarm whose first evaluation is at `first`.
    pub fn new(alarm: &AlarmDefinition, parameters: Parameters, first: Timestamp) -> Self {
        let least = alarm.min_samples.map_or(1, MinSamples::get);
        // A minute has one value, and none as long as there are too few devices.
        let alarm = AlarmDefinition { min_samples: None, ..alarm.clone() };
        // It is metric math.
        let settle_delay = parameters.settle_delay_of_math;
        let evaluator = Evaluator::new(alarm, Parameters { settle_delay, ..parameters }, first);
        Self { evaluator, least, published: Series::without_values(60) }
    }

    /// The alarm as CloudWatch has it.
    pub fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }

    /// Counts at `now`, and evaluates the alarm on what was counted in minutes that are over.
    pub fn evaluate(&mut self, now: Timestamp, counted: CountedDevices) -> Option<Transition> {
        if let Some(percent) = counted.percent(self.least) {
            self.published.add(now.minute(), percent);
        }
        self.evaluator.evaluate(now, &self.published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tripline::alarm::AlarmName;
    use tripline::notification::AlarmState;

    /// When it fires, in minutes from the first count, of an alarm on more than 10 % of 20 devices or more.
    fn fires(counts: &[(u32, u32)]) -> Option<usize> {
        let (name, least) = (AlarmName::new("bad").unwrap(), MinSamples::new(20).unwrap());
        let alarm = AlarmDefinition::on_unsuccessful_rate(name, 10.0, least, Vec::new());
        let at = |minute: i64| Timestamp::from_seconds(600_000 + minute * 60 + 17);
        let mut rate = RateEvaluator::new(&alarm, Parameters::default(), at(0));
        (0..).zip(counts).position(|(minute, (notified, unsuccessful))| {
            let counted = CountedDevices { notified: *notified, unsuccessful: *unsuccessful };
            let transition = rate.evaluate(at(minute), counted);
            transition.is_some_and(|transition| transition.to == AlarmState::Alarm)
        })
    }

    #[test]
    fn more_than_the_limit_of_enough_devices_fires_a_minute_later() {
        for (counts, expected) in [
            // 3 of 20 are 15 %.
            (vec![(20, 3), (20, 3)], Some(1)),
            // 2 of 20 are 10 %, which is on the limit.
            (vec![(20, 2), (20, 2), (21, 3), (30, 3)], Some(3)),
            // All of 19 are too few.
            (vec![(19, 19), (19, 19), (19, 19)], None),
            // The 20th device, and a minute.
            (vec![(19, 19), (20, 19), (20, 19)], Some(2)),
            // More devices make it less: 4 of 40 is on the limit.
            (vec![(20, 1), (40, 4), (60, 6), (60, 6)], None),
            (vec![(0, 0), (0, 0)], None),
        ] {
            assert_eq!(fires(&counts), expected, "{counts:?}");
        }
    }
}
