//! The keeper's process may end at any call, and the next minute begins with what is there.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use tripline::metric::{DIMENSION, NAMESPACE};

use super::world::{Kill, START, assert_quotas};
use super::*;
use crate::settings::tests::FORCE_STOP;

const JOBS: usize = 200;
const MINUTES: usize = 50;
const KILLS: usize = 40;
/// So many minutes more nothing happens: in ten, the tags of all jobs are read again in turns.
const IN_PEACE: usize = 40;
/// About as many calls as a minute makes in a new environment. A minute with fewer is not killed.
const CALLS: usize = 560;
const SEEDS: [u64; 3] = [1, 7, 19];
const OWN: &str = "[ALARM_CONFIG]\nalarmList = dead\n[ALARM_CONFIG_dead]\nnamespace = IoT:OTA:JobExecution\nmetricName = timedOutCount\nstat = Sum\nperiod = 300\nthreshold = 4\nalarmType = upper\nevaluationPeriods = 2\ndatapointsToAlarm = 2\nsnsTopics = @email, @force-stop\n";

/// Numbers that look drawn, and are the same every time.
struct Draw(u64);

impl Draw {
    /// From 1 to `most`.
    fn to(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + usize::try_from(self.0 >> 33).unwrap() % most
    }
}

fn job(number: usize) -> String {
    format!("fw-{number:03}")
}

/// An alarm that never fires, looks as if it would stop a job, and is not ours.
fn squat(account: &Account, name: &str, job: &str, tags: &[(&str, &str)]) {
    let arn = format!("arn of {name}");
    let alarm = MetricAlarm::builder()
        .alarm_name(name)
        .alarm_arn(&arn)
        .namespace(NAMESPACE)
        .metric_name("no-such-metric")
        .dimensions(Dimension::builder().name(DIMENSION).value(job).build())
        .threshold(1e300)
        .state_value(StateValue::Ok)
        .actions_enabled(true)
        .alarm_actions(FORCE_STOP)
        .build();
    let mut world = account.world();
    world.cloudwatch.alarms.insert(name.to_owned(), alarm);
    let tags = tags.iter().map(|(key, is)| (key.to_string(), is.to_string()));
    world.cloudwatch.tags.insert(arn, tags.collect());
}

/// Others' alarms, and the configs of jobs that are about to be created.
fn prepare(account: &Account) {
    for number in 0..JOBS {
        let job = job(number);
        let [download, failure] = default(&job).try_into().unwrap();
        match number % 40 {
            2 => squat(account, &download, &job, &[]),
            3 => drop(account.world().cloudwatch.composite.insert(failure)),
            4 => squat(
                account,
                &failure,
                &job,
                &[("tripline:job", &job), ("tripline:stack", "other")],
            ),
            5 | 15 => {
                let kept = (OWN.to_owned(), START as i64);
                account.world().configs.insert(job, kept);
            }
            8 => squat(account, &format!("tripline-{job}-mine"), &job, &[("tripline:job", &job)]),
            _ => {}
        }
    }
}

/// What happens in the account before a minute, whatever the keeper does.
fn happens(account: &Account, minute: usize) {
    for number in 0..JOBS {
        let job = job(number);
        // Three in four are there from the beginning, the others come one after another.
        if minute == (5 + number).saturating_sub(JOBS * 3 / 4 + 5) / 3 {
            account.job(&job, 0);
            account.change(&job, |job| match number % 40 {
                0 => job.tags = vec![("tripline:guard".to_owned(), "off".to_owned())],
                1 => job.is_greengrass = true,
                9 => job.rate = Some(1),
                _ => {}
            });
        }
        if !account.world().jobs.contains_key(&job) {
            continue;
        }
        let now = account.world().seconds();
        account.change(&job, |job| match (number % 40, minute) {
            // Every minute a device ends and is counted; of some none is, from a certain minute on.
            (6, 20..MINUTES) => job.endings.succeeded += 1,
            (10..20, ..MINUTES) if job.ended.is_none() => {
                job.endings.succeeded += 1;
                job.counted += 1;
            }
            (5 | 7, 15) => job.ended = Some(now),
            (8, 22) => job.tags = vec![("tripline:guard".to_owned(), "off".to_owned())],
            _ => {}
        });
        let mut world = account.world();
        let name = default(&job).remove(0);
        match (number % 40, minute) {
            (20, 25) => drop(world.cloudwatch.alarms.remove(&name)),
            (21, 30) => {
                if let Some(alarm) = world.cloudwatch.alarms.get_mut(&name) {
                    (alarm.threshold, alarm.metrics) = (Some(1e300), None);
                }
            }
            _ => {}
        }
    }
}

/// What is left in the end.
#[derive(Debug, PartialEq)]
struct Left {
    alarms: BTreeMap<String, MetricAlarm>,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    configs: BTreeSet<String>,
    first_seen: BTreeMap<String, String>,
    memory: Vec<String>,
    gauges: Vec<(&'static str, f64)>,
}

/// What matters of a line of the memory: not when the keeper looked, nor what it has repaired lately, nor the
/// cases that are gone. People were alerted to all that stand.
fn matters(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    match &words[..] {
        [job, ..] if job.starts_with('+') => None,
        [job, case, _first, at, gone, _size] if job.starts_with('!') => {
            assert!(*gone != "0" || *at != "0", "nobody was alerted: {line}");
            (*gone == "0").then(|| format!("{job} {case}"))
        }
        [job, times_and_numbers @ ..] if times_and_numbers.len() == 15 => {
            let mut words = times_and_numbers.to_vec();
            // Since when more ended, and when it was last asked how many were counted.
            (words[4], words[9]) = ("", "");
            Some(format!("{job} {}", words.join(" ")))
        }
        _ => Some(line.to_owned()),
    }
}

impl Left {
    /// Compares part by part, so that what differs can be read.
    fn assert_eq(&self, expected: &Self, seed: u64) {
        for (name, alarm) in &self.alarms {
            assert_eq!(Some(alarm), expected.alarms.get(name), "seed {seed}");
        }
        let missing: Vec<_> =
            expected.alarms.keys().filter(|name| !self.alarms.contains_key(*name)).collect();
        assert!(missing.is_empty(), "seed {seed}: {missing:?}");
        assert_eq!(self.gauges, expected.gauges, "seed {seed}");
        for (is, expected) in self.memory.iter().zip(&expected.memory) {
            assert_eq!(is, expected, "seed {seed}");
        }
        assert_eq!(self, expected, "seed {seed}");
    }
}

fn left(account: &Account) -> Left {
    let world = account.world();
    // Of jobs that ended it is of no more use, and they may have ended before they were described.
    let first = world.first_seen.iter().filter(|(job, _)| world.jobs[job.as_str()].ended.is_none());
    let first = first.map(|(job, is)| (job.to_string(), is.to_text()));
    Left {
        alarms: world.cloudwatch.alarms.clone(),
        tags: world.cloudwatch.tags.clone(),
        configs: world.configs.keys().cloned().collect(),
        first_seen: first.collect(),
        memory: world.memory.as_ref().unwrap().lines().filter_map(matters).collect(),
        gauges: world.published.last().unwrap().stack.clone(),
    }
}

/// All minutes, of which those are killed for which a call is drawn, until there were enough. After a kill the
/// keeper has a new environment. Returns how many were killed.
async fn pass(account: &Account, mut draw: impl FnMut() -> Option<Kill>) -> usize {
    prepare(account);
    cold(account, 1).await;
    let mut keeper = account.keeper();
    let mut kills = 0;
    for minute in 0..MINUTES + IN_PEACE {
        happens(account, minute);
        let start = account.world().now;
        let before = account.world().asked;
        let may_be_killed = kills < KILLS && minute < MINUTES;
        let kill = draw().filter(|_| may_be_killed);
        let kill = kill.map(|kill| Kill { call: before + kill.call, ..kill });
        match account.minute_of(&keeper, kill).await {
            Some(ended) => drop(ended.unwrap()),
            None => {
                kills += 1;
                keeper = account.keeper();
            }
        }
        next_minute(account, start);
    }
    kills
}

fn account() -> Account {
    let mut settings = Account::new().settings();
    (settings.grace, settings.counted_within) = (300, 60);
    Account::with(settings)
}

/// In the end everything is as if nothing had happened to the keeper.
#[tokio::test]
async fn forty_kills_in_fifty_minutes_end_as_a_clean_run_does() {
    let clean = account();
    assert_eq!(pass(&clean, || None).await, 0);
    let expected = left(&clean);
    // Ten jobs ended, five opted out in time, and five are Greengrass's.
    let guarded = [("guardedJobs", 180.0), ("partlyGuardedJobs", 0.0), ("unguardedJobs", 0.0)];
    assert_eq!(expected.gauges[..3], guarded);
    for seed in SEEDS {
        let killed = account();
        prepare(&killed);
        let foreign = killed.world().cloudwatch.alarms.clone();
        let mut numbers = Draw(seed);
        let draw = || {
            let (call, is_carried_out) = (numbers.to(CALLS), numbers.to(2) == 1);
            Some(Kill { call, is_carried_out })
        };
        assert_eq!(pass(&killed, draw).await, KILLS, "seed {seed}");
        let is = left(&killed);
        assert!(foreign.iter().all(|(name, alarm)| is.alarms.get(name) == Some(alarm)));
        is.assert_eq(&expected, seed);
        assert_quotas(&killed.world().calls);
    }
}
