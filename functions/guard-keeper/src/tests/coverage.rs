//! Whether something can decide, and what people hear where nothing can.

use tripline::attempts::Retries;
use tripline::job::{EndedCounts, Setup};
use tripline::metric::{KeptMetric, Outcome};
use tripline_aws::FailureKind;
use tripline_guard::definition::failure_rate_of;
use tripline_guard::desired::FailureRate;

use super::world::{FakeJob, START};
use super::*;

fn of_things(things: u32) -> Setup {
    Setup { things, ..Setup::default() }
}

/// A job of so many things.
fn job(account: &Account, id: &str, setup: Setup) {
    account.job(id, 5);
    account.change(id, |job| job.setup = setup);
}

fn failure_rate(account: &Account, id: &str) -> (u32, f64) {
    let name = format!("tripline-{id}-default-FailureRate");
    let alarm = account.world().cloudwatch.alarms[&name].clone();
    let id = tripline::job::JobId::new(id).unwrap();
    let FailureRate { limit, min_executions, .. } = failure_rate_of(&alarm, &id).unwrap();
    (min_executions.get(), limit)
}

fn guarded(account: &Account) -> [f64; 3] {
    ["guardedJobs", "partlyGuardedJobs", "unguardedJobs"].map(|name| account.gauge(name))
}

fn emails(account: &Account) -> Vec<String> {
    std::mem::take(&mut account.world().emails).into_iter().map(|(_, body)| body).collect()
}

/// What was published of a job's counts in the last minute that had any.
fn counts(account: &Account, id: &str) -> Option<(f64, f64)> {
    let world = account.world();
    let of = |metric: KeptMetric| {
        let gauges = world.published.iter().rev().flat_map(|minute| &minute.jobs);
        let mut of_it = gauges.filter(|(job, is, _)| job.as_str() == id && *is == metric);
        of_it.next().map(|(.., number)| *number)
    };
    Some((of(KeptMetric::NotifiedCount)?, of(KeptMetric::UnsuccessfulCount)?))
}

#[tokio::test]
async fn a_small_rollout_has_a_rule_that_it_can_decide() {
    let account = Account::new();
    job(&account, "eight", of_things(8));
    job(&account, "sixty", of_things(60));
    cold(&account, 2).await;
    assert_eq!(failure_rate(&account, "eight"), (3, 34.0));
    assert_eq!(failure_rate(&account, "sixty"), (50, 20.0));
    assert_eq!(guarded(&account), [2.0, 0.0, 0.0]);
    assert_eq!(account.changes().len(), 4, "nothing is put twice");
}

#[tokio::test]
async fn a_rollout_to_one_device_is_not_called_guarded_and_alarms_nobody() {
    let account = Account::new();
    job(&account, "one", of_things(1));
    cold(&account, 10).await;
    assert_eq!(guarded(&account), [0.0, 1.0, 0.0]);
    assert_eq!(emails(&account), Vec::<String>::new());
}

#[tokio::test]
async fn the_things_of_a_group_are_counted_once_and_before_it_is_armed() {
    let account = Account::new();
    let groups = Setup { groups: vec!["canary".to_owned()], ..Setup::default() };
    account.world().groups.insert("canary".to_owned(), 8);
    job(&account, "fw", groups);
    let keeper = account.keeper();
    warm(&keeper, &account, 3).await;
    assert_eq!(failure_rate(&account, "fw"), (3, 34.0));
    cold(&account, 2).await;
    assert_eq!(account.changes().len(), 2, "a new environment puts nothing again");
    let world = account.world();
    let asked = world.calls.iter().filter(|(call, _)| *call == crate::clock::Call::Things).count();
    assert_eq!(asked, 3, "once for each environment");
}

#[tokio::test]
async fn how_many_things_there_are_may_be_unknown() {
    let account = Account::new();
    let groups = Setup { groups: vec!["canary".to_owned()], ..Setup::default() };
    account.world().groups.insert("canary".to_owned(), 8);
    account.world().fails.insert("ListThingsInThingGroup".to_owned(), FailureKind::Refused);
    job(&account, "fw", groups);
    let failed = account.keeper().tick().await.unwrap_err();
    assert_eq!(failed.first.operation, "ListThingsInThingGroup");
    assert_eq!((failure_rate(&account, "fw"), guarded(&account)), ((50, 20.0), [1.0, 0.0, 0.0]));
}

fn retried(account: &Account, attempts: &[(u64, u32, Outcome)], succeeded: u32) {
    let retries = Retries { failed: 3, timed_out: 0 };
    job(account, "fw", Setup { retries, ..of_things(40) });
    account.change("fw", |job: &mut FakeJob| {
        let failed = u32::try_from(attempts.len()).unwrap();
        job.endings = EndedCounts { succeeded, failed, ..EndedCounts::default() };
        (job.counted, job.attempts) = (succeeded + failed, attempts.to_vec());
    });
}

#[tokio::test]
async fn devices_are_counted_where_aws_iot_counts_attempts() {
    // Four devices fail each of their four attempts; or ten fail once, and all succeed.
    let all_four: Vec<_> =
        (0..16).map(|n| (n / 4, u32::try_from(n % 4).unwrap() + 1, Outcome::Failed)).collect();
    let once: Vec<_> = (0..10).map(|thing| (thing, 1, Outcome::Failed)).collect();
    for (attempts, succeeded, expected) in [(all_four, 36, (40.0, 4.0)), (once, 40, (40.0, 0.0))] {
        let account = Account::new();
        retried(&account, &attempts, succeeded);
        cold(&account, 2).await;
        assert_eq!(counts(&account, "fw"), Some(expected));
        assert_eq!(guarded(&account), [1.0, 0.0, 0.0]);
    }
}

#[tokio::test]
async fn where_devices_cannot_be_counted_the_failure_rate_decides_nothing_and_that_is_said_once() {
    let account = Account::new();
    retried(&account, &[(1, 1, Outcome::Failed), (1, 2, Outcome::Failed)], 30);
    account.world().fails.insert("ListAttempts".to_owned(), FailureKind::Refused);
    for _ in 0..30 {
        let start = account.world().now;
        let failed = account.keeper().tick().await.unwrap_err();
        assert_eq!(failed.first.operation, "ListAttempts");
        next_minute(&account, start);
    }
    assert_eq!((counts(&account, "fw"), guarded(&account)), (None, [0.0, 0.0, 1.0]));
    let [body] = &emails(&account)[..] else { panic!() };
    let said = "Nothing covers devices that fail: default-FailureRate decides nothing: AWS IoT counts attempts";
    assert!(body.contains(said), "{body}");
}

const OWN: &str = "[ALARM_CONFIG]\nalarmList = slow\n[ALARM_CONFIG_slow]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\nstat = p90\nperiod = 300\nthreshold = 600\nalarmType = upper\nevaluationPeriods = 1\ndatapointsToAlarm = 1\nsnsTopics = @force-stop\n";

/// A config of its own takes nothing away: what it does not see, the default guard does.
#[tokio::test]
async fn the_default_guard_fills_what_a_config_does_not_see() {
    let account = Account::new();
    job(&account, "fw", of_things(60));
    account.world().configs.insert("fw".to_owned(), (OWN.to_owned(), START as i64));
    cold(&account, 3).await;
    let names = ["default-Evidence", "default-EvidenceMissing", "default-FailureRate", "slow"];
    assert_eq!(account.all_alarms(), names.map(|name| format!("tripline-fw-{name}")));
    assert_eq!(guarded(&account), [1.0, 0.0, 0.0]);
    assert_eq!(emails(&account), Vec::<String>::new());
}

#[tokio::test]
async fn a_config_that_does_without_is_partly_guarded_and_each_gap_is_said_once() {
    let account = Account::new();
    job(&account, "fw", of_things(60));
    let alone = OWN.replace("alarmList", "defaultGuard = False\nalarmList");
    account.world().configs.insert("fw".to_owned(), (alone, START as i64));
    cold(&account, 30).await;
    assert_eq!(account.all_alarms(), ["tripline-fw-slow"]);
    assert_eq!(guarded(&account), [0.0, 1.0, 0.0]);
    let [body] = &emails(&account)[..] else { panic!() };
    for way in ["devices that fail", "devices that refuse"] {
        assert!(
            body.contains(&format!("Nothing covers {way}: no alarm watches for it.")),
            "{body}"
        );
    }
}

/// 115 of 120 devices succeed, and none says how long its download took.
#[tokio::test]
async fn an_alarm_on_what_no_device_reports_is_said() {
    for (invalid, own, expected) in [
        (0, true, Some("115 devices succeeded and none reported `downloadTime`")),
        (115, false, Some("none reported a usable `downloadTime` (115 unusable details)")),
        (0, false, None),
    ] {
        let account = Account::new();
        job(&account, "fw", of_things(120));
        if own {
            account.world().configs.insert("fw".to_owned(), (OWN.to_owned(), START as i64));
        }
        account.change("fw", |job| {
            job.endings = EndedCounts { succeeded: 115, failed: 5, ..EndedCounts::default() };
            (job.counted, job.download_times, job.invalid) = (115, Some(0), invalid);
        });
        cold(&account, 5).await;
        // Evidence sees slow devices all the same.
        assert_eq!(guarded(&account), [1.0, 0.0, 0.0]);
        let said = emails(&account);
        assert_eq!(said.len(), usize::from(expected.is_some()), "{said:?}");
        if let Some(expected) = expected {
            assert!(said[0].contains(expected), "{}", said[0]);
        }
    }
}

/// A day on which a hundred rollouts begin and end well, some with retries and groups: nobody is alerted.
#[tokio::test]
async fn rollouts_that_go_well_alert_nobody() {
    let account = Account::new();
    let keeper = account.keeper();
    account.world().groups.insert("canary".to_owned(), 8);
    for n in 0..100_u32 {
        let setup = match n % 4 {
            0 => of_things(60),
            1 => Setup { groups: vec!["canary".to_owned()], ..Setup::default() },
            2 => of_things(1),
            _ => Setup { retries: Retries { failed: 3, timed_out: 3 }, ..of_things(500) },
        };
        let id = format!("fw-{n}");
        job(&account, &id, setup);
        for minute in 0..7_u32 {
            account.change(&id, |job| {
                job.endings.succeeded = minute * 8;
                job.counted = job.endings.succeeded;
            });
            warm(&keeper, &account, 1).await;
            assert_eq!(account.gauge("unguardedJobs"), 0.0, "{id}");
        }
        let now = account.world().now.as_secs();
        account.change(&id, |job| job.ended = Some(i64::try_from(now).unwrap()));
    }
    assert_eq!(emails(&account), Vec::<String>::new());
}
