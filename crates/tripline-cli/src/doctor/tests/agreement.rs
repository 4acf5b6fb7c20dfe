//! Whether a job is guarded has one answer, whoever is asked: the guard-keeper, `alarms apply` and the
//! drill, `watch`, and doctor. What differs is how each of them comes to what it knows of the alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, StateValue};
use proptest::prelude::*;
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_guard::desired::{Desired, Purpose};
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::ownership::AlarmTags;
use tripline_guard::reconcile::{Observed, Reconciled};
use tripline_guard::verdict::{Stack, Verdict};

use super::sound::sound;
use crate::alarms::fake::{EMAIL, FORCE_STOP, FakeAws};
use crate::aws::alarms::SeenAlarm;
use crate::doctor::ask::job::{muted, ours};
use crate::watch::{WatchBudget, WatchObserver};

/// One alarm that somebody may have made or changed.
#[derive(Debug, Clone)]
struct Any {
    name: &'static str,
    job: Option<&'static str>,
    stack: Option<&'static str>,
    metric: &'static str,
    threshold: f64,
    is_on: bool,
    stops: bool,
    has_fired: bool,
    is_muted: bool,
}

fn any_alarm() -> impl Strategy<Value = Any> {
    let name = prop_oneof![Just("default-FailureRate"), Just("default-DownloadTime"), Just("slow")];
    let job = prop_oneof![4 => Just(Some("fw")), 1 => Just(Some("fw-1")), 1 => Just(None)];
    let stack = prop_oneof![4 => Just(Some("tripline")), 1 => Just(Some("other")), 1 => Just(None)];
    let metric = prop_oneof![4 => Just("downloadTime"), 1 => Just("toldCount")];
    let threshold = prop_oneof![4 => Just(3_600.0), 1 => Just(1e300)];
    let rarely = || proptest::bool::weighted(0.15);
    let flags = (rarely(), rarely(), rarely(), rarely());
    (name, job, stack, metric, threshold, flags).prop_map(
        |(name, job, stack, metric, threshold, (off, tells, has_fired, is_muted))| Any {
            name,
            job,
            stack,
            metric,
            threshold,
            is_on: !off,
            stops: !tells,
            has_fired,
            is_muted,
        },
    )
}

fn put(aws: &FakeAws, any: &Any) {
    let name = format!("tripline-fw-{}", any.name);
    let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}");
    let alarm = MetricAlarm::builder()
        .alarm_name(&name)
        .alarm_arn(&arn)
        .namespace("IoT:OTA:JobExecution")
        .metric_name(any.metric)
        .dimensions(Dimension::builder().name("jobId").value("fw").build())
        .extended_statistic("p99")
        .period(60)
        .evaluation_periods(5)
        .datapoints_to_alarm(3)
        .threshold(any.threshold)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .actions_enabled(any.is_on)
        .alarm_actions(if any.stops { FORCE_STOP } else { EMAIL })
        .state_value(if any.has_fired { StateValue::Alarm } else { StateValue::Ok })
        .build();
    let tags = [("tripline:job", any.job), ("tripline:stack", any.stack)];
    let tags = tags.into_iter().filter_map(|(key, is)| Some((key.to_owned(), is?.to_owned())));
    let mut world = aws.world();
    if any.is_muted {
        world.cloudwatch.mute_rules.insert("night".to_owned(), vec![name.clone()]);
    }
    world.cloudwatch.tags.insert(arn, tags.collect());
    world.cloudwatch.alarms.insert(name, alarm);
}

/// As the guard-keeper comes to its answer: with all that it listed, and tags and mutes from elsewhere.
fn keeper(aws: &FakeAws, job: &JobId, stack: Stack<'_>) -> Verdict {
    let world = aws.world();
    let cloudwatch = &world.cloudwatch;
    let rules = cloudwatch.mute_rules.iter();
    let muted: BTreeMap<&String, &String> =
        rules.flat_map(|(rule, names)| names.iter().map(move |name| (name, rule))).collect();
    let observed: Vec<_> = cloudwatch
        .alarms
        .iter()
        .map(|(name, alarm)| {
            let tags = &cloudwatch.tags[alarm.alarm_arn().unwrap()];
            let tags: Vec<_> = tags.iter().map(|(key, is)| (key.clone(), is.clone())).collect();
            let mut observed = ObservedAlarm::new(alarm, Some(AlarmTags::read(&tags)));
            observed.muted_by = muted.get(name).map(|rule| (*rule).clone());
            observed
        })
        .collect();
    let desired = Desired { purpose: Purpose::Stop, alarms: Vec::new(), config_fault: None };
    let observed = Observed {
        job,
        created: Timestamp::from_seconds(0),
        is_sure: true,
        alarms: &observed,
        is_taken: &|name| cloudwatch.alarms.contains_key(name),
        is_as_wanted: &|_, _| true,
        stack,
    };
    Reconciled::new(&desired, &observed).verdict
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn everybody_gives_the_same_answer(all in proptest::collection::vec(any_alarm(), 0..4)) {
        let aws = FakeAws::new();
        for any in &all {
            put(&aws, any);
        }
        let job = JobId::new("fw").unwrap();
        let stack = Stack { name: "tripline", force_stop_topic: FORCE_STOP };
        let by_keeper = keeper(&aws, &job, stack);
        let (seen, watched) = runtime().block_on(async {
            let client = aws.aws();
            let seen = client.see(&job).await.unwrap();
            let mut watch = WatchObserver::new(client, WatchBudget::new(), "tripline");
            (seen, watch.guard(&job).await.unwrap().verdict)
        });
        let read_back: Vec<_> = seen.alarms.iter().map(SeenAlarm::observed).collect();
        let by_apply = Verdict::new(&read_back, &job, stack);
        drop(read_back);
        let mut facts = sound();
        facts.stack.name = "tripline".to_owned();
        let of_job = facts.job.as_mut().unwrap();
        of_job.muted = Ok(muted(&seen));
        of_job.alarms = Ok(ours(seen, &job, &facts.stack));
        let by_doctor = {
            let of_job = facts.job.as_ref().unwrap();
            Verdict::new(&of_job.observed("tripline").unwrap(), &job, stack)
        };
        prop_assert_eq!(&by_keeper, &by_apply);
        prop_assert_eq!(&by_keeper, &watched.unwrap());
        prop_assert_eq!(&by_keeper, &by_doctor);
    }
}
