//! The dead man's switch.

use tripline::job::EndedCounts;
use tripline::job::JobId;
use tripline::metric::KeptMetric;

use super::*;
use crate::clock::Call;

fn succeeded(number: u32) -> EndedCounts {
    EndedCounts { succeeded: number, ..EndedCounts::default() }
}

fn of_jobs(account: &Account) -> Vec<(String, KeptMetric, f64)> {
    let world = account.world();
    let last = world.published.last().unwrap();
    let notified = |(_, metric, _): &&(JobId, KeptMetric, f64)| {
        matches!(metric, KeptMetric::OverdueCount | KeptMetric::UncountedCount)
    };
    let all = last.jobs.iter().filter(notified);
    all.map(|(job, metric, value)| (job.to_string(), *metric, *value)).collect()
}

/// What the alarm on the failure rate goes by.
#[tokio::test]
async fn notified_and_unsuccessful_counts_are_published_of_every_job() {
    let account = Account::new();
    account.job("fw", 60);
    account.job("new", 60);
    account.change("fw", |job| {
        job.endings = EndedCounts { succeeded: 4, failed: 3, rejected: 2, timed_out: 1 };
        job.at_work = vec![0; 10];
        job.queued = 5;
    });
    cold(&account, 1).await;
    let world = account.world();
    let last = world.published.last().unwrap();
    let fw = |metric, value| (JobId::new("fw").unwrap(), metric, value);
    let expected = [fw(KeptMetric::NotifiedCount, 25.0), fw(KeptMetric::UnsuccessfulCount, 6.0)];
    assert!(last.jobs.starts_with(&expected), "{:?}", last.jobs);
    assert!(
        last.jobs.iter().all(|(job, ..)| job.as_str() == "fw"),
        "where nobody was notified: nothing"
    );
}

#[tokio::test]
async fn executions_that_end_uncounted_are_published() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    account.change("fw", |job| job.endings = succeeded(7));
    cold(&account, 10).await;
    assert_eq!((account.gauge("uncountedCount"), of_jobs(&account)), (0.0, vec![]));
    cold(&account, 2).await;
    assert_eq!(account.gauge("uncountedCount"), 7.0);
    assert_eq!(of_jobs(&account), [("fw".to_owned(), KeptMetric::UncountedCount, 7.0)]);
    // The last device ends: the job is over, and what is wrong is not.
    let now = account.world().seconds();
    account.change("fw", |job| (job.endings, job.ended) = (succeeded(8), Some(now)));
    cold(&account, 2).await;
    assert_eq!(account.gauge("uncountedCount"), 8.0);
    // Fixed, and counted.
    account.change("fw", |job| job.counted = 8);
    cold(&account, 1).await;
    assert_eq!(account.gauge("uncountedCount"), 0.0);
}

#[tokio::test]
async fn a_job_that_begins_and_ends_between_two_looks_is_judged_too() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    cold(&account, 1).await;
    let now = account.world().seconds();
    account.change("fw", |job| (job.endings, job.ended) = (succeeded(200), Some(now)));
    cold(&account, 12).await;
    assert_eq!(account.gauge("uncountedCount"), 200.0);
}

#[tokio::test]
async fn a_healthy_rollout_raises_nothing_and_asks_seldom() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    for minute in 1..=60 {
        // Events come a minute after their executions ended.
        let counted = 10 * (minute - 1);
        account.change("fw", |job| (job.endings, job.counted) = (succeeded(10 * minute), counted));
        cold(&account, 1).await;
        assert_eq!(account.gauge("uncountedCount"), 0.0);
    }
    let world = account.world();
    let asked = world.calls.iter().filter(|(call, _)| *call == Call::Metrics);
    assert!(asked.count() <= 6, "each metric that is asked for costs");
}

#[tokio::test]
async fn what_ended_before_events_were_enabled_is_nobody_s_fault() {
    // The keeper is new, and the rollout is not.
    let account = Account::new();
    account.world().events_are_on = false;
    account.job("fw", 3_600);
    account.change("fw", |job| job.endings = succeeded(5_000));
    cold(&account, 30).await;
    assert_eq!(account.gauge("uncountedCount"), 0.0);
    // Somebody switches them off for a while, and the keeper on again.
    account.change("fw", |job| (job.endings, job.counted) = (succeeded(5_100), 100));
    cold(&account, 20).await;
    account.world().events_are_on = false;
    account.change("fw", |job| job.endings = succeeded(5_200));
    cold(&account, 30).await;
    assert_eq!(account.gauge("uncountedCount"), 0.0);
    // And then the rule is disabled.
    account.change("fw", |job| job.endings = succeeded(5_201));
    cold(&account, 12).await;
    assert_eq!(account.gauge("uncountedCount"), 1.0);
}

#[tokio::test]
async fn devices_that_never_come_back_are_counted_and_many_of_them_announced() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    let began = account.world().seconds();
    account.change("fw", |job| {
        job.took = vec![1_300; 90];
        (job.endings, job.counted) = (succeeded(90), 90);
        job.at_work = vec![began; 10];
    });
    cold(&account, 64).await;
    assert_eq!((account.gauge("overdueJobs"), of_jobs(&account)), (0.0, vec![]));
    cold(&account, 4).await;
    assert_eq!(of_jobs(&account), [("fw".to_owned(), KeptMetric::OverdueCount, 10.0)]);
    assert_eq!(account.gauge("overdueJobs"), 1.0);
    // All but two come back after all: too few to call anybody.
    account.change("fw", |job| job.at_work = vec![began; 2]);
    cold(&account, 1).await;
    assert_eq!(of_jobs(&account), [("fw".to_owned(), KeptMetric::OverdueCount, 2.0)]);
    assert_eq!(account.gauge("overdueJobs"), 0.0);
    account.change("fw", |job| job.at_work.clear());
    cold(&account, 1).await;
    assert_eq!(of_jobs(&account), []);
}

#[tokio::test]
async fn a_firmware_that_kills_every_device_is_seen() {
    let account = Account::new();
    account.job("fw", 0);
    let began = account.world().seconds();
    account.change("fw", |job| job.at_work = vec![began; 300]);
    cold(&account, 119).await;
    assert_eq!(account.gauge("overdueJobs"), 0.0);
    // Twice the limit of a download.
    cold(&account, 3).await;
    assert_eq!(account.gauge("overdueJobs"), 1.0);
    assert_eq!(of_jobs(&account), [("fw".to_owned(), KeptMetric::OverdueCount, 300.0)]);
}

/// The first to finish are the quickest, and say little of the others.
#[tokio::test]
async fn a_healthy_fleet_whose_quick_devices_have_finished_is_not_overdue() {
    let account = Account::new();
    account.job("fw", 0);
    let began = account.world().seconds();
    account.change("fw", |job| {
        job.took = vec![120; 30];
        (job.endings, job.counted) = (succeeded(30), 30);
        job.at_work = vec![began; 2_000];
    });
    let keeper = account.keeper();
    for _ in 0..58 {
        warm(&keeper, &account, 1).await;
        assert_eq!(account.gauge("overdueJobs"), 0.0);
    }
}

/// A device may take as long as the job's own tag or config says.
#[tokio::test]
async fn a_job_s_own_limit_goes_before_the_stack_s() {
    let account = Account::new();
    for job in ["tagged", "usual"] {
        account.job(job, 0);
        let began = account.world().seconds();
        account.change(job, |job| job.at_work = vec![began; 300]);
    }
    let tag = ("tripline:DownloadTimeUpperLimit".to_owned(), "43200".to_owned());
    account.change("tagged", |job| job.tags = vec![tag]);
    let keeper = account.keeper();
    warm(&keeper, &account, 125).await;
    assert_eq!(of_jobs(&account), [("usual".to_owned(), KeptMetric::OverdueCount, 300.0)]);
}

/// Only so many executions are read; they stand for the others.
#[tokio::test]
async fn many_dead_devices_among_very_many_are_announced() {
    let account = Account::new();
    account.job("fw", 0);
    let began = account.world().seconds();
    account.change("fw", |job| {
        job.took = vec![300; 200];
        (job.endings, job.counted) = (succeeded(20_000), 20_000);
        job.at_work = vec![began; 5_000];
    });
    cold(&account, 65).await;
    let seen = [("fw".to_owned(), KeptMetric::OverdueCount, 400.0)];
    assert_eq!(of_jobs(&account), seen, "four pages of the fake");
    assert_eq!(account.gauge("overdueJobs"), 1.0);
}

/// Deleted, and created again under the same name: CloudWatch counts on.
#[tokio::test]
async fn a_job_of_the_same_name_is_another_one() {
    let account = Account::new();
    cold(&account, 1).await;
    account.job("fw", 0);
    account.change("fw", |job| (job.endings, job.counted) = (succeeded(500), 500));
    cold(&account, 15).await;
    let now = account.world().seconds();
    account.change("fw", |job| {
        job.created = now;
        job.endings = EndedCounts::default();
    });
    cold(&account, 1).await;
    account.change("fw", |job| job.endings = succeeded(3));
    cold(&account, 12).await;
    assert_eq!(account.gauge("uncountedCount"), 3.0);
}
