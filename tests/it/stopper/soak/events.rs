//! Ends of executions on their way to CloudWatch, directly and through the queue: repeated, in any order, with
//! poison among them, while calls fail and processes die.
//!
//! Each has a download time that no other of its job has, by which the ledger shows how often it was counted.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tripline_tests::faults::{Fault, Plan, hash};
use tripline_tests::http_aws::{HttpAws, now};
use tripline_tests::lambda_runtime::{Ended, Environment};
use tripline_tests::ledger::Entry;

use super::frame::{Supply, assert_none, grouped, seed, size, summarize};
use crate::generator::stage::{batch, deliveries, ended, function};

/// Events of the short and of the long run, half of them directly.
const EVENTS: (u64, u64) = (2_000, 200_000);
/// Environments at work at once, of each kind. They wait for most of their time.
const DIRECT: u64 = 60;
const BATCHED: u64 = 12;
const JOBS: u64 = 20;
/// Most messages of a batch here.
const BATCH: u64 = 60;
/// Of 1,000 calls, so many fail.
const FAULTS: u64 = 110;
/// Of 100 invocations, so many are killed, in their first milliseconds.
const KILLS: u64 = 4;
const KILLED_WITHIN: u64 = 6_000;
/// Of 100 events, so many come again although they were counted.
const REPEATED: u64 = 5;
const POISONED: u64 = 4;
const DOUBTFUL: &str = "maybe_counted_twice";

/// An event: where it stands in the run.
type Number = u64;

/// The n-th event, as its sender wrote it, and whether it is poison.
pub fn event(seed: u64, n: Number) -> (String, bool) {
    let mut event = ended(&job(n), seconds(n));
    let drawn = hash(&[seed, n, 2]);
    let minutes = (drawn >> 8) % 20;
    let age = match drawn % 100 {
        // Older and newer than CloudWatch shows: counted at the time of receipt.
        0 => 4.0 * 3_600.0,
        1 => -3.0 * 3_600.0,
        _ => minutes as f64 * 60.0,
    };
    event["timestamp"] = json!((now() - age) as i64);
    if (drawn >> 16).is_multiple_of(10) {
        event["operation"] = json!("failed");
    }
    if (drawn >> 24).is_multiple_of(10) {
        event["statusDetails"]["retryCount"] = json!("nan");
    }
    if (drawn >> 32) % 100 >= POISONED {
        return (event.to_string(), false);
    }
    match (drawn >> 40) % 5 {
        0 => event["jobId"] = Value::Null,
        1 => event["jobId"] = json!("../etc"),
        2 => event["operation"] = json!("exploded"),
        3 => event["eventType"] = json!("JOB"),
        _ => return (json!([event]).to_string(), true),
    }
    (event.to_string(), true)
}

fn job(n: Number) -> String {
    format!("fw-{}", n % JOBS)
}

fn seconds(n: Number) -> u32 {
    u32::try_from(n / JOBS).unwrap()
}

/// What one environment was given, and what became of it.
#[derive(Default)]
struct Work {
    door: u64,
    /// By the number that the ledger has: the events, and whether the process lived.
    invocations: Vec<(Vec<Number>, bool)>,
    /// In how many processes an event was.
    processes: HashMap<Number, BTreeSet<u64>>,
    poison: BTreeSet<Number>,
    undelivered: BTreeSet<Number>,
    /// Of those, what is so once CloudWatch answers, too.
    left: BTreeSet<Number>,
    repeated: u64,
    log: String,
}

impl Work {
    /// Hands all events of a queue over, again and again, until they are counted or were delivered as often as they
    /// may be. Those that fail come again later, among others.
    async fn deliver(
        &mut self,
        way: Way,
        environment: &mut Environment,
        mut more: impl FnMut() -> Option<Number>,
        seed: u64,
        kills: u64,
    ) -> BTreeSet<Number> {
        let mut waiting: VecDeque<(Number, u32)> = VecDeque::new();
        let (mut undelivered, most) = (BTreeSet::new(), way.deliveries());
        loop {
            let invocation = self.invocations.len() as u64;
            let drawn = hash(&[seed, self.door, invocation, 3]);
            let room = if way == Way::Direct { 1 } else { 1 + (drawn >> 32) % BATCH };
            let mut taken = Vec::new();
            while (taken.len() as u64) < room {
                // Some wait longer than others came: no order is kept.
                let behind = (drawn >> 40) % 4;
                let waited = |waiting: &mut VecDeque<_>| waiting.pop_front();
                let first = if waiting.len() as u64 > behind { waited(&mut waiting) } else { None };
                let next = first.or_else(|| Some((more()?, 1))).or_else(|| waited(&mut waiting));
                let Some(next) = next else { break };
                taken.push(next);
            }
            if taken.is_empty() {
                return undelivered;
            }
            let kill =
                (drawn % 100 < kills).then(|| Duration::from_micros((drawn >> 8) % KILLED_WITHIN));
            let failed = self.invoke(way, environment, &taken, kill, seed).await;
            for (at, (n, delivery)) in taken.into_iter().enumerate() {
                let again = hash(&[seed, self.door, invocation, at as u64, 4]);
                let place = usize::try_from(again >> 32).unwrap() % (waiting.len() + 1);
                if !failed.contains(&at) {
                    // Delivered at least once.
                    if kills > 0 && again % 100 < REPEATED {
                        self.repeated += 1;
                        waiting.insert(place, (n, delivery));
                    }
                } else if delivery < most {
                    waiting.insert(place, (n, delivery + 1));
                } else {
                    undelivered.insert(n);
                }
            }
        }
    }

    /// One invocation; returns the positions of what failed.
    async fn invoke(
        &mut self,
        way: Way,
        environment: &mut Environment,
        taken: &[(Number, u32)],
        kill: Option<Duration>,
        seed: u64,
    ) -> BTreeSet<usize> {
        let bodies = taken.iter().enumerate().map(|(at, (n, _))| {
            let (body, is_poison) = event(seed, *n);
            if is_poison {
                self.poison.insert(*n);
            }
            (at.to_string(), body)
        });
        let bodies: Vec<_> = bodies.collect();
        let payload = match (way, &bodies[..]) {
            (Way::Direct, [(_, body)]) => serde_json::from_str(body).unwrap(),
            _ => batch(&bodies),
        };
        environment.set_attempt(u32::try_from(self.invocations.len()).unwrap());
        let ended = environment.invoke(&payload, kill).await.unwrap();
        let process = environment.processes();
        for (n, _) in taken {
            self.processes.entry(*n).or_default().insert(process);
        }
        let lived = !matches!(ended, Ended::Crashed | Ended::TimedOut);
        self.invocations.push((taken.iter().map(|(n, _)| *n).collect(), lived));
        match (way, ended) {
            (Way::Direct, Ended::Ok(_)) => BTreeSet::new(),
            (Way::Batched, Ended::Ok(answer)) => {
                let failed = answer["batchItemFailures"].as_array().expect("what failed");
                let position = |item: &Value| item["itemIdentifier"].as_str()?.parse().ok();
                failed.iter().map(|item| position(item).expect("a position")).collect()
            }
            _ => (0..taken.len()).collect(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Batched,
}

impl Way {
    const ALL: [Self; 2] = [Self::Direct, Self::Batched];

    fn workers(self) -> u64 {
        if self == Self::Direct { DIRECT } else { BATCHED }
    }

    fn function(self) -> tripline_tests::lambda_runtime::Function {
        function(if self == Self::Direct { "direct" } else { "batched" })
    }

    /// How often an event is tried.
    fn deliveries(self) -> u32 {
        match self {
            Self::Direct => self.function().retries + 1,
            Self::Batched => deliveries(),
        }
    }
}

async fn work(aws: HttpAws, way: Way, seed: u64, supply: Arc<Supply>) -> [Work; 2] {
    let door = aws.door(|number| Plan::random(seed, number, FAULTS)).await.unwrap();
    let mut work = Work { door: door.number(), ..Work::default() };
    let mut environment = way.function().environment(door).await.unwrap();
    // Even numbers go directly.
    let more = || Some(supply.next()? * 2 + u64::from(way == Way::Batched));
    let undelivered = work.deliver(way, &mut environment, more, seed, KILLS).await;
    work.log = environment.whole_log();
    drop(environment);
    // CloudWatch answers again, and people hand over what was left.
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let mut redriven = Work { door: door.number(), ..Work::default() };
    let mut environment = way.function().environment(door).await.unwrap();
    let mut left = undelivered.iter().copied();
    work.left = redriven.deliver(way, &mut environment, || left.next(), seed, 0).await;
    work.undelivered = undelivered;
    redriven.log = environment.whole_log();
    [work, redriven]
}

/// A request that CloudWatch took.
struct Taken {
    door: u64,
    invocation: usize,
    /// Nothing said so to whoever sent it.
    is_silent: bool,
    /// The events, and how often each.
    events: Vec<(Number, u64)>,
    /// The ends that it counts.
    ends: u64,
}

impl Taken {
    /// If it is about jobs.
    fn of(entry: &Entry) -> Option<Self> {
        let asked: Value = serde_json::from_str(&entry.text).unwrap();
        let about_jobs = entry.carried_out && asked["Namespace"] == "IoT:OTA:JobExecution";
        if !about_jobs {
            return None;
        }
        let (mut events, mut ends) = (Vec::new(), 0);
        for datum in asked["MetricData"].as_array().unwrap() {
            let numbers = |key: &str| {
                let numbers = datum[key].as_array().unwrap();
                numbers.iter().map(|number| number.as_f64().unwrap() as u64).collect::<Vec<_>>()
            };
            let values: Vec<_> = numbers("Values").into_iter().zip(numbers("Counts")).collect();
            let job = datum["Dimensions"][0]["Value"].as_str().unwrap();
            let job: u64 = job.strip_prefix("fw-").unwrap().parse().unwrap();
            match datum["MetricName"].as_str().unwrap() {
                "downloadTime" => {
                    events.extend(values.iter().map(|(value, n)| (value * JOBS + job, *n)));
                }
                "succeededCount" | "failedCount" => {
                    ends += values.iter().map(|(value, n)| value * n).sum::<u64>();
                }
                _ => {}
            }
        }
        use Fault::{Cut, HangWithin, Lost, TakenAndHang};
        let is_silent = matches!(entry.fault, Some(Cut | HangWithin | Lost | TakenAndHang));
        let invocation = entry.attempt as usize;
        Some(Self { door: entry.door, invocation, is_silent, events, ends })
    }
}

/// How many ends the log of an environment says may be counted twice.
fn doubted(log: &str) -> u64 {
    let lines = log.lines().filter(|line| line.contains(DOUBTFUL));
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["endings"].as_u64()).sum()
}

/// What the ledger says of all events.
#[derive(Default)]
struct Ledger {
    /// By event: how often CloudWatch took it and said so, and how often it did not say so.
    counted: HashMap<Number, (u64, u64)>,
    /// By door: the ends of requests that were taken in silence, whose process lived to say so.
    doubtful: HashMap<u64, u64>,
    /// What it counted beside what is in the events.
    wrong: Vec<String>,
    calls: usize,
    faulty: usize,
}

impl Ledger {
    fn of(aws: &HttpAws, works: &HashMap<u64, Work>) -> Self {
        let mut ledger = Self::default();
        for entry in aws.ledger().entries() {
            ledger.calls += 1;
            ledger.faulty += usize::from(entry.fault.is_some());
            if let Some(taken) = Taken::of(&entry) {
                ledger.add(&taken, &works[&taken.door]);
            }
        }
        ledger
    }

    fn add(&mut self, taken: &Taken, work: &Work) {
        let total: u64 = taken.events.iter().map(|(_, count)| count).sum();
        if total != taken.ends {
            self.wrong.push(format!("{} ends of {total} events", taken.ends));
        }
        for (n, count) in &taken.events {
            let counted = self.counted.entry(*n).or_default();
            if taken.is_silent {
                counted.1 += count;
            } else {
                counted.0 += count;
            }
        }
        // What the sender of a killed process still sent can come while the next one is at work.
        let (events, lived) = &work.invocations[taken.invocation];
        let is_its = taken.events.iter().all(|(n, _)| events.contains(n));
        if taken.is_silent && *lived && is_its {
            *self.doubtful.entry(taken.door).or_default() += taken.ends;
        }
    }
}

#[tokio::test]
async fn every_event_is_counted_or_undelivered_and_twice_only_with_a_word() {
    let (seed, count) = (seed(), size(EVENTS.0, EVENTS.1));
    let aws = HttpAws::default();
    let mut works = JoinSet::new();
    let supplies = Way::ALL.map(|way| (way, Arc::new(Supply::new("events", count / 2))));
    for (way, supply) in &supplies {
        for _ in 0..way.workers() {
            works.spawn(work(aws.clone(), *way, seed, supply.clone()));
        }
    }
    let works: HashMap<u64, Work> =
        works.join_all().await.into_iter().flatten().map(|work| (work.door, work)).collect();
    let ledger = Ledger::of(&aws, &works);

    let mut processes: HashMap<Number, u64> = HashMap::new();
    for work in works.values() {
        for (n, own) in &work.processes {
            *processes.entry(*n).or_default() += own.len() as u64;
        }
    }
    let all = |set: fn(&Work) -> &BTreeSet<Number>| -> BTreeSet<Number> {
        works.values().flat_map(set).copied().collect()
    };
    let (poison, undelivered) = (all(|work| &work.poison), all(|work| &work.undelivered));
    let left = all(|work| &work.left);
    let (mut lost, mut twice, mut wrong) = (Vec::new(), Vec::new(), ledger.wrong.clone());
    let (mut counted_again, mut counted_undelivered) = (0, 0);
    for (n, processes) in &processes {
        let (acknowledged, silent) = ledger.counted.get(n).copied().unwrap_or_default();
        let of_this =
            || format!("{} {}: {:?}", job(*n), seconds(*n), (acknowledged, silent, processes));
        if poison.contains(n) {
            let is_kept = undelivered.contains(n) && left.contains(n) && acknowledged + silent == 0;
            if !is_kept {
                wrong.push(format!("poison: {}", of_this()));
            }
            continue;
        }
        if acknowledged + silent == 0 || left.contains(n) {
            lost.push(of_this());
        }
        // A process remembers what was acknowledged; only the next one can count it again.
        if acknowledged > *processes {
            twice.push(of_this());
        }
        counted_again += u64::from(acknowledged + silent > 1);
        counted_undelivered += u64::from(undelivered.contains(n) && silent > 0);
    }
    let strangers = ledger.counted.keys().filter(|n| !processes.contains_key(n));
    wrong.extend(strangers.map(|n| format!("nobody sent {} {}", job(*n), seconds(*n))));
    let unsaid = works.values().filter_map(|work| {
        let doubtful = ledger.doubtful.get(&work.door).copied().unwrap_or_default();
        let said = doubted(&work.log);
        (said < doubtful).then(|| format!("door {}: {doubtful} taken, {said} said", work.door))
    });
    let unsaid: Vec<String> = unsaid.collect();

    let given: u64 = supplies.iter().map(|(_, supply)| supply.given()).sum();
    let killed = works.values().flat_map(|work| &work.invocations).filter(|(_, lived)| !lived);
    let repeated: u64 = works.values().map(|work| work.repeated).sum();
    let saw = format!(
        "{} events, half of them directly and half through the queue, {} of them poison; {} came again after \
         they were counted. {} requests, {} of them faulty; {} processes killed. {} events were undelivered until \
         CloudWatch answered, {} of these counted in silence; {} were counted more than once.\n\n\
         - neither counted nor undelivered: {}\n\
         - counted again without a fault or a kill: {}\n\
         - counted in silence, and the log does not say so: {}\n\
         - poison counted, or a count that no event explains: {}",
        grouped(given),
        grouped(poison.len() as u64),
        grouped(repeated),
        grouped(ledger.calls as u64),
        grouped(ledger.faulty as u64),
        grouped(killed.count() as u64),
        grouped((undelivered.len() - poison.len()) as u64),
        grouped(counted_undelivered),
        grouped(counted_again),
        lost.len(),
        twice.len(),
        unsaid.len(),
        wrong.len(),
    );
    summarize("events", &saw);
    assert_eq!(processes.len() as u64, given);
    assert_none("neither counted nor undelivered", &lost);
    assert_none("counted again without a fault or a kill", &twice);
    assert_none("counted in silence, and the log does not say so", &unsaid);
    assert_none("poison counted, or a count that no event explains", &wrong);
}
