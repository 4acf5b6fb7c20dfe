//! The limits that evidence of a job is compared with, and whether they can decide anything.

use tripline::baseline::Baseline;
use tripline::evidence::{LimitName, Limits, TooSmall};
use tripline::gate::MoreDevices;
use tripline_aws::iot;
use tripline_config::{EvidenceConfig, GuardConfig, Unfinished};
use tripline_guard::desired::KeptConfig;

use crate::aws::commands::quoted;
use crate::doctor::check::{About, Check};
use crate::doctor::facts::{Facts, Need};
use crate::doctor::result::{CheckResult, NotProven};

use super::guarded::{arm_command, described_job, job_arn};
use super::job::desired;
use super::keeper::keeper_function;

const NEEDS: &[Need] = &[Need::Job, Need::Tags, Need::Kept, Need::Keeper];

pub const CHECKS: &[Check] = &[
    Check {
        name: "evidence-limits",
        about: About::Job,
        proves: "the job's own limits are within its timeout",
        why: "no execution lasts longer than the timeout, so such a limit counts only timeouts",
        needs: NEEDS,
        judge: judge_ages,
        fix: None,
    },
    Check {
        name: "evidence-baseline",
        about: About::Job,
        proves: "the baseline of the job's limits comes from several rollouts and at least 500 devices",
        why: "one rollout does not show how much rollouts differ, and few devices say little about the slowest",
        needs: NEEDS,
        judge: judge_baseline,
        fix: None,
    },
    Check {
        name: "evidence-size",
        about: About::Job,
        proves: "the rollout has enough devices for its limits to stop it (`--devices` says how many)",
        why: "even if every device fails, evidence never reaches the value that stops the rollout",
        needs: NEEDS,
        judge: judge_size,
        fix: None,
    },
];

/// Fewer devices than this are a thin baseline.
const DEVICES: u32 = 500;

/// The limits of a job.
pub struct JobLimits {
    pub config: EvidenceConfig,
    /// What the config names, or why it cannot be used.
    pub baseline: Option<Result<Baseline, String>>,
    /// They were declared for this job, and are not the stack's.
    pub is_own: bool,
    /// They were, and evidence is to stop the rollout.
    pub stops: bool,
    timeout: Option<u32>,
}

/// The limits by which evidence of the job is computed.
pub fn job_limits(facts: &Facts) -> Result<JobLimits, NotProven> {
    keeper_function(facts)?;
    let timeout = iot::job_of(described_job(facts)?).timeout;
    let is = facts.job()?;
    is.tags.as_ref()?;
    is.first_seen.as_ref()?;
    let item = is.kept_config.as_ref()?.as_ref();
    let own = match item {
        None => None,
        Some(item) => {
            let read = GuardConfig::parse("the stored config", &item.config).ok();
            let unusable =
                || NotProven::elsewhere("the stored config is invalid", "guarded-by-keeper");
            Some(read.filter(|config| !config.is_empty()).ok_or_else(unusable)?)
        }
    };
    let kept = own.as_ref().map_or(KeptConfig::None, |config| KeptConfig::Alarms {
        alarms: &config.alarms.alarms,
        evidence: config.evidence.as_ref(),
        alert_only: item.is_some_and(|item| item.alert_only),
        fills: config.alarms.default_guard,
    });
    let desired = desired(facts, kept)
        .ok_or_else(|| NotProven::Unknown("what the job is to have is not known".to_owned()))?;
    let is_own = own.is_some_and(|config| config.evidence.is_some());
    let stops = is_own && desired.evidence_stops(facts.stack.output("ForceStopTopicArn")?);
    let config =
        desired.evidence.ok_or_else(|| NotProven::skipped("no limits are declared for the job"))?;
    let text = item.and_then(|item| item.baseline.as_deref());
    let baseline = config.baseline().map(|file| match text {
        Some(text) => Baseline::parse(text).map_err(|why| why.to_string()),
        None => Err(format!("`{}` is not stored", tripline::text::excerpt(file))),
    });
    Ok(JobLimits { config, baseline, is_own, stops, timeout })
}

impl JobLimits {
    /// The limits with the job's timeout, as the guard-keeper has them.
    pub fn limits(&self) -> Result<Limits, NotProven> {
        let unusable = || NotProven::elsewhere("its baseline cannot be used", "evidence-baseline");
        let baseline = match &self.baseline {
            None => None,
            Some(baseline) => Some(baseline.as_ref().map_err(|_| unusable())?),
        };
        let config = self.config.clone().with_timeout(self.timeout);
        config.limits(baseline, true).map_err(|_| unusable())
    }
}

fn judge_ages(facts: &Facts) -> CheckResult {
    let limits = job_limits(facts)?;
    let in_words = limits.limits()?.in_words().to_string();
    let (Unfinished::Declared(pairs), Some(timeout)) = (&limits.config.unfinished, limits.timeout)
    else {
        return Ok(in_words);
    };
    match pairs.iter().find(|(age, _)| *age > timeout) {
        // The stack's are for jobs of every timeout.
        Some((age, _)) if limits.is_own => Err(NotProven::finding(
            format!("the limit at {age} minutes lies beyond the job's timeout of {timeout}"),
            format!("{}   # with `unfinishedLimits` up to {timeout} minutes", arm_command(facts)?),
        )),
        _ => Ok(in_words),
    }
}

fn judge_baseline(facts: &Facts) -> CheckResult {
    let limits = job_limits(facts)?;
    let with = |hint: &str| Ok::<_, NotProven>(format!("{}   # {hint}", arm_command(facts)?));
    let baseline = match &limits.baseline {
        None => return Ok("none: the limits are declared".to_owned()),
        Some(Ok(baseline)) => baseline,
        Some(Err(why)) => {
            let what = format!("the job's baseline cannot be used: {why}");
            return Err(NotProven::finding(what, with("with the baseline beside its config")?));
        }
    };
    if let Err(why) = limits.config.limits(Some(baseline), true) {
        let what = format!("the job's baseline cannot be used: {why}");
        return Err(NotProven::finding(what, with("with a `slowerBy` that it allows")?));
    }
    let (rollouts, devices) = (baseline.rollouts(), baseline.devices());
    let of = format!(
        "of {rollouts} rollout{} and {devices} devices",
        if rollouts == 1 { "" } else { "s" }
    );
    if rollouts == 1 || devices < DEVICES {
        let hint = format!("with a baseline of several rollouts and {DEVICES} devices or more");
        return Err(NotProven::finding(format!("the job's baseline is {of}"), with(&hint)?));
    }
    Ok(of)
}

fn judge_size(facts: &Facts) -> CheckResult {
    let limits = job_limits(facts)?;
    let Some(devices) = facts.job()?.devices else {
        return Err(NotProven::skipped("`--devices` does not say how many there are"));
    };
    let of = limits.limits()?;
    let small = of.too_small_for(devices);
    let is_age = |limit: LimitName| matches!(limit, LimitName::Rung(_) | LimitName::Timeout(_));
    let ages = of.names().filter(|limit| is_age(*limit)).count();
    let small_ages: Vec<&TooSmall> = small.iter().filter(|small| is_age(small.limit)).collect();
    // A baseline has an early limit that takes hundreds of devices, and others that take few.
    let matter = limits.baseline.is_none() || small_ages.len() == ages;
    let failed = small.iter().filter(|small| small.limit == LimitName::Failed);
    let undecided: Vec<String> =
        small_ages.into_iter().filter(|_| matter).chain(failed).map(ToString::to_string).collect();
    if undecided.is_empty() {
        let more = MoreDevices::needed(of.clears_at(), devices);
        let clearance = more.map_or_else(String::new, |more| format!("; clearance: {more}"));
        return Ok(format!("{devices} devices{clearance}"));
    }
    let fix = match limits.is_own {
        true => format!("{}   # with lower limits, or a higher `falseStops`", arm_command(facts)?),
        false => format!(
            "aws iot tag-resource --resource-arn {} --tags Key=tripline:EvidenceFalseStops,Value=..   # a higher percentage",
            quoted(&job_arn(facts)?)
        ),
    };
    let what = format!("{devices} devices are too few to decide: {}", undecided.join(", "));
    Err(NotProven::finding(what, fix))
}
