//! Rules that can hardly ever decide, or that one device decides, and the setting that would change
//! it.

use std::fmt;

use super::Scenario;
use super::guards::{AbortPlan, AlarmPlan};
use crate::alarm::{Limit, MissingData, Statistic};
use crate::metric::{Metric, Outcome};
use crate::rollout::AbortCriterion;

/// One thing to know before a rule is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The rule: an alarm's name, or `abortConfig` with its failure type.
    pub rule: String,
    /// What is wrong with it.
    pub problem: String,
    /// The setting that changes it, by its name in `dev.ini`.
    pub setting: &'static str,
    /// What to set it to.
    pub hint: String,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}\n  hint: {}: {}", self.rule, self.problem, self.setting, self.hint)
    }
}

/// Failures from which a share of them is more than chance: with fewer than five, one device more
/// or less changes it by a fifth or more.
const FEW_FAILURES: u32 = 5;

/// What is to be known of the rules that guard a rollout, before any run. Rates are those of a
/// rollout under way, in which as many devices end per minute as are told.
pub fn advice(scenario: &Scenario, alarms: &[AlarmPlan], abort: &AbortPlan) -> Vec<Advice> {
    let mut all = Vec::new();
    for plan in alarms {
        let mut advise = |problem: String, setting, hint: String| {
            all.push(Advice { rule: plan.alarm.name.to_string(), problem, setting, hint });
        };
        of_alarm(scenario, plan, &mut advise);
    }
    for criterion in &abort.criteria {
        let rule = format!("abortConfig {}", criterion.failure.name());
        of_criterion(scenario, *criterion, &mut |problem: String, setting, hint: String| {
            all.push(Advice { rule: rule.clone(), problem, setting, hint });
        });
    }
    if alarms.is_empty() && abort.criteria.is_empty() {
        all.push(Advice {
            rule: "rollout".to_owned(),
            problem: "nothing guards it".to_owned(),
            setting: "alarmList",
            hint: "name an alarm".to_owned(),
        });
    }
    all
}

type Advise<'a> = &'a mut dyn FnMut(String, &'static str, String);

fn of_alarm(scenario: &Scenario, plan: &AlarmPlan, advise: Advise<'_>) {
    let alarm = &plan.alarm;
    let Some(metric) = plan.metric() else {
        let problem = format!(
            "its metric `{}` is not Tripline's, so a simulation knows nothing of it",
            alarm.metric
        );
        return advise(
            problem,
            "metricName",
            "a metric of the namespace `IoT:OTA:JobExecution`".to_owned(),
        );
    };
    let rate = f64::from(scenario.rollout.rate.maximum().min(scenario.devices()));
    let period = f64::from(alarm.period.seconds());
    let told = (rate * period / 60.0).min(f64::from(scenario.devices()));
    let per_period = told * share_that_reports(scenario, metric);
    samples(
        alarm.statistic,
        alarm.min_samples.map(|least| f64::from(least.get())),
        per_period,
        period,
        advise,
    );
    reach(scenario, plan, metric, advise);
    match alarm.missing_data {
        MissingData::Missing => advise(
            "with `missing`, a single breaching period between empty ones can fire long after the last report".to_owned(),
            "treatMissingData", "notBreaching".to_owned(),
        ),
        MissingData::Breaching => advise(
            "with `breaching`, it fires before any device can have reported".to_owned(),
            "treatMissingData", "notBreaching".to_owned(),
        ),
        MissingData::Ignore | MissingData::NotBreaching => {}
    }
    let m = f64::from(alarm.evaluation.datapoints_to_alarm());
    let minutes = f64::from(scenario.devices()) / rate.max(1.0);
    if m * period / 60.0 > minutes {
        let problem = format!(
            "{m} periods take {:.0} minutes, and by then all devices are told ({minutes:.0} minutes)",
            m * period / 60.0
        );
        advise(
            problem,
            "datapointsToAlarm",
            "fewer or shorter periods, or a slower rollout".to_owned(),
        );
    }
}

/// Which part of the executions gives a metric a value.
fn share_that_reports(scenario: &Scenario, metric: Metric) -> f64 {
    let fleet = &scenario.fleet;
    let answers = 1.0 - fleet.unreachable.get() - fleet.silent.get() - fleet.rejecting.get();
    match metric {
        Metric::DownloadTime | Metric::RetryCount => answers,
        Metric::Count(Outcome::Succeeded) => answers - fleet.failing.get(),
        // A statistic of these is of ones: how many there are says nothing about one device.
        _ => 1.0,
    }
    .max(0.0)
}

fn samples(
    statistic: Statistic,
    least: Option<f64>,
    per_period: f64,
    period: f64,
    advise: Advise<'_>,
) {
    let expected = per_period.floor();
    if let Some(least) = least.filter(|least| *least > per_period) {
        let problem = format!(
            "a period has about {expected} samples and decides from {least} on, so it hardly ever decides"
        );
        return advise(
            problem,
            "minSamples",
            format!(
                "at most {:.0}, or a period of {:.0} s",
                expected.max(1.0),
                minutes_for(least, per_period, period)
            ),
        );
    }
    let Statistic::Percentile(percentile) = statistic else {
        if matches!(statistic, Statistic::Maximum | Statistic::Minimum) {
            advise(
                format!("one device decides a period: {statistic} is that device's value"),
                "stat",
                "a percentile, such as p90".to_owned(),
            );
        }
        return;
    };
    let tail = 1.0 - percentile.get() / 100.0;
    let needed = 1.0 / tail.min(1.0 - tail).max(1e-4);
    if least.unwrap_or(0.0).max(per_period) <= needed * (1.0 + 1e-9) {
        let problem = format!(
            "{percentile} of about {expected} samples a period is the value of one or two devices (from {:.0} samples on it is more)",
            10.0 * needed
        );
        let lower = (100.0 - 1_000.0 / per_period.max(20.0)).floor();
        advise(
            problem,
            "stat",
            format!(
                "p{lower}, or a period of {:.0} s",
                minutes_for(10.0 * needed, per_period, period)
            ),
        );
    } else if least.is_none() {
        let problem = format!(
            "with less than {needed:.0} samples, as at the beginning and at the end of a rollout, one device decides a period of {percentile}"
        );
        advise(
            problem,
            "minSamples",
            format!("{:.0} or more", (2.0 * needed).min(per_period.floor())),
        );
    }
}

/// The period, in whole minutes of seconds, that has `wanted` samples.
fn minutes_for(wanted: f64, per_period: f64, period: f64) -> f64 {
    (wanted / per_period.max(1e-9) * period / 60.0).ceil() * 60.0
}

/// Whether a download time over the threshold can be seen at all, and how late.
fn reach(scenario: &Scenario, plan: &AlarmPlan, metric: Metric, advise: Advise<'_>) {
    if metric != Metric::DownloadTime || plan.alarm.limit != Limit::Upper {
        return;
    }
    let threshold = plan.alarm.threshold;
    if let Some(timeout) = scenario.rollout.timeout {
        let timeout = f64::from(timeout.minutes()) * 60.0;
        if timeout <= threshold {
            let problem = format!(
                "a device that is in progress for {timeout} s times out and reports no download time, so none is over {threshold} s"
            );
            return advise(
                problem,
                "threshold",
                format!("below {timeout}; or an alarm on timedOutCount"),
            );
        }
    } else if plan.alarm.missing_data != MissingData::Breaching {
        let problem = "a device that never answers is never seen: nothing ends it".to_owned();
        advise(
            problem,
            "inProgressTimeoutInMinutes",
            "above the threshold, with an alarm or abort criterion on timeouts".to_owned(),
        );
    }
    let first = scenario.rollout.rate;
    let minutes = threshold / 60.0;
    let told = exposed_by(scenario, minutes);
    let devices = f64::from(scenario.devices());
    if told > devices / 10.0 {
        let problem = format!(
            "the first device over {threshold} s says so after {minutes:.0} minutes, when about {told:.0} of {devices} devices were told"
        );
        advise(
            problem,
            "baseRatePerMinute",
            format!(
                "below {:.0} until devices have succeeded (now {})",
                (devices / 100.0 / minutes).max(1.0),
                first.first()
            ),
        );
    }
}

/// Devices told in so many minutes at the first rate, which is the least.
fn exposed_by(scenario: &Scenario, minutes: f64) -> f64 {
    let told = f64::from(scenario.rollout.rate.first()) * minutes;
    told.min(f64::from(scenario.devices()))
}

fn of_criterion(scenario: &Scenario, criterion: AbortCriterion, advise: Advise<'_>) {
    let (least, percent) = (criterion.min_executed, criterion.threshold.percent());
    if least > scenario.devices() {
        let problem =
            format!("it waits for {least} devices of {}, so it never decides", scenario.devices());
        return advise(
            problem,
            "minNumberOfExecutedThings",
            format!("at most a tenth: {}", (scenario.devices() / 10).max(1)),
        );
    }
    let failures = f64::from(least) * percent / 100.0;
    if failures < f64::from(FEW_FAILURES) {
        let needed = (f64::from(FEW_FAILURES) * 100.0 / percent).ceil();
        let who = if failures <= 1.0 {
            "one failing device decides".to_owned()
        } else {
            format!("{:.0} failing devices decide", failures.ceil())
        };
        let problem = format!(
            "{who} at {least} executed things: {percent} % of them is {failures:.1} devices"
        );
        advise(problem, "minNumberOfExecutedThings", format!("{needed:.0} or more"));
    }
    if criterion.failure.includes(Outcome::TimedOut)
        && !criterion.failure.includes(Outcome::Failed)
        && scenario.rollout.timeout.is_none()
    {
        advise(
            "nothing ever times out".to_owned(),
            "inProgressTimeoutInMinutes",
            "a time that a healthy device never needs".to_owned(),
        );
    }
}
