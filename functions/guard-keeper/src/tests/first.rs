//! What a new environment of the function must not get wrong before it has read what is kept.

use tripline::job::{CountRejected, EndedCounts};
use tripline_aws::FailureKind;

use super::*;
use crate::settings::Settings;

fn tag(key: &str, value: &str) -> Vec<(String, String)> {
    vec![(key.to_owned(), value.to_owned())]
}

fn reject_one(account: &Account, job: &str) {
    account
        .change(job, |job| job.endings = EndedCounts { succeeded: 9, rejected: 1, ..job.endings });
}

/// A rejected execution makes a job's tags needed at once; they are not its first ones for that.
#[tokio::test]
async fn an_opt_out_in_mid_flight_survives_no_cold_start() {
    for scan_fails in [false, true] {
        let account = Account::new();
        account.job("fw", 60);
        // More alarms than fit a page: the table is read before the alarms are.
        for number in 0..300 {
            let name = format!("tripline-a{number}");
            let alarm = aws_sdk_cloudwatch::types::MetricAlarm::builder().alarm_name(&name).build();
            account.world().cloudwatch.alarms.insert(name, alarm);
        }
        cold(&account, 2).await;
        let armed = account.world().cloudwatch.alarms.clone();
        reject_one(&account, "fw");
        account.change("fw", |job| job.tags = tag("tripline:guard", "off"));
        for minute in 0..3 {
            let start = account.world().now;
            let keeper = account.keeper();
            if scan_fails && minute == 0 {
                account.world().fails.insert("Scan".to_owned(), FailureKind::Unavailable);
                assert!(keeper.tick().await.is_err());
                account.world().fails.clear();
                next_minute(&account, start);
            }
            // The same environment too.
            let start = account.world().now;
            assert_eq!(keeper.tick().await.unwrap()["guardedJobs"], 1, "{scan_fails} {minute}");
            next_minute(&account, start);
            assert_eq!(account.world().cloudwatch.alarms, armed, "{scan_fails} {minute}");
        }
    }
}

/// Until its tags are known, no count is published that may be one too many.
#[tokio::test]
async fn rejections_that_a_job_leaves_out_are_never_published() {
    let account = Account::with(Settings {
        count_rejected: CountRejected::Yes,
        ..crate::settings::tests::settings()
    });
    account.job("fw", 60);
    account.change("fw", |job| job.tags = tag("tripline:CountRejected", "no"));
    cold(&account, 2).await;
    reject_one(&account, "fw");
    account.world().fails.insert("JobTags".to_owned(), FailureKind::Throttled);
    for _ in 0..3 {
        let start = account.world().now;
        let _ = account.keeper().tick().await;
        next_minute(&account, start);
    }
    let world = account.world();
    let counts = world.published.iter().flat_map(|minute| &minute.jobs);
    let unsuccessful: Vec<f64> = counts
        .filter(|(_, metric, _)| *metric == tripline::metric::KeptMetric::UnsuccessfulCount)
        .map(|(_, _, number)| *number)
        .collect();
    assert!(unsuccessful.iter().all(|number| *number == 0.0), "{unsuccessful:?}");
}

/// An alarm that somebody made again under a name of ours is theirs, also while CloudWatch does not say so.
#[tokio::test]
async fn an_alarm_whose_tags_cannot_be_read_is_neither_repaired_nor_removed() {
    let account = Account::new();
    account.job("fw", 60);
    let keeper = account.keeper();
    warm(&keeper, &account, 2).await;
    let name = default("fw").remove(1);
    {
        let mut world = account.world();
        let theirs = aws_sdk_cloudwatch::types::MetricAlarm::builder()
            .alarm_name(&name)
            .alarm_arn(format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"))
            .build();
        world.cloudwatch.alarms.insert(name.clone(), theirs);
        world.cloudwatch.tags.retain(|of, _| !of.ends_with(&name));
        world.fails.insert("ListTagsForResource".to_owned(), FailureKind::Throttled);
    }
    account.changes();
    for _ in 0..3 {
        let start = account.world().now;
        let _ = keeper.tick().await;
        next_minute(&account, start);
    }
    let changes = account.changes();
    assert!(!changes.iter().any(|change| change.ends_with(&name)), "{changes:?}");
}

/// A job whose tags cannot be read is an error, and keeps no other's from being read.
#[tokio::test]
async fn one_job_s_tags_that_cannot_be_read_keep_no_other_s_from_it() {
    let account = Account::new();
    for job in ["a", "b"] {
        account.job(job, 60);
    }
    let keeper = account.keeper();
    warm(&keeper, &account, 2).await;
    account.world().fails.insert("tags of a".to_owned(), FailureKind::Denied);
    account.change("b", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "60"));
    account.changes();
    let mut failed = 0;
    for _ in 0..25 {
        let start = account.world().now;
        failed += usize::from(keeper.tick().await.is_err());
        next_minute(&account, start);
    }
    assert_eq!(account.changes(), puts(&default("b")[..1]));
    assert!(failed > 0, "it is an error of the function");
}

/// What the mute rules were is believed until they can be read again.
#[tokio::test]
async fn a_muted_alarm_stays_muted_while_the_rules_cannot_be_read() {
    let account = Account::new();
    account.job("fw", 60);
    let keeper = account.keeper();
    warm(&keeper, &account, 1).await;
    account.world().mutes.insert("night".to_owned(), vec![default("fw").remove(1)]);
    assert_eq!(warm(&keeper, &account, 1).await["unguardedJobs"], 1);
    account.world().fails.insert("ListAlarmMuteRules".to_owned(), FailureKind::Throttled);
    let start = account.world().now;
    assert!(keeper.tick().await.is_err());
    next_minute(&account, start);
    assert_eq!(account.gauge("unguardedJobs"), 1.0);
}

/// A guard that stops the rollout is not made one that only alerts because its tags cannot be read.
#[tokio::test]
async fn a_guard_that_stops_stays_while_tags_cannot_be_read() {
    let account = Account::new();
    account.job("fw", 60);
    cold(&account, 2).await;
    // As the version before left it.
    account.world().first_seen.clear();
    let armed = account.world().cloudwatch.alarms.clone();
    account.world().fails.insert("JobTags".to_owned(), FailureKind::Throttled);
    for _ in 0..3 {
        let start = account.world().now;
        let _ = account.keeper().tick().await;
        next_minute(&account, start);
    }
    assert_eq!(account.world().cloudwatch.alarms, armed);
}
