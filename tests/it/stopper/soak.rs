//! Thousands of messages, true and false, while calls fail and processes die: what must hold of all
//! of them, whatever happens.
//!
//! `TRIPLINE_SOAK=<messages>` makes it long, `TRIPLINE_SEED=<n>` another one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tripline_tests::faults::{Plan, hash};
use tripline_tests::http_aws::{Account, Alarm, HttpAws, alarm_arn, now, topic_arn};
use tripline_tests::lambda_runtime::{Delivery, Ended};

use super::stage::{
    alarm, alarm_event, alarm_name, event, fired, function, healthy, mails, message, recovered,
};
use crate::matrix::heavy;

/// Messages of the short form.
const MESSAGES: u64 = 1_000;
/// Environments at work at once. Most of their time they wait.
const ENVIRONMENTS: u64 = 40;
/// Of 1,000 calls, so many fail.
const FAULTS: u64 = 110;
/// Of 100 attempts, in so many the process is killed.
const KILLS: u64 = 3;
/// Unverified stops that the whole stack may make in ten minutes.
const UNVERIFIED: usize = 5;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What a message is, and what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What it announces is true.
    True,
    /// It is about something else than this rollout, or invented.
    False,
}

/// The n-th message, and the rollout that it is about.
fn prepare(account: &mut Account, seed: u64, n: u64) -> (Kind, String, Value) {
    let job = format!("fw-{n}");
    let drawn = hash(&[seed, n]);
    let id = format!("m-{n}");
    let (kind, event) = match drawn % 10 {
        0..=2 => {
            fired(account, &job);
            (Kind::True, alarm_event(&job))
        }
        3 => {
            recovered(account, &job);
            (Kind::True, alarm_event(&job))
        }
        // The alarm of an earlier job of this name, in ALARM ever since.
        4 => {
            let name = alarm_name(&job);
            let before = now() - 10_000.0;
            account.add_job(&job, now() - 600.0);
            let stale = alarm(&name, &job, "ALARM", &[(before, "ALARM")]);
            account.alarms.insert(name, stale);
            (Kind::False, alarm_event(&job))
        }
        // Coherent: the alarm exists and watches this job, and never fired.
        5 => {
            healthy(account, &job);
            (Kind::False, alarm_event(&job))
        }
        // At random: there is no such alarm.
        6 => {
            account.add_job(&job, now() - 600.0);
            let name = format!("alarm-{:x}", drawn >> 8);
            (Kind::False, event(&id, &message(&name, &job)))
        }
        7 => {
            fired(account, &job);
            let name = composite(account, &job, &alarm_name(&job));
            (Kind::True, event(&id, &composite_message(&name, &alarm_name(&job))))
        }
        // It fired for another job; the cause that it names never fired.
        8 => {
            let other = format!("other-{n}");
            recovered(account, &other);
            healthy(account, &job);
            let rule =
                format!("ALARM(\"{}\") OR ALARM(\"{}\")", alarm_name(&other), alarm_name(&job));
            let name = composite_of(account, &job, &rule);
            (Kind::False, event(&id, &composite_message(&name, &alarm_name(&job))))
        }
        _ => {
            healthy(account, &job);
            (Kind::False, event(&id, &hostile(drawn >> 8, &job)))
        }
    };
    (kind, job, event)
}

fn composite(account: &mut Account, job: &str, child: &str) -> String {
    composite_of(account, job, &format!("ALARM(\"{child}\")"))
}

fn composite_of(account: &mut Account, job: &str, rule: &str) -> String {
    let name = format!("tripline-{job}-any");
    let fired_at = now() - 30.0;
    let described = json!({
        "AlarmName": name,
        "AlarmArn": alarm_arn(&name),
        "AlarmRule": rule,
        "ActionsEnabled": true,
        "AlarmActions": [topic_arn("ForceStopTopic")],
        "StateValue": "ALARM",
        "StateReason": "Threshold Crossed by a child",
        "StateUpdatedTimestamp": fired_at,
        "StateTransitionedTimestamp": fired_at,
    });
    let history = vec![(fired_at, "ALARM")];
    account.alarms.insert(name.clone(), Alarm { described, is_composite: true, history });
    name
}

fn composite_message(name: &str, cause: &str) -> Value {
    json!({
        "AlarmName": name,
        "AlarmArn": alarm_arn(name),
        "NewStateValue": "ALARM",
        "NewStateReason": format!("{} transitioned to ALARM", alarm_arn(cause)),
        "OldStateValue": "OK",
        "TriggeringChildren": [{"Arn": alarm_arn(cause), "State": {"Value": "ALARM"}}],
    })
}

/// What no CloudWatch sends.
fn hostile(drawn: u64, job: &str) -> Value {
    let mut message = message(&alarm_name(job), job);
    match drawn % 8 {
        0 => return "no JSON".into(),
        1 => return json!([[[]]]),
        2 => message["AlarmName"] = "a\u{0}b\n".into(),
        3 => message["AlarmName"] = "x".repeat(100_000).into(),
        4 => message["Trigger"]["Dimensions"][0]["value"] = json!({"$ne": 1}),
        5 => message["Trigger"]["Dimensions"][0]["value"] = format!("{job}/../other").into(),
        6 => message["NewStateValue"] = "alarm".into(),
        _ => message["Trigger"]["Namespace"] = "Elsewhere".into(),
    }
    message
}

struct Played {
    kind: Kind,
    job: String,
    event: Value,
    delivery: Delivery,
}

async fn play(aws: HttpAws, seed: u64, next: Arc<AtomicU64>, messages: u64) -> Vec<Played> {
    let door = aws.door(|number| Plan::random(seed, number, FAULTS)).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    let mut played = Vec::new();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= messages {
            return played;
        }
        let (kind, job, event) = prepare(&mut aws.account(), seed, n);
        let kill = |attempt: u32| {
            let drawn = hash(&[seed, n, u64::from(attempt), 1]);
            (drawn % 100 < KILLS).then(|| Duration::from_millis((drawn >> 8) % 100))
        };
        let delivery = environment.deliver_from(1, &event, kill).await.unwrap();
        played.push(Played { kind, job, event, delivery });
    }
}

#[tokio::test]
async fn no_stop_is_wrong_and_no_miss_is_silent() {
    let _alone = heavy().await;
    let messages = number("TRIPLINE_SOAK").unwrap_or(MESSAGES);
    let seed = number("TRIPLINE_SEED").unwrap_or(11);
    let (aws, next) = (HttpAws::default(), Arc::new(AtomicU64::new(0)));
    let mut environments = JoinSet::new();
    for _ in 0..ENVIRONMENTS {
        environments.spawn(play(aws.clone(), seed, next.clone(), messages));
    }
    let played: Vec<Played> = environments.join_all().await.into_iter().flatten().collect();
    assert_eq!(played.len() as u64, messages);
    let account = aws.account();
    let mails = mails(&account);
    let announced = |verb: &str, job: &str| {
        let subject = format!("Tripline {verb} rollout {job}\n");
        mails.iter().filter(move |mail| mail.starts_with(&subject)).collect::<Vec<_>>()
    };
    let (mut wrong, mut unverified, mut silent, mut unannounced) = (vec![], vec![], vec![], vec![]);
    for Played { kind, job, event, delivery } in &played {
        let is_canceled = account.is_canceled(job);
        let stops = announced("stopped", job);
        let of_this = || format!("{job}: {delivery:?}\n{event}\n{stops:?}");
        match kind {
            Kind::False if is_canceled && account.comment(job).contains("unverified") => {
                unverified.push(of_this());
            }
            Kind::False if is_canceled => wrong.push(of_this()),
            Kind::True if !is_canceled => {
                // A process that died says nothing; the alarm on the undelivered queue does.
                let all_died = delivery.attempts.iter().all(|ended| *ended == Ended::Crashed);
                let is_alerted = all_died || !announced("could NOT stop", job).is_empty();
                let is_loud = delivery.undelivered && is_alerted;
                if !is_loud {
                    silent.push(of_this());
                }
            }
            _ => {}
        }
        // What is left to report a stop is undelivered, and what was notified is so.
        let is_right = match (is_canceled, stops.is_empty()) {
            (true, true) => delivery.undelivered,
            (is_canceled, is_untold) => is_canceled != is_untold,
        };
        if !is_right {
            unannounced.push(of_this());
        }
    }
    let canceled = aws.ledger().of("CancelJob").into_iter().filter(|entry| entry.carried_out);
    let canceled: BTreeSet<String> = canceled.map(|entry| entry.subject).collect();
    assert!(canceled.iter().all(|job| account.is_canceled(job)));
    let calls = aws.ledger().entries();
    let failed = calls.iter().filter(|call| call.fault.is_some()).count();
    println!(
        "seed {seed}: {messages} messages, {} calls, {failed} of them faulty; {} stops, {} wrong, {} \
         wrong and unverified, {} missed in silence, {} announced wrongly",
        calls.len(),
        canceled.len(),
        wrong.len(),
        unverified.len(),
        silent.len(),
        unannounced.len()
    );
    assert!(wrong.is_empty(), "verified stops of healthy jobs:\n{}", wrong.join("\n"));
    assert!(silent.is_empty(), "true alarms missed in silence:\n{}", silent.join("\n"));
    assert!(unannounced.is_empty(), "announced is not what is:\n{}", unannounced.join("\n"));
    // The limit is for ten minutes; a long run takes longer.
    if messages <= MESSAGES {
        assert!(unverified.len() <= UNVERIFIED, "{}", unverified.join("\n"));
    }
}
