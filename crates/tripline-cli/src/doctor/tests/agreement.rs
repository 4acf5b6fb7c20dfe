//! Whether a job is guarded has one answer, whoever is asked: the guard-keeper, `alarms apply` and the
//! drill, `watch`, and doctor. What differs is how each of them comes to what it knows of the alarms.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, StateValue};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::JobStatus;
use proptest::prelude::*;
use tripline::alarm::Topic;
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::metric::NAMESPACE;
use tripline::time::Timestamp;
use tripline_aws::iot;
use tripline_guard::desired::{
    DefaultGuard, Desired, GuardAlarm, JobTags, KeptConfig, Known, Policy, Purpose, Rules,
};
use tripline_guard::kept::FirstSeen;
use tripline_guard::observed::ObservedAlarm;
use tripline_guard::ownership::{AlarmTags, Owner};
use tripline_guard::reconcile::{Observed, Reconciled};
use tripline_guard::verdict::{Stack, Verdict};

use super::sound::sound;
use crate::alarms::fake::{EMAIL, FORCE_STOP, FakeAws};
use crate::aws::alarms::NamedAlarm;
use crate::aws::connect::Connection;
use crate::aws::coverage::{KnownJob, shape_of};
use crate::doctor::ask::Clients;
use crate::doctor::ask::job::{muted, ours};
use crate::doctor::checks::{checks, coverage_of};
use crate::doctor::facts::Need;
use crate::doctor::result::NotProven;
use crate::watch::{WatchBudget, WatchObserver};

/// One alarm that somebody may have made or changed.
#[derive(Debug, Clone)]
struct Any {
    name: &'static str,
    job: Option<&'static str>,
    stack: Option<&'static str>,
    /// The job that it watches.
    watched: &'static str,
    namespace: &'static str,
    metric: &'static str,
    is_or_equal: bool,
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
    let watched = prop_oneof![5 => Just("fw"), 1 => Just("fw-1")];
    let namespace = prop_oneof![5 => Just(NAMESPACE), 1 => Just("Their:Namespace")];
    let metric = prop_oneof![
        5 => Just("downloadTime"),
        1 => Just("retryCount"),
        1 => Just("failedCount"),
        1 => Just("toldCount"),
    ];
    let is_or_equal = proptest::bool::weighted(0.2);
    let watches = (watched, namespace, metric, is_or_equal);
    let threshold = prop_oneof![4 => Just(3_600.0), 1 => Just(1e300)];
    let rarely = || proptest::bool::weighted(0.15);
    let flags = (rarely(), rarely(), rarely(), rarely());
    (name, job, stack, watches, threshold, flags).prop_map(
        |(
            name,
            job,
            stack,
            (watched, namespace, metric, is_or_equal),
            threshold,
            (off, only_alerts, has_fired, is_muted),
        )| Any {
            name,
            job,
            stack,
            watched,
            namespace,
            metric,
            is_or_equal,
            threshold,
            is_on: !off,
            stops: !only_alerts,
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
        .namespace(any.namespace)
        .metric_name(any.metric)
        .dimensions(Dimension::builder().name("jobId").value(any.watched).build())
        .extended_statistic("p99")
        .period(60)
        .evaluation_periods(5)
        .datapoints_to_alarm(3)
        .threshold(any.threshold)
        .comparison_operator(match any.is_or_equal {
            true => ComparisonOperator::GreaterThanOrEqualToThreshold,
            false => ComparisonOperator::GreaterThanThreshold,
        })
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
/// Of the default guard only those alarms are wanted that are there, and none is as it is wanted: so the
/// guard was open if one of them is a hole in it.
fn keeper(aws: &FakeAws, job: &JobId, stack: Stack<'_>) -> (Verdict, bool) {
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
    let ours = |name: &str| {
        let of_name = observed.iter().find(|alarm| alarm.name() == name);
        of_name.filter(|alarm| alarm.owner(job, stack.name) == Owner::Ours)
    };
    let guard = DefaultGuard::new(vec![Topic::ForceStop], |_| None).unwrap().alarms(1_000);
    let is_there = |alarm: &GuardAlarm| ours(&alarm.name_for(job)).is_some();
    let alarms: Vec<_> = guard.into_iter().filter(is_there).collect();
    let stops = |alarm: &GuardAlarm| ours(&alarm.name_for(job)).unwrap().goes_to(FORCE_STOP);
    let any_stops = alarms.iter().any(stops);
    let (purpose, config_fault, evidence, fill) = (Purpose::Stop, None, None, None);
    let desired = Desired { purpose, alarms, config_fault, evidence, fill };
    let observed = Observed {
        job,
        created: Timestamp::from_seconds(0),
        is_sure: true,
        is_described: true,
        alarms: &observed,
        is_taken: &|name| cloudwatch.alarms.contains_key(name),
        is_as_wanted: &|_, _| false,
        stack,
    };
    let reconciled = Reconciled::new(&desired, &observed);
    // One that alerts only, by all of its alarms, is none.
    let is_open = any_stops && reconciled.was_open();
    (reconciled.verdict, is_open)
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
        // Who looked before has seen all of them as they are meant to be.
        for any in &all {
            let before = Any { job: Some("fw"), stack: Some("tripline"), ..any.clone() };
            put(&aws, &Any { is_muted: false, ..before });
        }
        let job = JobId::new("fw").unwrap();
        let stack = Stack { name: "tripline", force_stop_topic: FORCE_STOP };
        let (seen, watched) = runtime().block_on(async {
            let mut watch = WatchObserver::new(aws.aws(), WatchBudget::new(), "tripline");
            watch.guard(&job).await.unwrap();
            for any in &all {
                put(&aws, any);
            }
            tokio::time::advance(Duration::from_secs(61)).await;
            let seen = aws.aws().see(&job).await.unwrap();
            (seen, watch.guard(&job).await.unwrap())
        });
        let (by_keeper, is_open) = keeper(&aws, &job, stack);
        prop_assert!(!(by_keeper.is_guarded() && is_open), "guarded, and a hole in it");
        let read_back: Vec<_> = seen.alarms.iter().map(NamedAlarm::observed).collect();
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
        let by_watch = watched.verdict.unwrap();
        prop_assert_eq!(&by_keeper, &by_watch);
        prop_assert_eq!(&by_keeper, &by_doctor);
        // And what would be seen of each way to go wrong.
        let of_job = facts.job.as_ref().unwrap();
        let described = iot::job_of(of_job.job.as_ref().unwrap().as_ref().unwrap());
        let (shape, created) = (shape_of(&described), described.created_at);
        let record = of_job.record().unwrap();
        let known = KnownJob { shape: &shape, created, record, now: of_job.asked_at };
        let seen = coverage_of(&facts);
        prop_assert_eq!(seen, Some(known.coverage(&watched.watchers, &by_watch)));
    }
}

const CREATED: i64 = 1_790_000_000;

/// A tag `tripline:guard`, if there is one.
fn guard_tag() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![Just(None), Just(Some("on")), Just(Some("off"))]
}

fn tags_of(guard: Option<&str>) -> JobTags {
    JobTags::read(guard.map(|value| ("tripline:guard", value)))
}

proptest! {
    /// Whether a job gets the default guard follows from its tags at first and today, for doctor as for the
    /// guard-keeper.
    #[test]
    fn doctor_honors_the_first_tags_as_the_keeper_does(
        first in proptest::option::of(guard_tag()),
        now in guard_tag(),
        is_of_another in any::<bool>(),
    ) {
        let (then, today) = (first.filter(|_| !is_of_another).map_or(now, |is| is), tags_of(now));
        let guard = DefaultGuard::new(Vec::new(), |_| None).unwrap();
        let tagged = guard.honoring(&tags_of(then), &today);
        let known =
            Known { kept: KeptConfig::None, tagged: Some(&tagged), is_greengrass: false, rate: 1_000, has_evidence: false, shape: None };
        let rules =
            Rules { default_guard: &guard, policy: Policy::default(), force_stop_topic: FORCE_STOP };
        let by_keeper = tripline_guard::coverage::desired(known, rules);
        let mut facts = sound();
        let of_job = facts.job.as_mut().unwrap();
        (of_job.alarms, of_job.kept_config) = (Ok(Vec::new()), Ok(None));
        of_job.job.as_mut().unwrap().as_mut().unwrap().created_at =
            Some(DateTime::from_secs(CREATED));
        of_job.tags =
            Ok(now.map(|is| ("tripline:guard".to_owned(), is.to_owned())).into_iter().collect());
        let created = if is_of_another { CREATED - 1 } else { CREATED };
        of_job.first_seen =
            Ok(first.map(|is| FirstSeen { created, is_greengrass: None, tags: tags_of(is) }));
        let judged = |name: &str| {
            let check = checks().find(|check| check.name == name).unwrap();
            (check.judge)(&facts)
        };
        let Err(NotProven::Finding { fix, .. }) = judged("alarms-exist") else { panic!() };
        let says_wait = fix.contains("or wait: the guard-keeper");
        prop_assert_eq!(says_wait, !by_keeper.alarms.is_empty());
        let by_tags = judged("guarded-by-keeper");
        let said = format!("{by_tags:?}");
        prop_assert_eq!(said.contains("is `off`"), by_keeper.purpose == Purpose::OptedOut, "{}", said);
        prop_assert_eq!(said.contains("so that its guard stays"), tagged.opted_out_late, "{}", said);
    }
}

#[tokio::test]
async fn what_a_job_was_at_first_is_read_from_the_stack_s_table() {
    let aws = FakeAws::new();
    aws.set_job(JobStatus::InProgress);
    let item = [("jobId", "first#fw"), ("firstSeen", "1790000000 plain off")];
    let item = item.map(|(key, text)| (key.to_owned(), AttributeValue::S(text.to_owned())));
    aws.world().dynamodb.tables.get_mut("guards").unwrap().put(item.into());
    let config = tripline_aws::SdkConfig::builder()
        .behavior_version(aws_sdk_sns::config::BehaviorVersion::latest())
        .build();
    let mut clients = Clients::new(Connection { region: "us-east-1".to_owned(), config });
    clients.alarms = aws.aws();
    let record = Record { created: 7, evidence: 0.5, threshold: 2.0, ..Record::default() };
    let item = [("jobId", "evidence#fw"), ("evidence", &record.to_text())];
    let item = item.map(|(key, text)| (key.to_owned(), AttributeValue::S(text.to_owned())));
    aws.world().dynamodb.tables.get_mut("guards").unwrap().put(item.into());
    let needs = BTreeSet::from([Need::Job, Need::Tags, Need::Evidence]);
    for (job, expected) in [("fw", Some(true)), ("fw-1", None)] {
        let job = JobId::new(job).unwrap();
        let facts = clients.ask_about_job(&sound().stack, &job, None, None, &needs, CREATED).await;
        assert_eq!(facts.evidence.unwrap(), expected.map(|_| record.clone()));
        let first = facts.first_seen.unwrap();
        assert_eq!(first.map(|first| first.tags.is_off()), expected);
    }
}
