//! An account in memory, with a clock of its own: waiting takes no time, and every call is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{MetricAlarm, Tag};
use fake_aws::CloudWatch;
use serde_json::Value;
use tripline::attempts::Attempt;
use tripline::job::{EndedCounts, ExecutionCounts, JobId, JobState};
use tripline::metric::{KeptMetric, Outcome};
use tripline::release::hold::HeldBriefly;
use tripline::rollout::Rate;
use tripline::time::Timestamp;
use tripline_aws::cloudwatch::MuteRule;
use tripline_aws::{Failure, FailureKind};
use tripline_guard::desired::GuardAlarm;
use tripline_guard::kept::FirstSeen;
use tripline_guard::ownership::{JOB_TAG, STACK_TAG};
use tripline_guard::reconcile::Put;
use tripline_guard::request;

use crate::ask::*;
use crate::aws::CALL_TIMEOUT;
use crate::clock::{Call, Clock};
use crate::settings::{Settings, tests::settings};
use crate::{Failed, Keeper};

/// When everything begins.
pub const START: u64 = 1_790_000_000;
/// What a call takes.
const CALL: Duration = Duration::from_millis(20);
/// Tags on a page.
pub const TAGS_PAGE: usize = 5;
/// What is on a page.
const PAGE: usize = 100;

/// A job of the account.
#[derive(Debug, Clone, Default)]
pub struct FakeJob {
    pub created: i64,
    pub ended: Option<i64>,
    pub endings: EndedCounts,
    /// How many events were counted.
    pub counted: u32,
    /// Seconds that executions took that succeeded.
    pub took: Vec<i64>,
    /// Since when executions are in progress.
    pub at_work: Vec<i64>,
    pub tags: Vec<(String, String)>,
    /// How many devices were notified and have not begun.
    pub queued: u32,
    /// Devices a minute; `None`: all at once.
    pub rate: Option<u32>,
    pub is_greengrass: bool,
    pub setup: tripline::job::Setup,
    /// After so many minutes AWS IoT ends an execution.
    pub timeout: Option<u32>,
    /// How many of those that were counted reported `downloadTime`; `None`: all.
    pub download_times: Option<u32>,
    /// Details that could not be used.
    pub invalid: u32,
    /// Executions that were unsuccessful: thing, number and outcome.
    pub attempts: Vec<(u64, u32, Outcome)>,
}

/// The call at which the keeper's process is killed.
#[derive(Debug, Clone, Copy)]
pub struct Kill {
    /// Which of all calls.
    pub call: usize,
    /// AWS carries it out, and no answer comes.
    pub is_carried_out: bool,
}

/// What was published in a minute.
#[derive(Debug, Clone, Default)]
pub struct Published {
    pub stack: Vec<StackGauge>,
    pub jobs: Vec<JobGauge>,
    pub evidence: Vec<(JobId, f64)>,
    /// When the last counts of jobs were out.
    pub counts_out: Option<Duration>,
}

#[derive(Debug, Default)]
pub struct World {
    pub now: Duration,
    /// Until when those wait that do.
    pub sleepers: Vec<Duration>,
    pub jobs: BTreeMap<String, FakeJob>,
    pub cloudwatch: CloudWatch,
    /// The active mute rules, each with the alarms that it mutes.
    pub mutes: BTreeMap<String, Vec<String>>,
    pub configs: BTreeMap<String, (String, i64)>,
    /// The jobs whose config is meant to stop nothing.
    pub alert_only: BTreeSet<String>,
    pub first_seen: BTreeMap<JobId, FirstSeen>,
    pub evidence: BTreeMap<JobId, EvidenceItem>,
    pub holds: BTreeMap<JobId, HeldBriefly>,
    pub memory: Option<String>,
    pub events_are_on: bool,
    /// How many things groups have.
    pub groups: BTreeMap<String, u64>,
    /// How many calls were made.
    pub asked: usize,
    pub kill: Option<Kill>,
    /// The process was killed: it makes no call, and gets no answer.
    pub is_dead: bool,
    /// The calls that have a quota of their own, and when.
    pub calls: Vec<(Call, Duration)>,
    /// The jobs that were described.
    pub described: BTreeSet<JobId>,
    /// The calls that change something.
    pub changes: Vec<String>,
    pub published: Vec<Published>,
    /// Jobs are listed, and nothing was published since.
    begins: bool,
    /// E-mails: subject and body.
    pub emails: Vec<(String, String)>,
    /// What fails, by the API's name or the alarm's, and how.
    pub fails: BTreeMap<String, FailureKind>,
    /// From when on every call takes as long as it may.
    pub slow_from: Option<Duration>,
    /// Alarms show no metrics, as on the local AWS.
    pub hides_metrics: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Account {
    world: Arc<Mutex<World>>,
    settings: Option<Settings>,
}

impl Account {
    pub fn new() -> Self {
        let account = Self { settings: Some(settings()), ..Self::default() };
        account.world().now = Duration::from_secs(START);
        account.world().events_are_on = true;
        account
    }

    pub fn with(settings: Settings) -> Self {
        Self { settings: Some(settings), ..Self::new() }
    }

    /// The same account, as another stack sees it.
    pub fn seen_by(&self, settings: Settings) -> Self {
        Self { settings: Some(settings), ..self.clone() }
    }

    pub fn settings(&self) -> Settings {
        self.settings.clone().unwrap()
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn keeper(&self) -> Keeper<Self, Self> {
        Keeper::new(self.clone(), self.clone(), self.settings())
    }

    /// A minute of a keeper. `None`: its process was killed.
    pub async fn minute_of(
        &self,
        keeper: &Keeper<Self, Self>,
        kill: Option<Kill>,
    ) -> Option<Result<Value, Failed>> {
        self.world().kill = kill;
        let ended = {
            let mut tick = std::pin::pin!(keeper.tick());
            std::future::poll_fn(|context| {
                let ended = tick.as_mut().poll(context);
                match self.world().is_dead {
                    true => Poll::Ready(None),
                    false => ended.map(Some),
                }
            })
            .await
        };
        let mut world = self.world();
        world.sleepers.clear();
        world.is_dead = false;
        ended
    }

    /// A job that was created `ago` seconds ago.
    pub fn job(&self, id: &str, ago: i64) {
        let mut world = self.world();
        let created = world.seconds() - ago;
        world.jobs.insert(id.to_owned(), FakeJob { created, ..FakeJob::default() });
    }

    pub fn change(&self, id: &str, change: impl FnOnce(&mut FakeJob)) {
        change(self.world().jobs.get_mut(id).unwrap());
    }

    pub fn pass(&self, seconds: u64) {
        self.world().now += Duration::from_secs(seconds);
    }

    /// What was changed since the last look, but for alarms on evidence.
    pub fn changes(&self) -> Vec<String> {
        let mut changes = std::mem::take(&mut self.world().changes);
        changes.retain(|change| !change.contains("-Evidence"));
        changes
    }

    /// The alarms, but for those on evidence.
    pub fn alarms(&self) -> Vec<String> {
        let mut alarms = self.all_alarms();
        alarms.retain(|name| !name.contains("-Evidence"));
        alarms
    }

    pub fn all_alarms(&self) -> Vec<String> {
        self.world().cloudwatch.alarms.keys().cloned().collect()
    }

    /// What was published last of the stack; 0 if that was not.
    pub fn gauge(&self, name: &str) -> f64 {
        let world = self.world();
        let last = world.published.last().unwrap();
        last.stack.iter().find(|(other, _)| *other == name).map_or(0.0, |(_, number)| *number)
    }

    async fn call(&self, call: Option<Call>, operation: &'static str) -> Result<(), Failure> {
        if self.world().is_dead {
            return std::future::pending().await;
        }
        let (takes, kill) = {
            let mut world = self.world();
            let now = world.now;
            world.asked += 1;
            world.calls.extend(call.map(|call| (call, now)));
            let slow = world.slow_from.is_some_and(|from| now >= from);
            let kill = world.kill.filter(|kill| kill.call == world.asked);
            world.is_dead = kill.is_some_and(|kill| !kill.is_carried_out);
            (if slow { CALL_TIMEOUT } else { CALL }, kill)
        };
        if !self.world().is_dead {
            self.sleep(takes).await;
        }
        if self.world().is_dead {
            return std::future::pending().await;
        }
        self.world().is_dead = kill.is_some();
        match self.world().fails.get(operation) {
            Some(kind) => Err(Failure::new(operation, *kind, "as scripted")),
            None => Ok(()),
        }
    }
}

impl World {
    pub fn seconds(&self) -> i64 {
        i64::try_from(self.now.as_secs()).unwrap()
    }
}

impl World {
    fn of_this_minute(&mut self) -> &mut Published {
        if std::mem::take(&mut self.begins) || self.published.is_empty() {
            self.published.push(Published::default());
        }
        self.published.last_mut().unwrap()
    }
}

impl Clock for Account {
    fn now(&self) -> Duration {
        self.world().now
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now() + duration;
        self.world().sleepers.push(until);
        loop {
            // The other lane goes on meanwhile; time passes once both wait.
            tokio::task::yield_now().await;
            let mut world = self.world();
            if world.sleepers.iter().all(|other| *other >= until) {
                world.now = world.now.max(until);
            }
            if world.now >= until {
                let place = world.sleepers.iter().position(|other| *other == until).unwrap();
                world.sleepers.remove(place);
                return;
            }
        }
    }
}

fn page<T>(all: impl Iterator<Item = T>, next: Option<String>, length: usize) -> Page<T> {
    let from: usize = next.map_or(0, |next| next.parse().unwrap());
    let mut rest = all.skip(from);
    let items = rest.by_ref().take(length).collect();
    Page { items, next: rest.next().map(|_| (from + length).to_string()) }
}

fn job_id(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn not_found(operation: &'static str) -> Failure {
    Failure::new(operation, FailureKind::NotFound, "no such thing")
}

impl JobEvents for Account {
    async fn job_events_are_on(&self) -> Result<bool, Failure> {
        self.call(None, "DescribeEventConfigurations").await?;
        Ok(self.world().events_are_on)
    }

    async fn enable_job_events(&self) -> Result<(), Failure> {
        self.call(None, "UpdateEventConfigurations").await?;
        let mut world = self.world();
        world.events_are_on = true;
        world.changes.push("enable events".to_owned());
        Ok(())
    }
}

impl ListJobs for Account {
    async fn list_jobs(&self, next: Option<String>) -> Result<Page<Listed>, Failure> {
        self.call(Some(Call::ListJobs), "ListJobs").await?;
        let mut world = self.world();
        world.begins |= next.is_none();
        let running = world.jobs.iter().filter(|(_, job)| job.ended.is_none());
        let all = running.map(|(id, job)| Listed {
            job: job_id(id),
            arn: id.clone(),
            created: at(job.created),
        });
        Ok(page(all, next, PAGE))
    }
}

impl JobTags for Account {
    async fn job_tags(
        &self,
        arn: &str,
        next: Option<String>,
    ) -> Result<Page<(String, String)>, Failure> {
        self.call(Some(Call::JobTags), "JobTags").await?;
        let world = self.world();
        if let Some(kind) = world.fails.get(&format!("tags of {arn}")) {
            return Err(Failure::new("JobTags", *kind, "as scripted"));
        }
        let tags = world.jobs[arn].tags.clone();
        Ok(page(tags.into_iter(), next, TAGS_PAGE))
    }
}

impl DescribeJob for Account {
    async fn describe_job(&self, job: &JobId) -> Result<tripline::job::Job, Failure> {
        self.call(Some(Call::DescribeJob), "DescribeJob").await?;
        let mut world = self.world();
        world.described.insert(job.clone());
        let job = world.jobs.get(job.as_str()).ok_or_else(|| not_found("DescribeJob"))?;
        Ok(tripline::job::Job {
            state: if job.ended.is_some() { JobState::Completed } else { JobState::Active },
            reason_code: None,
            comment: None,
            is_forced: false,
            created_at: Some(job.created),
            ended_at: job.ended,
            rate: job.rate.unwrap_or(Rate::QUOTA),
            is_counted: true,
            timeout: job.timeout,
            setup: job.setup.clone(),
            is_greengrass: job.is_greengrass,
            counts: ExecutionCounts {
                queued: job.queued,
                in_progress: u32::try_from(job.at_work.len()).unwrap(),
                ended: job.endings,
                ..ExecutionCounts::default()
            },
        })
    }
}

impl ListExecutions for Account {
    async fn list_executions(
        &self,
        job: &JobId,
        phase: Phase,
        next: Option<String>,
    ) -> Result<Page<Span>, Failure> {
        self.call(Some(Call::Executions), "ListJobExecutionsForJob").await?;
        let world = self.world();
        let job = &world.jobs[job.as_str()];
        let spans: Vec<Span> = match phase {
            Phase::Succeeded => job.took.iter().map(|took| span(0, *took)).collect(),
            Phase::InProgress => {
                let spans = job.at_work.iter().zip(0..);
                spans.map(|(began, thing)| Span { thing, ..span(*began, *began) }).collect()
            }
        };
        Ok(page(spans.into_iter(), next, PAGE))
    }
}

impl ListAttempts for Account {
    async fn list_attempts(
        &self,
        job: &JobId,
        outcome: Outcome,
        next: Option<String>,
    ) -> Result<Page<Attempt<u64>>, Failure> {
        self.call(Some(Call::Executions), "ListAttempts").await?;
        let world = self.world();
        let attempts = world.jobs[job.as_str()].attempts.iter();
        let of_it = attempts.filter(|(.., of)| *of == outcome);
        let of_it = of_it.map(|(thing, number, outcome)| Attempt {
            thing: *thing,
            number: *number,
            outcome: *outcome,
        });
        Ok(page(of_it, next, PAGE))
    }
}

impl ListThings for Account {
    async fn list_things(&self, group: &str, next: Option<String>) -> Result<Page<u64>, Failure> {
        self.call(Some(Call::Things), "ListThingsInThingGroup").await?;
        let things = self.world().groups[group];
        Ok(page(0..things, next, PAGE))
    }
}

fn span(began: i64, updated: i64) -> Span {
    Span { began: at(began), updated: at(updated), is_retry: false, thing: 0 }
}

impl ListAlarms for Account {
    async fn list_alarms(&self, next: Option<String>) -> Result<Page<Alarm>, Failure> {
        self.call(Some(Call::DescribeAlarms), "DescribeAlarms").await?;
        let world = self.world();
        let shown = world.cloudwatch.alarms.values().map(|alarm| {
            let mut alarm = alarm.clone();
            if world.hides_metrics {
                alarm.metrics = None;
            }
            Alarm::Metric(Box::new(alarm))
        });
        let composite = world.cloudwatch.composite.iter().cloned().map(Alarm::Composite);
        let shown = shown.chain(composite);
        Ok(page(shown, next, PAGE))
    }
}

impl NamedAlarms for Account {
    async fn alarms_named(&self, names: &[String]) -> Result<Vec<Alarm>, Failure> {
        assert!(names.len() <= PAGE);
        self.call(Some(Call::DescribeAlarms), "DescribeAlarms").await?;
        let world = self.world();
        let metric = names.iter().filter_map(|name| world.cloudwatch.alarms.get(name));
        let metric = metric.map(|alarm| Alarm::Metric(Box::new(alarm.clone())));
        let composite = names.iter().filter(|name| world.cloudwatch.composite.contains(*name));
        Ok(metric.chain(composite.cloned().map(Alarm::Composite)).collect())
    }
}

impl AlarmTags for Account {
    async fn alarm_tags(&self, arn: &str) -> Result<Vec<(String, String)>, Failure> {
        self.call(Some(Call::AlarmTags), "ListTagsForResource").await?;
        let world = self.world();
        let tags = world.cloudwatch.tags_of(arn);
        let tags = tags.ok_or_else(|| not_found("ListTagsForResource"))?;
        Ok(tags.into_iter().collect())
    }
}

impl PutAlarm for Account {
    async fn put_alarm(&self, put: &Put, job: &JobId) -> Result<(), Failure> {
        self.call(Some(Call::PutAlarm), "PutMetricAlarm").await?;
        let Put { name, alarm, is_new, .. } = put;
        let actions = self.settings().actions(alarm.topics());
        let mut world = self.world();
        if let Some(kind) = world.fails.get(name) {
            return Err(Failure::new("PutMetricAlarm", *kind, "as scripted"));
        }
        assert_eq!(!world.cloudwatch.alarms.contains_key(name), *is_new, "{name}");
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let put = request::request_for(alarm, job, &actions)
            .alarm_name(name)
            .tags(tag(JOB_TAG, job.as_str()))
            .tags(tag(STACK_TAG, &self.settings().stack));
        world.cloudwatch.put(&put.build().unwrap());
        world.changes.push(format!("put {name}"));
        Ok(())
    }

    fn is_as_wanted(&self, there: &MetricAlarm, wanted: &GuardAlarm, job: &JobId) -> bool {
        let actions = self.settings().actions(wanted.topics());
        request::shows_no_difference(there, &request::request_for(wanted, job, &actions))
    }
}

impl DeleteAlarms for Account {
    async fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        self.call(Some(Call::DeleteAlarms), "DeleteAlarms").await?;
        let mut world = self.world();
        world.cloudwatch.delete(names);
        world.changes.extend(names.iter().map(|name| format!("delete {name}")));
        Ok(())
    }
}

impl CountEvents for Account {
    async fn count_events(
        &self,
        job: &JobId,
        (created, _): (Timestamp, Timestamp),
        _: Option<String>,
    ) -> Result<Page<(Reported, u32)>, Failure> {
        self.call(Some(Call::Metrics), "GetMetricData").await?;
        let world = self.world();
        let job = &world.jobs[job.as_str()];
        assert_eq!(created, at(job.created));
        let items = vec![
            (Reported::Ended(Outcome::Succeeded), job.counted),
            (Reported::DownloadTimes, job.download_times.unwrap_or(job.counted)),
            (Reported::InvalidDetails, job.invalid),
        ];
        Ok(Page { items, next: None })
    }
}

impl MuteRules for Account {
    async fn list_mute_rules(&self, next: Option<String>) -> Result<Page<MuteRule>, Failure> {
        self.call(Some(Call::MuteRules), "ListAlarmMuteRules").await?;
        let world = self.world();
        let rules = world.mutes.keys().map(|name| MuteRule { name: name.clone(), updated: 0 });
        Ok(page(rules, next, PAGE))
    }

    async fn muted_alarms(&self, rule: &str) -> Result<Vec<String>, Failure> {
        self.call(Some(Call::MuteRules), "GetAlarmMuteRule").await?;
        Ok(self.world().mutes[rule].clone())
    }
}

impl FireAgain for Account {
    async fn fire_again(&self, alarm: &str) -> Result<(), Failure> {
        self.call(None, "SetAlarmState").await?;
        let mut world = self.world();
        world.changes.push(format!("fire again {alarm}"));
        let alarm = world.cloudwatch.alarms.get_mut(alarm).unwrap();
        alarm.state_value = Some(aws_sdk_cloudwatch::types::StateValue::Ok);
        Ok(())
    }
}

impl Publish for Account {
    async fn publish_evidence(
        &self,
        evidence: &[(JobId, f64)],
        now: Timestamp,
    ) -> Result<(), Failure> {
        assert!(evidence.len() <= MAX_GAUGES && !evidence.is_empty());
        self.call(None, "PutMetricData").await?;
        let mut world = self.world();
        assert!(now.seconds() <= i64::try_from(world.now.as_secs()).unwrap());
        let published = world.of_this_minute();
        published.evidence.extend_from_slice(evidence);
        Ok(())
    }

    async fn publish_stack(&self, gauges: &[StackGauge]) -> Result<(), Failure> {
        self.call(None, "PutMetricData").await?;
        self.world().of_this_minute().stack = gauges.to_vec();
        Ok(())
    }

    async fn publish_jobs(&self, gauges: &[JobGauge]) -> Result<(), Failure> {
        assert!(gauges.len() <= MAX_GAUGES);
        self.call(None, "PutMetricData").await?;
        let mut world = self.world();
        let now = world.now;
        let published = world.of_this_minute();
        if gauges.iter().any(|(_, metric, _)| *metric == KeptMetric::NotifiedCount) {
            published.counts_out = Some(now);
        }
        published.jobs.extend_from_slice(gauges);
        Ok(())
    }
}

impl Table for Account {
    async fn read_table(&self, next: Option<String>) -> Result<Page<Item>, Failure> {
        self.call(Some(Call::Table), "Scan").await?;
        let world = self.world();
        let configs = world.configs.iter().map(|(job, (text, armed))| Item::Config {
            job: job_id(job),
            text: text.clone(),
            armed: at(*armed),
            alert_only: world.alert_only.contains(job),
            baseline: None,
        });
        let evidence = world.evidence.iter().map(|(job, item)| Item::Evidence {
            job: job.clone(),
            text: item.text.clone(),
            state: item.state.clone(),
            tick: item.tick,
        });
        let seen = world.first_seen.iter();
        let seen =
            seen.map(|(job, first)| Item::FirstSeen { job: job.clone(), first: first.clone() });
        let holds: Vec<_> = world.holds.iter().map(|(job, it)| (job.clone(), *it)).collect();
        let seen = seen.chain((!holds.is_empty()).then_some(Item::Holds(holds)));
        let items =
            configs.chain(world.memory.clone().map(Item::Memory)).chain(seen).chain(evidence);
        Ok(page(items, next, PAGE))
    }

    async fn write_table(&self, memory: Option<&str>, forget: &[JobId]) -> Result<(), Failure> {
        if memory.is_none() && forget.is_empty() {
            return Ok(());
        }
        self.call(None, "BatchWriteItem").await?;
        assert!(forget.len() <= MAX_FORGOTTEN);
        let mut world = self.world();
        for job in forget {
            world.configs.remove(job.as_str()).unwrap();
            world.changes.push(format!("forget {job}"));
        }
        if let Some(memory) = memory {
            world.memory = Some(memory.to_owned());
        }
        Ok(())
    }

    async fn write_evidence(&self, job: &JobId, item: &EvidenceItem) -> Result<bool, Failure> {
        self.call(Some(Call::Table), "PutItem").await?;
        let mut world = self.world();
        let is_as_read = world.evidence.get(job).map(|before| before.tick) == item.instead_of;
        if is_as_read {
            world.evidence.insert(job.clone(), item.clone());
        }
        Ok(is_as_read)
    }

    async fn forget_evidence(&self, jobs: &[JobId]) -> Result<(), Failure> {
        self.call(Some(Call::Table), "BatchWriteItem").await?;
        self.world().evidence.retain(|job, _| !jobs.contains(job));
        Ok(())
    }

    async fn write_first_seen(
        &self,
        seen: &[(JobId, FirstSeen)],
        forget: &[JobId],
    ) -> Result<(), Failure> {
        self.call(Some(Call::Table), "BatchWriteItem").await?;
        assert!((1..=MAX_WRITES).contains(&(seen.len() + forget.len())));
        let mut world = self.world();
        world.first_seen.extend(seen.iter().cloned());
        world.first_seen.retain(|job, _| !forget.contains(job));
        Ok(())
    }
}

impl Alert for Account {
    async fn alert(&self, subject: &str, body: &str) -> Result<(), Failure> {
        self.call(None, "Publish").await?;
        self.world().emails.push((subject.to_owned(), body.to_owned()));
        Ok(())
    }
}

/// What AWS allows an account in a second; of tags of alarms nothing is documented.
fn quota(call: Call) -> usize {
    match call {
        Call::PutAlarm | Call::DeleteAlarms => 3,
        Call::DescribeAlarms => 9,
        Call::Metrics | Call::Table => 500,
        _ => 10,
    }
}

/// Fails unless every second had fewer calls of each kind than AWS allows: others call too.
pub fn assert_quotas(calls: &[(Call, Duration)]) {
    let kinds: BTreeSet<Call> = calls.iter().map(|(call, _)| *call).collect();
    for kind in kinds {
        let mut times: Vec<Duration> =
            calls.iter().filter(|(call, _)| *call == kind).map(|(_, at)| *at).collect();
        times.sort_unstable();
        for (first, time) in times.iter().enumerate() {
            let second = *time + Duration::from_millis(999);
            let within = times.iter().skip(first).take_while(|other| **other <= second).count();
            assert!(within < quota(kind), "{within} x {kind:?} from {time:?}");
        }
    }
}
