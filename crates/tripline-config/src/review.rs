//! What is worth saying of a `dev.ini` that has no fault.

use tripline::alarm::{AlarmDefinition, Limit, MissingData, Statistic, Topic};
use tripline::faults::Fault;
use tripline::metric::{DIMENSION, Metric, NAMESPACE, Outcome};
use tripline::rollout::{AbortCriterion, Rate};
use tripline::text::excerpt;

use crate::deploy::DeployConfig;
use crate::keys::{ALARM_PREFIX, DEFAULT};
use crate::rollout::section_of;
use crate::things::{TargetKind, ThingList};
use crate::values::TargetSelection;

/// What is said of a config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// What does not do what it seems to.
    pub findings: Vec<Remark>,
    /// What people should know.
    pub notes: Vec<Remark>,
}

/// One thing to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remark {
    /// The line of the config that it is about.
    pub line: Option<usize>,
    /// What there is to see.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Remark {
    fn new(text: String, hint: &str) -> Self {
        Self { line: None, text, hint: Some(hint.to_owned()) }
    }

    fn plain(text: String) -> Self {
        Self { line: None, text, hint: None }
    }

    fn at(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }
}

impl From<Fault> for Remark {
    fn from(fault: Fault) -> Self {
        Self { line: fault.line, text: fault.text, hint: fault.hint }
    }
}

impl DeployConfig {
    /// Looks at how the parts of a config go together, for these targets.
    pub fn review(&self, things: &ThingList) -> Review {
        let targets = Targets::of(self, things);
        let findings = [
            self.no_delivery_channel(),
            self.miscounted(&targets),
            self.endless(&targets),
            self.without_delay(),
            self.rate_never_rises(),
            self.late(&targets),
        ];
        let mut findings: Vec<_> = findings.into_iter().flatten().collect();
        findings.extend(self.hasty());
        if let Some(devices) = targets.devices.filter(|_| self.waves.is_none()) {
            findings.extend(self.unmet(devices));
        }
        for alarm in &self.alarms.alarms {
            findings.extend(self.blind(alarm));
            findings.extend(self.without_values(alarm));
            findings.extend(self.too_demanding(alarm, &targets));
        }
        let notes = [self.uncounted(&targets), self.patient(), self.echoing()];
        let of_keys = self.notes.iter().chain(&self.unswitched).cloned().map(Remark::from);
        let mut notes: Vec<_> = of_keys.chain(notes.into_iter().flatten()).collect();
        notes.extend(self.alarms.alarms.iter().filter_map(|alarm| self.in_seconds(alarm)));
        Review { findings, notes }
    }

    /// Abort criteria that so many devices of one job can never meet.
    pub fn unmet(&self, devices: u32) -> Vec<Remark> {
        let most = devices.saturating_mul(self.attempts());
        let unmet = self.rollout.abort.iter().filter(|criterion| criterion.min_executed > most);
        let remark = |criterion: &AbortCriterion| {
            let text = format!(
                "`[{}]` never aborts the job: minNumberOfExecutedThings is {}, and there are {most} executions at most",
                section_of(criterion.failure),
                criterion.min_executed
            );
            Remark::new(text, "lower `minNumberOfExecutedThings` below the number of devices")
                .at(self.line_of(criterion))
        };
        unmet.map(remark).collect()
    }

    /// Where a criterion says from how many executions on it counts.
    fn line_of(&self, criterion: &AbortCriterion) -> Option<usize> {
        self.lines.of(&section_of(criterion.failure), "minNumberOfExecutedThings")
    }

    /// Where the rate at first is said, if it is.
    fn line_of_rate(&self) -> Option<usize> {
        match self.rollout.rate {
            _ if !self.staged => self.lines.of(DEFAULT, "useJobExecutionsRolloutConfig"),
            Rate::Constant(_) => self.lines.of("JOB_EXECUTE_ROLLOUT_CONFIG", "maximumPerMinute"),
            Rate::Exponential(_) => self.lines.of("EXP_RATE_CONFIG", "baseRatePerMinute"),
        }
    }

    /// Where a key of an alarm stands.
    fn line_in(&self, alarm: &AlarmDefinition, key: &str) -> Option<usize> {
        self.lines.of(&format!("{ALARM_PREFIX}{}", alarm.name), key)
    }

    /// How many executions a device can have, its retries counted.
    fn attempts(&self) -> u32 {
        let retries = &self.rollout.retries;
        1 + u32::from(retries.after(Outcome::Failed)) + u32::from(retries.after(Outcome::TimedOut))
    }

    fn no_delivery_channel(&self) -> Option<Remark> {
        (self.stream.is_none() && self.presigned.is_none() && self.document.is_none()).then(|| {
            Remark::new(
                "the job document does not say where the firmware is".to_owned(),
                "name a stream (`streamId`), or let a URL be made (`usePresignedUrlConfig = True`)",
            )
        })
    }

    fn miscounted(&self, targets: &Targets) -> Option<Remark> {
        let said = self.device_count?;
        let Targets { things, groups, .. } = *targets;
        let wrong = if groups == 0 { said != things } else { said < things };
        wrong.then(|| {
            let rest = if groups == 0 { "" } else { ", and groups besides" };
            Remark::plain(format!(
                "deviceCount is {said}, and the thing list has {things} things{rest}"
            ))
            .at(self.lines.of(DEFAULT, "deviceCount"))
        })
    }

    /// The end of a job that goes on for ever is known by counting.
    fn endless(&self, targets: &Targets) -> Option<Remark> {
        let counts = self.selection == TargetSelection::Continuous && targets.groups > 0;
        (counts && self.device_count.is_none()).then(|| {
            Remark::new(
                "deviceCount is missing: a CONTINUOUS job is known to have reached its groups only if that is counted, which is done up to 10000 devices".to_owned(),
                "set `deviceCount` to the number of devices",
            )
            .at(self.lines.of(DEFAULT, "targetSelection"))
        })
    }

    fn without_delay(&self) -> Option<Remark> {
        (self.rounds > 1 && self.delay.is_zero()).then(|| {
            Remark::new(
                format!("{} rounds follow one another at once", self.rounds),
                "set `defaultDelay` to the seconds that devices need in between",
            )
            .at(self.lines.of(DEFAULT, "rounds"))
        })
    }

    fn rate_never_rises(&self) -> Option<Remark> {
        let Rate::Exponential(rate) = self.rollout.rate else { return None };
        (rate.base >= rate.maximum).then(|| {
            Remark::plain(format!(
                "the rate never rises: baseRatePerMinute is {}, and maximumPerMinute {}",
                rate.base, rate.maximum
            ))
            .at(self.lines.of("EXP_RATE_CONFIG", "baseRatePerMinute"))
        })
    }

    /// Of so few executions one bad one is too many: healthy rollouts are aborted.
    fn hasty(&self) -> Vec<Remark> {
        let hasty = self.rollout.abort.iter().filter(|criterion| {
            100.0 / f64::from(criterion.min_executed) >= criterion.threshold.percent()
        });
        let remark = |criterion: &AbortCriterion| {
            Remark::new(
                format!(
                    "one bad execution aborts the job: {} % {} of at least {}",
                    criterion.threshold.percent(),
                    criterion.failure.name(),
                    criterion.min_executed
                ),
                "raise `minNumberOfExecutedThings`; `tripline simulate` says how often healthy rollouts are aborted",
            )
            .at(self.line_of(criterion))
        };
        hasty.map(remark).collect()
    }

    /// Whoever takes longer than the timeout is timed out, and reports no time.
    fn blind(&self, alarm: &AlarmDefinition) -> Option<Remark> {
        let timeout = self.rollout.timeout?;
        (is_on_long_downloads(alarm) && f64::from(timeout.minutes()) * 60.0 <= alarm.threshold).then(|| {
            Remark::new(
                format!(
                    "alarm `{}` can see no slow device: its threshold is {} s, and executions time out after {} s",
                    excerpt(alarm.name.as_str()),
                    alarm.threshold,
                    timeout.minutes() * 60
                ),
                "raise `inProgressTimeoutInMinutes`, or lower the threshold",
            )
            .at(self.line_in(alarm, "threshold"))
        })
    }

    /// A metric of an AWS service. Only AWS publishes into these namespaces, and a job's alarm has the
    /// dimension [`DIMENSION`] alone, which AWS IoT calls `JobId`.
    fn without_values(&self, alarm: &AlarmDefinition) -> Option<Remark> {
        alarm.namespace.starts_with("AWS/").then(|| {
            let then = match alarm.missing_data {
                MissingData::Breaching => "missing data is breaching, so it fires on every rollout",
                _ => "it can never fire",
            };
            Remark::new(
                format!(
                    "alarm `{}` gets no values from `{}`: it is armed with the dimension `{DIMENSION}` alone, which AWS's metrics do not have; {then}",
                    excerpt(alarm.name.as_str()),
                    excerpt(&alarm.namespace)
                ),
                &format!("use a metric of `{NAMESPACE}`, or publish one in a namespace of your own with the dimension `{DIMENSION}`"),
            )
            .at(self.line_in(alarm, "namespace"))
        })
    }

    /// So few seconds may be meant as minutes.
    fn in_seconds(&self, alarm: &AlarmDefinition) -> Option<Remark> {
        let is_short = (1.0..60.0).contains(&alarm.threshold) && is_on_long_downloads(alarm);
        is_short.then(|| {
            let (name, threshold) = (excerpt(alarm.name.as_str()), alarm.threshold);
            Remark::new(
                format!("alarm `{name}` fires on downloads of more than {threshold} seconds"),
                "`tripline simulate` says how often healthy rollouts are stopped",
            )
            .at(self.line_in(alarm, "threshold"))
        })
    }

    fn too_demanding(&self, alarm: &AlarmDefinition, targets: &Targets) -> Option<Remark> {
        let least = alarm.min_samples?.get();
        let is_rate = alarm.is_on_unsuccessful_rate();
        // A device counts once there, however often it tries.
        let each = if is_rate { 1 } else { self.attempts() };
        let most = targets.devices?.saturating_mul(each);
        let needs = match is_rate {
            true => format!("it decides from {least} notified devices"),
            false => format!("a period needs {least} samples"),
        };
        (least > most).then(|| {
            Remark::plain(format!(
                "alarm `{}` can never fire: {needs}, and there are {most} at most",
                excerpt(alarm.name.as_str())
            ))
            .at(self.line_in(alarm, "minSamples"))
        })
    }

    /// A guard that decides after all devices were notified spares none of them.
    fn late(&self, targets: &Targets) -> Option<Remark> {
        let stops = |alarm: &&AlarmDefinition| alarm.topics.iter().any(may_stop);
        let quickest = self.alarms.alarms.iter().filter(stops).map(soonest).min()?;
        let notified = targets.devices?.div_ceil(self.rollout.rate.first());
        // Evidence decides by ages that begin long before a rollout is over.
        let has_evidence = self.evidence.as_ref().is_some_and(|it| it.topics.iter().any(may_stop));
        let late = !has_evidence
            && self.selection == TargetSelection::Snapshot
            && quickest > u64::from(notified) * 60;
        late.then(|| {
            Remark::new(
                format!(
                    "no alarm stops it in time: all devices are notified within {notified} min, and the quickest alarm needs {quickest} s"
                ),
                "roll out more slowly (`baseRatePerMinute`, `maximumPerMinute`)",
            )
            .at(self.line_of_rate())
        })
    }

    fn uncounted(&self, targets: &Targets) -> Option<Remark> {
        targets.devices.is_none().then(|| {
            Remark::plain(
                "deviceCount is missing, so that nothing was said that depends on it".to_owned(),
            )
        })
    }

    fn patient(&self) -> Option<Remark> {
        self.rollout.timeout.is_none().then(|| {
            Remark::plain("there is no timeout: a device that falls silent keeps the job in progress for ever (expected useTimeoutConfig = True, and `[TIMEOUT_CONFIG]`)".to_owned())
        })
    }

    /// Rounds share their metrics, which have the job's name.
    fn echoing(&self) -> Option<Remark> {
        let window = |alarm: &AlarmDefinition| {
            u64::from(alarm.evaluation.evaluation_periods()) * u64::from(alarm.period.seconds())
        };
        let longest = self.alarms.alarms.iter().map(window).max()?;
        let delay = self.delay.as_secs();
        (self.rounds > 1 && delay < longest).then(|| {
            Remark::plain(format!(
                "alarms evaluate the last {longest} s, and rounds are {delay} s apart: alarms of a round also see the end of the round before"
            ))
        })
    }
}

/// Whether what goes to a topic may stop the rollout.
fn may_stop(topic: &Topic) -> bool {
    matches!(topic, Topic::ForceStop | Topic::Arn(_))
}

/// Seconds from the first notified device on until an alarm can fire. A slow download has no time before it ends.
fn soonest(alarm: &AlarmDefinition) -> u64 {
    let evaluates =
        u64::from(alarm.evaluation.datapoints_to_alarm()) * u64::from(alarm.period.seconds());
    let waits = if is_on_long_downloads(alarm) { alarm.threshold.max(0.0) as u64 } else { 0 };
    evaluates.max(waits)
}

/// Whether it fires on download times above its threshold.
fn is_on_long_downloads(alarm: &AlarmDefinition) -> bool {
    alarm.namespace == NAMESPACE
        && alarm.metric == Metric::DownloadTime.name()
        && alarm.limit == Limit::Upper
        && !matches!(alarm.statistic, Statistic::Sum | Statistic::SampleCount)
}

/// What is known of the targets without asking AWS.
struct Targets {
    things: u32,
    groups: usize,
    /// How many devices there are, if that is known.
    devices: Option<u32>,
}

impl Targets {
    fn of(config: &DeployConfig, list: &ThingList) -> Self {
        let all = list.targets();
        let groups = all.iter().filter(|target| target.kind() == TargetKind::Group).count();
        let things = u32::try_from(all.len() - groups).unwrap_or(u32::MAX);
        let devices = config.device_count.or((groups == 0).then_some(things));
        Self { things, groups, devices }
    }
}

#[cfg(test)]
#[path = "tests/review.rs"]
mod tests;
