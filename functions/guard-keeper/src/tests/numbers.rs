//! Counts by which the failure rate decides: at once, and not for nothing.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::StateValue;
use tripline::job::{CountRejected, EndedCounts};
use tripline::metric::KeptMetric;

use super::world::{START, assert_quotas};
use super::*;
use crate::clock::Call;
use crate::health::counts::STILL_FOR;
use crate::settings::{Settings, tests::settings};

/// The unsuccessful executions that were published of a job in the last minute, if any were.
fn unsuccessful(account: &Account, job: &str) -> Option<f64> {
    let world = account.world();
    let last = world.published.last().unwrap();
    let of = |(other, metric, _): &&(_, KeptMetric, f64)| {
        let other: &tripline::job::JobId = other;
        other.as_str() == job && *metric == KeptMetric::UnsuccessfulCount
    };
    last.jobs.iter().find(of).map(|(.., number)| *number)
}

fn jobs(account: &Account, number: usize) {
    for job in 0..number {
        let name = format!("job{job:03}");
        account.job(&name, 60);
        account.change(&name, |job| job.at_work = vec![0; 10]);
    }
}

/// Whatever else there is to do: tags to read, alarms to arm, devices to look for.
#[tokio::test]
async fn counts_of_fifty_jobs_are_out_within_twelve_seconds() {
    let account = Account::new();
    jobs(&account, 50);
    let keeper = account.keeper();
    for _ in 0..3 {
        let start = account.world().now;
        warm(&keeper, &account, 1).await;
        let world = account.world();
        let last = world.published.last().unwrap();
        let out = last.counts_out.unwrap() - start;
        assert!(out <= Duration::from_secs(12), "{out:?}");
        let counts = last.jobs.iter().filter(|(_, of, _)| *of == KeptMetric::NotifiedCount);
        assert_eq!(counts.count(), 50);
    }
    assert_quotas(&account.world().calls);
}

#[tokio::test]
async fn counts_wait_neither_for_alarms_nor_for_the_table() {
    for (fails, kind) in [
        ("DescribeAlarms", tripline_aws::FailureKind::Throttled),
        ("Scan", tripline_aws::FailureKind::Refused),
    ] {
        let account = Account::new();
        jobs(&account, 3);
        account.world().fails.insert(fails.to_owned(), kind);
        account.keeper().tick().await.unwrap_err();
        assert_eq!(unsuccessful(&account, "job000"), Some(0.0), "{fails}");
    }
}

#[tokio::test]
async fn counts_that_do_not_change_are_published_for_five_minutes_and_then_no_more() {
    let account = Account::new();
    jobs(&account, 2);
    let keeper = account.keeper();
    let minutes = u32::try_from(STILL_FOR / 60).unwrap() + 1;
    for _ in 0..minutes {
        warm(&keeper, &account, 1).await;
        assert_eq!(unsuccessful(&account, "job000"), Some(0.0));
    }
    for _ in 0..30 {
        warm(&keeper, &account, 1).await;
        assert_eq!(unsuccessful(&account, "job000"), None);
    }
    // One more that fails: at once, and the other job stays silent.
    account.change("job000", |job| job.endings.failed = 1);
    warm(&keeper, &account, 1).await;
    assert_eq!(
        (unsuccessful(&account, "job000"), unsuccessful(&account, "job001")),
        (Some(1.0), None)
    );
}

/// An alarm that is in ALARM would be well again for want of points, and a new one has seen none.
#[tokio::test]
async fn counts_that_an_alarm_needs_are_published_on() {
    let account = Account::new();
    jobs(&account, 2);
    let keeper = account.keeper();
    warm(&keeper, &account, 20).await;
    assert_eq!(unsuccessful(&account, "job000"), None);
    let alarm = "tripline-job000-default-FailureRate";
    let change = |change: &dyn Fn(&mut aws_sdk_cloudwatch::types::MetricAlarm)| {
        change(account.world().cloudwatch.alarms.get_mut(alarm).unwrap());
    };
    let now = account.world().seconds();
    change(&|alarm| alarm.alarm_configuration_updated_timestamp = Some(DateTime::from_secs(now)));
    warm(&keeper, &account, 2).await;
    assert_eq!(
        (unsuccessful(&account, "job000"), unsuccessful(&account, "job001")),
        (Some(0.0), None)
    );
    warm(&keeper, &account, 20).await;
    assert_eq!(unsuccessful(&account, "job000"), None);
    change(&|alarm| alarm.state_value = Some(StateValue::Alarm));
    warm(&keeper, &account, 60).await;
    assert_eq!(unsuccessful(&account, "job000"), Some(0.0));
}

#[tokio::test]
async fn what_could_not_be_published_is_published_though_it_does_not_change() {
    let account = Account::new();
    jobs(&account, 1);
    let keeper = account.keeper();
    warm(&keeper, &account, 20).await;
    account.change("job000", |job| job.endings.failed = 5);
    let fails = "PutMetricData".to_owned();
    account.world().fails.insert(fails.clone(), tripline_aws::FailureKind::Throttled);
    for _ in 0..10 {
        let start = account.world().now;
        keeper.tick().await.unwrap_err();
        next_minute(&account, start);
    }
    account.world().fails.remove(&fails);
    warm(&keeper, &account, 1).await;
    assert_eq!(unsuccessful(&account, "job000"), Some(5.0));
}

/// Devices that have the version already reject by design.
#[tokio::test]
async fn rejected_executions_count_as_the_stack_says_or_the_job_s_tag() {
    let tag = |value: &str| vec![("tripline:CountRejected".to_owned(), value.to_owned())];
    for (stack, tags, expected) in [
        (CountRejected::Yes, vec![], 7.0),
        (CountRejected::No, vec![], 4.0),
        (CountRejected::Yes, tag("no"), 4.0),
        (CountRejected::No, tag("yes"), 7.0),
        (CountRejected::No, tag("perhaps"), 4.0),
    ] {
        let account = Account::with(Settings { count_rejected: stack, ..settings() });
        account.job("fw", 60);
        account.change("fw", |job| {
            job.endings = EndedCounts { succeeded: 9, failed: 3, rejected: 3, timed_out: 1 };
            job.tags = tags.clone();
        });
        // From the first minute of an environment that knows no tags: a point too many could stop it.
        cold(&account, 1).await;
        assert_eq!(unsuccessful(&account, "fw"), Some(expected), "{stack:?} {tags:?}");
    }
}

/// Whoever fills the account with alarms of such names leaves no rollout unguarded by it.
#[tokio::test]
async fn more_alarms_than_a_minute_can_list_leave_no_job_without_its_own() {
    let account = Account::new();
    jobs(&account, 60);
    for number in 0..16_000 {
        let name = format!("tripline-a{number}");
        let alarm = aws_sdk_cloudwatch::types::MetricAlarm::builder().alarm_name(&name).build();
        account.world().cloudwatch.alarms.insert(name, alarm);
    }
    // The name is somebody else's, and far down the list.
    account.world().cloudwatch.composite.insert(default("job007").remove(0));
    let keeper = account.keeper();
    for _ in 0..10 {
        let start = account.world().now;
        let failed = keeper.tick().await.unwrap_err();
        assert_eq!(failed.to_string(), "DescribeAlarms: not done within this minute");
        next_minute(&account, start);
    }
    assert_eq!((account.gauge("guardedJobs"), account.gauge("unguardedJobs")), (60.0, 0.0));
    let changes = account.changes();
    assert_eq!(changes.len(), 120, "each is put once: {changes:?}");
    let instead = format!("put {}-2", default("job007").remove(0));
    assert!(changes.contains(&instead), "{changes:?}");
    assert_quotas(&account.world().calls);
}

/// Also if every minute is a new environment's, which knows of no job when it was described.
#[tokio::test]
async fn every_job_is_described_though_no_environment_lives_for_two_minutes() {
    let account = Account::new();
    jobs(&account, 250);
    cold(&account, 12).await;
    assert_eq!(account.world().described.len(), 250);
}

/// New jobs and environments apart, tags are read once in ten minutes.
#[tokio::test]
async fn tags_are_read_again_in_turns() {
    let account = Account::new();
    jobs(&account, 20);
    let keeper = account.keeper();
    warm(&keeper, &account, 12).await;
    let read_by = |from: u64| {
        let from = Duration::from_secs(START + from);
        let world = account.world();
        let tags = world.calls.iter().filter(|(call, at)| *call == Call::JobTags && *at >= from);
        tags.count()
    };
    let before = read_by(0);
    assert_eq!(read_by(120), before - read_first(&account), "none but the first round");
    warm(&keeper, &account, 20).await;
    let an_environment = read_by(12 * 60);
    assert!((20..=60).contains(&an_environment), "{an_environment}");
}

/// Tags that were read in the first two minutes.
fn read_first(account: &Account) -> usize {
    let until = Duration::from_secs(START + 120);
    let world = account.world();
    world.calls.iter().filter(|(call, at)| *call == Call::JobTags && *at < until).count()
}
