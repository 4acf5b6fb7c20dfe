//! Minutes of the guard-keeper over many jobs, which begin, end and lose alarms meanwhile, while calls fail and it is
//! killed: once AWS answers, the account is as after minutes without any fault.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tripline_tests::faults::{Fault, Plan, hash};
use tripline_tests::http_aws::{Account, HttpAws, now};
use tripline_tests::lambda_runtime::{Ended, Environment};

use super::frame::{assert_none, grouped, is_long, seed, summarize};
use crate::keeper::stage::{account, foreign, function, is_armed, minute};

/// Minutes and jobs of the short and of the long run.
const SHORT: (u64, u64) = (4, 12);
const LONG: (u64, u64) = (50, 200);
/// Of 1,000 calls, so many fail.
const FAULTS: u64 = 80;
/// Of 100 minutes, so many are cut short.
const KILLS: u64 = 80;
/// Most minutes after which all is done, once AWS answers.
const MOST: u32 = 12;

/// An account, and the keeper in it.
struct World {
    aws: HttpAws,
    door: u64,
    keeper: Environment,
}

impl World {
    async fn new(before: &Account, plan: impl FnOnce(u64) -> Plan) -> Self {
        let aws = HttpAws::default();
        *aws.account() = before.clone();
        let door = aws.door(plan).await.unwrap();
        let number = door.number();
        Self { aws, door: number, keeper: function().environment(door).await.unwrap() }
    }

    /// The same account, seen without faults.
    async fn healed(self) -> Self {
        let door = self.aws.door(|_| Plan::none()).await.unwrap();
        let number = door.number();
        Self { door: number, keeper: function().environment(door).await.unwrap(), aws: self.aws }
    }
}

fn job(n: u64) -> String {
    format!("many-{n}")
}

/// What happens to a job between two minutes, in both accounts alike.
fn change(accounts: [&mut Account; 2], n: u64, kind: u64, fresh: &Value) {
    let name = format!("tripline-{}-default-DownloadTime", job(n));
    for account in accounts {
        match kind {
            // It begins.
            0 => drop(account.jobs.insert(job(n), fresh.clone())),
            // Somebody takes an alarm's actions away, or deletes it.
            1 => {
                if let Some(alarm) = account.alarms.get_mut(&name) {
                    alarm.described["AlarmActions"] = json!([]);
                }
            }
            2 => {
                account.alarms.remove(&name);
                account.alarm_tags.remove(&name);
            }
            // It ended hours ago.
            _ => {
                let ended = account.jobs.get_mut(&job(n)).expect("a job that began");
                ended["status"] = json!("COMPLETED");
                ended["completedAt"] = json!(fresh["createdAt"].as_f64().unwrap() + 60.0);
            }
        }
    }
}

/// What the keeper answers for in an account, without times and states.
fn shown(account: &Account) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    for (name, alarm) in &account.alarms {
        let mut described = alarm.described.clone();
        described
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !key.contains("Timestamp") && !key.starts_with("State"));
        let mut tags = account.alarm_tags.get(name).cloned().unwrap_or_default();
        tags.sort_unstable();
        shown.insert(format!("alarm {name}"), format!("{described} {tags:?}"));
    }
    for (id, job) in &account.jobs {
        shown.insert(format!("job {id}"), job.to_string());
    }
    // Of a rollout that has ended, evidence is there only if a minute was whole before.
    let in_progress = |key: &str| {
        let mut jobs = account.jobs.iter().filter(|(_, job)| job["status"] == "IN_PROGRESS");
        jobs.any(|(id, _)| key.contains(&format!("#{id}\"")))
    };
    let is_sure = |key: &str| !key.contains('#') || in_progress(key);
    for (table, key) in account.items.keys().filter(|(_, key)| is_sure(key)) {
        shown.insert(format!("item {table} {key}"), String::new());
    }
    shown.insert("job events".to_owned(), account.job_events_are_on.to_string());
    shown.insert("mute rules".to_owned(), format!("{:?}", account.mute_rules));
    shown
}

fn unarmed(account: &Account) -> Vec<String> {
    let in_progress = account.jobs.iter().filter(|(_, job)| job["status"] == "IN_PROGRESS");
    let unarmed = in_progress.filter(|(id, _)| !is_armed(account, id));
    unarmed.map(|(id, _)| id.clone()).collect()
}

fn is_quick(fault: &Fault) -> bool {
    use Fault::{Hang, HangWithin, Late, Slow, TakenAndHang};
    !matches!(fault, Hang | HangWithin | Late(_) | Slow(_) | TakenAndHang)
}

#[tokio::test]
#[ignore = "takes more than two minutes, which it waits: `make soak` runs it"]
async fn every_rollout_has_its_guard_once_aws_answers() {
    let seed = seed();
    let (minutes, jobs) = if is_long() { LONG } else { SHORT };
    let mut before = account().await;
    let fresh: Vec<Value> = (0..jobs)
        .map(|n| {
            before.add_job(&job(n), now() - 4.0 * 3_600.0);
            before.jobs.remove(&job(n)).unwrap()
        })
        .collect();
    let mut expected = World::new(&before, |_| Plan::none()).await;
    let mut tried = World::new(&before, |number| {
        let random = Plan::random(seed, number, FAULTS);
        Plan::new(move |draw| random.of(draw).filter(is_quick))
    })
    .await;
    let (mut removed, mut killed, mut failed) = (Vec::new(), 0, 0);
    let mut took = Duration::from_millis(200);
    for m in 0..minutes {
        {
            let (mut one, mut other) = (expected.aws.account(), tried.aws.account());
            for n in 0..jobs {
                // Each begins in its minute; then something happens to it, or it ends.
                let begins = n % minutes;
                let age = m.checked_sub(begins);
                let kind = match age {
                    Some(0) => 0,
                    Some(1) => 1 + n % 2,
                    Some(2) if n.is_multiple_of(3) => 3,
                    _ => continue,
                };
                change([&mut one, &mut other], n, kind, &fresh[usize::try_from(n).unwrap()]);
            }
        }
        let begun = Instant::now();
        let ended = minute(&mut expected.keeper).await;
        assert!(matches!(ended, Ended::Ok(_)), "{ended:?}\n{}", expected.keeper.log());
        took = took.max(begun.elapsed());
        let drawn = hash(&[seed, m, 5]);
        let within = u64::try_from(took.as_micros()).unwrap();
        let kill = (drawn % 100 < KILLS).then(|| Duration::from_micros((drawn >> 8) % within));
        let had: BTreeSet<String> = tried.aws.account().alarms.keys().cloned().collect();
        let ended = tried.keeper.invoke(&json!({}), kill).await.unwrap();
        killed += u64::from(ended == Ended::Crashed);
        failed += u64::from(matches!(ended, Ended::Error { .. } | Ended::TimedOut));
        let account = tried.aws.account();
        let in_progress = account.jobs.iter().filter(|(_, job)| job["status"] == "IN_PROGRESS");
        for (id, _) in in_progress {
            let of_it = format!("tripline-{id}-");
            let gone = had
                .iter()
                .filter(|name| name.starts_with(&of_it) && !account.alarms.contains_key(*name));
            removed.extend(gone.map(|name| format!("minute {m}: {name}")));
        }
    }
    let entries = tried.aws.ledger().take(tried.door);
    let faulty = entries.iter().filter(|entry| entry.fault.is_some()).count();
    let mut tried = tried.healed().await;
    let mut needed = 0;
    let is_done = |one: &World, other: &World| {
        let (one, other) = (one.aws.account(), other.aws.account());
        shown(&one) == shown(&other) && unarmed(&one).is_empty()
    };
    while needed < MOST && !is_done(&tried, &expected) {
        for world in [&mut expected, &mut tried] {
            let ended = minute(&mut world.keeper).await;
            assert!(matches!(ended, Ended::Ok(_)), "{ended:?}\n{}", world.keeper.log());
        }
        needed += 1;
    }
    let (tried, expected) = (tried.aws.account(), expected.aws.account());
    let (left, wanted) = (shown(&tried), shown(&expected));
    let keys: BTreeSet<&String> = left.keys().chain(wanted.keys()).collect();
    let unlike = keys.into_iter().filter(|key| left.get(*key) != wanted.get(*key));
    let unlike: Vec<String> = unlike
        .map(|key| format!("{key}\n  {:?}\n  {:?}", left.get(key), wanted.get(key)))
        .collect();
    let unguarded = unarmed(&tried);
    let touched = foreign(&tried) != foreign(&before);
    let saw = format!(
        "{minutes} minutes over {jobs} jobs that began, lost alarms and ended meanwhile. {} calls, {} of them faulty; \
         {killed} minutes cut short by a kill, {failed} failed. Once AWS answered, all was done after {needed} minutes.\n\n\
         - alarms, tags, items and job events that differ from minutes without faults: {}\n\
         - rollouts in progress without their guard then: {}\n\
         - alarms of rollouts in progress that a minute removed: {}\n\
         - alarms of others that changed: {}",
        grouped(entries.len() as u64),
        grouped(faulty as u64),
        unlike.len(),
        unguarded.len(),
        removed.len(),
        u8::from(touched),
    );
    summarize("minutes", &saw);
    assert_none("differ from minutes without faults", &unlike);
    assert_none("in progress without a guard", &unguarded);
    assert_none("removed from rollouts in progress", &removed);
    assert!(!touched, "{:?}", foreign(&tried));
}
