//! Messages to the force-stopper, true and false, while calls fail and processes die; and once more what is
//! undelivered, when AWS answers again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tripline_tests::faults::{Plan, hash};
use tripline_tests::http_aws::{Account, Alarm, HttpAws, alarm_arn, now, topic_arn};
use tripline_tests::lambda_runtime::{Delivery, Ended, Environment};

use super::frame::{Supply, assert_none, grouped, seed, size, summarize};
use crate::matrix::heavy;
use crate::stopper::stage::{
    alarm, alarm_event, alarm_name, email_topic, event, fired, function, healthy, message,
    recovered,
};

/// Messages of the short and of the long run.
const MESSAGES: (u64, u64) = (1_000, 200_000);
/// Environments at work at once. Most of their time they wait.
const ENVIRONMENTS: (u64, u64) = (40, 120);
/// Of 1,000 calls, so many fail.
const FAULTS: u64 = 110;
/// Of 100 attempts, in so many the process is killed.
const KILLS: u64 = 3;
/// In microseconds.
const KILLED_WITHIN: u64 = 100_000;
/// Of 100 messages, so many are killed in every attempt, in its first microseconds.
const DOOMED: u64 = 4;
const DOOMED_WITHIN: u64 = 12_000;
/// Unverified stops that the whole stack may make in ten minutes.
const UNVERIFIED: u64 = 5;

/// What a message is, and what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What it announces is true.
    True,
    /// It is about something else than this rollout, or invented.
    False,
}

/// The n-th message, and the rollout that it is about.
pub fn prepare(account: &mut Account, seed: u64, n: u64) -> (Kind, String, Value) {
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

/// What is in the account and no message is about.
fn foreign() -> Account {
    let mut account = Account::default();
    // Names that others begin with; and an alarm that fires, which asks for no stop.
    for job in ["fw", "fw-", "other"] {
        healthy(&mut account, job);
    }
    fired(&mut account, "foreign");
    account.alarms.get_mut(&alarm_name("foreign")).unwrap().described["AlarmActions"] =
        json!([email_topic()]);
    account.put_item("GuardsTable", [("jobId", "foreign")], json!({"config": {"S": "{}"}}));
    account
}

/// Puts what one account has into another, too.
fn add(of: &Account, to: &mut Account) {
    to.jobs.extend(of.jobs.clone());
    to.alarms.extend(of.alarms.clone());
    to.items.extend(of.items.clone());
}

/// What differs between what was put into the account and what is there now, but for one job.
fn changes(before: &Account, now: &Account, except: &str) -> Vec<String> {
    let mut changes = Vec::new();
    for (id, job) in before.jobs.iter().filter(|(id, _)| *id != except) {
        if now.jobs.get(id) != Some(job) {
            changes.push(format!("{job}\n  became {:?}", now.jobs.get(id)));
        }
    }
    for (name, alarm) in &before.alarms {
        let is_same = |now: &Alarm| {
            now.described == alarm.described
                && now.is_composite == alarm.is_composite
                && now.history == alarm.history
        };
        if !now.alarms.get(name).is_some_and(is_same) {
            changes.push(format!("{alarm:?}\n  became {:?}", now.alarms.get(name)));
        }
    }
    for (key, item) in &before.items {
        if now.items.get(key) != Some(item) {
            changes.push(format!("{item:?}\n  became {:?}", now.items.get(key)));
        }
    }
    changes
}

/// The subjects of what people were mailed, by the rollout that they name, until it is judged.
#[derive(Default)]
struct Mailbox(Mutex<HashMap<String, Vec<String>>>);

impl Mailbox {
    /// Takes in what was published, and gives out what a rollout has.
    fn of(&self, account: &mut Account, job: &str) -> Vec<String> {
        let mut mails = self.0.lock().unwrap();
        for mail in account.published.drain(..).filter(|message| message.topic == email_topic()) {
            if let Some((_, job)) = mail.subject.rsplit_once(" rollout ") {
                mails.entry(job.to_owned()).or_default().push(mail.subject.clone());
            }
        }
        mails.remove(job).unwrap_or_default()
    }
}

/// What was seen of all messages.
#[derive(Default)]
struct Tally {
    calls: usize,
    faulty: usize,
    killed: usize,
    stops: u64,
    redriven: u64,
    stopped_later: u64,
    wrong: Vec<String>,
    unverified: Vec<String>,
    silent: Vec<String>,
    missed: Vec<String>,
    unannounced: Vec<String>,
    changed: Vec<String>,
}

/// A message, until it is judged.
struct Case {
    kind: Kind,
    job: String,
    event: Value,
    /// What it is about, as it was put into the account.
    before: Account,
}

/// What a delivery leaves: the mails about the rollout so far, and whether it was stopped.
#[derive(Default)]
struct State {
    mails: Vec<String>,
    is_canceled: bool,
}

struct Worker {
    aws: HttpAws,
    mailbox: Arc<Mailbox>,
    faulty: Environment,
    /// Sees an AWS that answers.
    sound: Environment,
    doors: [u64; 2],
    seen: Tally,
}

impl Worker {
    async fn new(aws: HttpAws, mailbox: Arc<Mailbox>, seed: u64) -> Self {
        let faulty = aws.door(|number| Plan::random(seed, number, FAULTS)).await.unwrap();
        let sound = aws.door(|_| Plan::none()).await.unwrap();
        let doors = [faulty.number(), sound.number()];
        let faulty = function().environment(faulty).await.unwrap();
        let sound = function().environment(sound).await.unwrap();
        Self { aws, mailbox, faulty, sound, doors, seen: Tally::default() }
    }

    async fn work(mut self, seed: u64, supply: Arc<Supply>) -> Tally {
        while let Some(n) = supply.next() {
            self.play(seed, n).await;
        }
        self.seen
    }

    async fn play(&mut self, seed: u64, n: u64) {
        let mut before = Account::default();
        let (kind, job, event) = prepare(&mut before, seed, n);
        add(&before, &mut self.aws.account());
        // Of some, no attempt lives for long.
        let is_doomed = hash(&[seed, n, 2]) % 100 < DOOMED;
        let kill = |attempt: u32| {
            let drawn = hash(&[seed, n, u64::from(attempt), 1]);
            let within = if is_doomed { DOOMED_WITHIN } else { KILLED_WITHIN };
            let is_killed = is_doomed || drawn % 100 < KILLS;
            is_killed.then(|| Duration::from_micros((drawn >> 8) % within))
        };
        let delivery = self.faulty.deliver_from(1, &event, kill).await.unwrap();
        let died = |ended: &&Ended| **ended == Ended::Crashed;
        self.seen.killed += delivery.attempts.iter().filter(died).count();
        let case = Case { kind, job, event, before };
        self.note(&case);
        let first = self.judge(&case, &delivery, None);
        if delivery.undelivered {
            let redriven = self.sound.deliver(&case.event).await.unwrap();
            let was_canceled = first.is_canceled;
            let then = self.judge(&case, &redriven, Some(first));
            self.seen.redriven += 1;
            self.seen.stopped_later += u64::from(then.is_canceled && !was_canceled);
        }
        self.forget(&case);
    }

    /// What must hold after a delivery: of the first, or of the one after it, when AWS answers.
    fn judge(&mut self, case: &Case, delivery: &Delivery, before: Option<State>) -> State {
        let mut account = self.aws.account();
        let job = &case.job;
        let is_sound = before.is_some();
        let State { mut mails, is_canceled: was_canceled } = before.unwrap_or_default();
        mails.extend(self.mailbox.of(&mut account, job));
        let announced = |verb: &str| {
            let subject = format!("Tripline {verb} rollout {job}");
            mails.iter().filter(|mail| **mail == subject).count()
        };
        let stops = announced("stopped");
        let is_canceled = account.is_canceled(job);
        let of_this = || format!("{job}: {delivery:?}\n{}\n{mails:?}", case.event);
        let seen = &mut self.seen;
        match case.kind {
            Kind::True if is_canceled => {}
            // AWS answers.
            Kind::True if is_sound => seen.missed.push(of_this()),
            Kind::True => {
                // A process that died says nothing; the alarm on the undelivered queue does.
                let all_died = delivery.attempts.iter().all(|ended| *ended == Ended::Crashed);
                let is_alerted = all_died || announced("could NOT stop") > 0;
                if !(delivery.undelivered && is_alerted) {
                    seen.silent.push(of_this());
                }
            }
            Kind::False if !is_canceled => {}
            // Tally at the first delivery.
            Kind::False if was_canceled => {}
            Kind::False if account.comment(job).contains("unverified") => {
                seen.unverified.push(of_this());
            }
            Kind::False => seen.wrong.push(of_this()),
        }
        // What is left to report a stop is undelivered, and what was notified is so.
        let is_right = match (is_canceled, stops == 0) {
            (true, true) => delivery.undelivered && !is_sound,
            (is_canceled, is_untold) => is_canceled != is_untold,
        };
        if !is_right {
            seen.unannounced.push(of_this());
        }
        seen.changed.extend(changes(&case.before, &account, job));
        let untouched = account.jobs.get(job) == case.before.jobs.get(job);
        if !is_canceled && !untouched {
            seen.changed.push(format!("{job}: {:?}", account.jobs.get(job)));
        }
        State { mails, is_canceled }
    }

    /// Takes a case out of the account and of the ledger, which so stay small.
    fn forget(&mut self, case: &Case) {
        let mut account = self.aws.account();
        case.before.jobs.keys().for_each(|job| drop(account.jobs.remove(job)));
        case.before.alarms.keys().for_each(|alarm| drop(account.alarms.remove(alarm)));
        drop(account);
        self.note(case);
    }

    /// Counts what the ledger has of a case, and takes it out.
    fn note(&mut self, case: &Case) {
        for entry in self.doors.iter().flat_map(|door| self.aws.ledger().take(*door)) {
            self.seen.calls += 1;
            self.seen.faulty += usize::from(entry.fault.is_some());
            let is_stop = entry.operation == "CancelJob" && entry.carried_out;
            self.seen.stops += u64::from(is_stop);
            // Each is about the message that it came for.
            if is_stop && entry.subject != case.job {
                self.seen.changed.push(format!("{}: canceled for {}", entry.subject, case.job));
            }
        }
    }
}

#[tokio::test]
async fn no_stop_is_wrong_and_no_miss_is_silent() {
    let _alone = heavy().await;
    let seed = seed();
    let aws = HttpAws::default();
    let foreign = foreign();
    add(&foreign, &mut aws.account());
    let supply = Arc::new(Supply::new("messages", size(MESSAGES.0, MESSAGES.1)));
    let mailbox = Arc::new(Mailbox::default());
    let mut workers = JoinSet::new();
    for _ in 0..size(ENVIRONMENTS.0, ENVIRONMENTS.1) {
        let worker = Worker::new(aws.clone(), mailbox.clone(), seed).await;
        workers.spawn(worker.work(seed, supply.clone()));
    }
    let mut all = Tally::default();
    for seen in workers.join_all().await {
        all.calls += seen.calls;
        all.faulty += seen.faulty;
        all.killed += seen.killed;
        all.stops += seen.stops;
        all.redriven += seen.redriven;
        all.stopped_later += seen.stopped_later;
        all.wrong.extend(seen.wrong);
        all.unverified.extend(seen.unverified);
        all.silent.extend(seen.silent);
        all.missed.extend(seen.missed);
        all.unannounced.extend(seen.unannounced);
        all.changed.extend(seen.changed);
    }
    all.changed.extend(changes(&foreign, &aws.account(), ""));
    let allowed = UNVERIFIED * (1 + supply.elapsed().as_secs() / 600);
    let saw = format!(
        "{} messages, half of them true. {} calls, {} of them faulty; {} processes killed; {} stops. {} messages were \
         undelivered, and were handed over again once AWS answered: {} of them stopped their rollout then.\n\n\
         - verified stops of healthy rollouts: {}\n\
         - unverified stops of healthy rollouts: {} (in this time, {allowed} may be)\n\
         - true alarms missed without a word: {}\n\
         - true alarms that stopped nothing once AWS answered: {}\n\
         - rollouts stopped and not announced so, or the other way round: {}\n\
         - other jobs, alarms or items that changed: {}",
        grouped(supply.given()),
        grouped(all.calls as u64),
        grouped(all.faulty as u64),
        grouped(all.killed as u64),
        grouped(all.stops),
        grouped(all.redriven),
        grouped(all.stopped_later),
        all.wrong.len(),
        all.unverified.len(),
        all.silent.len(),
        all.missed.len(),
        all.unannounced.len(),
        all.changed.len(),
    );
    summarize("messages", &saw);
    assert_none("verified stops of healthy jobs", &all.wrong);
    assert_none("true alarms missed in silence", &all.silent);
    assert_none("true alarms that stopped nothing once AWS answered", &all.missed);
    assert_none("announced is not what is", &all.unannounced);
    assert_none("changed, and no message was about it", &all.changed);
    let unverified = all.unverified.len() as u64;
    assert!(unverified <= allowed, "{}", all.unverified.join("\n"));
}
