use tripline::alarm::{AlarmDefinition, Statistic};

/// What of CloudWatch's evaluation AWS does not publish, or leaves to the alarm's creator. The
/// defaults fit everything that was documented or recorded; none of them is promised by AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// Periods beyond N that are looked at when some are empty, for periods of a minute and more:
    /// 0 and up, default 2. AWS says only that the number "depends on the length of the alarm
    /// period"; its tables show 5 for N = 3.
    pub extra_periods: u32,
    /// Seconds beyond N periods that are looked at when some are empty, for periods of less than a
    /// minute: 0 and up, default 60. Recorded transitions of alarms with a period of 10 s fit
    /// N + 6 periods and no other number.
    pub extra_seconds: u32,
    /// Seconds that a period must have been over before an alarm on a single metric looks at it:
    /// 0 and up, default 9. Recorded transitions fit 8.8 to 9.2 s.
    pub settle_delay: u32,
    /// The same for an alarm on metric math, which is what [`AlarmDefinition::min_samples`] makes
    /// of an alarm: default 0. Recorded transitions show no delay.
    pub settle_delay_of_math: u32,
    /// How the periods lie.
    pub window: Window,
    /// How a percentile is taken of the values of a period.
    pub interpolation: Interpolation,
    /// Whether a percentile of few samples counts (`EvaluateLowSampleCountPercentile`).
    pub low_samples: LowSamples,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            extra_periods: 2,
            extra_seconds: 60,
            settle_delay: 9,
            settle_delay_of_math: 0,
            window: Window::Sliding,
            interpolation: Interpolation::Histogram,
            low_samples: LowSamples::Evaluate,
        }
    }
}

/// How the periods of an alarm lie in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Window {
    /// They slide: with each evaluation they move on by a minute, or by 10 s where the period is
    /// less than a minute. AWS's default ("the window advances by one minute, and the boundaries
    /// of the window are not aligned to the wall clock").
    #[default]
    Sliding,
    /// They begin at multiples of the period. For alarms on wall-clock windows, which look at
    /// exactly N periods.
    Aligned,
}

/// How a percentile is taken of samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// As CloudWatch does, as far as recorded answers show: the samples are sorted into bins whose
    /// bounds are powers of 1.1, and the percentile is interpolated geometrically within its bin.
    /// It can be off by up to a tenth of the value.
    #[default]
    Histogram,
    /// Linearly between the two nearest of the sorted samples, as most statistics packages do.
    Linear,
}

/// What an alarm on a percentile does with too few samples. AWS, "Percentile-based alarms and low
/// data samples"
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html>):
/// too few are less than 10/(1 - p) for p from 0.5 to below 1 (p99: 1,000), and less than 10/p
/// below 0.5.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LowSamples {
    /// It is evaluated as ever. The default, as in CloudWatch.
    #[default]
    Evaluate,
    /// The alarm keeps its state. AWS does not say which of the N periods has to have too few;
    /// here it is any that would be evaluated.
    Ignore,
}

/// Seconds of a day: an alarm that looks back farther is evaluated by the hour.
const DAY: u64 = 86_400;

impl Parameters {
    /// Seconds between two evaluations of an alarm: 10, 60 or 3,600 ("Alarm evaluation": by the
    /// minute, every 10 s for periods below a minute, and by the hour when N periods are more than
    /// a day).
    pub fn cadence(&self, alarm: &AlarmDefinition) -> u32 {
        if is_multi_day(alarm) {
            3_600
        } else if alarm.period.seconds() < 60 {
            10
        } else {
            60
        }
    }

    /// How many periods are looked at: N and those beyond.
    pub fn range(&self, alarm: &AlarmDefinition) -> u32 {
        let n = alarm.evaluation.evaluation_periods();
        let period = alarm.period.seconds();
        match self.window {
            Window::Aligned => n,
            Window::Sliding if period < 60 => n.saturating_add(self.extra_seconds / period),
            Window::Sliding => n.saturating_add(self.extra_periods),
        }
    }

    /// When the newest period ends that an evaluation at `now` looks at, in seconds since the
    /// epoch.
    pub(super) fn newest_end(&self, alarm: &AlarmDefinition, now: i64) -> i64 {
        let (delay, step) = if is_multi_day(alarm) {
            // Such an alarm takes the data up to the top of the hour into account.
            (0, 3_600)
        } else {
            let step = match self.window {
                Window::Aligned => alarm.period.seconds(),
                Window::Sliding => self.cadence(alarm),
            };
            (if is_math(alarm) { self.settle_delay_of_math } else { self.settle_delay }, step)
        };
        let settled = now.saturating_sub(i64::from(delay));
        settled.saturating_sub(settled.rem_euclid(i64::from(step)))
    }

    /// Whether a percentile of so many samples says too little to be looked at.
    pub(super) fn is_too_few(&self, statistic: Statistic, samples: u64) -> bool {
        let Statistic::Percentile(percentile) = statistic else { return false };
        let Some(needed) = samples_needed(percentile.get()) else { return false };
        self.low_samples == LowSamples::Ignore && samples < needed
    }
}

/// Samples from which AWS calls a percentile statistically significant; `None` for p0 and p100.
pub(crate) fn samples_needed(percentile: f64) -> Option<u64> {
    // In hundredths of a percent, so that p99 needs 1,000 and not 1,001.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let hundredths = (percentile * 100.0).round() as u64;
    let tail = if hundredths < 5_000 { hundredths } else { 10_000_u64.saturating_sub(hundredths) };
    (tail > 0).then(|| 100_000_u64.div_ceil(tail))
}

/// A period with too few values decides nothing: in CloudWatch that takes metric math.
fn is_math(alarm: &AlarmDefinition) -> bool {
    alarm.min_samples.is_some()
}

fn is_multi_day(alarm: &AlarmDefinition) -> bool {
    let n = u64::from(alarm.evaluation.evaluation_periods());
    n * u64::from(alarm.period.seconds()) > DAY
}
