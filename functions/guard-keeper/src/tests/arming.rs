//! Every job in progress has its alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use tripline::metric::{DIMENSION, NAMESPACE};
use tripline_aws::FailureKind;
use tripline_config::AlarmConfig;

use super::world::{START, assert_quotas};
use super::*;
use crate::evidence::Weighed;
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
    {
        let world = account.world();
        let stopping =
            world.cloudwatch.alarms.iter().filter(|(name, _)| !name.contains("Evidence"));
        for (_, alarm) in stopping {
            let [email, force_stop] = alarm.alarm_actions() else { panic!("{alarm:?}") };
            assert_eq!((email, force_stop.as_str()), (&account.settings().email_topic, FORCE_STOP));
        }
        for tags in world.cloudwatch.tags.values() {
            assert_eq!(
                (tags["tripline:job"].as_str(), tags["tripline:stack"].as_str()),
                ("fw", "tripline")
            );
        }
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
    // Its own alarm sees no device that fails: there the default guard stays.
    let expected = ["put tripline-fw-slow", "delete tripline-fw-default-DownloadTime"];
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
    assert_eq!(names.len(), 4);
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

/// Whoever made it, an alarm that is not this stack's by its tags is left as it is, and keeps no guard from
/// being armed.
#[tokio::test]
async fn what_is_not_ours_is_never_touched_and_the_guard_is_armed_beside_it() {
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
        let before = account.world().cloudwatch.alarms[&name].clone();
        account.changes();
        account.pass(600);
        assert_eq!(cold(&account, 3).await["guardedJobs"], 1, "{foreign:?}");
        assert_eq!(account.changes(), [format!("put {name}-2")]);
        let keeper = account.keeper();
        assert_eq!(warm(&keeper, &account, 2).await["guardedJobs"], 1);
        // Not even when the job is over.
        let now = account.world().seconds();
        account.change("fw", |job| job.ended = Some(now - 4_000));
        cold(&account, 2).await;
        assert_eq!(account.alarms(), [name.as_str()]);
        assert_eq!(account.world().cloudwatch.alarms[&name], before);
    }
}

/// CloudWatch has one alarm of a name, and overwrites it without a word.
#[tokio::test]
async fn a_name_that_is_taken_is_not_taken_over_and_is_said() {
    let name = default("fw").remove(1);
    let alarm = |dimension: &str, of: &str| {
        let dimension = Dimension::builder().name(dimension).value(of).build();
        let alarm = MetricAlarm::builder().alarm_name(&name).alarm_arn(&name).dimensions(dimension);
        alarm.namespace(NAMESPACE).metric_name("failedCount").build()
    };
    // Of another job, and of another metric.
    for there in [Some(alarm(DIMENSION, "other")), Some(alarm("FunctionName", "fw")), None] {
        let account = Account::new();
        account.job("fw", 5);
        match there {
            Some(there) => drop(account.world().cloudwatch.alarms.insert(name.clone(), there)),
            None => drop(account.world().cloudwatch.composite.insert(name.clone())),
        }
        assert_eq!(cold(&account, 2).await["guardedJobs"], 1);
        let names = [default("fw")[0].clone(), format!("{name}-2")];
        assert_eq!(account.changes(), puts(&names));
        let [finding] = &findings(&account).await[..] else { panic!() };
        assert_eq!(finding.case, "name_taken");
        assert!(finding.text.contains(&format!("`{name}`. Its own alarm is called `{name}-2`")));
    }
}

/// An alarm that is ours by its tags is ours, whatever somebody made of it.
#[tokio::test]
async fn an_emptied_guard_is_repaired_beside_foreign_alarms() {
    let account = Account::new();
    account.job("fw", 5);
    let squat = MetricAlarm::builder()
        .alarm_name("tripline-fw-mine")
        .alarm_arn("squat")
        .namespace(NAMESPACE)
        .metric_name("no-such-metric")
        .dimensions(Dimension::builder().name(DIMENSION).value("fw").build())
        .threshold(1e300)
        .actions_enabled(true)
        .alarm_actions(FORCE_STOP)
        .build();
    account.world().cloudwatch.alarms.insert("tripline-fw-mine".to_owned(), squat.clone());
    cold(&account, 1).await;
    assert_eq!(account.changes(), puts(&default("fw")));
    let keeper = account.keeper();
    warm(&keeper, &account, 2).await;
    let name = &default("fw")[0];
    account.pass(600);
    for change in 0..3 {
        {
            let mut world = account.world();
            let alarm = world.cloudwatch.alarms.get_mut(name).unwrap();
            match change {
                0 => alarm.threshold = Some(1e300),
                1 => alarm.alarm_actions = None,
                _ => {
                    alarm.metrics = None;
                    alarm.namespace = Some("AWS/SQS".to_owned());
                    alarm.metric_name = Some("x".to_owned());
                }
            }
        }
        account.changes();
        assert_eq!(warm(&keeper, &account, 1).await["guardedJobs"], 1);
        assert_eq!(account.changes(), [format!("put {name}")], "{change}");
        // As if nobody had touched it lately.
        account.pass(600);
    }
    assert_eq!(account.world().cloudwatch.alarms["tripline-fw-mine"], squat);
}

/// Each keeps what it armed, and arms what it would without the other.
#[tokio::test]
async fn two_stacks_in_one_account_leave_each_other_s_alarms_alone() {
    let first = Account::new();
    let mut settings = first.settings();
    settings.stack = "second".to_owned();
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:second-{name}");
    (settings.email_topic, settings.force_stop_topic) = (topic("email"), topic("force-stop"));
    let second = first.seen_by(settings);
    first.job("fw", 5);
    cold(&first, 1).await;
    let armed = first.alarms();
    first.changes();
    first.pass(600);
    assert_eq!(cold(&second, 1).await["guardedJobs"], 1);
    let beside: Vec<_> = default("fw").iter().map(|name| format!("{name}-2")).collect();
    assert_eq!(first.changes(), puts(&beside));
    for account in [&first, &second] {
        let keeper = account.keeper();
        assert_eq!(warm(&keeper, account, 3).await["guardedJobs"], 1);
    }
    assert_eq!(first.changes(), Vec::<String>::new());
    // Nor when the job is over.
    let now = first.world().seconds();
    first.change("fw", |job| job.ended = Some(now - 4_000));
    cold(&second, 2).await;
    assert_eq!(first.alarms(), armed);
}

#[tokio::test]
async fn an_alarm_that_is_in_alarm_already_is_announced_as_no_guard() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    account.changes();
    let name = default("fw").remove(0);
    account.world().cloudwatch.alarms.get_mut(&name).unwrap().state_value = Some(StateValue::Alarm);
    assert_eq!(cold(&account, 1).await["unguardedJobs"], 1);
    assert_eq!((account.changes(), account.gauge("unguardedJobs")), (vec![], 1.0));
}

/// A guard that is there for some seconds of each minute is none, and the next minute fixes nothing.
#[tokio::test]
async fn a_guard_that_is_undone_again_and_again_is_announced() {
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
                let reported = (&summary["guardedJobs"], &summary["unguardedJobs"]);
                assert_eq!(reported, (&1.into(), &1.into()), "{undone}, {knows}");
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

fn tag(key: &str, value: &str) -> Vec<(String, String)> {
    vec![(key.to_owned(), value.to_owned())]
}

/// What would be said of the jobs this minute.
async fn findings(account: &Account) -> Vec<crate::finding::Finding> {
    let keeper = account.keeper();
    let minute = crate::clock::Minute::begin(&keeper.clock, &keeper.paces);
    let jobs = keeper.list_all_jobs(&minute).await.unwrap();
    let seen = keeper.observe(&minute, &jobs).await.unwrap();
    let mut guarding = keeper.guard(&minute, &seen).await;
    keeper.count_guards(&minute, &seen, &mut guarding, &Weighed::default());
    guarding.findings
}

#[tokio::test]
async fn tags_opt_out_and_override() {
    let account = Account::new();
    account.job("out", 5);
    account.job("slow", 5);
    account.change("out", |job| job.tags = tag("tripline:guard", "off"));
    account.change("slow", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "7200"));
    let summary = cold(&account, 1).await;
    assert_eq!((&summary["guardedJobs"], &summary["optedOutJobs"]), (&1.into(), &1.into()));
    assert_eq!(account.changes(), puts(&default("slow")));
    let found = findings(&account).await;
    let [out] = &found[..] else { panic!("{found:?}") };
    assert_eq!((out.job.as_str(), out.case), ("out", "opted_out"));
    let threshold = |account: &Account| {
        account.world().cloudwatch.alarms["tripline-slow-default-DownloadTime"].threshold()
    };
    assert_eq!(threshold(&account), Some(7_200.0));
    // A value that cannot be is none. A new environment looks at the tags at once.
    account.change("slow", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "2 h"));
    let keeper = account.keeper();
    warm(&keeper, &account, 3).await;
    assert_eq!(threshold(&account), Some(3_600.0));
    // Who takes the tag away gets the guard.
    account.change("out", |job| job.tags.clear());
    assert_eq!(warm(&keeper, &account, 12).await["guardedJobs"], 2);
}

fn stopping(account: &Account) -> BTreeMap<String, MetricAlarm> {
    let mut alarms = account.world().cloudwatch.alarms.clone();
    alarms.retain(|name, _| !name.contains("-Evidence"));
    alarms
}

/// Whoever may tag a job cannot disarm it, or make its guard looser, while it runs: for whichever
/// environment sees it.
#[tokio::test]
async fn later_tags_can_only_tighten_the_guard() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    let armed = stopping(&account);
    account.changes();
    for loose in [("tripline:guard", "off"), ("tripline:DownloadTimeUpperLimit", "43200")] {
        account.change("fw", |job| job.tags = tag(loose.0, loose.1));
        for keeper in [account.keeper(), account.keeper()] {
            let summary = warm(&keeper, &account, 3).await;
            assert_eq!(summary["guardedJobs"], 1, "{loose:?}");
            assert_eq!(summary["optedOutJobs"], 0);
        }
        assert_eq!(account.changes(), Vec::<String>::new(), "{loose:?}");
        assert_eq!(stopping(&account), armed);
    }
    account.change("fw", |job| job.tags = tag("tripline:DownloadTimeUpperLimit", "60"));
    warm(&account.keeper(), &account, 3).await;
    assert_eq!(account.changes(), puts(&default("fw")[..1]));
    // A new job of the same name begins again.
    account.change("fw", |job| {
        job.created += 100;
        job.tags = tag("tripline:guard", "off");
    });
    assert_eq!(warm(&account.keeper(), &account, 2).await["optedOutJobs"], 1);
}

/// It is said once by name, and the guard stays.
#[tokio::test]
async fn an_opt_out_in_mid_flight_is_said() {
    let account = Account::new();
    account.job("fw", 5);
    let keeper = account.keeper();
    warm(&keeper, &account, 1).await;
    account.change("fw", |job| job.tags = tag("tripline:guard", "off"));
    warm(&keeper, &account, 12).await;
    let minute = crate::clock::Minute::begin(&keeper.clock, &keeper.paces);
    let jobs = keeper.list_all_jobs(&minute).await.unwrap();
    let seen = keeper.observe(&minute, &jobs).await.unwrap();
    let mut guarding = keeper.guard(&minute, &seen).await;
    keeper.count_guards(&minute, &seen, &mut guarding, &Weighed::default());
    let [finding] = &guarding.findings[..] else { panic!("{:?}", guarding.findings) };
    assert_eq!((finding.case, guarding.guarded), ("opted_out_late", 1));
}

/// A mute rule keeps an alarm's actions from running: to make it again would change nothing.
#[tokio::test]
async fn a_muted_alarm_is_no_guard_and_the_fix_is_to_lift_the_rule() {
    let account = Account::new();
    account.job("fw", 5);
    cold(&account, 1).await;
    account.changes();
    let name = default("fw").remove(1);
    account.world().mutes.insert("night shift".to_owned(), vec![name.clone()]);
    let keeper = account.keeper();
    assert_eq!(warm(&keeper, &account, 1).await["unguardedJobs"], 1);
    let [finding] = &findings(&account).await[..] else { panic!() };
    assert_eq!(finding.case, "muted");
    assert!(finding.text.contains("delete-alarm-mute-rule --alarm-mute-rule-name 'night shift'"));
    account.world().mutes.clear();
    assert_eq!(warm(&keeper, &account, 1).await["guardedJobs"], 1);
    assert_eq!(account.changes(), Vec::<String>::new());
    // That the rules cannot be read is an error, and costs no job its guard.
    account.world().fails.insert("ListAlarmMuteRules".to_owned(), FailureKind::Denied);
    account.job("new", 5);
    let failed = keeper.tick().await.unwrap_err();
    assert_eq!(failed.first.operation, "ListAlarmMuteRules");
    assert_eq!(account.changes(), puts(&default("new")));
}

#[tokio::test]
async fn a_deployment_of_greengrass_is_alerted_of_and_not_stopped_unasked() {
    let account = Account::new();
    account.job("deployment", 5);
    account.change("deployment", |job| job.is_greengrass = true);
    for _ in 0..3 {
        let summary = cold(&account, 1).await;
        assert_eq!((&summary["alertsOnlyJobs"], &summary["unguardedJobs"]), (&1.into(), &0.into()));
    }
    assert_eq!(account.changes(), puts(&default("deployment")));
    let email = account.settings().email_topic;
    for alarm in account.world().cloudwatch.alarms.values() {
        assert_eq!(alarm.alarm_actions(), std::slice::from_ref(&email));
    }
}

#[tokio::test]
async fn where_only_tagged_jobs_are_guarded_the_others_are_left_alone() {
    let mut settings = Account::new().settings();
    settings.policy.jobs = tripline_guard::desired::GuardedJobs::Tagged;
    let account = Account::with(settings);
    for job in ["asks", "own", "plain"] {
        account.job(job, 5);
    }
    account.change("asks", |job| job.tags = tag("tripline:guard", "on"));
    keep_own(&account, "own");
    let summary = cold(&account, 2).await;
    assert_eq!((&summary["guardedJobs"], &summary["unguardedJobs"]), (&2.into(), &0.into()));
    let mut armed = default("asks");
    armed.extend(["default-FailureRate", "slow"].map(|name| format!("tripline-own-{name}")));
    assert_eq!(account.alarms(), armed);
}

/// That a config stops nothing may be meant; if it is not said to be, the default guard stands beside it.
#[tokio::test]
async fn a_kept_config_that_cannot_stop_has_the_default_guard_beside_it() {
    let account = Account::new();
    account.job("fw", 5);
    let alerting = OWN.replace(", @force-stop", "");
    account.world().configs.insert("fw".to_owned(), (alerting, START as i64));
    assert_eq!(cold(&account, 1).await["guardedJobs"], 1);
    assert_eq!(account.alarms().len(), 3);
    let [finding] = &findings(&account).await[..] else { panic!() };
    assert_eq!(finding.case, "config_cannot_stop");
    account.world().alert_only.insert("fw".to_owned());
    assert_eq!(cold(&account, 2).await["alertsOnlyJobs"], 1);
    assert_eq!(account.alarms(), ["tripline-fw-default-FailureRate", "tripline-fw-slow"]);
    let alarms = account.world().cloudwatch.alarms.clone();
    let stops = |alarm: &MetricAlarm| alarm.alarm_actions().contains(&FORCE_STOP.to_owned());
    assert!(!alarms.values().any(stops), "it is meant to alert people alone");
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

#[tokio::test]
async fn a_job_that_opted_out_is_not_announced_whatever_its_alarms_are_in() {
    let account = Account::new();
    account.job("fw", 5);
    account.change("fw", |job| job.tags = tag("tripline:guard", "off"));
    keep_own(&account, "fw");
    account.world().first_seen.clear();
    let summary = cold(&account, 1).await;
    assert_eq!((&summary["unguardedJobs"], &summary["optedOutJobs"]), (&0.into(), &1.into()));
}

/// It may have opted out: nothing stops it as long as that is not known, and people are alerted.
#[tokio::test]
async fn a_job_whose_tags_cannot_be_read_is_armed_to_alert_and_later_to_stop() {
    let account = Account::new();
    account.job("fw", 5);
    account.world().fails.insert("JobTags".to_owned(), FailureKind::Throttled);
    for _ in 0..2 {
        let failed = account.keeper().tick().await.unwrap_err();
        assert_eq!(failed.first.operation, "JobTags");
        assert_eq!(account.gauge("unguardedJobs"), 1.0);
        account.pass(60);
    }
    assert_eq!(account.changes(), puts(&default("fw")));
    let email = account.settings().email_topic;
    for alarm in account.world().cloudwatch.alarms.values() {
        assert_eq!(alarm.alarm_actions(), std::slice::from_ref(&email));
    }
    account.world().fails.clear();
    assert_eq!(cold(&account, 1).await["guardedJobs"], 1);
    assert_eq!(account.changes(), puts(&default("fw")));
}

/// What a job was at first is not known without the table: nothing is changed by what it is now.
#[tokio::test]
async fn without_the_table_a_job_that_opted_out_is_left_as_it_is() {
    let account = Account::new();
    account.job("fw", 5);
    account.change("fw", |job| job.tags = tag("tripline:guard", "off"));
    cold(&account, 1).await;
    account.world().fails.insert("Scan".to_owned(), FailureKind::Unavailable);
    assert!(account.keeper().tick().await.is_err());
    assert_eq!(account.changes(), Vec::<String>::new());
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

/// Two alarms each at two a second: 2,000 seconds of calls, some of each minute's 42 for looking, and for
/// writing down what the jobs were at first.
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
    assert!(minutes <= 80, "{minutes} minutes");
    let calls = std::mem::take(&mut account.world().calls);
    assert_quotas(&calls);
    // Not each of so many is looked at every five minutes.
    let guarded = ["guardedJobs", "partlyGuardedJobs"].map(|name| account.gauge(name));
    assert_eq!((guarded.iter().sum::<f64>(), account.gauge("unguardedJobs")), (2_001.0, 0.0));
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
    warm(&keeper, &account, 50).await;
    let world = account.world();
    assert_quotas(&world.calls);
    assert_eq!(world.described.len(), 400);
    let last = world.published.last().unwrap();
    assert_eq!(last.stack[2], ("unguardedJobs", 0.0));
    let guarded: f64 = last.stack[..2].iter().map(|(_, number)| number).sum();
    assert_eq!(guarded, 400.0);
    // Whoever has been at work for years is overdue.
    assert_eq!(last.stack.last(), Some(&("overdueJobs", 400.0)));
}
