//! Every job in progress has its alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use tripline::metric::{DIMENSION, NAMESPACE};
use tripline_aws::FailureKind;
use tripline_config::AlarmConfig;

use super::world::{START, assert_quotas};
use super::*;
use crate::settings::tests::FORCE_STOP;

const OWN: &str = "[ALARM_CONFIG]\nalarmList = slow\n[ALARM_CONFIG_slow]\nnamespace = IoT:OTA:JobExecution\nmetricName = downloadTime\nstat = p99\nperiod = 60\nthreshold = 3600\nalarmType = upper\nevaluationPeriods = 5\ndatapointsToAlarm = 3\nsnsTopics = @email, @force-stop\n";

fn keep_own(account: &Account, job: &str) {
    assert_eq!(AlarmConfig::parse("own", OWN).unwrap().alarms.len(), 1);
    account.world().configs.insert(job.to_owned(), (OWN.to_owned(), START as i64));
}

#[tokio::test]
async fn a_job_that_brings_no_guard_gets_the_stack_s_within_a_minute() {
    let account = Account::new();
    account.job("fw", 5);
    let summary = cold(&account, 1).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&1.into(), &0.into()));
    assert_eq!(account.changes(), puts(&default("fw")));
    for alarm in account.world().cloudwatch.alarms.values() {
        let [email, force_stop] = alarm.alarm_actions() else { panic!("{alarm:?}") };
        assert_eq!((email, force_stop.as_str()), (&account.settings().email_topic, FORCE_STOP));
    }
    for tags in account.world().cloudwatch.tags.values() {
        assert_eq!(
            (tags["tripline:job"].as_str(), tags["tripline:stack"].as_str()),
            ("fw", "tripline")
        );
    }
    // Nothing is left to do, for whoever looks.
    for hides_metrics in [false, true] {
        account.world().hides_metrics = hides_metrics;
        assert_eq!(cold(&account, 2).await["guardedJobs"], 1);
        assert_eq!(account.changes(), Vec::<String>::new());
    }
    assert_eq!((account.gauge("guardedJobs"), account.gauge("unguardedJobs")), (1.0, 0.0));
}

#[tokio::test]
async fn a_job_s_own_config_goes_before_the_default_guard() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    keep_own(&account, "fw");
    account.changes();
    cold(&account, 2).await;
    let removed = default("fw").into_iter().map(|name| format!("delete {name}"));
    let expected: Vec<_> = ["put tripline-fw-slow".to_owned()].into_iter().chain(removed).collect();
    assert_eq!(account.changes(), expected);
    assert_eq!(cold(&account, 1).await["guardedJobs"], 1);
}

/// Whoever edits the table by hand must not disarm a job.
#[tokio::test]
async fn the_default_guard_stands_in_for_a_config_that_cannot_be_read() {
    let account = Account::new();
    account.job("fw", 5);
    account.world().configs.insert("fw".to_owned(), ("[ALARM_CONFIG".to_owned(), 0));
    cold(&account, 1).await;
    assert_eq!(account.changes(), puts(&default("fw")));
}

#[tokio::test]
async fn whatever_is_done_to_an_alarm_is_undone() {
    let account = Account::new();
    account.job("fw", 5);
    keep_own(&account, "own");
    account.job("own", 5);
    cold(&account, 1).await;
    let names = account.alarms();
    assert_eq!(names.len(), 3);
    let keeper = account.keeper();
    warm(&keeper, &account, 1).await;
    for name in names {
        for change in 0..4 {
            account.changes();
            {
                let mut world = account.world();
                let alarm = world.cloudwatch.alarms.get_mut(&name).unwrap();
                match change {
                    0 => alarm.actions_enabled = Some(false),
                    1 => alarm.alarm_actions = None,
                    2 => alarm.threshold = Some(1e9),
                    _ => alarm.datapoints_to_alarm = Some(99),
                }
            }
            assert_eq!(warm(&keeper, &account, 2).await["guardedJobs"], 2);
            assert_eq!(account.changes(), [format!("put {name}")], "{change}");
        }
    }
}

#[tokio::test]
async fn what_is_not_tripline_s_is_never_touched() {
    for foreign in [
        // Whoever made it by hand, another job's by a name that is alike, and another stack's.
        vec![],
        vec![("tripline:job", "fw")],
        vec![("tripline:job", "fw-1"), ("tripline:stack", "tripline")],
        vec![("tripline:job", "fw"), ("tripline:stack", "another")],
    ] {
        let account = Account::new();
        account.job("fw", 5);
        cold(&account, 1).await;
        let name = default("fw").remove(0);
        {
            let mut world = account.world();
            let alarm = world.cloudwatch.alarms.get_mut(&name).unwrap();
            alarm.actions_enabled = Some(false);
            let arn = alarm.alarm_arn.clone().unwrap();
            let tags = foreign.iter().map(|(key, is)| (key.to_string(), is.to_string()));
            world.cloudwatch.tags.insert(arn, tags.collect());
        }
        account.changes();
        assert_eq!(cold(&account, 3).await["unguardedJobs"], 1, "{foreign:?}");
        assert_eq!(account.changes(), Vec::<String>::new());
        // Not even when the job is over.
        let now = account.world().seconds();
        account.change("fw", |job| job.ended = Some(now - 4_000));
        cold(&account, 2).await;
        assert_eq!(account.alarms(), [name]);
    }
}

/// CloudWatch has one alarm of a name, and overwrites it without a word.
#[tokio::test]
async fn a_name_that_is_taken_is_not_taken_over() {
    let name = default("fw").remove(1);
    let alarm = |dimension: &str, of: &str| {
        let dimension = Dimension::builder().name(dimension).value(of).build();
        let alarm = MetricAlarm::builder().alarm_name(&name).alarm_arn(&name).dimensions(dimension);
        alarm.namespace(NAMESPACE).metric_name("failedCount").build()
    };
    // Of another job, whatever its tags, and of another metric.
    let tagged = BTreeMap::from([
        ("tripline:job".to_owned(), "fw".to_owned()),
        ("tripline:stack".to_owned(), "tripline".to_owned()),
    ]);
    for there in [Some(alarm(DIMENSION, "other")), Some(alarm("FunctionName", "fw")), None] {
        let account = Account::new();
        account.job("fw", 5);
        match there {
            Some(there) => {
                let mut world = account.world();
                world.cloudwatch.alarms.insert(name.clone(), there);
                world.cloudwatch.tags.insert(name.clone(), tagged.clone());
            }
            None => drop(account.world().cloudwatch.composite.insert(name.clone())),
        }
        assert_eq!(cold(&account, 2).await["unguardedJobs"], 1);
        assert_eq!(account.changes(), puts(&default("fw")[..1]));
    }
}

/// Both keep what they armed, and neither arms beside the other.
#[tokio::test]
async fn two_stacks_in_one_account_leave_each_other_s_alarms_alone() {
    let first = Account::new();
    let mut settings = first.settings();
    settings.stack = "second".to_owned();
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:second-{name}");
    (settings.email_topic, settings.force_stop_topic) = (topic("email"), topic("force-stop"));
    let second = first.seen_by(settings);
    // One has its own alarms, one the first stack's default guard.
    first.job("own", 5);
    keep_own(&first, "own");
    first.job("plain", 5);
    cold(&first, 1).await;
    let armed = first.alarms();
    first.changes();
    for _ in 0..3 {
        // The table is the first one's.
        let configs = std::mem::take(&mut first.world().configs);
        let summary = cold(&second, 1).await;
        assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&2.into(), &0.into()));
        first.world().configs = configs;
        assert_eq!(cold(&first, 1).await["guardedJobs"], 2);
    }
    // One that remembers comes to the same.
    let keeper = second.keeper();
    let configs = std::mem::take(&mut first.world().configs);
    assert_eq!(warm(&keeper, &second, 4).await["guardedJobs"], 2);
    first.world().configs = configs;
    assert_eq!((first.changes(), first.alarms()), (vec![], armed.clone()));
    // As long as it cannot be known, nothing is done, and it is told.
    first.world().fails.insert("ListTagsForResource".to_owned(), FailureKind::Throttled);
    let configs = std::mem::take(&mut first.world().configs);
    assert_eq!(cold(&second, 1).await["unguardedJobs"], 2);
    first.world().fails.clear();
    assert_eq!((first.changes(), first.alarms()), (vec![], armed.clone()));
    // Alarms outlive their stack. What it armed is armed anew where the names allow it, and told.
    first.world().dead_stacks.insert("tripline".to_owned());
    let summary = cold(&second, 1).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&1.into(), &1.into()));
    assert_eq!(first.changes(), puts(&default("own")));
    for name in default("own") {
        first.world().cloudwatch.alarms.remove(&name);
    }
    first.world().dead_stacks.clear();
    first.world().configs = configs;
    // Nor when the jobs are over.
    first.world().configs.clear();
    let now = first.world().seconds();
    for job in ["own", "plain"] {
        first.change(job, |job| job.ended = Some(now - 4_000));
    }
    cold(&second, 2).await;
    assert_eq!(first.alarms(), armed);
}

#[tokio::test]
async fn an_alarm_that_is_in_alarm_already_is_told_as_no_guard() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    account.changes();
    let name = default("fw").remove(0);
    account.world().cloudwatch.alarms.get_mut(&name).unwrap().state_value = Some(StateValue::Alarm);
    assert_eq!(cold(&account, 1).await["unguardedJobs"], 1);
    assert_eq!((account.changes(), account.gauge("unguardedJobs")), (vec![], 1.0));
}

/// A guard that is there for some seconds of each minute is none, and the next minute mends nothing.
#[tokio::test]
async fn a_guard_that_is_undone_again_and_again_is_told() {
    for undone in ["deleted", "cut off"] {
        for knows in [false, true] {
            let account = Account::new();
            account.job("fw", 5);
            account.job("well", 5);
            let keeper = account.keeper();
            let minute = async || match knows {
                true => warm(&keeper, &account, 1).await,
                false => cold(&account, 1).await,
            };
            assert_eq!(minute().await["guardedJobs"], 2);
            for _ in 0..3 {
                {
                    let mut world = account.world();
                    let name = &default("fw")[0];
                    match undone {
                        "deleted" => drop(world.cloudwatch.alarms.remove(name)),
                        _ => {
                            let alarm = world.cloudwatch.alarms.get_mut(name).unwrap();
                            alarm.actions_enabled = Some(false);
                        }
                    }
                }
                let summary = minute().await;
                let told = (&summary["guardedJobs"], &summary["unguardedJobs"]);
                assert_eq!(told, (&1.into(), &1.into()), "{undone}, {knows}");
                assert_eq!(account.alarms().len(), 4, "it is armed all the same");
            }
            // Left alone, it is a guard again; and whoever undoes it once an hour is made up for.
            assert_eq!(minute().await["guardedJobs"], 2);
            account.pass(3_600);
            account.world().cloudwatch.alarms.remove(&default("fw")[0]);
            assert_eq!(minute().await["guardedJobs"], 2);
        }
    }
}

/// Half of a guard may be armed in one minute and half in the next.
#[tokio::test]
async fn a_guard_that_is_completed_a_minute_later_is_one() {
    let account = Account::new();
    account.job("fw", 5);
    account.world().fails.insert(default("fw")[1].clone(), FailureKind::Unavailable);
    assert!(account.keeper().tick().await.is_err());
    assert_eq!(account.gauge("unguardedJobs"), 1.0);
    account.world().fails.clear();
    account.pass(60);
    assert_eq!(cold(&account, 1).await["guardedJobs"], 1);
}

#[tokio::test]
async fn tags_opt_out_and_override() {
    let account = Account::new();
    account.job("out", 5);
    account.job("slow", 5);
    let tag = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    account.change("out", |job| job.tags = tag("tripline:guard", "off"));
    account.change("slow", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "7200"));
    let summary = cold(&account, 1).await;
    assert_eq!((&summary["guardedJobs"], &summary["optedOutJobs"]), (&1.into(), &1.into()));
    assert_eq!(account.changes(), puts(&default("slow")));
    let threshold = |account: &Account| {
        account.world().cloudwatch.alarms["tripline-slow-default-DownloadTime"].threshold()
    };
    assert_eq!(threshold(&account), Some(7_200.0));
    // A value that cannot be is none. A new environment looks at the tags at once.
    account.change("slow", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "2 h"));
    let keeper = account.keeper();
    warm(&keeper, &account, 3).await;
    assert_eq!(threshold(&account), Some(3_600.0));
    // Who opts out later loses the default guard, once the tags have their turn again.
    account.change("slow", |job| job.tags = tag("tripline:guard", "off"));
    warm(&keeper, &account, 12).await;
    assert_eq!(account.alarms(), Vec::<String>::new());
}

/// A guard that waits for more devices than come is none.
#[tokio::test]
async fn a_slow_job_gets_periods_in_which_enough_devices_come() {
    let account = Account::new();
    account.job("fw", 5);
    account.change("fw", |job| job.rate = Some(1));
    cold(&account, 1).await;
    let seconds = |account: &Account, alarm: usize| {
        let world = account.world();
        let there = &world.cloudwatch.alarms[&default("fw")[alarm]];
        let stats = there.metrics().iter().filter_map(|query| query.metric_stat());
        stats.map(|stat| stat.period().unwrap()).max().unwrap()
    };
    assert_eq!(seconds(&account, 0), 7_800);
    // Nothing is left to do, for whoever knows it and whoever does not.
    account.changes();
    let keeper = account.keeper();
    warm(&keeper, &account, 2).await;
    cold(&account, 1).await;
    assert_eq!(account.changes(), Vec::<String>::new());
    // The operator makes it faster.
    account.change("fw", |job| job.rate = Some(1_000));
    warm(&keeper, &account, 2).await;
    assert_eq!(seconds(&account, 0), 600);
}

/// Whoever guards it otherwise has told so, and an environment that knows nothing asks first.
#[tokio::test]
async fn a_job_that_opted_out_is_not_told_whatever_its_alarms_are_in() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    let tag = ("tripline:guard".to_owned(), "off".to_owned());
    account.change("fw", |job| job.tags = vec![tag]);
    for alarm in account.world().cloudwatch.alarms.values_mut() {
        alarm.state_value = Some(StateValue::Alarm);
    }
    let summary = cold(&account, 1).await;
    assert_eq!((&summary["unguardedJobs"], &summary["optedOutJobs"]), (&0.into(), &1.into()));
}

#[tokio::test]
async fn a_job_is_armed_though_its_tags_cannot_be_read() {
    let account = Account::new();
    account.job("fw", 5);
    account.world().fails.insert("JobTags".to_owned(), FailureKind::Throttled);
    assert_eq!(cold(&account, 1).await["guardedJobs"], 1);
}

#[tokio::test]
async fn job_events_are_switched_on_unless_that_is_the_operator_s() {
    let account = Account::new();
    account.world().events_are_on = false;
    cold(&account, 2).await;
    assert_eq!(account.changes(), ["enable events"]);

    let mut settings = Account::new().settings();
    settings.keep_job_events = false;
    let account = Account::with(settings);
    account.world().events_are_on = false;
    account.job("fw", 5);
    assert_eq!(cold(&account, 1).await["unguardedJobs"], 1, "no alarm sees anything");
    assert_eq!(account.changes(), puts(&default("fw")));
}

#[tokio::test]
async fn a_minute_that_cannot_see_publishes_nothing_and_fails() {
    for operation in ["ListJobs", "DescribeAlarms"] {
        let account = Account::new();
        account.job("fw", 5);
        account.world().fails.insert(operation.to_owned(), FailureKind::Denied);
        let failed = account.keeper().tick().await.unwrap_err();
        assert_eq!(failed.first.operation, operation);
        assert_eq!(account.changes(), Vec::<String>::new());
        assert_eq!(account.world().published.len(), 0);
    }
}

#[tokio::test]
async fn without_the_table_jobs_are_armed_and_nothing_is_forgotten() {
    let account = Account::new();
    account.job("fw", 5);
    account.world().memory = Some("precious".to_owned());
    account.world().fails.insert("Scan".to_owned(), FailureKind::Unavailable);
    let failed = account.keeper().tick().await.unwrap_err();
    assert_eq!(failed.first.operation, "Scan");
    assert_eq!(account.changes(), puts(&default("fw")));
    assert_eq!(account.world().memory.as_deref(), Some("precious"));
    assert_eq!(account.gauge("guardedJobs"), 1.0);
}

#[tokio::test]
async fn one_alarm_that_is_refused_costs_no_other_job_its_guard() {
    let account = Account::new();
    for job in ["a", "b", "c"] {
        account.job(job, 5);
        let refused = format!("tripline-{job}-default-DownloadTime");
        if job == "b" {
            account.world().fails.insert(refused, FailureKind::Refused);
        }
    }
    let failed = account.keeper().tick().await.unwrap_err();
    assert_eq!(failed.first.operation, "PutMetricAlarm");
    assert_eq!((account.gauge("guardedJobs"), account.gauge("unguardedJobs")), (2.0, 1.0));
}

/// Two alarms each at two a second: 2,000 seconds of calls, some of each minute's 42 for looking.
#[tokio::test]
async fn two_thousand_jobs_are_armed_within_the_quotas() {
    let account = Account::new();
    for job in 0..2_000 {
        account.job(&format!("job{job:04}"), 3_600 + job);
    }
    let keeper = account.keeper();
    let mut minutes = 0;
    let mut before = 0;
    while account.alarms().len() < 4_002 {
        // A rollout that begins now does not wait for the old ones.
        if minutes == 10 {
            account.job("urgent", 0);
        }
        warm(&keeper, &account, 1).await;
        if minutes == 10 {
            assert!(account.alarms().contains(&default("urgent")[0]));
        }
        minutes += 1;
        let armed = account.alarms().len();
        assert!(armed > before + 40 || armed == 4_002, "{armed} alarms after {minutes} minutes");
        before = armed;
    }
    assert!(minutes <= 70, "{minutes} minutes");
    let calls = std::mem::take(&mut account.world().calls);
    assert_quotas(&calls);
    assert_eq!(account.gauge("guardedJobs"), 2_001.0);
}

/// Once all are under guard, each job is looked at before long, and nobody is forgotten.
#[tokio::test]
async fn hundreds_of_jobs_are_watched_in_turn() {
    let account = Account::new();
    for job in 0..400 {
        account.job(&format!("job{job:03}"), 60);
        account.change(&format!("job{job:03}"), |job| job.at_work = vec![0; 10]);
    }
    let keeper = account.keeper();
    warm(&keeper, &account, 35).await;
    let world = account.world();
    assert_quotas(&world.calls);
    assert_eq!(world.described.len(), 400);
    let last = world.published.last().unwrap();
    assert_eq!(last.stack[..2], [("guardedJobs", 400.0), ("unguardedJobs", 0.0)]);
    // Whoever has been at work for years is overdue.
    assert_eq!(last.stack.last(), Some(&("overdueJobs", 400.0)));
}
