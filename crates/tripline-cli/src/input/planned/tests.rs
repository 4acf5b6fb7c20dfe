//! What is said of a rollout before it begins is what is said of it once it is armed.

use proptest::prelude::*;
use tripline::evidence::{CoverageFacts, Record};
use tripline::job::{ExecutionCounts, Job, JobId, JobState, Setup};
use tripline::rollout::{AbortCriterion, FailureType, Threshold, Timeout};
use tripline_config::GuardConfig;
use tripline_guard::coverage::{Level, Status, Way};
use tripline_guard::desired::{GuardAlarm, Purpose};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::ownership::AlarmTags;
use tripline_guard::verdict::{Stack, Verdict};

use super::*;
use crate::alarms::fake::{EMAIL, FORCE_STOP, shown};
use crate::aws::coverage::{KnownJob, shape_of};

const CREATED: i64 = 1_790_000_000;

fn rules() -> StackRules {
    let force_stop_topic = Some(FORCE_STOP.to_owned());
    StackRules { force_stop_topic, ..StackRules::read(|_| None).unwrap() }
}

/// A config's alarm: on what, with which statistic, how much is too much, and whom it alerts.
fn section(name: &str, rule: &(String, String, f64, u32, String)) -> String {
    let (metric, stat, threshold, samples, topics) = rule;
    format!(
        "[ALARM_CONFIG_{name}]\nnamespace = IoT:OTA:JobExecution\nmetricName = {metric}\nstat = {stat}\nperiod = 600\nthreshold = {threshold}\nalarmType = upper\nevaluationPeriods = 3\ndatapointsToAlarm = 2\nminSamples = {samples}\nsnsTopics = {topics}\n"
    )
}

/// The text of a config, with alarms, limits, or neither.
fn configs() -> impl Strategy<Value = String> {
    let what = prop_oneof![
        Just(("downloadTime", "p97")),
        Just(("downloadTime", "Maximum")),
        Just(("failedCount", "Sum")),
        Just(("rejectedCount", "SampleCount")),
        Just(("timedOutCount", "Sum")),
        Just(("unsuccessfulCount", "Maximum")),
        Just(("overdueCount", "Maximum")),
        Just(("succeededCount", "Sum")),
    ];
    let topics = prop_oneof![
        Just("@force-stop".to_owned()),
        Just("@email".to_owned()),
        Just("@email, @force-stop".to_owned()),
        Just(EMAIL.to_owned()),
        Just(FORCE_STOP.to_owned())
    ];
    let threshold = prop_oneof![1.0..100.0_f64, Just(7_200.0)];
    let rule = (what, threshold, 1_u32..300, topics.clone());
    let rule = rule.prop_map(|((metric, stat), threshold, samples, topics)| {
        (metric.to_owned(), stat.to_owned(), threshold, samples, topics)
    });
    let evidence = proptest::option::of((prop_oneof![Just("60:3"), Just("10:40, 30:5")], topics));
    (proptest::collection::vec(rule, 0..4), evidence, any::<bool>()).prop_map(
        |(rules, evidence, fills)| {
            let names: Vec<String> = (0..rules.len()).map(|n| format!("a{n}")).collect();
            let is_empty = rules.is_empty() && evidence.is_none();
            let fills = if fills || is_empty { "True" } else { "False" };
            let mut text =
                format!("[ALARM_CONFIG]\ndefaultGuard = {fills}\nalarmList = {}\n", names.join(", "));
            for (name, rule) in names.iter().zip(&rules) {
                text += &section(name, rule);
            }
            if let Some((limits, topics)) = evidence {
                text += &format!(
                    "[EVIDENCE_CONFIG]\nuseEvidence = True\nunfinishedLimits = {limits}\nsnsTopics = {topics}\n"
                );
            }
            text
        },
    )
}

fn rollouts() -> impl Strategy<Value = RolloutConfig> {
    let failure = prop_oneof![Just(FailureType::Failed), Just(FailureType::All)];
    let abort = (failure, 1_u32..400).prop_map(|(failure, min_executed)| {
        let threshold = Threshold::new(20.0).unwrap();
        AbortCriterion { failure, threshold, min_executed }
    });
    let rate = prop_oneof![1_u32..100, Just(5_000)];
    let retries = (0_u8..2, 0_u8..2).prop_map(|(failed, timed_out)| {
        tripline::rollout::Retries::new(failed, timed_out).unwrap()
    });
    let timeout = proptest::option::of(1_u32..300);
    (rate, timeout, proptest::collection::vec(abort, 0..3), retries).prop_map(
        |(rate, timeout, abort, retries)| RolloutConfig {
            rate: Rate::Constant(rate),
            timeout: timeout.and_then(|it| Timeout::new(it).ok()),
            abort,
            retries,
        },
    )
}

fn planned<'a>(
    config: &'a GuardConfig,
    rollout: &RolloutConfig,
    devices: u32,
    alert_only: bool,
) -> PlannedRollout<'a> {
    PlannedRollout {
        shape: shape_of_rollout(rollout, devices),
        first_rate: rollout.rate.first().min(Rate::QUOTA),
        alarms: &config.alarms.alarms,
        evidence: config.evidence.as_ref().map(|config| (config, None)),
        fills: config.alarms.default_guard,
        alert_only,
    }
}

fn shape_of_rollout(rollout: &RolloutConfig, devices: u32) -> Shape {
    super::shape_of(rollout, Devices::Exactly(devices), false)
}

/// The job that such a rollout becomes.
fn job(rollout: &RolloutConfig, devices: u32) -> Job {
    let after = |outcome: Outcome| u32::from(rollout.retries.after(outcome));
    Job {
        state: JobState::Active,
        reason_code: None,
        comment: None,
        is_forced: false,
        created_at: Some(CREATED),
        ended_at: None,
        rate: rollout.rate.first(),
        is_greengrass: false,
        counts: ExecutionCounts::default(),
        is_counted: true,
        timeout: rollout.timeout.map(|timeout| timeout.minutes()),
        setup: Setup {
            things: devices,
            most_rate: rollout.rate.maximum().min(Rate::QUOTA),
            retries: Retries {
                failed: after(Outcome::Failed),
                timed_out: after(Outcome::TimedOut),
            },
            abort: rollout.abort.clone(),
            ..Setup::default()
        },
    }
}

/// What `watch` and doctor say of it, once the guard-keeper has armed it and kept its first record.
fn armed(plan: &PlannedRollout<'_>, rules: &StackRules, job: &Job, devices: u32) -> Coverage {
    let desired = plan.desired(rules, FORCE_STOP);
    let id = JobId::new("fw").unwrap();
    let actions = |alarm: &GuardAlarm| -> Vec<String> {
        let arn = |topic: &Topic| match topic {
            Topic::ForceStop => FORCE_STOP.to_owned(),
            Topic::Email | Topic::Sms => EMAIL.to_owned(),
            Topic::Arn(arn) => arn.as_str().to_owned(),
        };
        alarm.topics().iter().map(arn).collect()
    };
    let there: Vec<_> =
        desired.alarms.iter().map(|alarm| shown(alarm, &id, &actions(alarm))).collect();
    let tags = AlarmTags { job: Some("fw".to_owned()), stack: Some("tripline".to_owned()) };
    let seen: Vec<_> =
        there.iter().map(|alarm| ObservedAlarm::new(alarm, Some(tags.clone()))).collect();
    let stack = Stack { name: "tripline", force_stop_topic: FORCE_STOP };
    let watchers: Vec<Watcher> =
        seen.iter().filter_map(|alarm| Watcher::observed(alarm, &id, stack)).collect();
    let limits = desired.evidence.clone();
    let limits = limits.and_then(|limits| limits.with_timeout(job.timeout).limits(None, true).ok());
    let coverage = CoverageFacts {
        devices: Some(devices),
        needs: limits.map(|limits| limits.needs()),
        least_devices: rules.default_guard.least_devices(),
        alerts_only: desired.purpose == Purpose::Alert,
        ..CoverageFacts::default()
    };
    let record = Record { created: CREATED, at: CREATED, coverage, ..Record::default() };
    let shape = shape_of(job);
    let known = KnownJob {
        shape: &shape,
        created: Some(CREATED),
        record: Some(&record),
        now: CREATED + 30,
    };
    known.coverage(&watchers, &Verdict::new(&seen, &id, stack))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn before_and_after_it_is_armed_a_rollout_is_covered_alike(
        text in configs(), rollout in rollouts(), devices in 1_u32..1_500, alert_only in any::<bool>(),
    ) {
        let config = GuardConfig::parse("dev.ini", &text);
        prop_assert!(config.is_ok(), "{config:?}");
        let (config, rules) = (config.unwrap(), rules());
        let plan = planned(&config, &rollout, devices, alert_only);
        let before = plan.coverage(&rules).coverage;
        let after = armed(&plan, &rules, &job(&rollout, devices), devices);
        prop_assert_eq!(before, after);
    }
}

fn of_text(text: &str, devices: u32) -> PlannedCoverage {
    let config = GuardConfig::parse("dev.ini", text).unwrap();
    let rollout = RolloutConfig { timeout: Timeout::new(120).ok(), ..RolloutConfig::default() };
    planned(&config, &rollout, devices, false).coverage(&rules())
}

/// The old tool's sample has one alarm on downloads.
const DOWNLOADS: &str = "[ALARM_CONFIG]\nalarmList = slow\n[ALARM_CONFIG_slow]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\nstat = p99.9\nperiod = 60\nthreshold = 3600\nalarmType = upper\nevaluationPeriods = 5\ndatapointsToAlarm = 3\nsnsTopics = @email, @force-stop\n";

#[test]
fn the_default_guard_fills_what_a_config_does_not_see_unless_it_is_kept_away() {
    let filled = of_text(DOWNLOADS, 60);
    assert_eq!(filled.coverage.status, Status::Guarded);
    assert_eq!(filled.filled, ["default-FailureRate", "default-Evidence"]);
    let away = of_text(&DOWNLOADS.replace("alarmList", "defaultGuard = False\nalarmList"), 60);
    assert_eq!((away.coverage.of(Way::Fails).level, away.filled.len()), (Level::Nobody, 0));
    assert_eq!(away.coverage.status, Status::PartlyGuarded);
}

#[test]
fn a_topic_is_taken_for_the_stack_s_by_its_name_only_where_no_stack_is_asked() {
    let named = "arn:aws:sns:us-east-1:111122223333:tripline-ForceStopTopic-1A2B3C";
    let text = DOWNLOADS.replace("@email, @force-stop", named);
    let config = GuardConfig::parse("dev.ini", &text).unwrap();
    let plan = planned(&config, &RolloutConfig::default(), 60, false);
    let slow = |rules: &StackRules| plan.coverage(rules).coverage.of(Way::Slow).level;
    assert_eq!(slow(&StackRules::read(|_| None).unwrap()), Level::Stops);
    let other =
        DOWNLOADS.replace("@email, @force-stop", "arn:aws:sns:us-east-1:111122223333:pager");
    let config = GuardConfig::parse("dev.ini", &other).unwrap();
    let alerts = planned(&config, &RolloutConfig::default(), 60, true).coverage(&rules());
    assert_eq!(alerts.coverage.of(Way::Slow).level, Level::Alerts);
    assert_eq!(alerts.coverage.status, Status::AlertsOnly);
}

#[test]
fn a_stack_s_parameters_count() {
    let with = |key: &'static str, value: &'static str| {
        StackRules::read(move |asked| (asked == key).then(|| value.to_owned()))
    };
    let config = GuardConfig::parse("dev.ini", "").unwrap();
    let plan = planned(&config, &RolloutConfig::default(), 1_000, false);
    let outside = plan.coverage(&with("GuardedJobs", "tagged").unwrap()).coverage;
    assert_eq!(outside.status, Status::Outside);
    let rejections = plan.coverage(&with("CountRejected", "no").unwrap()).coverage;
    assert_eq!(rejections.of(Way::Refuses).level, Level::NotNeeded);
    let stops = plan.coverage(&with("EvidenceAction", "stop").unwrap()).coverage;
    assert_eq!(stops.of(Way::NeverAnswers).level, Level::Stops);
    let fault = with("DownloadTimeUpperLimit", "0").unwrap_err().to_string();
    assert!(
        fault.starts_with("the stack's parameters: `DownloadTimeUpperLimit` is `0`"),
        "{fault}"
    );
}
