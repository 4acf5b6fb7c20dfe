//! Jobs, executions, alarms and download times in the AWS in memory.

use crate::terminal::document::document;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{Job, JobProcessDetails, JobStatus, TargetSelection};
use fake_aws::{Account, Call, Execution, Fault};
use tokio::time::Instant;
use tripline::evidence::Record;
use tripline::job::JobId;

use crate::alarms::fake::FakeAws;
use crate::aws::budget::Budget;
use crate::aws::tally::Tally;
use crate::exit::{End, Error};
use crate::watch::aws::Observer;
use crate::watch::follow::{Clock, Rollout, Show, Watch};
use crate::watch::view;

/// When every job was created, and when the tests begin.
pub const CREATED: i64 = 1_790_000_000;
pub const NOW: i64 = CREATED + 600;

/// A fault without a code.
pub const OUTAGE: &str = "503";

/// What one `DescribeJob` answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Job(Box<Job>),
    /// An error of this code.
    Fault(&'static str),
}

#[derive(Debug)]
pub struct Fake {
    aws: FakeAws,
    /// By state; every job that is watched has them.
    executions: Mutex<BTreeMap<String, Vec<Execution>>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { aws: FakeAws::new(), executions: Mutex::default() }
    }
}

impl Fake {
    pub fn world(&self) -> MutexGuard<'_, Account> {
        self.aws.world()
    }

    /// What `DescribeJob` answers, call by call; the last answer stays.
    pub fn answers(&self, job: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        let states: VecDeque<Job> = answers
            .iter()
            .filter_map(|answer| match answer {
                Answer::Job(job) => Some((**job).clone()),
                Answer::Fault(_) => None,
            })
            .collect();
        let mut world = self.world();
        if let Some(first) = states.front().cloned() {
            world.iot.jobs.insert(job.to_owned(), (first, String::new()));
        }
        world.iot.becomes.insert(job.to_owned(), states);
        let job = job.to_owned();
        world.faults.add(move |call| {
            if call.operation != "DescribeJob" || call.subject != job {
                return None;
            }
            let next = answers.front().cloned();
            if answers.len() > 1 {
                answers.pop_front();
            }
            match next? {
                Answer::Job(_) => None,
                Answer::Fault(OUTAGE) => Some(Fault::Status(503)),
                Answer::Fault(code) => Some(Fault::Refused(code, "as it says")),
            }
        });
    }

    /// Executions in a state, of every job: thing, begin and last change.
    pub fn execute(&self, status: &str, all: impl IntoIterator<Item = (String, i64, i64)>) {
        let all = all.into_iter();
        let all = all.map(|(thing, began, changed)| Execution { thing, began, changed, number: 1 });
        self.executions.lock().unwrap().insert(status.to_owned(), all.collect());
    }

    /// `ListJobExecutionsForJob` fails with this code.
    pub fn hide_executions(&self, code: &'static str) {
        self.world().faults.add(move |call| {
            let is_meant = call.operation == "ListJobExecutionsForJob";
            is_meant.then_some(Fault::Refused(code, "as it says"))
        });
    }

    /// Alarms, in the order in which they are listed.
    pub fn alarms(&self, alarms: impl IntoIterator<Item = MetricAlarm>) {
        let mut world = self.world();
        for alarm in alarms {
            let name = alarm.alarm_name.clone().unwrap();
            world.cloudwatch.first.push(name.clone());
            world.cloudwatch.alarms.insert(name, alarm);
        }
    }

    /// The job of an alarm's tag, by its ARN.
    pub fn tag(&self, arn: &str, job: &str) {
        let tags = [("tripline:job", job), ("tripline:stack", "tripline")];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        self.world().cloudwatch.tags.insert(arn.to_owned(), tags);
    }

    /// What the guard-keeper has kept of a job's evidence.
    pub fn keep_evidence(&self, job: &str, record: &Record) {
        let item = [
            ("jobId".to_owned(), AttributeValue::S(Record::key(&id(job)))),
            ("evidence".to_owned(), AttributeValue::S(record.to_text())),
        ];
        self.world().dynamodb.tables.get_mut("guards").unwrap().put(item.into());
    }

    pub fn downloads(&self, values: impl IntoIterator<Item = f64>) {
        let values = values.into_iter().collect();
        self.world().cloudwatch.values.insert("downloadTime".to_owned(), values);
    }

    /// The calls since the last look at them, with when they came.
    pub fn timed_calls(&self) -> Vec<(Instant, String)> {
        let calls = std::mem::take(&mut self.world().calls);
        calls.into_iter().map(|call| (call.at, named(&call))).collect()
    }

    /// The names of the calls since the last look at them.
    pub fn calls(&self) -> Vec<String> {
        self.timed_calls().into_iter().map(|(_, call)| call).collect()
    }

    pub fn observer(&self) -> Observer {
        Observer::new(self.aws.aws(), Budget::new(), "tripline")
    }

    /// Watches, and writes down what a log would show.
    pub async fn follow(&self, watch: Watch) -> (Result<End, Error>, Log) {
        for job in &watch.jobs {
            for (status, all) in &*self.executions.lock().unwrap() {
                let of = (job.to_string(), status.clone());
                self.world().iot.executions.insert(of, all.clone());
            }
        }
        let mut log = Log::default();
        let end = watch.follow(&mut self.observer(), Clock::at(NOW), &mut log).await;
        (end, log)
    }
}

/// A call's name, and which executions it is about.
fn named(call: &Call) -> String {
    match (call.operation, call.subject.rsplit_once(' ')) {
        ("ListJobExecutionsForJob", Some((_, status))) => format!("{} {status}", call.operation),
        (operation, _) => operation.to_owned(),
    }
}

/// Columns of terminals.
pub const WIDTHS: [usize; 3] = [60, 80, 120];

/// What is shown.
#[derive(Debug, Default)]
pub struct Log {
    pub lines: Vec<String>,
    pub data: Vec<serde_json::Value>,
    /// By columns.
    pub screens: BTreeMap<usize, Vec<String>>,
    pub uncovered: Vec<String>,
    pub end: Vec<String>,
}

impl Show for Log {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        self.lines.extend(rollouts.iter().map(|rollout| view::line(rollout, now)));
        self.data.extend(rollouts.iter().map(|rollout| document(&view::data(rollout, now))));
        self.uncovered = rollouts.iter().flat_map(view::uncovered).collect();
        for width in WIDTHS.into_iter().chain([1_000]) {
            let screen = rollouts.iter().flat_map(|rollout| view::screen(rollout, now, width));
            self.screens.insert(width, screen.collect());
        }
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        for rollout in rollouts {
            let seen = rollout.seen.as_ref();
            self.end.extend(seen.map(|seen| rollout.verdict.sentence(&rollout.job, seen)));
            self.end.extend(view::reason(rollout));
            self.end.extend(view::hint(rollout));
        }
    }
}

pub fn id(job: &str) -> JobId {
    JobId::new(job).unwrap()
}

pub fn watch(jobs: &[&str]) -> Watch {
    let every = std::time::Duration::from_secs(10);
    Watch { jobs: jobs.iter().copied().map(id).collect(), every, timeout: None, once: false }
}

/// A job with these counts.
pub fn job(status: JobStatus, tally: Tally) -> Job {
    let count = |count: u32| i32::try_from(count).unwrap();
    let details = JobProcessDetails::builder()
        .number_of_queued_things(count(tally.queued))
        .number_of_in_progress_things(count(tally.in_progress))
        .number_of_succeeded_things(count(tally.succeeded))
        .number_of_failed_things(count(tally.failed))
        .number_of_rejected_things(count(tally.rejected))
        .number_of_timed_out_things(count(tally.timed_out))
        .number_of_canceled_things(count(tally.canceled))
        .number_of_removed_things(count(tally.removed))
        .build();
    Job::builder()
        .status(status)
        .target_selection(TargetSelection::Snapshot)
        .created_at(DateTime::from_secs(CREATED))
        .job_process_details(details)
        .build()
}

pub fn running(tally: Tally) -> Answer {
    Answer::Job(Box::new(job(JobStatus::InProgress, tally)))
}

pub fn completed(tally: Tally) -> Answer {
    Answer::Job(Box::new(job(JobStatus::Completed, tally)))
}

pub fn stopped(tally: Tally, code: &str, comment: &str) -> Answer {
    let mut job = job(JobStatus::Canceled, tally);
    (job.reason_code, job.comment) = (Some(code.to_owned()), Some(comment.to_owned()));
    Answer::Job(Box::new(job))
}

/// An alarm on a metric of a job.
pub fn alarm(name: &str, job: &str, state: StateValue) -> MetricAlarm {
    MetricAlarm::builder()
        .alarm_name(name)
        .alarm_arn(format!("arn:{name}"))
        .alarm_description(format!("Tripline guards rollout {job}"))
        .actions_enabled(true)
        .alarm_actions("arn:aws:sns:us-east-1:111122223333:force-stop")
        .metric_name("downloadTime")
        .dimensions(Dimension::builder().name("jobId").value(job).build())
        .state_value(state)
        .build()
}
