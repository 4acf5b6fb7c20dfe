//! An account in memory, with a clock of its own, devices that do as scripted, and a state machine that
//! behaves as `templates/release.asl.json` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use aws_sdk_iot::operation::create_job::builders::CreateJobInputBuilder;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use tripline::evidence::{Record, Standing};
use tripline::job::{Job, JobId, JobState, Setup};
use tripline::release::hold::Hold;
use tripline::release::{Approval, Phase, Plan, PlannedWave, ReleaseId, State, WaveName};
use tripline::stop::REASON_CODE;
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::desired::GuardAlarm;
use tripline_guard::kept::KeptGuard;

use crate::ask::*;
use crate::settings::Settings;
use crate::{Failed, Runner};

pub const RELEASE: &str = "pump-9";
/// When everything begins.
const START: i64 = 1_790_000_000;
const FORCE_STOP: &str = "arn:aws:sns:us-east-1:111122223333:force-stop";
/// The retriers of the state machine.
const HEARTBEAT: i64 = 900;
const DAY: i64 = 86_400;
const MOST_RETRIES: u32 = 20;

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
waveList = rest
[WAVE_rest]
rest = True
";

/// What the devices of a wave do, once all of them have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// A minute later all succeed.
    Well,
    /// A minute later all but so many succeed; these fail.
    Failing(u32),
    /// A minute later one succeeds; the others stay at it.
    Busy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Approve(usize),
    Begin(usize),
    Watch(usize),
    End(Option<(String, String)>),
    Done(bool),
}

/// The execution of the state machine.
#[derive(Debug)]
pub struct Execution {
    pub place: Place,
    /// What it waits with: since when, and when it was last looked after.
    pub token: Option<(String, i64, i64)>,
    pub tokens: u32,
    tries: u32,
    not_before: i64,
    pub is_halted: bool,
}

#[derive(Debug, Clone)]
pub struct FakeAlarm {
    pub job: String,
    pub is_on: bool,
    pub since: i64,
    pub actions: Vec<String>,
    pub fired: Vec<i64>,
}

#[derive(Debug)]
pub struct World {
    pub now: i64,
    pub plan: Plan,
    pub read: Versioned,
    pub approvals: BTreeMap<String, Approval>,
    pub configs: BTreeMap<String, i64>,
    pub records: BTreeMap<String, Record>,
    pub holds: BTreeMap<JobId, Hold>,
    pub alarms: BTreeMap<String, FakeAlarm>,
    pub jobs: BTreeMap<String, (Job, Vec<(String, String)>)>,
    pub doing: BTreeMap<String, Doing>,
    pub clearance: BTreeMap<String, f64>,
    pub groups: Vec<String>,
    pub execution: Execution,
    /// Subjects and bodies.
    pub messages: Vec<(String, String)>,
    pub sms: Vec<String>,
    pub calls: Vec<String>,
    /// After which of all calls, from 1, the function's process is killed: AWS carries it out, and nobody hears
    /// of it.
    pub kill: Option<usize>,
    is_dead: bool,
    /// An operation that fails so many times more.
    pub fails: Option<(String, usize)>,
    /// What was made of the minutes' looks.
    pub errors: usize,
}

#[derive(Debug, Clone)]
pub struct Account {
    world: Arc<Mutex<World>>,
    settings: Settings,
}

pub fn settings() -> Settings {
    let value = |name: &str| {
        let value = match name {
            "STOP_MODE" | "EVIDENCE_MINUTE_SECONDS" => return None,
            "STACK_NAME" => "tripline",
            "FORCE_STOP_TOPIC_ARN" => FORCE_STOP,
            "EMAIL_TOPIC_ARN" => "arn:aws:sns:us-east-1:111122223333:email",
            "SMS_TOPIC_ARN" => "arn:aws:sns:us-east-1:111122223333:sms",
            other => other,
        };
        Some(value.to_owned())
    };
    Settings::from_environment(value).unwrap()
}

pub fn plan(names: &[&str]) -> Plan {
    let release = ReleaseId::new(RELEASE).unwrap();
    let wave = |(place, name): (usize, &&str)| {
        let name = WaveName::new(name).unwrap();
        let job = release.job(1, &name).unwrap();
        let group = (place == 2).then(|| format!("tripline-{job}"));
        PlannedWave {
            targets: vec![format!("arn:aws:iot:us-east-1:111122223333:thing/pump-{place}")],
            devices: 10 * 10_u32.pow(u32::try_from(place).unwrap()),
            rate: Some(50),
            bake: 300,
            tolerance: 0.02,
            decide_within: 3_600,
            approval: false,
            clears_at: Some(100),
            name,
            job,
            group,
        }
    };
    Plan {
        attempt: 1,
        started: START,
        by: "Mara".to_owned(),
        file: "dev.ini".to_owned(),
        config: CONFIG.to_owned(),
        baseline: None,
        document: "{}".to_owned(),
        tags: BTreeMap::new(),
        false_stops: 0.02,
        waves: names.iter().enumerate().map(wave).collect(),
        release,
    }
}

pub fn job_of(wave: &str) -> String {
    format!("wave-{RELEASE}-{wave}")
}

impl Account {
    /// A release of three waves that was started just now.
    pub fn new() -> Self {
        Self::with(settings(), plan(&["canary", "early", "rest"]))
    }

    pub fn with(settings: Settings, plan: Plan) -> Self {
        let execution = Execution {
            place: place(&plan, 0),
            token: None,
            tokens: 0,
            tries: 0,
            not_before: 0,
            is_halted: false,
        };
        let world = World {
            now: START,
            read: Versioned { state: State::new(&plan), version: 1 },
            groups: plan.waves.iter().filter_map(|wave| wave.group.clone()).collect(),
            plan,
            approvals: BTreeMap::new(),
            configs: BTreeMap::new(),
            records: BTreeMap::new(),
            holds: BTreeMap::new(),
            alarms: BTreeMap::new(),
            jobs: BTreeMap::new(),
            doing: BTreeMap::new(),
            clearance: BTreeMap::new(),
            execution,
            messages: Vec::new(),
            sms: Vec::new(),
            calls: Vec::new(),
            kill: None,
            is_dead: false,
            fails: None,
            errors: 0,
        };
        Self { world: Arc::new(Mutex::new(world)), settings }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// An invocation of the function. `None`: its process was killed.
    pub async fn invoke(&self, payload: Value) -> Option<Result<Value, Failed>> {
        let runner = Runner::new(self.clone(), self.settings.clone());
        let mut handled = std::pin::pin!(runner.handle(payload));
        let ended = std::future::poll_fn(|context| {
            let ended = handled.as_mut().poll(context);
            match self.world().is_dead {
                true => Poll::Ready(None),
                false => ended.map(Some),
            }
        })
        .await;
        self.world().is_dead = false;
        ended
    }

    /// A minute: devices, the guard-keeper, the machine, and a look.
    pub async fn minute(&self) -> Option<Result<Value, Failed>> {
        self.world().pass_minute();
        self.turn().await;
        let looked = self.invoke(json!({"minute": "arn of the machine"})).await;
        self.world().errors += usize::from(!matches!(looked, Some(Ok(_))));
        self.turn().await;
        looked
    }

    pub async fn minutes(&self, count: usize) {
        for _ in 0..count {
            self.minute().await;
        }
    }

    /// Minutes until it is so.
    pub async fn until(&self, is_so: impl Fn(&World) -> bool) {
        for _ in 0..300 {
            if is_so(&self.world()) {
                return;
            }
            self.minute().await;
        }
        let world = self.world();
        panic!("never: {:?} {:#?} {:?}", world.execution, world.read.state, world.messages);
    }

    pub async fn to_the_end(&self) {
        self.until(|world| matches!(world.execution.place, Place::Done(_))).await;
    }

    /// The machine goes on as far as it can.
    async fn turn(&self) {
        loop {
            let payload = {
                let mut world = self.world();
                let world = &mut *world;
                let (now, it) = (world.now, &mut world.execution);
                if let Some((_, since, beat)) = &it.token {
                    if now - beat < HEARTBEAT && now - since < DAY {
                        return;
                    }
                    it.token = None;
                }
                if it.is_halted || matches!(it.place, Place::Done(_)) || now < it.not_before {
                    return;
                }
                it.payload(now)
            };
            let before = self.world().execution.place.clone();
            let ended = self.invoke(payload).await;
            let mut world = self.world();
            if world.execution.place == before {
                world.after(ended);
            }
        }
    }

    /// Carries out a call, or what is to become of it.
    async fn call<T>(
        &self,
        operation: &'static str,
        about: &str,
        act: impl FnOnce(&mut World) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let answer = self.world().answer(operation, about, act);
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// The alarm on evidence of a wave's job fires.
    pub fn fire(&self, wave: &str) {
        let mut world = self.world();
        let now = world.now;
        let job = job_of(wave);
        let alarm = world.alarms.values_mut().find(|alarm| alarm.job == job).unwrap();
        (alarm.is_on, alarm.since) = (true, now);
        alarm.fired.push(now);
    }

    /// It is over.
    pub fn calm(&self, wave: &str) {
        let mut world = self.world();
        let (now, job) = (world.now, job_of(wave));
        let alarm = world.alarms.values_mut().find(|alarm| alarm.job == job).unwrap();
        (alarm.is_on, alarm.since) = (false, now);
    }

    pub fn approve(&self, key: &str) {
        let mut world = self.world();
        let approval = Approval { by: "Mara".to_owned(), at: world.now, note: None };
        world.approvals.insert(format!("{RELEASE}#1#{key}"), approval);
    }

    pub fn phases(&self) -> Vec<Phase> {
        self.world().read.state.waves.iter().map(|wave| wave.phase).collect()
    }

    pub fn subjects(&self) -> Vec<String> {
        self.world().messages.iter().map(|(subject, _)| subject.clone()).collect()
    }

    pub fn job(&self, wave: &str) -> JobState {
        self.world().jobs[&job_of(wave)].0.state
    }
}

fn place(plan: &Plan, wave: usize) -> Place {
    match plan.waves.get(wave) {
        None => Place::End(None),
        Some(planned) if planned.approval => Place::Approve(wave),
        Some(_) => Place::Begin(wave),
    }
}

impl Execution {
    fn payload(&mut self, now: i64) -> Value {
        let (step, wave) = match &self.place {
            Place::Approve(wave) => ("approve", *wave),
            Place::Begin(wave) => ("begin", *wave),
            Place::Watch(wave) => ("watch", *wave),
            Place::End(failed) => {
                let failed = failed.as_ref().map(|(e, c)| json!({"Error": e, "Cause": c}));
                return json!({"step": "end", "release": RELEASE, "attempt": 1, "failed": failed});
            }
            Place::Done(_) => unreachable!(),
        };
        let mut payload = json!({"step": step, "release": RELEASE, "attempt": 1, "wave": wave});
        if step != "begin" {
            self.tokens += 1;
            let token = format!("token {}", self.tokens);
            payload["token"] = json!(token);
            self.token = Some((token, now, now));
        }
        payload
    }

    /// Takes a token of the state that waits.
    fn takes(&mut self, token: &str) -> bool {
        let is_its = !self.is_halted && self.token.as_ref().is_some_and(|(its, ..)| its == token);
        if is_its {
            (self.token, self.tries, self.not_before) = (None, 0, 0);
        }
        is_its
    }
}

impl World {
    fn answer<T>(
        &mut self,
        operation: &'static str,
        about: &str,
        act: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Option<Result<T, Failure>> {
        if self.is_dead {
            return None;
        }
        self.calls.push(format!("{operation} {about}"));
        if self.kill == Some(self.calls.len()) {
            self.is_dead = true;
            act(self).ok();
            return None;
        }
        match &mut self.fails {
            Some((name, times)) if name == operation && *times > 0 => {
                *times -= 1;
                Some(Err(Failure::new(operation, FailureKind::Unavailable, "as scripted")))
            }
            _ => Some(act(self)),
        }
    }

    /// The machine goes on after an invocation.
    fn after(&mut self, ended: Option<Result<Value, Failed>>) {
        let (now, it) = (self.now, &mut self.execution);
        let failed = match ended {
            Some(Ok(_)) => {
                (it.tries, it.not_before) = (0, 0);
                it.place = match it.place.clone() {
                    Place::Begin(wave) => Place::Watch(wave),
                    Place::End(failed) => Place::Done(failed.is_none()),
                    waits => waits,
                };
                return;
            }
            Some(Err(failed)) => {
                let diagnostic = Diagnostic::from(failed);
                let cause = json!({"errorType": diagnostic.error_type,
                    "errorMessage": diagnostic.error_message});
                (diagnostic.error_type, cause.to_string())
            }
            None => ("Lambda.Unknown".to_owned(), "killed".to_owned()),
        };
        it.token = None;
        let is_end = matches!(it.place, Place::End(_));
        let is_final = ["Tripline.Refused", "Tripline.Stopped"].contains(&failed.0.as_str());
        it.tries += 1;
        if !is_end && is_final || it.tries > MOST_RETRIES {
            it.place = if is_end { Place::Done(false) } else { Place::End(Some(failed)) };
            (it.tries, it.not_before) = (0, 0);
        } else {
            it.not_before = now + (5 << (it.tries - 1).min(6)).min(300);
        }
    }

    fn pass_minute(&mut self) {
        self.now += 60;
        let now = self.now;
        for (id, (job, _)) in &mut self.jobs {
            let wave = id.rsplit('-').next().unwrap();
            if job.state != JobState::Active {
                continue;
            }
            let record = Record {
                created: job.created_at.unwrap(),
                at: now,
                standing: Standing::Undecided,
                clearance: Some(self.clearance.get(wave).copied().unwrap_or(2.0)),
                ..Record::default()
            };
            self.records.insert(id.clone(), record);
            let planned = self.plan.waves.iter().find(|it| it.job.as_str() == id);
            let devices = planned.map_or(1, |it| it.devices);
            let doing = self.doing.get(wave).copied().unwrap_or(Doing::Well);
            let counts = &mut job.counts;
            if counts.notified() == 0 {
                counts.in_progress = devices;
                continue;
            }
            let failed = if let Doing::Failing(failing) = doing { failing } else { 0 };
            if doing == Doing::Busy {
                (counts.in_progress, counts.ended.succeeded) = (devices - 1, 1);
                continue;
            }
            counts.in_progress = 0;
            (counts.ended.succeeded, counts.ended.failed) = (devices - failed, failed);
            (job.state, job.ended_at) = (JobState::Completed, Some(now));
        }
    }

    pub fn created(&self) -> Vec<&str> {
        self.calls.iter().filter_map(|call| call.strip_prefix("CreateJob ")).collect()
    }
}

fn not_found(operation: &'static str) -> Failure {
    Failure::new(operation, FailureKind::NotFound, "no such thing")
}

impl Releases for Account {
    async fn plan(&self, release: &ReleaseId, attempt: u32) -> Result<Option<Plan>, Failure> {
        let key = State::plan_key(release, attempt);
        self.call("GetPlan", &key, |world| {
            Ok(Some(world.plan.clone()).filter(|plan| plan.attempt == attempt))
        })
        .await
    }

    async fn state(&self, release: &ReleaseId) -> Result<Option<Versioned>, Failure> {
        self.call("GetState", release.as_str(), |world| Ok(Some(world.read.clone()))).await
    }

    async fn write_state(&self, read: &Versioned) -> Result<bool, Failure> {
        self.call("PutState", "", |world| {
            let is_as_read = world.read.version == read.version;
            if is_as_read {
                // As it comes back from the table.
                let state = State::from_text(&read.state.to_text()).unwrap();
                world.read = Versioned { state, version: read.version + 1 };
            }
            Ok(is_as_read)
        })
        .await
    }

    async fn approval(&self, key: &str) -> Result<Option<Approval>, Failure> {
        self.call("GetApproval", key, |world| Ok(world.approvals.get(key).cloned())).await
    }
}

impl Guards for Account {
    async fn keep(&self, job: &JobId, _: &KeptGuard, now: Timestamp) -> Result<(), Failure> {
        self.call("Keep", job.as_str(), |world| {
            world.configs.insert(job.to_string(), now.seconds());
            Ok(())
        })
        .await
    }

    async fn record(&self, job: &JobId) -> Result<Option<Kept>, Failure> {
        self.call("GetRecord", job.as_str(), |world| {
            let record = world.records.get(job.as_str()).cloned();
            Ok(record.map(|record| Kept { record, state: Vec::new() }))
        })
        .await
    }

    async fn holds(&self) -> Result<Vec<(JobId, Hold)>, Failure> {
        self.call("GetHolds", "", |world| {
            Ok(world.holds.iter().map(|(job, hold)| (job.clone(), hold.clone())).collect())
        })
        .await
    }

    async fn write_hold(&self, job: &JobId, read: &Hold, hold: &Hold) -> Result<bool, Failure> {
        self.call("PutHold", job.as_str(), |world| {
            let is_as_read = world.holds.get(job) == Some(read);
            if is_as_read {
                world.holds.insert(job.clone(), hold.clone());
            }
            Ok(is_as_read)
        })
        .await
    }
}

impl Alarms for Account {
    async fn alarms(&self, job: &JobId) -> Result<Vec<JobAlarm>, Failure> {
        self.call("DescribeAlarms", job.as_str(), |world| {
            let of_job = world.alarms.iter().filter(|(_, alarm)| alarm.job == job.as_str());
            Ok(of_job
                .map(|(name, alarm)| JobAlarm {
                    name: name.clone(),
                    is_on: alarm.is_on,
                    since: alarm.since,
                    actions: alarm.actions.clone(),
                })
                .collect())
        })
        .await
    }

    async fn last_firing(&self, alarm: &str, since: i64) -> Result<Option<i64>, Failure> {
        self.call("DescribeAlarmHistory", alarm, |world| {
            let fired = world.alarms[alarm].fired.iter();
            Ok(fired.copied().filter(|at| *at >= since).max())
        })
        .await
    }

    async fn put_alarm(&self, alarm: &GuardAlarm, job: &JobId) -> Result<(), Failure> {
        self.call("PutMetricAlarm", job.as_str(), |world| {
            let new = FakeAlarm {
                job: job.to_string(),
                is_on: false,
                since: world.now,
                actions: self.settings.actions(alarm.topics()),
                fired: Vec::new(),
            };
            world.alarms.entry(alarm.name_for(job)).or_insert(new);
            Ok(())
        })
        .await
    }
}

impl Jobs for Account {
    async fn describe_job(&self, job: &JobId) -> Result<Job, Failure> {
        self.call("DescribeJob", job.as_str(), |world| {
            let job = world.jobs.get(job.as_str()).ok_or_else(|| not_found("DescribeJob"))?;
            Ok(job.0.clone())
        })
        .await
    }

    async fn job_tags(&self, job: &JobId) -> Result<Vec<(String, String)>, Failure> {
        self.call("ListTags", job.as_str(), |world| Ok(world.jobs[job.as_str()].1.clone())).await
    }

    async fn create_job(&self, request: CreateJobInputBuilder) -> Result<bool, Failure> {
        let id = request.get_job_id().clone().unwrap();
        self.call("CreateJob", &id, |world| {
            let is_armed = world.alarms.values().any(|alarm| {
                alarm.job == id && alarm.actions.iter().any(|action| action == FORCE_STOP)
            });
            assert!(is_armed && world.configs.contains_key(&id), "no guard: {:?}", world.calls);
            let waves = &world.read.state.waves;
            let before = waves.iter().take_while(|wave| wave.job.as_str() != id);
            assert!(before.into_iter().all(|wave| wave.phase == Phase::Passed), "{waves:?}");
            if world.jobs.contains_key(&id) {
                return Ok(false);
            }
            let tags = request.get_tags().clone().unwrap_or_default().into_iter();
            let tags = tags.map(|tag| (tag.key, tag.value.unwrap_or_default()));
            let job = new_job(world.now);
            world.jobs.insert(id.clone(), (job, tags.collect()));
            Ok(true)
        })
        .await
    }

    async fn cancel_job(&self, job: &JobId, comment: &str) -> Result<(), Failure> {
        self.call("CancelJob", job.as_str(), |world| {
            let now = world.now;
            let (job, _) = world.jobs.get_mut(job.as_str()).unwrap();
            assert_eq!(job.state, JobState::Active);
            (job.state, job.ended_at) = (JobState::Canceled, Some(now));
            job.reason_code = Some(REASON_CODE.to_owned());
            job.comment = Some(comment.to_owned());
            Ok(())
        })
        .await
    }

    async fn delete_group(&self, group: &str) -> Result<(), Failure> {
        self.call("DeleteThingGroup", group, |world| {
            world.groups.retain(|it| it != group);
            Ok(())
        })
        .await
    }
}

pub fn new_job(now: i64) -> Job {
    Job {
        state: JobState::Active,
        reason_code: None,
        comment: None,
        is_forced: false,
        created_at: Some(now),
        ended_at: None,
        rate: 50,
        is_greengrass: false,
        counts: tripline::job::ExecutionCounts::default(),
        is_counted: true,
        timeout: None,
        setup: Setup::default(),
    }
}

impl Machine for Account {
    async fn running(&self, _: &str) -> Result<Vec<String>, Failure> {
        self.call("ListExecutions", "", |world| {
            let it = &world.execution;
            let runs = !it.is_halted && !matches!(it.place, Place::Done(_));
            let name = State::execution(&world.plan.release, 1);
            Ok(runs.then_some(name).into_iter().collect())
        })
        .await
    }

    async fn succeed(&self, token: &str) -> Result<bool, Failure> {
        self.call("SendTaskSuccess", token, |world| {
            if !world.execution.takes(token) {
                return Ok(false);
            }
            world.execution.place = match world.execution.place {
                Place::Approve(wave) => Place::Begin(wave),
                Place::Watch(wave) => place(&world.plan, wave + 1),
                ref other => panic!("nobody waits in {other:?}"),
            };
            Ok(true)
        })
        .await
    }

    async fn fail(&self, token: &str, error: &str, cause: &str) -> Result<bool, Failure> {
        self.call("SendTaskFailure", token, |world| {
            let is_taken = world.execution.takes(token);
            if is_taken {
                world.execution.place = Place::End(Some((error.to_owned(), cause.to_owned())));
            }
            Ok(is_taken)
        })
        .await
    }

    async fn heartbeat(&self, token: &str) -> Result<bool, Failure> {
        self.call("SendTaskHeartbeat", token, |world| {
            let now = world.now;
            match &mut world.execution.token {
                Some((its, _, beat)) if its == token => {
                    *beat = now;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
        .await
    }
}

impl People for Account {
    async fn email(&self, subject: &str, text: &str) -> Result<(), Failure> {
        self.call("Email", subject, |world| {
            world.messages.push((subject.to_owned(), text.to_owned()));
            Ok(())
        })
        .await
    }

    async fn sms(&self, text: &str) -> Result<(), Failure> {
        self.call("Sms", text, |world| {
            world.sms.push(text.to_owned());
            Ok(())
        })
        .await
    }
}

impl Clock for Account {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.world().now)
    }
}
