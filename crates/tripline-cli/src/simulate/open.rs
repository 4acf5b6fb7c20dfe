//! What AWS says in two ways or not at all, each with the name and the default that the core
//! documents.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;
use tripline::rollout::{self, MinExecuted, Retried};
use tripline::time::Timestamp;
use tripline_simulation::evaluation::{self, Interpolation, LowSamples, Window};
use tripline_simulation::simulation::{AbortPlan, AlarmPlan, Elapsed, Scenario};

use crate::input::duration::whole_seconds;

/// How what AWS leaves open is read.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What AWS leaves open")]
pub struct OpenParameters {
    /// How a percentile is taken: from a histogram as CloudWatch seems to, or linearly between the
    /// nearest samples
    #[arg(long, hide_short_help = true, value_enum, default_value = "cloudwatch")]
    percentiles: Percentiles,
    /// Whether a percentile of too few samples counts (`EvaluateLowSampleCountPercentile`)
    #[arg(long, hide_short_help = true, value_enum, default_value = "evaluate")]
    low_samples: Few,
    /// How the periods of an alarm lie: sliding with each evaluation, or aligned to the clock
    #[arg(long, hide_short_help = true, value_enum, default_value = "sliding")]
    window: Periods,
    /// Periods beyond `evaluationPeriods` that are looked at when some are empty
    #[arg(long, hide_short_help = true, value_name = "PERIODS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=1_000))]
    extra_periods: u32,
    /// The same for periods of less than a minute
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "1m", value_parser = whole_seconds(0, 3_600))]
    extra_seconds: u32,
    /// How long a period must have been over before an alarm looks at it
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "9s", value_parser = whole_seconds(0, 3_600))]
    settle_delay: u32,
    /// The same for an alarm with `minSamples`, which is metric math
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "0s", value_parser = whole_seconds(0, 3_600))]
    settle_delay_of_math: u32,
    /// What `minNumberOfExecutedThings` is a number of: executions that have ended, or notified devices
    #[arg(long, hide_short_help = true, value_enum, default_value = "executed")]
    min_executed: Least,
    /// Whether an attempt that is followed by another counts, in metrics and for AWS IoT's abort criteria.
    /// The failure rate and evidence count devices in any case
    #[arg(long, hide_short_help = true, value_enum, default_value = "counted")]
    retried: Attempts,
    /// From the end of an execution until CloudWatch shows its values
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "5s", value_parser = whole_seconds(0, 3_600))]
    publishing_delay: u32,
    /// From an alarm's change of state until the rollout is stopped
    #[arg(long, hide_short_help = true, value_name = "TIME", default_value = "5s", value_parser = whole_seconds(0, 3_600))]
    stop_delay: u32,
    /// When the job is created, in seconds since 1970 [default: 2026-01-01T00:00:00Z]
    #[arg(long, hide_short_help = true, value_name = "SECONDS", default_value_t = 1_767_225_600, hide_default_value = true, value_parser = clap::value_parser!(i64).range(0..=LATEST))]
    start: i64,
}

/// How what AWS leaves open was read, by the names of the options; times in seconds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenData {
    percentiles: String,
    low_samples: String,
    window: String,
    extra_periods: u32,
    extra_seconds: u32,
    settle_delay: u32,
    settle_delay_of_math: u32,
    min_executed: String,
    retried: String,
    publishing_delay: u32,
    stop_delay: u32,
    /// When the job was created, in seconds since 1970.
    start: i64,
}

/// The end of the year 9999, behind which no date can be written.
const LATEST: i64 = 253_402_300_799;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Percentiles {
    Cloudwatch,
    Linear,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Few {
    Evaluate,
    Ignore,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Periods {
    Sliding,
    Aligned,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Least {
    Executed,
    Notified,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Attempts {
    Counted,
    Hidden,
}

impl OpenParameters {
    /// When the job is created.
    pub fn start(&self) -> Timestamp {
        Timestamp::from_seconds(self.start).minute()
    }

    /// Sets what an alarm depends on.
    pub fn set_alarm(&self, plan: &mut AlarmPlan) {
        plan.parameters = evaluation::Parameters {
            extra_periods: self.extra_periods,
            extra_seconds: self.extra_seconds,
            settle_delay: self.settle_delay,
            settle_delay_of_math: self.settle_delay_of_math,
            window: match self.window {
                Periods::Sliding => Window::Sliding,
                Periods::Aligned => Window::Aligned,
            },
            interpolation: match self.percentiles {
                Percentiles::Cloudwatch => Interpolation::Histogram,
                Percentiles::Linear => Interpolation::Linear,
            },
            low_samples: match self.low_samples {
                Few::Evaluate => LowSamples::Evaluate,
                Few::Ignore => LowSamples::Ignore,
            },
        };
        plan.reaction.delay = Elapsed::from_seconds(u64::from(self.stop_delay));
    }

    /// Sets what the abort criteria depend on.
    pub fn set_abort(&self, plan: &mut AbortPlan) {
        plan.parameters = self.rollout();
    }

    /// Sets what a rollout depends on.
    pub fn set_scenario(&self, scenario: &mut Scenario) {
        scenario.parameters = self.rollout();
        scenario.publishing_delay = Elapsed::from_seconds(u64::from(self.publishing_delay));
    }

    /// All of them, for programs.
    pub fn data(&self) -> OpenData {
        OpenData {
            percentiles: name(self.percentiles),
            low_samples: name(self.low_samples),
            window: name(self.window),
            extra_periods: self.extra_periods,
            extra_seconds: self.extra_seconds,
            settle_delay: self.settle_delay,
            settle_delay_of_math: self.settle_delay_of_math,
            min_executed: name(self.min_executed),
            retried: name(self.retried),
            publishing_delay: self.publishing_delay,
            stop_delay: self.stop_delay,
            start: self.start,
        }
    }

    fn rollout(&self) -> rollout::Parameters {
        rollout::Parameters {
            min_executed: match self.min_executed {
                Least::Executed => MinExecuted::Executed,
                Least::Notified => MinExecuted::Notified,
            },
            retried: match self.retried {
                Attempts::Hidden => Retried::Hidden,
                Attempts::Counted => Retried::Counted,
            },
        }
    }
}

/// What an option's value is called on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tripline::alarm::AlarmDefinition;
    use tripline::stop::StopMode;
    use tripline_config::AlarmConfig;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        open: OpenParameters,
    }

    fn alarm() -> AlarmDefinition {
        let text = include_str!("../../../../examples/dev.ini");
        AlarmConfig::parse("dev.ini", text).unwrap().alarms.remove(0)
    }

    #[test]
    fn the_defaults_are_the_core_s() {
        let open = Command::parse_from(["x"]).open;
        let mut plan = AlarmPlan::new(alarm(), StopMode::Cancel);
        let expected = (plan.parameters, plan.reaction);
        open.set_alarm(&mut plan);
        assert_eq!((plan.parameters, plan.reaction), expected);
        assert_eq!(open.rollout(), rollout::Parameters::default());
        assert_eq!(
            Elapsed::from_seconds(u64::from(open.publishing_delay)),
            Scenario::PUBLISHING_DELAY
        );
    }
}
