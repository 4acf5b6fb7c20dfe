//! Jobs, things, groups, tags and objects behind the real clients. Alarms and the stack are those of
//! the other fake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_iot::error::ErrorMetadata;
use aws_sdk_iot::operation::add_thing_to_thing_group::{
    AddThingToThingGroupError, AddThingToThingGroupOutput,
};
use aws_sdk_iot::operation::create_job::{CreateJobError, CreateJobInput, CreateJobOutput};
use aws_sdk_iot::operation::create_thing_group::{CreateThingGroupError, CreateThingGroupOutput};
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::operation::describe_thing::{DescribeThingError, DescribeThingOutput};
use aws_sdk_iot::operation::describe_thing_group::{
    DescribeThingGroupError, DescribeThingGroupOutput,
};
use aws_sdk_iot::operation::get_job_document::GetJobDocumentOutput;
use aws_sdk_iot::operation::list_job_executions_for_job::ListJobExecutionsForJobOutput;
use aws_sdk_iot::operation::list_tags_for_resource::ListTagsForResourceOutput;
use aws_sdk_iot::operation::list_things_in_thing_group::{
    ListThingsInThingGroupError, ListThingsInThingGroupOutput,
};
use aws_sdk_iot::operation::remove_thing_from_thing_group::{
    RemoveThingFromThingGroupError, RemoveThingFromThingGroupOutput,
};
use aws_sdk_iot::operation::tag_resource::{TagResourceError, TagResourceOutput};
use aws_sdk_iot::types::{
    AbortAction, AbortConfig, AbortCriteria, Job, JobExecutionFailureType,
    JobExecutionSummaryForJob, JobExecutionsRetryConfig, JobExecutionsRolloutConfig, JobStatus,
    PresignedUrlConfig, RetryCriteria, RetryableFailureType, Tag, TargetSelection, TimeoutConfig,
};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};

use crate::alarms::fake::FakeAws;
use crate::resume::aws::Aws;

/// How every ARN begins.
const ARN: &str = "arn:aws:iot:us-east-1:111122223333:";
/// Lists are in pages of so many.
const PAGE: usize = 40;

#[derive(Debug, Default)]
pub struct World {
    /// With their documents.
    pub jobs: BTreeMap<String, (Job, String)>,
    pub things: BTreeSet<String>,
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// By the end of the ARN.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// By job and state.
    executions: BTreeMap<(String, String), Vec<String>>,
    pub objects: BTreeMap<String, String>,
    /// How many calls have changed something.
    pub changes: usize,
    /// All calls from this change on fail, as if the process had ended; with `true` this change
    /// itself is made, and only its answer lost.
    pub cut: Option<(usize, bool)>,
}

impl World {
    pub fn job(&mut self, id: &str, status: JobStatus, targets: &[&str]) {
        let targets = targets.iter().map(|target| format!("{ARN}{target}")).collect();
        let job = Job::builder()
            .job_id(id)
            .job_arn(format!("{ARN}job/{id}"))
            .status(status)
            .target_selection(TargetSelection::Snapshot)
            .set_targets(Some(targets))
            // What AWS shows where nothing was configured.
            .presigned_url_config(PresignedUrlConfig::builder().build())
            .job_executions_rollout_config(JobExecutionsRolloutConfig::builder().build())
            .timeout_config(TimeoutConfig::builder().build());
        self.jobs.insert(id.to_owned(), (job.build(), format!("{{\"of\":\"{id}\"}}")));
    }

    pub fn group(&mut self, name: &str, things: &[String]) {
        self.groups.insert(name.to_owned(), things.iter().cloned().collect());
    }

    pub fn tag(&mut self, what: &str, key: &str, value: &str) {
        self.tags.entry(what.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }

    pub fn execute(&mut self, job: &str, status: &str, things: &[&str]) {
        let things = things.iter().map(|thing| (*thing).to_owned());
        self.executions.entry((job.to_owned(), status.to_owned())).or_default().extend(things);
    }

    /// Devices come to another state.
    pub fn end(&mut self, job: &str, from: &str, to: &str) {
        let all = self.executions.remove(&(job.to_owned(), from.to_owned())).unwrap_or_default();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        self.execute(job, to, &all);
    }

    pub fn set(&mut self, job: &str, status: JobStatus) {
        self.jobs.get_mut(job).unwrap().0.status = Some(status);
    }

    /// The names of a job's targets.
    pub fn targets(&self, job: &str) -> Vec<&str> {
        let targets = self.jobs[job].0.targets().iter();
        targets.map(|arn| arn.rsplit_once('/').unwrap().1).collect()
    }

    /// Whether a change is made, and whether it is answered.
    fn change(&mut self) -> (bool, bool) {
        let number = self.changes;
        let (made, answered) = match self.cut {
            Some((cut, lost)) if number >= cut => (lost && number == cut, false),
            _ => (true, true),
        };
        self.changes += 1;
        (made, answered)
    }
}

/// Everything that a job can be configured with.
pub fn configure(job: &mut Job) {
    job.description = Some("the pumps".to_owned());
    job.presigned_url_config =
        Some(PresignedUrlConfig::builder().role_arn("arn:role").expires_in_sec(600).build());
    job.job_executions_rollout_config =
        Some(JobExecutionsRolloutConfig::builder().maximum_per_minute(7).build());
    let criteria = AbortCriteria::builder()
        .failure_type(JobExecutionFailureType::Failed)
        .action(AbortAction::Cancel)
        .threshold_percentage(12.5)
        .min_number_of_executed_things(3)
        .build()
        .unwrap();
    job.abort_config = Some(AbortConfig::builder().criteria_list(criteria).build().unwrap());
    job.timeout_config = Some(TimeoutConfig::builder().in_progress_timeout_in_minutes(90).build());
    let retry = RetryCriteria::builder()
        .failure_type(RetryableFailureType::TimedOut)
        .number_of_retries(2)
        .build()
        .unwrap();
    job.job_executions_retry_config =
        Some(JobExecutionsRetryConfig::builder().criteria_list(retry).build().unwrap());
}

#[derive(Clone)]
pub struct Fake {
    world: Arc<Mutex<World>>,
    pub alarms: FakeAws,
}

fn meta(code: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).message("as it says").build()
}

const NOT_FOUND: &str = "ResourceNotFoundException";
/// The process has ended before the call.
const CUT: &str = "InvalidRequestException";

impl Fake {
    pub fn new() -> Self {
        Self { world: Arc::default(), alarms: FakeAws::new() }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Everything that a resume leaves, to be compared.
    pub fn end(&self) -> String {
        let world = self.world();
        let alarms = self.alarms.world();
        let alarms: Vec<_> = alarms.alarms.keys().collect();
        format!("{:#?}\n{:#?}\n{:#?}\n{alarms:?}", world.jobs, world.groups, world.tags)
    }

    pub fn aws(&self) -> Aws {
        let iot = [
            self.describes_job(),
            self.gets_document(),
            self.lists_tags(),
            self.tags(),
            self.lists_executions(),
            self.lists_members(),
            self.describes_thing(),
            self.describes_group(),
            self.creates_group(),
            self.adds(),
            self.removes(),
            self.creates_job(),
        ];
        let iot = mock_client!(aws_sdk_iot, RuleMode::MatchAny, &iot);
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&self.gets_object()]);
        Aws::new(self.alarms.aws(), iot, s3)
    }

    fn describes_job(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_job).then_compute_response(move |input| {
            match fake.world().jobs.get(input.job_id().unwrap()) {
                Some((job, _)) => {
                    MockResponse::Output(DescribeJobOutput::builder().job(job.clone()).build())
                }
                None => MockResponse::Error(DescribeJobError::generic(meta(NOT_FOUND))),
            }
        })
    }

    fn gets_document(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::get_job_document).then_compute_output(move |input| {
            let world = fake.world();
            let (_, document) = &world.jobs[input.job_id().unwrap()];
            GetJobDocumentOutput::builder().document(document).build()
        })
    }

    /// One on a page.
    fn lists_tags(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::list_tags_for_resource).then_compute_output(move |input| {
            let world = fake.world();
            let what = input.resource_arn().unwrap().strip_prefix(ARN).unwrap();
            let from: usize = input.next_token().map_or(0, |token| token.parse().unwrap());
            let all = world.tags.get(what).cloned().unwrap_or_default();
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().unwrap();
            let next = (from + 1 < all.len()).then(|| (from + 1).to_string());
            let page = all.into_iter().skip(from).take(1).map(tag).collect();
            ListTagsForResourceOutput::builder().set_tags(Some(page)).set_next_token(next).build()
        })
    }

    fn tags(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::tag_resource).then_compute_response(move |input| {
            let mut world = fake.world();
            let what = input.resource_arn().unwrap().strip_prefix(ARN).unwrap();
            let (made, answered) = world.change();
            for tag in input.tags().iter().filter(|_| made) {
                world.tag(what, tag.key(), tag.value().unwrap());
            }
            if answered {
                MockResponse::Output(TagResourceOutput::builder().build())
            } else {
                MockResponse::Error(TagResourceError::generic(meta(CUT)))
            }
        })
    }

    fn lists_executions(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::list_job_executions_for_job).then_compute_output(move |input| {
            let world = fake.world();
            let is_asked_for = |job: &str, status: &str| {
                input.job_id() == Some(job)
                    && input.status().is_none_or(|asked| asked.as_str() == status)
            };
            let all = world.executions.iter().filter(|((job, of), _)| is_asked_for(job, of));
            let all = all.flat_map(|(_, things)| things.clone()).collect();
            let (page, next) = page(all, input.next_token());
            let page = page.into_iter().map(|thing| {
                JobExecutionSummaryForJob::builder()
                    .thing_arn(format!("{ARN}thing/{thing}"))
                    .build()
            });
            ListJobExecutionsForJobOutput::builder()
                .set_execution_summaries(Some(page.collect()))
                .set_next_token(next)
                .build()
        })
    }

    fn lists_members(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::list_things_in_thing_group).then_compute_response(move |input| {
            assert_eq!(input.recursive(), Some(true));
            let world = fake.world();
            let Some(all) = world.groups.get(input.thing_group_name().unwrap()) else {
                let error = ListThingsInThingGroupError::generic(meta(NOT_FOUND));
                return MockResponse::Error(error);
            };
            let (page, next) = page(all.iter().cloned().collect(), input.next_token());
            MockResponse::Output(
                ListThingsInThingGroupOutput::builder()
                    .set_things(Some(page))
                    .set_next_token(next)
                    .build(),
            )
        })
    }

    fn describes_thing(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_thing).then_compute_response(move |input| {
            if fake.world().things.contains(input.thing_name().unwrap()) {
                MockResponse::Output(DescribeThingOutput::builder().build())
            } else {
                MockResponse::Error(DescribeThingError::generic(meta(NOT_FOUND)))
            }
        })
    }

    fn describes_group(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::describe_thing_group).then_compute_response(move |input| {
            let name = input.thing_group_name().unwrap();
            if fake.world().groups.contains_key(name) {
                let arn = format!("{ARN}thinggroup/{name}");
                let group = DescribeThingGroupOutput::builder().thing_group_arn(arn);
                MockResponse::Output(group.build())
            } else {
                MockResponse::Error(DescribeThingGroupError::generic(meta(NOT_FOUND)))
            }
        })
    }

    fn creates_group(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::create_thing_group).then_compute_response(move |input| {
            let mut world = fake.world();
            let (made, answered) = world.change();
            if made {
                let name = input.thing_group_name().unwrap();
                world.group(name, &[]);
                for tag in input.tags() {
                    world.tag(&format!("thinggroup/{name}"), tag.key(), tag.value().unwrap());
                }
            }
            if answered {
                MockResponse::Output(CreateThingGroupOutput::builder().build())
            } else {
                MockResponse::Error(CreateThingGroupError::generic(meta(CUT)))
            }
        })
    }

    fn adds(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::add_thing_to_thing_group).then_compute_response(move |input| {
            let mut world = fake.world();
            let (group, thing) = (input.thing_group_name().unwrap(), input.thing_name().unwrap());
            let (made, answered) = world.change();
            if !world.things.contains(thing) {
                return MockResponse::Error(AddThingToThingGroupError::generic(meta(NOT_FOUND)));
            }
            if made {
                world.groups.get_mut(group).unwrap().insert(thing.to_owned());
            }
            if answered {
                MockResponse::Output(AddThingToThingGroupOutput::builder().build())
            } else {
                MockResponse::Error(AddThingToThingGroupError::generic(meta(CUT)))
            }
        })
    }

    fn removes(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::remove_thing_from_thing_group).then_compute_response(
            move |input| {
                let mut world = fake.world();
                let (group, thing) =
                    (input.thing_group_name().unwrap(), input.thing_name().unwrap());
                let (made, answered) = world.change();
                if made {
                    world.groups.get_mut(group).unwrap().remove(thing);
                }
                if answered {
                    MockResponse::Output(RemoveThingFromThingGroupOutput::builder().build())
                } else {
                    let error = RemoveThingFromThingGroupError::generic(meta(CUT));
                    MockResponse::Error(error)
                }
            },
        )
    }

    fn creates_job(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_iot::Client::create_job).then_compute_response(move |input| {
            let mut world = fake.world();
            let id = input.job_id().unwrap();
            assert!(!world.jobs.contains_key(id));
            assert!((1..=100).contains(&input.targets().len()));
            let (made, answered) = world.change();
            if made {
                world
                    .jobs
                    .insert(id.to_owned(), (job_of(input), input.document().unwrap().to_owned()));
                for tag in input.tags() {
                    world.tag(&format!("job/{id}"), tag.key(), tag.value().unwrap());
                }
            }
            if answered {
                MockResponse::Output(CreateJobOutput::builder().build())
            } else {
                MockResponse::Error(CreateJobError::generic(meta(CUT)))
            }
        })
    }

    fn gets_object(&self) -> Rule {
        let fake = self.clone();
        mock!(aws_sdk_s3::Client::get_object).then_compute_response(move |input| {
            assert_eq!(input.bucket(), Some("bucket"));
            match fake.world().objects.get(input.key().unwrap()) {
                Some(text) => {
                    let body = text.clone().into_bytes().into();
                    MockResponse::Output(GetObjectOutput::builder().body(body).build())
                }
                None => MockResponse::Error(GetObjectError::generic(meta("NoSuchKey"))),
            }
        })
    }
}

fn page(all: Vec<String>, token: Option<&str>) -> (Vec<String>, Option<String>) {
    let from: usize = token.map_or(0, |token| token.parse().unwrap());
    let next = (from + PAGE < all.len()).then(|| (from + PAGE).to_string());
    (all.into_iter().skip(from).take(PAGE).collect(), next)
}

fn job_of(input: &CreateJobInput) -> Job {
    let mut job = Job::builder()
        .job_id(input.job_id().unwrap())
        .job_arn(format!("{ARN}job/{}", input.job_id().unwrap()))
        .status(JobStatus::InProgress)
        .set_targets(Some(input.targets().to_vec()))
        .build();
    job.description.clone_from(&input.description);
    job.target_selection.clone_from(&input.target_selection);
    job.presigned_url_config.clone_from(&input.presigned_url_config);
    job.job_executions_rollout_config.clone_from(&input.job_executions_rollout_config);
    job.abort_config.clone_from(&input.abort_config);
    job.timeout_config.clone_from(&input.timeout_config);
    job.job_executions_retry_config.clone_from(&input.job_executions_retry_config);
    job
}
