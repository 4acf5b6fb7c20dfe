//! What ended jobs leave behind.

use super::*;

#[tokio::test]
async fn an_ended_job_s_alarms_go_after_its_grace() {
    let account = Account::new();
    account.job("fw", 60);
    account.job("fw-1", 60);
    cold(&account, 1).await;
    account.changes();
    let now = account.world().seconds();
    account.change("fw", |job| job.ended = Some(now));
    cold(&account, 60).await;
    assert_eq!(account.changes(), Vec::<String>::new());
    assert_eq!(cold(&account, 2).await["guardedJobs"], 1);
    let expected: Vec<_> = default("fw").iter().map(|name| format!("delete {name}")).collect();
    assert_eq!(account.changes(), expected);
    assert_eq!(account.alarms(), default("fw-1"), "another job's, whose names begin alike");
}

const OWN: &str = "[ALARM_CONFIG]\nalarmList = slow\n[ALARM_CONFIG_slow]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\nstat = p99\nperiod = 60\nthreshold = 3600\nalarmType = upper\nevaluationPeriods = 5\ndatapointsToAlarm = 3\nsnsTopics = @email, @force-stop\n";

/// A job with its own alarms, which the keeper put.
async fn own(account: &Account, job: &str) {
    account.job(job, 0);
    let armed = account.world().seconds() - 10;
    account.world().configs.insert(job.to_owned(), (OWN.to_owned(), armed));
    cold(account, 1).await;
    account.changes();
}

#[tokio::test]
async fn an_ended_job_s_config_goes_with_its_alarms() {
    let account = Account::new();
    own(&account, "fw").await;
    let now = account.world().seconds();
    account.change("fw", |job| job.ended = Some(now));
    account.pass(3_600);
    cold(&account, 2).await;
    let filled = "delete tripline-fw-default-FailureRate";
    assert_eq!(account.changes(), [filled, "delete tripline-fw-slow", "forget fw"]);
    assert_eq!((account.alarms().len(), account.world().configs.len()), (0, 0));
    // Some minutes later nothing at all is known of it.
    cold(&account, 20).await;
    assert!(!account.world().memory.as_deref().unwrap().contains("fw"));
}

/// Alarms may be there before their job is.
#[tokio::test]
async fn a_job_that_is_not_created_yet_keeps_what_it_was_armed_with() {
    let account = Account::new();
    own(&account, "fw").await;
    {
        let mut world = account.world();
        world.jobs.clear();
        world.memory = None;
    }
    cold(&account, 3).await;
    account.pass(86_400 * 6);
    cold(&account, 3).await;
    // A default guard is there only for jobs that are.
    let filled = vec!["delete tripline-fw-default-FailureRate".to_owned()];
    assert_eq!((account.changes(), account.alarms().len()), (filled, 1));
    // Nobody is about to create it any more.
    account.pass(86_400 * 2);
    cold(&account, 3).await;
    assert_eq!(account.changes(), ["delete tripline-fw-slow", "forget fw"]);
}

/// Those that are armed and never created must not take the time of the others.
#[tokio::test]
async fn a_job_that_is_not_there_is_not_asked_for_every_minute() {
    let account = Account::new();
    for job in 0..50 {
        let armed = account.world().seconds();
        account.world().configs.insert(format!("job{job}"), (OWN.to_owned(), armed));
    }
    let keeper = account.keeper();
    warm(&keeper, &account, 8).await;
    let describes = |(call, _): &&(crate::clock::Call, _)| *call == crate::clock::Call::DescribeJob;
    assert_eq!(account.world().calls.iter().filter(describes).count(), 50);
}

#[tokio::test]
async fn a_deleted_job_leaves_nothing_behind() {
    let account = Account::new();
    own(&account, "fw").await;
    account.job("other", 0);
    cold(&account, 1).await;
    account.changes();
    account.world().jobs.clear();
    account.pass(3_600);
    cold(&account, 2).await;
    assert_eq!(account.alarms(), Vec::<String>::new());
    assert_eq!(account.world().configs.len(), 0);
}

/// Deleted to be created again under the same name, and armed in between.
#[tokio::test]
async fn a_job_that_is_armed_again_keeps_that() {
    let account = Account::new();
    own(&account, "fw").await;
    account.world().jobs.clear();
    let now = account.world().seconds();
    account.world().configs.get_mut("fw").unwrap().1 = now + 1;
    account.pass(86_400);
    cold(&account, 3).await;
    let filled = vec!["delete tripline-fw-default-FailureRate".to_owned()];
    assert_eq!((account.changes(), account.alarms().len()), (filled, 1));
}

/// Armed while it ran, and deleted: that cannot be distinguished from armed again, but for the time.
#[tokio::test]
async fn what_a_deleted_job_was_armed_with_late_goes_in_the_end() {
    let account = Account::new();
    own(&account, "fw").await;
    account.world().configs.get_mut("fw").unwrap().1 += 30;
    cold(&account, 1).await;
    account.world().jobs.clear();
    account.pass(6 * 86_400);
    cold(&account, 2).await;
    assert_eq!(account.alarms().len(), 1);
    account.pass(2 * 86_400);
    cold(&account, 2).await;
    assert_eq!((account.alarms().len(), account.world().configs.len()), (0, 0));
}

#[tokio::test]
async fn a_scheduled_job_is_not_over() {
    let account = Account::new();
    own(&account, "fw").await;
    // It is there, not ended, and not among those in progress.
    let job = account.world().jobs.remove("fw").unwrap();
    assert_eq!(job.ended, None);
    account.world().memory = None;
    cold(&account, 2).await;
    assert_eq!(account.changes(), Vec::<String>::new());
}
