//! Rules that can hardly ever decide, or that one device decides, and the setting that would change
//! it.

use std::fmt;

use super::Scenario;
use super::evidence::EvidencePlan;
use super::guards::{AbortPlan, AlarmPlan};
use super::outcome::Reached;
use super::trial::Trial;
use tripline::alarm::{self, AlarmDefinition, Evaluation, Limit, MissingData, Statistic};
use tripline::evidence::LimitName;
use tripline::job::EndedCounts;
use tripline::metric::{Metric, NAMESPACE, Outcome};
use tripline::rollout::AbortCriterion;
use tripline::text::excerpt;

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
/// The share of the devices that may be notified before a rule can decide.
const LATE: f64 = 0.1;
/// The share of the endings after which a rollout is as good as over.
const MOST: f64 = 0.9;

/// What is to be known of the rules that guard a rollout, before any run under them. `unguarded` is
/// the rollout by the minute without its guards ([`Record::minutes`](super::Record)): how fast devices
/// are notified and end depends on the devices, since a rate may rise with every success. With `trial`
/// another percentile or period is tried before it is hinted at.
pub fn advice(
    scenario: &Scenario,
    unguarded: &[Reached],
    alarms: &[AlarmPlan],
    abort: &AbortPlan,
    trial: &Trial<'_>,
) -> Vec<Advice> {
    let mut all = Vec::new();
    let course = Course { minutes: unguarded, devices: scenario.devices() };
    for (index, plan) in alarms.iter().enumerate() {
        let mut advise = |problem: String, setting, hint: String| {
            all.push(Advice { rule: plan.alarm.name.to_string(), problem, setting, hint });
        };
        let helps = |alarm| trial.is_better(index, alarm);
        of_alarm(scenario, course, plan, &helps, &mut advise);
    }
    for criterion in &abort.criteria {
        let rule = format!("abortConfig {}", criterion.failure.name());
        of_criterion(scenario, *criterion, &mut |problem: String, setting, hint: String| {
            all.push(Advice { rule: rule.clone(), problem, setting, hint });
        });
    }
    if let Some(plan) = trial.evidence() {
        all.extend(of_evidence(plan, scenario.devices()));
    }
    if alarms.is_empty() && abort.criteria.is_empty() && trial.evidence().is_none() {
        all.push(Advice {
            rule: "rollout".to_owned(),
            problem: "nothing guards it".to_owned(),
            setting: "alarmList",
            hint: "name an alarm".to_owned(),
        });
    }
    all
}

/// Limits that a rollout to so few devices can never be found to be beyond.
fn of_evidence(plan: &EvidencePlan, devices: u32) -> impl Iterator<Item = Advice> {
    plan.limits().too_small_for(devices).into_iter().filter_map(move |limit| {
        let setting = match limit.limit {
            LimitName::Rung(_) | LimitName::Timeout(_) => "unfinishedLimits",
            LimitName::Failed => "failedLimit",
            LimitName::Count | LimitName::FailedCurve => return None,
        };
        Some(Advice {
            rule: "evidence".to_owned(),
            problem: format!("{devices} devices cannot decide a limit: {limit}"),
            setting,
            hint: "a lower limit, or a higher `falseStops`".to_owned(),
        })
    })
}

type Advise<'a> = &'a mut dyn FnMut(String, &'static str, String);
/// Whether an alarm would do better.
type Helps<'a> = &'a dyn Fn(AlarmDefinition) -> bool;

fn of_alarm(
    scenario: &Scenario,
    course: Course<'_>,
    plan: &AlarmPlan,
    helps: Helps<'_>,
    advise: Advise<'_>,
) {
    let alarm = &plan.alarm;
    if alarm.is_on_unsuccessful_rate() {
        return of_unsuccessful_rate(scenario, alarm, advise);
    }
    let Some(metric) = plan.metric() else {
        let known = Metric::ALL.into_iter().any(|metric| metric.name() == alarm.metric);
        return if known {
            advise(
                format!(
                    "its namespace `{}` is not Tripline's, so a simulation knows nothing of it",
                    excerpt(&alarm.namespace)
                ),
                "namespace",
                format!("`{NAMESPACE}`"),
            );
        } else {
            advise(
                format!(
                    "its metric `{}` is not Tripline's, so a simulation knows nothing of it",
                    excerpt(&alarm.metric)
                ),
                "metricName",
                format!("a metric of the namespace `{NAMESPACE}`"),
            );
        };
    };
    let period = alarm.period.seconds();
    samples(plan, course, metric, helps, advise);
    reach(scenario, course, plan, metric, advise);
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
    let m = alarm.evaluation.datapoints_to_alarm();
    let needs = f64::from(m) * f64::from(period) / 60.0;
    let notified = course.all_notified_after();
    if notified.is_some_and(|notified| needs > f64::from(notified)) {
        let problem = format!(
            "{} {} {}, and by then all devices are notified ({})",
            counted(m.into(), "period"),
            if m == 1 { "takes" } else { "take" },
            counted(needs.ceil(), "minute"),
            counted(notified.unwrap_or_default().into(), "minute"),
        );
        advise(
            problem,
            "datapointsToAlarm",
            "fewer or shorter periods, or a slower rollout".to_owned(),
        );
    }
}

/// An alarm on a share decides once there are enough devices, at whatever rate they come.
fn of_unsuccessful_rate(scenario: &Scenario, alarm: &AlarmDefinition, advise: Advise<'_>) {
    let least = alarm.min_samples.map_or(1, alarm::MinSamples::get);
    let devices = scenario.devices();
    if devices < least {
        advise(
            format!("it waits for {least} notified devices, and there are {devices}"),
            "minSamples",
            format!("{devices} at most"),
        );
    }
    let one = 100.0 / f64::from(least);
    if one > alarm.threshold {
        let limit = alarm.threshold;
        advise(
            format!(
                "one failing device decides: of {least} devices it is {one:.1} %, and more than {limit} % is too much"
            ),
            "minSamples",
            match limit > 0.0 {
                true => format!("{:.0} or more", (200.0 / limit).ceil()),
                false => "a limit above 0 %".to_owned(),
            },
        );
    }
}

/// How a rollout goes that nobody stops, by the minute.
#[derive(Debug, Clone, Copy)]
struct Course<'a> {
    minutes: &'a [Reached],
    devices: u32,
}

impl Course<'_> {
    /// Devices notified by the end of so many minutes.
    fn notified_by(&self, minutes: f64) -> u32 {
        // A float that is too large is as good as the last minute.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = (minutes.ceil() as usize).min(self.minutes.len()).checked_sub(1);
        index.and_then(|index| self.minutes.get(index)).map_or(0, |reached| reached.notified)
    }

    /// The minutes after which all devices are notified, if ever.
    fn all_notified_after(&self) -> Option<u32> {
        let all = self.minutes.iter().position(|reached| reached.notified >= self.devices)?;
        u32::try_from(all + 1).ok()
    }

    /// The periods of so many seconds that end with a minute, from the first value of a metric until
    /// most devices have ended; at least the first one.
    fn periods(&self, metric: Metric, seconds: u32) -> Vec<Period> {
        let length = usize::try_from(seconds.div_ceil(60)).unwrap_or(1).max(1);
        let part = f64::from(seconds.min(60)) / 60.0;
        let ended = |reached: &Reached| reached.progress.ended.executed();
        let most = self.minutes.last().map_or(0.0, |end| f64::from(ended(end)) * MOST);
        let first = self.minutes.partition_point(|reached| ended(reached) == 0) + length;
        let last = self.minutes.partition_point(|reached| f64::from(ended(reached)) < most);
        let values = |minute: usize| {
            let reached = self.minutes.get(minute).or(self.minutes.last());
            reached.map_or(0, |reached| values(&reached.progress.ended, metric))
        };
        let period = |end: usize| Period {
            samples: f64::from(values(end) - values(end - length)) * part,
            notified: self.minutes.get(end).map_or(self.devices, |reached| reached.notified),
        };
        (first..=last.max(first)).map(period).collect()
    }
}

/// A period of a rollout.
#[derive(Debug, Clone, Copy)]
struct Period {
    samples: f64,
    /// Devices notified by its end.
    notified: u32,
}

/// How many endings give a metric a value.
fn values(endings: &EndedCounts, metric: Metric) -> u32 {
    match metric {
        Metric::DownloadTime | Metric::RetryCount => endings.succeeded + endings.failed,
        Metric::Count(Outcome::Succeeded) => endings.succeeded,
        // In a healthy rollout there are none. At most it is all of them.
        _ => endings.executed(),
    }
}

/// Whether a period has as many samples as the rule needs.
fn samples(
    plan: &AlarmPlan,
    course: Course<'_>,
    metric: Metric,
    helps: Helps<'_>,
    advise: Advise<'_>,
) {
    let alarm = &plan.alarm;
    let period = alarm.period.seconds();
    let periods = course.periods(metric, period);
    let usual = usual_samples(&periods);
    let least = alarm.min_samples.map(|least| f64::from(least.get()));
    if let Some(least) = least
        && let Some((found, when)) = too_few(course, &periods, least)
    {
        let problem = format!(
            "a period has about {} and decides from {least} on, so {when}",
            counted(found.floor(), "sample")
        );
        return advise(
            problem,
            "minSamples",
            format!(
                "at most {:.0}, or a period of {:.0} s",
                found.floor().max(1.0),
                minutes_for(least, found, f64::from(period))
            ),
        );
    }
    let Statistic::Percentile(percentile) = alarm.statistic else {
        if matches!(alarm.statistic, Statistic::Maximum | Statistic::Minimum) {
            advise(
                format!("one device decides a period: {} is that device's value", alarm.statistic),
                "stat",
                "a percentile, such as p90".to_owned(),
            );
        }
        return;
    };
    let tail = 1.0 - percentile.get() / 100.0;
    let needed = 1.0 / tail.min(1.0 - tail).max(1e-4);
    if least.unwrap_or(0.0).max(usual) <= needed * (1.0 + 1e-9) {
        let problem = format!(
            "{percentile} of about {} a period is the value of one or two devices (from {:.0} samples on it is more)",
            counted(usual.floor(), "sample"),
            10.0 * needed
        );
        let lower = (100.0 - 1_000.0 / usual.max(20.0)).floor();
        let longer = minutes_for(10.0 * needed, usual, f64::from(period));
        let (setting, hint) = more_devices(alarm, lower, longer, helps);
        advise(problem, setting, hint);
    } else if least.is_none() {
        let problem = format!(
            "with less than {needed:.0} samples, as at the beginning and at the end of a rollout, one device decides a period of {percentile}"
        );
        advise(problem, "minSamples", format!("{:.0} or more", (2.0 * needed).min(usual.floor())));
    }
}

/// A lower percentile or a longer period has more devices decide. It may also come too late, or see
/// no slow device at all, so that only what was tried and helps is hinted at.
fn more_devices(
    alarm: &AlarmDefinition,
    lower: f64,
    longer: f64,
    helps: Helps<'_>,
) -> (&'static str, String) {
    let percentile = Statistic::parse(&format!("p{lower}"))
        .map(|statistic| AlarmDefinition { statistic, ..alarm.clone() });
    let (stat, period) = (format!("p{lower}"), format!("a period of {longer:.0} s"));
    match (percentile.is_some_and(helps), with_period(alarm, longer).is_some_and(helps)) {
        (true, true) => ("stat", format!("{stat}, or {period}")),
        (true, false) => ("stat", stat),
        (false, true) => ("period", format!("{longer:.0}")),
        (false, false) => (
            "stat",
            format!(
                "neither {stat} nor {period} alone would help; compare it with examples/guards/recommended.ini"
            ),
        ),
    }
}

/// The same alarm with another period, if CloudWatch takes it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A float too large is no period.
fn with_period(now: &AlarmDefinition, seconds: f64) -> Option<AlarmDefinition> {
    let period = alarm::Period::new(seconds as u32).ok()?;
    let (m, n) = (now.evaluation.datapoints_to_alarm(), now.evaluation.evaluation_periods());
    let evaluation = Evaluation::new(m, n, period).ok()?;
    Some(AlarmDefinition { period, evaluation, ..now.clone() })
}

/// The median.
fn usual_samples(periods: &[Period]) -> f64 {
    let mut sizes: Vec<f64> = periods.iter().map(|period| period.samples).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// How many samples a period has instead, and when, if that is less than `least` always, or until
/// more than a tenth of the devices are notified.
fn too_few(course: Course<'_>, periods: &[Period], least: f64) -> Option<(f64, String)> {
    let early = periods.iter().take_while(|period| period.samples < least).count();
    let found = usual_samples(periods.get(..early).unwrap_or_default());
    let Some(enough) = periods.get(early) else {
        return Some((found, "it hardly ever decides".to_owned()));
    };
    let late = f64::from(enough.notified) > f64::from(course.devices) * LATE;
    late.then(|| {
        let when = format!(
            "it decides nothing until {} of {} devices were notified",
            enough.notified, course.devices
        );
        (found, when)
    })
}

/// The period, in whole minutes of seconds, that has `wanted` samples.
fn minutes_for(wanted: f64, per_period: f64, period: f64) -> f64 {
    (wanted / per_period.max(1.0) * period / 60.0).ceil() * 60.0
}

/// Whether a download time over the threshold can be seen at all, and how late.
fn reach(
    scenario: &Scenario,
    course: Course<'_>,
    plan: &AlarmPlan,
    metric: Metric,
    advise: Advise<'_>,
) {
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
    // The devices of a steady load have begun long ago.
    if scenario.fleet.steady.is_none() {
        late(scenario, course, threshold / 60.0, advise);
    }
}

/// A slow device says so when it ends, and by then others are notified.
fn late(scenario: &Scenario, course: Course<'_>, minutes: f64, advise: Advise<'_>) {
    let (notified, devices) = (course.notified_by(minutes), f64::from(course.devices));
    if f64::from(notified) <= devices * LATE {
        return;
    }
    let problem = format!(
        "the first device over {:.0} s says so after {}, when about {notified} of {devices} devices were notified",
        minutes * 60.0,
        counted(minutes.ceil(), "minute"),
    );
    let most = (devices * LATE / minutes.max(1.0)).floor();
    let now = scenario.rollout.rate.first();
    if most < 1.0 {
        advise(problem, "threshold", "lower, or first a job for a few devices alone".to_owned());
    } else if f64::from(now) <= most {
        advise(problem, "numberOfSucceededThings", "more, so that the rate rises later".to_owned());
    } else {
        advise(
            problem,
            "baseRatePerMinute",
            format!("at most {most:.0} until devices have succeeded (now {now})"),
        );
    }
}

/// `1 minute`, `2 minutes`.
fn counted(number: f64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1.0 { "" } else { "s" })
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
