//! A release of two waves, its devices, and the state machine that takes it from wave to wave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tripline::evidence::Record;
use tripline::release::hold::{HOLDS, Hold, OnHoldFailed, Rates};
use tripline::release::{Approval, Plan, PlannedWave, ReleaseId, State, WaveName};
use tripline_tests::faults::Plan as Faults;
use tripline_tests::http_aws::{Account, HttpAws, Token, now};
use tripline_tests::lambda_runtime::{Ended, Environment, Function};

use crate::matrix::released;

const RELEASE: &str = "pump-9";
const WAVES: [&str; 2] = ["canary", "rest"];
const GROUP: &str = "tripline-wave-pump-9-rest";
/// A rollout that is held, of nobody's release.
const HELD: &str = "fw-3";
/// What is nobody's but others' business.
const FOREIGN_JOB: &str = "fw-4";
const FOREIGN_GROUP: &str = "pumps";
const GUARDS: &str = "GuardsTable";
const RELEASES: &str = "QueueTable";
const DEVICES: u32 = 40;
/// How often the machine tries a step that fails, and where AWS always fails. The stack's does 20 times more.
const TRIES: [u32; 2] = [3, 2];
/// So many tokens a step waits with.
const MOST_TOKENS: [u32; 2] = [3, 1];
/// So many minutes are looked at while the machine waits.
const LOOKS: [u32; 2] = [4, 2];

const CONFIG: &str = "[DEFAULT]
thingList = pumps.txt
binName = pump.bin
jobId = pump-9
bucket = pump-firmware
rounds = 1
[EVIDENCE_CONFIG]
useEvidence = True
falseStops = 2
unfinishedLimits = 60:5
snsTopics = @email, @force-stop
[WAVES]
waveList = canary, rest
[WAVE_canary]
things = 40
[WAVE_rest]
rest = True
";

/// What the devices of the second wave do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// All succeed.
    Good,
    /// Its alarm fires.
    Bad,
}

/// How the execution of the state machine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every wave was let through.
    Out,
    /// The function had it stop.
    Stopped,
    /// A step failed as often as it was tried.
    Failed,
    /// It waits.
    Waits,
}

/// What a release came to.
#[derive(Debug)]
pub struct Played {
    pub end: End,
    /// The errors of all steps and looks.
    pub errors: BTreeSet<String>,
    /// Whether the last step or look reported one.
    pub last_failed: bool,
    pub log: String,
}

/// The function.
fn function() -> Function {
    static FUNCTION: OnceLock<Function> = OnceLock::new();
    let chosen = &[("StopMode", "cancel"), ("Releases", "on")];
    FUNCTION.get_or_init(|| released("wave-runner", "WaveRunnerFunction", chosen)).clone()
}

fn release() -> ReleaseId {
    ReleaseId::new(RELEASE).unwrap()
}

/// The job of a wave.
pub fn job_of(wave: &str) -> String {
    release().job(1, &WaveName::new(wave).unwrap()).unwrap().to_string()
}

/// The jobs of the release, in its order.
pub fn jobs() -> [String; 2] {
    WAVES.map(job_of)
}

fn plan() -> Plan {
    let wave = |(place, name): (usize, &str)| PlannedWave {
        targets: vec![format!("arn:aws:iot:us-east-1:111122223333:thing/pump-{place}")],
        devices: DEVICES,
        rate: Some(50),
        bake: 0,
        tolerance: 0.02,
        decide_within: 3_600,
        approval: place == 1,
        clears_at: Some(30),
        name: WaveName::new(name).unwrap(),
        job: release().job(1, &WaveName::new(name).unwrap()).unwrap(),
        group: (place == 1).then(|| GROUP.to_owned()),
    };
    Plan {
        release: release(),
        attempt: 1,
        started: now() as i64,
        by: "Mara".to_owned(),
        file: "dev.ini".to_owned(),
        config: CONFIG.to_owned(),
        baseline: None,
        document: "{}".to_owned(),
        tags: BTreeMap::new(),
        false_stops: 0.02,
        waves: WAVES.into_iter().enumerate().map(wave).collect(),
    }
}

fn put(account: &mut Account, queue: &str, entry: &str, item: Value) {
    account.put_item(RELEASES, [("queue", queue), ("entry", entry)], item);
}

/// A release that was started a moment ago, and a rollout that is held.
pub fn prepare(account: &mut Account) {
    let plan = plan();
    put(
        account,
        State::PLANS,
        &State::plan_key(&release(), 1),
        json!({"plan": {"S": plan.to_text()}}),
    );
    let state = json!({"state": {"S": State::new(&plan).to_text()}, "version": {"N": "1"}});
    put(account, State::QUEUE, RELEASE, state);
    account.running = vec![State::execution(&release(), 1)];
    account.groups.insert(GROUP.to_owned(), vec!["pump-1".to_owned()]);
    account.groups.insert(FOREIGN_GROUP.to_owned(), vec!["pump-2".to_owned()]);
    let created = now() - 600.0;
    for job in [HELD, FOREIGN_JOB] {
        account.add_job(job, created.floor());
    }
    let hold = Hold {
        created: created as i64,
        at: now() as i64 - 60,
        by: "Mara".to_owned(),
        is_alarm: false,
        rates: Rates::default(),
        on_failed: OnHoldFailed::Alert,
        since: None,
        proof: None,
        went_on: None,
        times: 0,
    };
    account.put_item(GUARDS, [("jobId", HOLDS)], json!({HELD: {"S": hold.to_text()}}));
}

/// What is others': the status of their jobs, and who is in their group.
pub fn foreign(account: &Account) -> ([Option<Value>; 2], Option<Vec<String>>) {
    let status = |job| account.jobs.get(job).map(|job| job["status"].clone());
    ([HELD, FOREIGN_JOB].map(status), account.groups.get(FOREIGN_GROUP).cloned())
}

/// Whether the proof of the hold has begun.
pub fn is_hold_looked_after(account: &Account) -> bool {
    let mut items = account.items.values();
    items.any(|item| {
        let hold = item.get(HELD).and_then(|hold| hold["S"].as_str());
        hold.is_some_and(|hold| hold.contains("\"since\":["))
    })
}

/// All devices of a wave have succeeded, and the guard-keeper has written down how surely it is good.
fn succeed(account: &mut Account, job: &str) {
    let Some(described) = account.jobs.get_mut(job) else { return };
    described["status"] = "COMPLETED".into();
    described["completedAt"] = now().into();
    described["jobProcessDetails"] = json!({"numberOfSucceededThings": DEVICES});
    let created = described["createdAt"].as_f64().unwrap() as i64;
    let record = Record {
        created,
        at: now() as i64,
        clearance: Some(5.0),
        list: Some(true),
        ..Record::default()
    };
    let item = json!({"evidence": {"S": record.to_text()}});
    account.put_item(GUARDS, [("jobId", &format!("{}{job}", Record::KEY_PREFIX))], item);
}

/// The state of a wave's alarms has changed since its job was created, so that their history is asked for.
fn calm(account: &mut Account, job: &str) {
    let prefix = format!("tripline-{job}-");
    for (_, alarm) in account.alarms.iter_mut().filter(|(name, _)| name.starts_with(&prefix)) {
        alarm.described["StateTransitionedTimestamp"] = (now() + 1.0).into();
    }
}

/// The alarms of a wave have gone off.
fn fire(account: &mut Account, job: &str) {
    let prefix = format!("tripline-{job}-");
    let of_job = account.alarms.iter_mut().filter(|(name, _)| name.starts_with(&prefix));
    for (_, alarm) in of_job.filter(|(name, _)| !name.ends_with("Missing")) {
        alarm.described["StateValue"] = "ALARM".into();
        alarm.described["StateTransitionedTimestamp"] = now().into();
        alarm.history.insert(0, (now(), "ALARM"));
    }
}

/// A machine with its function.
struct Machine<'a> {
    aws: &'a HttpAws,
    environment: Environment,
    errors: BTreeSet<String>,
    last_failed: bool,
    tokens: u32,
    /// AWS always fails.
    always: bool,
}

impl Machine<'_> {
    /// A number for faults that end, and for those that do not.
    fn of(&self, [ends, always]: [u32; 2]) -> u32 {
        if self.always { always } else { ends }
    }

    async fn invoke(&mut self, payload: &Value, attempt: u32) -> Ended {
        self.environment.set_attempt(attempt);
        let ended = self.environment.invoke(payload, None).await.unwrap();
        self.last_failed = !matches!(ended, Ended::Ok(_));
        if self.last_failed {
            self.errors.insert(ended.kind().to_owned());
        }
        ended
    }

    /// A step, with another token each time that it is tried. `Err`: why it failed in the end.
    async fn step(
        &mut self,
        step: &str,
        of: Value,
        waits: bool,
    ) -> Result<String, (String, String)> {
        let mut last = (String::new(), String::new());
        for attempt in 1..=self.of(TRIES) {
            self.tokens += 1;
            let token = format!("token-{}", self.tokens);
            let mut payload = of.clone();
            payload["step"] = step.into();
            if waits {
                payload["token"] = token.clone().into();
                self.aws.account().tokens.insert(token.clone(), Token::Waiting);
            }
            match self.invoke(&payload, attempt).await {
                Ended::Ok(_) => return Ok(token),
                Ended::Error { kind, message } => last = (kind, message),
                other => last = (other.kind().to_owned(), String::new()),
            }
            // The last step of all is tried again, whatever its error.
            let is_final = ["Tripline.Refused", "Tripline.Stopped"].contains(&last.0.as_str());
            if is_final && step != "end" {
                break;
            }
        }
        Err(last)
    }

    /// A step that waits with a token, until the machine is answered. One that nobody looks after is tried again with
    /// another token. `None`: it waits on.
    async fn answered(
        &mut self,
        step: &str,
        of: &Value,
        begun: impl Fn(&mut Account),
        after_look: impl Fn(&mut Account),
    ) -> Result<Option<Token>, (String, String)> {
        for _ in 0..self.of(MOST_TOKENS) {
            let token = self.step(step, of.clone(), true).await?;
            begun(&mut self.aws.account());
            let before = self.heartbeats();
            if let Some(answer) = self.answer(&token, &after_look).await {
                return Ok(Some(answer));
            }
            if self.heartbeats() > before {
                break;
            }
        }
        Ok(None)
    }

    fn heartbeats(&self) -> usize {
        let heartbeats = self.aws.ledger().of("SendTaskHeartbeat");
        heartbeats.into_iter().filter(|entry| entry.carried_out).count()
    }

    /// Looks each minute until the machine is answered. `None`: it waits on.
    async fn answer(&mut self, token: &str, after_look: &impl Fn(&mut Account)) -> Option<Token> {
        for attempt in 1..=self.of(LOOKS) {
            self.invoke(
                &json!({"minute": "arn:aws:states:us-east-1:111122223333:stateMachine:m"}),
                attempt,
            )
            .await;
            let mut account = self.aws.account();
            match account.tokens[token].clone() {
                Token::Waiting => after_look(&mut account),
                answered => return Some(answered),
            }
        }
        None
    }

    /// The waves, as `templates/release.asl.json` has them.
    async fn waves(&mut self, firmware: Firmware) -> Result<End, (String, String)> {
        for (place, name) in WAVES.into_iter().enumerate() {
            let of = json!({"release": RELEASE, "attempt": 1, "wave": place});
            let job = job_of(name);
            if place == 1 {
                let approve = |account: &mut Account| {
                    let approval = Approval { by: "Mara".to_owned(), at: now() as i64, note: None };
                    let text = serde_json::to_string(&approval).unwrap();
                    let state = State::new(&plan());
                    let key = state.begin_key(&WaveName::new(name).unwrap());
                    put(account, State::APPROVALS, &key, json!({"approval": {"S": text}}));
                };
                match self.answered("approve", &of, |_| (), approve).await? {
                    None => return Ok(End::Waits),
                    Some(Token::Failed(error, cause)) => return Err((error, cause)),
                    Some(_) => {}
                }
            }
            self.step("begin", of.clone(), false).await?;
            let devices = |account: &mut Account| {
                calm(account, &job);
                match firmware {
                    Firmware::Bad if place == 1 => fire(account, &job),
                    _ => succeed(account, &job),
                }
            };
            match self.answered("watch", &of, devices, |_| ()).await? {
                None => return Ok(End::Waits),
                Some(Token::Failed(error, cause)) => return Err((error, cause)),
                Some(_) => {}
            }
        }
        Ok(End::Out)
    }
}

/// Plays a release to its end.
pub async fn play(aws: &HttpAws, faults: Faults, firmware: Firmware, always: bool) -> Played {
    prepare(&mut aws.account());
    let environment = function().environment(aws.door(|_| faults).await.unwrap()).await.unwrap();
    let mut machine = Machine {
        aws,
        environment,
        errors: BTreeSet::new(),
        last_failed: false,
        tokens: 0,
        always,
    };
    let mut end_step = json!({"release": RELEASE, "attempt": 1});
    let end = match machine.waves(firmware).await {
        Ok(End::Waits) => End::Waits,
        came_to => {
            let mut end = End::Out;
            if let Err((error, cause)) = came_to {
                end = if error == "Tripline.Stopped" { End::Stopped } else { End::Failed };
                end_step["failed"] = json!({"Error": error, "Cause": cause});
            }
            match machine.step("end", end_step, false).await {
                Ok(_) => end,
                Err(_) => End::Failed,
            }
        }
    };
    let Machine { environment, errors, last_failed, .. } = machine;
    Played { end, errors, last_failed, log: environment.log() }
}
