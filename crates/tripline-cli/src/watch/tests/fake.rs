//! Jobs, executions, alarms and download times behind the real clients; every call is noted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_cloudwatch::error::ErrorMetadata;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, MetricDataResult, StateValue, Tag};
use aws_sdk_iot::config::http::HttpResponse;
use aws_sdk_iot::config::retry::RetryConfig;
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::operation::list_job_executions_for_job::{
    ListJobExecutionsForJobError, ListJobExecutionsForJobOutput,
};
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{
    Job, JobExecutionStatus, JobExecutionSummary, JobExecutionSummaryForJob, JobProcessDetails,
    JobStatus, TargetSelection,
};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use tokio::time::Instant;
use tripline::job::JobId;

use crate::alarms::fake::FakeAws;
use crate::aws::clients::Aws;
use crate::aws::tally::Tally;
use crate::exit::{End, Error};
use crate::watch::aws::Observer;
use crate::watch::budget::Budget;
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

#[derive(Debug, Default)]
pub struct World {
    /// What `DescribeJob` answers, call by call; the last answer stays.
    pub jobs: BTreeMap<String, VecDeque<Answer>>,
    /// Thing, begin and last change, by state.
    pub executions: BTreeMap<String, Vec<(String, i64, i64)>>,
    /// `ListJobExecutionsForJob` fails with this code.
    pub no_executions: Option<&'static str>,
    pub alarms: Vec<MetricAlarm>,
    /// The job of an alarm's tag, by its ARN.
    pub tags: BTreeMap<String, String>,
    pub downloads: Vec<f64>,
    pub calls: Vec<(Instant, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct Fake(Arc<Mutex<World>>);

impl Fake {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub fn answers(&self, job: &str, answers: impl IntoIterator<Item = Answer>) {
        self.world().jobs.insert(job.to_owned(), answers.into_iter().collect());
    }

    /// The names of the calls since the last look at them.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world().calls).into_iter().map(|(_, call)| call).collect()
    }

    fn note(&self, call: &str) -> MutexGuard<'_, World> {
        let mut world = self.world();
        world.calls.push((Instant::now(), call.to_owned()));
        world
    }

    pub fn observer(&self) -> Observer {
        let cloudwatch = [self.describes_alarms(), self.lists_tags(), self.gets_data()];
        let iot = [self.describes_job(), self.lists_executions()];
        let aws = Aws {
            cloudwatch: mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &cloudwatch),
            iot: mock_client!(aws_sdk_iot, RuleMode::MatchAny, &iot, |config| config
                .retry_config(RetryConfig::disabled())),
            ..FakeAws::new().aws()
        };
        Observer::new(aws, Budget::new())
    }

    /// Watches, and writes down what a log would show.
    pub async fn follow(&self, watch: Watch) -> (Result<End, Error>, Log) {
        let mut log = Log::default();
        let end = watch.follow(self.observer(), Clock::at(NOW), &mut log).await;
        (end, log)
    }

    fn describes_job(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_job).then_compute_response(move |input| {
            let mut world = fake.note("DescribeJob");
            let fault = |code: &str| {
                if code == OUTAGE {
                    let status = 503.try_into().unwrap();
                    return MockResponse::Http(HttpResponse::new(status, "{}".into()));
                }
                let meta = ErrorMetadata::builder().code(code).message("as it says").build();
                MockResponse::Error(DescribeJobError::generic(meta))
            };
            let Some(answers) = world.jobs.get_mut(input.job_id().unwrap()) else {
                return fault("ResourceNotFoundException");
            };
            let next = answers.front().unwrap().clone();
            if answers.len() > 1 {
                answers.pop_front();
            }
            match next {
                Answer::Fault(code) => fault(code),
                Answer::Job(job) => {
                    MockResponse::Output(DescribeJobOutput::builder().job(*job).build())
                }
            }
        })
    }

    /// In pages as large as asked for, the newest change first.
    fn lists_executions(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::list_job_executions_for_job).then_compute_response(
            move |input| {
                let status = input.status().unwrap().as_str();
                let world = fake.note(&format!("ListJobExecutionsForJob {status}"));
                if let Some(code) = world.no_executions {
                    let meta = ErrorMetadata::builder().code(code).message("as it says").build();
                    return MockResponse::Error(ListJobExecutionsForJobError::generic(meta));
                }
                let from: usize = input.next_token().map_or(0, |token| token.parse().unwrap());
                let most = usize::try_from(input.max_results().unwrap()).unwrap();
                let all = world.executions.get(status).cloned().unwrap_or_default();
                let page = all.iter().skip(from).take(most).map(|(thing, began, changed)| {
                    let summary = JobExecutionSummary::builder()
                        .status(JobExecutionStatus::from(status))
                        .started_at(DateTime::from_secs(*began))
                        .last_updated_at(DateTime::from_secs(*changed))
                        .build();
                    JobExecutionSummaryForJob::builder()
                        .thing_arn(format!("arn:aws:iot:us-east-1:111122223333:thing/{thing}"))
                        .job_execution_summary(summary)
                        .build()
                });
                let next = (from + most < all.len()).then(|| (from + most).to_string());
                MockResponse::Output(
                    ListJobExecutionsForJobOutput::builder()
                        .set_execution_summaries(Some(page.collect()))
                        .set_next_token(next)
                        .build(),
                )
            },
        )
    }

    fn describes_alarms(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_compute_output(move |input| {
            let world = fake.note("DescribeAlarms");
            let prefix = input.alarm_name_prefix().unwrap();
            let alarms = world.alarms.iter();
            let alarms = alarms.filter(|alarm| alarm.alarm_name().unwrap().starts_with(prefix));
            DescribeAlarmsOutput::builder()
                .set_metric_alarms(Some(alarms.cloned().collect()))
                .build()
        })
    }

    fn lists_tags(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::list_tags_for_resource).then_compute_output(
            move |input| {
                let world = fake.note("ListTagsForResource");
                let job = world.tags.get(input.resource_arn().unwrap()).unwrap();
                let tag = Tag::builder().key("tripline:job").value(job).build();
                ListTagsForResourceOutput::builder().tags(tag).build()
            },
        )
    }

    fn gets_data(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(move |input| {
            let world = fake.note("GetMetricData");
            let results = input.metric_data_queries().iter().map(|query| {
                let stat = query.metric_stat().unwrap();
                let value = match (stat.stat().unwrap(), world.downloads.as_slice()) {
                    (_, []) => None,
                    ("SampleCount", values) => Some(values.len() as f64),
                    (percentile, values) => {
                        let percent: usize = percentile.strip_prefix('p').unwrap().parse().unwrap();
                        Some(values[values.len() * percent / 100])
                    }
                };
                let id = query.id().unwrap();
                MetricDataResult::builder()
                    .id(id)
                    .set_values(Some(value.into_iter().collect()))
                    .build()
            });
            GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
        })
    }
}

/// What is shown.
#[derive(Debug, Default)]
pub struct Log {
    pub lines: Vec<String>,
    pub data: Vec<serde_json::Value>,
    pub screen: Vec<String>,
    pub end: Vec<String>,
}

impl Show for Log {
    fn show(&mut self, rollouts: &[Rollout], now: i64) {
        self.lines.extend(rollouts.iter().map(|rollout| view::line(rollout, now)));
        self.data.extend(rollouts.iter().map(|rollout| view::data(rollout, now)));
        self.screen = rollouts.iter().flat_map(|rollout| view::screen(rollout, now)).collect();
    }

    fn end(&mut self, rollouts: &[Rollout]) {
        for rollout in rollouts {
            let seen = rollout.seen.as_ref();
            self.end.extend(seen.map(|seen| rollout.verdict.sentence(&rollout.job, seen)));
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
