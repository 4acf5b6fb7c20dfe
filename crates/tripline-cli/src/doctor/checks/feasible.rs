//! Whether a job's alarms can decide anything at the rate at which it is rolled out. The simulator
//! says: it is the job's own rate and timeout, and a healthy fleet.

use std::num::NonZeroUsize;

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm};
use aws_sdk_iot::types::{Job, RateIncreaseCriteria};
use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, Limit, MinSamples, MissingData, Period, Statistic,
    alarm_name_prefix,
};
use tripline::job::JobId;
use tripline::rollout::{Exponential, Factor, Rate, RolloutConfig, Timeout};
use tripline::stop::StopMode;
use tripline::time::Timestamp;
use tripline_guard::desired::{FailureRate, parameter_of, watches_evidence};
use tripline_simulation::simulation::{
    AbortPlan, Advice, AlarmPlan, Detail, Fleet, Runs, Scenario, Simulator, Trial, advice,
};

use super::guarded::{arm_command, described_job, job_alarms, job_arn};
use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven};
use tripline_guard::definition::failure_rate_of;
use tripline_guard::request::SAMPLES;
use tripline_guard::request::VALUE;

pub const CHECKS: &[Check] = &[
    Check {
        name: "alarm-has-enough-samples",
        about: About::Job,
        proves: "at the job's rate, each alarm gets enough samples to decide, and no single device decides",
        why: "an alarm that never gets enough samples never fires; one that a single device decides fires falsely",
        needs: &[Need::Job, Need::Alarms],
        judge: judge_alarm_has_enough_samples,
        fix: None,
    },
    Check {
        name: "alarm-fires-in-time",
        about: About::Job,
        proves: "an alarm can fire before AWS IoT has notified a tenth of the devices (`--devices` says how many)",
        why: "a slow device reports only when it ends, and by then every device has the firmware",
        needs: &[Need::Job, Need::Alarms],
        judge: judge_alarm_fires_in_time,
        fix: None,
    },
];

/// Settings that other checks are about.
const ELSEWHERE: [&str; 4] =
    ["namespace", "metricName", "treatMissingData", "inProgressTimeoutInMinutes"];
/// Settings of the job's rate.
const PACE: [&str; 2] = ["baseRatePerMinute", "numberOfSucceededThings"];
/// Most devices that are simulated; more change nothing for an alarm.
const MOST: u32 = 240_000;

fn judge_alarm_has_enough_samples(facts: &Facts) -> CheckResult {
    let (advice, judged) = advice_for_job(facts)?;
    judge_advice(
        facts,
        advice.into_iter().filter(|advice| {
            !ELSEWHERE.contains(&advice.setting) && !PACE.contains(&advice.setting)
        }),
        format!("{judged} judged at the job's rate"),
    )
}

fn judge_alarm_fires_in_time(facts: &Facts) -> CheckResult {
    if facts.job()?.devices.is_none() {
        return Err(NotProven::skipped("`--devices` does not say how many there are"));
    }
    let (advice, _) = advice_for_job(facts)?;
    judge_advice(
        facts,
        advice.into_iter().filter(|advice| PACE.contains(&advice.setting)),
        "slow enough".to_owned(),
    )
}

fn judge_advice(facts: &Facts, advice: impl Iterator<Item = Advice>, sound: String) -> CheckResult {
    let advice: Vec<Advice> = advice.collect();
    if advice.is_empty() {
        return Ok(sound);
    }
    let what: Vec<String> =
        advice.iter().map(|advice| format!("`{}`: {}", advice.rule, advice.problem)).collect();
    let arn = job_arn(facts)?;
    let mut fixes: Vec<String> = Vec::new();
    let mut is_own = false;
    for advice in &advice {
        match parameter_of(&advice.rule, advice.setting) {
            Some(parameter) => fixes.extend([
                format!("# tripline:{parameter}: {}", advice.hint),
                format!(
                    "aws iot tag-resource --resource-arn {} --tags Key=tripline:{parameter},Value=..",
                    quoted(&arn)
                ),
            ]),
            None => {
                is_own = true;
                fixes.push(format!("# {}: {}", advice.setting, advice.hint));
            }
        }
    }
    if is_own {
        fixes.push(format!(
            "tripline simulate {}   # tries it\n{}",
            quoted(facts.job()?.config_file()),
            arm_command(facts)?
        ));
    }
    Err(NotProven::finding(what.join("; "), fixes.join("\n")))
}

/// Runs in which a hint is tried before it is given.
const TRIED: u32 = 5;

/// What the simulator says of the job's alarms, and of how many of them.
fn advice_for_job(facts: &Facts) -> Result<(Vec<Advice>, usize), NotProven> {
    let (alarms, job) = (job_alarms(facts)?, described_job(facts)?);
    let id = &facts.job()?.id;
    let shares: Vec<FailureRate> =
        alarms.iter().filter_map(|alarm| failure_rate_of(alarm, id)).collect();
    let plans: Vec<AlarmPlan> = alarms
        .iter()
        // What a rollout is too small for, its limits say.
        .filter(|alarm| !watches_evidence(alarm))
        .filter_map(|alarm| definition(alarm, id))
        .map(|alarm| AlarmPlan::new(alarm, StopMode::Cancel))
        .collect();
    if plans.is_empty() && shares.is_empty() {
        return Err(NotProven::skipped("no alarm of the job shows a rule of Tripline's kind"));
    }
    let rollout = rollout(job);
    let devices = facts.job()?.devices.unwrap_or_else(|| devices_to_decide(&rollout, &plans));
    let scenario =
        Scenario::new(Fleet::healthy(devices.min(MOST)), rollout, Timestamp::from_seconds(0));
    let course = Simulator::new(&scenario, &[]).run(0, 0, Detail::Full).record.unwrap_or_default();
    let abort = AbortPlan::new(Vec::new());
    let few = Runs { seed: 0, runs: TRIED, threads: NonZeroUsize::MIN };
    let trial = Trial::new(&scenario, None, &plans, &abort, few);
    let mut all = advice(&scenario, &course.minutes, &plans, &abort, &trial);
    // These go by what AWS IoT counts, at whatever rate.
    all.extend(shares.iter().filter_map(one_decides));
    if let Some(devices) = facts.job()?.devices {
        all.extend(shares.iter().filter_map(|rate| never_decides(rate, devices)));
    }
    Ok((all, plans.len() + shares.len()))
}

/// Where there are fewer devices than the least number of executions.
fn never_decides(rate: &FailureRate, devices: u32) -> Option<Advice> {
    let least = rate.min_executions.get();
    (devices < least).then(|| Advice {
        rule: rate.name.to_string(),
        problem: format!("it waits for {least} executions, and there are {devices} devices"),
        setting: "minSamples",
        hint: format!("{devices} at most"),
    })
}

/// Where one failure among the fewest executions is over the limit.
fn one_decides(rate: &FailureRate) -> Option<Advice> {
    let least = rate.min_executions.get();
    let one = 100.0 / f64::from(least);
    (one > rate.limit).then(|| Advice {
        rule: rate.name.to_string(),
        problem: format!(
            "one failing device decides: of {least} executions it is {one:.1} %, and more than {} % is too much",
            rate.limit
        ),
        setting: "minSamples",
        hint: match rate.limit > 0.0 {
            true => format!("{:.0} or more", (200.0 / rate.limit).ceil()),
            false => "a limit above 0 %".to_owned(),
        },
    })
}

/// A rollout so long that its length keeps no alarm from deciding: how many devices there will be is
/// known only when the job is complete.
fn devices_to_decide(rollout: &RolloutConfig, plans: &[AlarmPlan]) -> u32 {
    let needs = |plan: &AlarmPlan| {
        let period = plan.alarm.period.seconds().div_ceil(60);
        (20 * period).max(2 * period.saturating_mul(plan.alarm.evaluation.datapoints_to_alarm()))
    };
    let minutes = plans.iter().map(needs).max().unwrap_or(0).max(240);
    minutes.saturating_mul(rollout.rate.maximum()).min(MOST)
}

/// A job's rate and timeout, as the simulator knows them.
fn rollout(job: &Job) -> RolloutConfig {
    let positive = |number: i32| u32::try_from(number).ok().filter(|number| *number > 0);
    let config = job.job_executions_rollout_config();
    let maximum =
        config.and_then(|config| positive(config.maximum_per_minute()?)).unwrap_or(Rate::QUOTA);
    let exponential = config.and_then(|config| config.exponential_rate()).and_then(|rate| {
        let criteria = rate.rate_increase_criteria();
        let every = |number: fn(&RateIncreaseCriteria) -> Option<i32>| {
            criteria.and_then(number).and_then(positive)
        };
        Some(Exponential {
            base: positive(rate.base_rate_per_minute())?,
            factor: Factor::new(rate.increment_factor()).ok()?,
            notified: every(RateIncreaseCriteria::number_of_notified_things),
            succeeded: every(RateIncreaseCriteria::number_of_succeeded_things),
            maximum,
        })
    });
    let timeout = job.timeout_config().and_then(|config| config.in_progress_timeout_in_minutes());
    RolloutConfig {
        rate: exponential.map_or(Rate::Constant(maximum), Rate::Exponential),
        timeout: timeout.and_then(|minutes| Timeout::new(u32::try_from(minutes).ok()?).ok()),
        ..RolloutConfig::default()
    }
}

/// An alarm of Tripline's kind, as the config would say it.
fn definition(alarm: &MetricAlarm, job: &JobId) -> Option<AlarmDefinition> {
    let queries = alarm.metrics();
    let stat = queries
        .iter()
        .find(|query| query.id() == Some(VALUE))
        .and_then(|query| query.metric_stat());
    // Metric math of another shape is not simulated.
    if !queries.is_empty() && stat.is_none() {
        return None;
    }
    let metric = stat.and_then(|stat| stat.metric());
    let positive = |number: i32| u32::try_from(number).ok();
    let statistic = stat
        .and_then(|stat| stat.stat())
        .or(alarm.extended_statistic())
        .or_else(|| alarm.statistic().map(|statistic| statistic.as_str()))?;
    let period =
        Period::new(positive(stat.and_then(|stat| stat.period()).or(alarm.period())?)?).ok()?;
    let n = positive(alarm.evaluation_periods()?)?;
    let m = alarm.datapoints_to_alarm().and_then(positive).unwrap_or(n);
    let name = alarm.alarm_name()?;
    let name = name.strip_prefix(&alarm_name_prefix(job)).unwrap_or(name);
    Some(AlarmDefinition {
        name: AlarmName::new(name).ok()?,
        namespace: metric.and_then(|metric| metric.namespace()).or(alarm.namespace())?.to_owned(),
        metric: metric.and_then(|metric| metric.metric_name()).or(alarm.metric_name())?.to_owned(),
        statistic: Statistic::parse(statistic)?,
        period,
        threshold: alarm.threshold()?,
        limit: match alarm.comparison_operator()? {
            ComparisonOperator::LessThanThreshold
            | ComparisonOperator::LessThanOrEqualToThreshold => Limit::Lower,
            _ => Limit::Upper,
        },
        evaluation: Evaluation::new(m, n, period).ok()?,
        missing_data: alarm
            .treat_missing_data()
            .and_then(MissingData::parse)
            .unwrap_or(MissingData::Missing),
        min_samples: queries.iter().find_map(|query| {
            let (_, rest) = query.expression()?.split_once(&format!("{SAMPLES} >= "))?;
            MinSamples::new(rest.split_once(',')?.0.trim().parse().ok()?).ok()
        }),
        topics: Vec::new(),
    })
}
