//! AWS IoT: things and groups, jobs with their executions, tags, and event configurations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aws_models::Taken;
use aws_sdk_iot::Client;
use aws_sdk_iot::config::retry::RetryConfig;
use aws_sdk_iot::operation::add_thing_to_thing_group::{
    AddThingToThingGroupError, AddThingToThingGroupInput, AddThingToThingGroupOutput,
};
use aws_sdk_iot::operation::create_job::{CreateJobError, CreateJobInput, CreateJobOutput};
use aws_sdk_iot::operation::create_stream::{
    CreateStreamError, CreateStreamInput, CreateStreamOutput,
};
use aws_sdk_iot::operation::create_thing_group::{
    CreateThingGroupError, CreateThingGroupInput, CreateThingGroupOutput,
};
use aws_sdk_iot::operation::describe_event_configurations::{
    DescribeEventConfigurationsError, DescribeEventConfigurationsInput,
    DescribeEventConfigurationsOutput,
};
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobInput, DescribeJobOutput};
use aws_sdk_iot::operation::describe_job_execution::{
    DescribeJobExecutionError, DescribeJobExecutionInput, DescribeJobExecutionOutput,
};
use aws_sdk_iot::operation::describe_stream::{
    DescribeStreamError, DescribeStreamInput, DescribeStreamOutput,
};
use aws_sdk_iot::operation::describe_thing::{
    DescribeThingError, DescribeThingInput, DescribeThingOutput,
};
use aws_sdk_iot::operation::describe_thing_group::{
    DescribeThingGroupError, DescribeThingGroupInput, DescribeThingGroupOutput,
};
use aws_sdk_iot::operation::get_job_document::{
    GetJobDocumentError, GetJobDocumentInput, GetJobDocumentOutput,
};
use aws_sdk_iot::operation::list_job_executions_for_job::{
    ListJobExecutionsForJobError, ListJobExecutionsForJobInput, ListJobExecutionsForJobOutput,
};
use aws_sdk_iot::operation::list_job_executions_for_thing::{
    ListJobExecutionsForThingError, ListJobExecutionsForThingInput, ListJobExecutionsForThingOutput,
};
use aws_sdk_iot::operation::list_tags_for_resource::{
    ListTagsForResourceError, ListTagsForResourceInput, ListTagsForResourceOutput,
};
use aws_sdk_iot::operation::list_things_in_thing_group::{
    ListThingsInThingGroupError, ListThingsInThingGroupInput, ListThingsInThingGroupOutput,
};
use aws_sdk_iot::operation::remove_thing_from_thing_group::{
    RemoveThingFromThingGroupError, RemoveThingFromThingGroupInput, RemoveThingFromThingGroupOutput,
};
use aws_sdk_iot::operation::tag_resource::{TagResourceError, TagResourceInput, TagResourceOutput};
use aws_sdk_iot::operation::update_event_configurations::{
    UpdateEventConfigurationsError, UpdateEventConfigurationsInput, UpdateEventConfigurationsOutput,
};
use aws_sdk_iot::primitives::DateTime;
use aws_sdk_iot::types::{
    Configuration, EventType, Job, JobExecution, JobExecutionStatus, JobExecutionSummary,
    JobExecutionSummaryForJob, JobExecutionSummaryForThing, JobExecutionsRolloutConfig, JobStatus,
    PresignedUrlConfig, S3Location, StreamFile, StreamInfo, Tag, TargetSelection, TimeoutConfig,
};
use aws_smithy_mocks::{RuleMode, mock_client};

use crate::door::{not_found, on};
use crate::page::page;
use crate::{ACCOUNT, Account, FakeAws, REGION};

/// How many things or executions are on a page, unless more are asked for.
const PAGE: usize = 40;
/// How many tags are on a page.
const TAGS: usize = 1;

/// How every ARN begins.
fn arn(what: &str) -> String {
    format!("arn:aws:iot:{REGION}:{ACCOUNT}:{what}")
}

/// What an ARN ends with: `thing/pump-1`.
fn named(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).expect("an ARN")
}

/// An execution, by the thing's name and in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The thing's name.
    pub thing: String,
    /// When it began; below 0 if it never did.
    pub began: i64,
    /// When it changed last.
    pub changed: i64,
    /// Which of its thing's executions of the job it is, from 1.
    pub number: u32,
}

/// Things, groups and jobs.
#[derive(Debug, Default)]
pub struct Iot {
    /// Jobs with their documents.
    pub jobs: BTreeMap<String, (Job, String)>,
    /// What a job becomes, one state with each `DescribeJob`; the last one stays.
    pub becomes: BTreeMap<String, VecDeque<Job>>,
    /// By job and state, in the order in which they are listed.
    pub executions: BTreeMap<(String, String), Vec<Execution>>,
    /// How many attempts came before a thing's execution, by the thing's name.
    pub retries: BTreeMap<String, i32>,
    /// The names of things.
    pub things: BTreeSet<String>,
    /// The members of groups.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Streams, by their names.
    pub streams: BTreeMap<String, StreamInfo>,
    /// By the end of the ARN: `job/fw-1`.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Which events are enabled.
    pub events: BTreeMap<String, bool>,
}

impl Iot {
    /// A job for these targets (`thing/pump-1`), with nothing configured.
    pub fn job(&mut self, id: &str, status: JobStatus, targets: &[&str]) {
        let job = Job::builder()
            .job_id(id)
            .job_arn(arn(&format!("job/{id}")))
            .status(status)
            .target_selection(TargetSelection::Snapshot)
            .set_targets(Some(targets.iter().map(|target| arn(target)).collect()))
            // What AWS shows where nothing was configured.
            .presigned_url_config(PresignedUrlConfig::builder().build())
            .job_executions_rollout_config(JobExecutionsRolloutConfig::builder().build())
            .timeout_config(TimeoutConfig::builder().build());
        self.jobs.insert(id.to_owned(), (job.build(), format!("{{\"of\":\"{id}\"}}")));
    }

    /// A group of these things.
    pub fn group(&mut self, name: &str, things: &[String]) {
        self.groups.insert(name.to_owned(), things.iter().cloned().collect());
    }

    /// A stream of one object.
    pub fn stream(&mut self, id: &str, bucket: &str, key: &str) {
        let location = S3Location::builder().bucket(bucket).key(key).build();
        let file = StreamFile::builder().file_id(0).s3_location(location).build();
        let stream = StreamInfo::builder().stream_id(id).stream_arn(arn(&format!("stream/{id}")));
        self.streams.insert(id.to_owned(), stream.files(file).build());
    }

    /// A tag of what an ARN ends with.
    pub fn tag(&mut self, what: &str, key: &str, value: &str) {
        self.tags.entry(what.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }

    /// Executions of a job in this state.
    pub fn execute(&mut self, job: &str, status: &str, things: &[&str]) {
        let things = things.iter().map(|thing| Execution {
            thing: (*thing).to_owned(),
            began: 0,
            changed: 0,
            number: 1,
        });
        self.executions.entry((job.to_owned(), status.to_owned())).or_default().extend(things);
    }

    /// Executions come to another state.
    pub fn end(&mut self, job: &str, from: &str, to: &str) {
        let all = self.executions.remove(&(job.to_owned(), from.to_owned())).unwrap_or_default();
        self.executions.entry((job.to_owned(), to.to_owned())).or_default().extend(all);
    }

    /// Changes a job's status.
    pub fn set(&mut self, job: &str, status: JobStatus) {
        self.jobs.get_mut(job).expect("a job").0.status = Some(status);
    }

    /// The names of a job's targets.
    pub fn targets(&self, job: &str) -> Vec<&str> {
        let targets = self.jobs[job].0.targets().iter();
        targets.map(|arn| arn.rsplit_once('/').unwrap().1).collect()
    }
}

impl FakeAws {
    /// A client of AWS IoT, which tries nothing again.
    pub fn iot(&self) -> Client {
        let rules = [
            on!(
                self,
                "iot",
                Client::describe_job,
                "DescribeJob",
                |input| input.job_id().unwrap_or_default(),
                describe_job
            ),
            on!(
                self,
                "iot",
                Client::get_job_document,
                "GetJobDocument",
                |input| input.job_id().unwrap_or_default(),
                get_job_document
            ),
            on!(
                self,
                "iot",
                Client::create_job,
                "CreateJob",
                |input| input.job_id().unwrap_or_default(),
                create_job
            ),
            on!(
                self,
                "iot",
                Client::list_job_executions_for_job,
                "ListJobExecutionsForJob",
                |input| format!(
                    "{} {}",
                    input.job_id().unwrap_or_default(),
                    input.status().map_or("", |status| status.as_str())
                ),
                list_executions
            ),
            on!(
                self,
                "iot",
                Client::list_job_executions_for_thing,
                "ListJobExecutionsForThing",
                |input| input.thing_name().unwrap_or_default(),
                list_executions_of_thing
            ),
            on!(
                self,
                "iot",
                Client::describe_stream,
                "DescribeStream",
                |input| input.stream_id().unwrap_or_default(),
                describe_stream
            ),
            on!(
                self,
                "iot",
                Client::create_stream,
                "CreateStream",
                |input| input.stream_id().unwrap_or_default(),
                create_stream
            ),
            on!(
                self,
                "iot",
                Client::describe_job_execution,
                "DescribeJobExecution",
                |input| format!(
                    "{} {}",
                    input.job_id().unwrap_or_default(),
                    input.thing_name().unwrap_or_default()
                ),
                describe_execution
            ),
            on!(
                self,
                "iot",
                Client::list_tags_for_resource,
                "ListTagsForResource",
                |input| input.resource_arn().unwrap_or_default(),
                list_tags
            ),
            on!(
                self,
                "iot",
                Client::tag_resource,
                "TagResource",
                |input| input.resource_arn().unwrap_or_default(),
                tag
            ),
            on!(
                self,
                "iot",
                Client::describe_thing,
                "DescribeThing",
                |input| input.thing_name().unwrap_or_default(),
                describe_thing
            ),
            on!(
                self,
                "iot",
                Client::describe_thing_group,
                "DescribeThingGroup",
                |input| input.thing_group_name().unwrap_or_default(),
                describe_group
            ),
            on!(
                self,
                "iot",
                Client::create_thing_group,
                "CreateThingGroup",
                |input| input.thing_group_name().unwrap_or_default(),
                create_group
            ),
            on!(
                self,
                "iot",
                Client::add_thing_to_thing_group,
                "AddThingToThingGroup",
                |input| input.thing_name().unwrap_or_default(),
                add_to_group
            ),
            on!(
                self,
                "iot",
                Client::remove_thing_from_thing_group,
                "RemoveThingFromThingGroup",
                |input| input.thing_name().unwrap_or_default(),
                remove_from_group
            ),
            on!(
                self,
                "iot",
                Client::list_things_in_thing_group,
                "ListThingsInThingGroup",
                |input| input.thing_group_name().unwrap_or_default(),
                list_group
            ),
            on!(
                self,
                "iot",
                Client::describe_event_configurations,
                "DescribeEventConfigurations",
                |_input| "",
                describe_events
            ),
            on!(
                self,
                "iot",
                Client::update_event_configurations,
                "UpdateEventConfigurations",
                |_input| "",
                update_events
            ),
        ];
        mock_client!(aws_sdk_iot, RuleMode::MatchAny, &rules, |config| config
            .retry_config(RetryConfig::disabled())
            .interceptor(Taken))
    }
}

fn describe_job(
    account: &mut Account,
    input: &DescribeJobInput,
) -> Result<DescribeJobOutput, DescribeJobError> {
    let iot = &mut account.iot;
    let id = input.job_id().unwrap();
    let (job, _) = iot.jobs.get_mut(id).ok_or_else(not_found)?;
    if let Some(next) = iot.becomes.get_mut(id).and_then(VecDeque::pop_front) {
        *job = next;
    }
    Ok(DescribeJobOutput::builder().job(job.clone()).build())
}

fn get_job_document(
    account: &mut Account,
    input: &GetJobDocumentInput,
) -> Result<GetJobDocumentOutput, GetJobDocumentError> {
    let (_, document) = account.iot.jobs.get(input.job_id().unwrap()).ok_or_else(not_found)?;
    Ok(GetJobDocumentOutput::builder().document(document).build())
}

fn create_job(
    account: &mut Account,
    input: &CreateJobInput,
) -> Result<CreateJobOutput, CreateJobError> {
    let id = input.job_id().unwrap();
    assert!(!account.iot.jobs.contains_key(id), "{id} is there already");
    assert!((1..=100).contains(&input.targets().len()), "{} targets", input.targets().len());
    let document = input.document().unwrap().to_owned();
    account.iot.jobs.insert(id.to_owned(), (job_of(input), document));
    for tag in input.tags() {
        account.iot.tag(&format!("job/{id}"), tag.key(), tag.value().unwrap());
    }
    Ok(CreateJobOutput::builder().build())
}

/// In pages as large as asked for.
fn list_executions(
    account: &mut Account,
    input: &ListJobExecutionsForJobInput,
) -> Result<ListJobExecutionsForJobOutput, ListJobExecutionsForJobError> {
    let is_asked_for = |job: &str, status: &str| {
        input.job_id() == Some(job) && input.status().is_none_or(|asked| asked.as_str() == status)
    };
    let all = account.iot.executions.iter().filter(|((job, of), _)| is_asked_for(job, of));
    let all = all.flat_map(|((_, status), all)| all.iter().map(move |one| (status, one)));
    let (page, next) = page(all, input.next_token(), size(input.max_results()));
    let page = page.into_iter().map(|(status, execution)| {
        let again = (execution.number > 1).then(|| i32::try_from(execution.number - 1).unwrap());
        let summary = JobExecutionSummary::builder()
            .status(JobExecutionStatus::from(status.as_str()))
            .set_started_at((execution.began >= 0).then(|| DateTime::from_secs(execution.began)))
            .set_retry_attempt(account.iot.retries.get(&execution.thing).copied().or(again))
            .execution_number(i64::from(execution.number))
            .last_updated_at(DateTime::from_secs(execution.changed))
            .build();
        JobExecutionSummaryForJob::builder()
            .thing_arn(arn(&format!("thing/{}", execution.thing)))
            .job_execution_summary(summary)
            .build()
    });
    Ok(ListJobExecutionsForJobOutput::builder()
        .set_execution_summaries(Some(page.collect()))
        .set_next_token(next)
        .build())
}

/// Of every job, in one state.
fn list_executions_of_thing(
    account: &mut Account,
    input: &ListJobExecutionsForThingInput,
) -> Result<ListJobExecutionsForThingOutput, ListJobExecutionsForThingError> {
    let thing = input.thing_name().unwrap();
    let status = input.status().expect("a state").as_str();
    let of_state = account.iot.executions.iter().filter(|((_, of), _)| of == status);
    let all = of_state.flat_map(|((job, _), all)| all.iter().map(move |one| (job, one)));
    let own = all.filter(|(_, one)| one.thing == thing).map(|(job, _)| job.clone());
    let (page, next) = page(own, input.next_token(), 1);
    let summary = |job| JobExecutionSummaryForThing::builder().job_id(job).build();
    Ok(ListJobExecutionsForThingOutput::builder()
        .set_execution_summaries(Some(page.into_iter().map(summary).collect()))
        .set_next_token(next)
        .build())
}

fn describe_stream(
    account: &mut Account,
    input: &DescribeStreamInput,
) -> Result<DescribeStreamOutput, DescribeStreamError> {
    let stream = account.iot.streams.get(input.stream_id().unwrap()).ok_or_else(not_found)?;
    Ok(DescribeStreamOutput::builder().stream_info(stream.clone()).build())
}

fn create_stream(
    account: &mut Account,
    input: &CreateStreamInput,
) -> Result<CreateStreamOutput, CreateStreamError> {
    let id = input.stream_id().unwrap();
    assert!(!account.iot.streams.contains_key(id), "{id} is there already");
    let stream = StreamInfo::builder().stream_id(id).stream_arn(arn(&format!("stream/{id}")));
    let stream = stream.set_files(Some(input.files().to_vec())).build();
    account.iot.streams.insert(id.to_owned(), stream);
    for tag in input.tags() {
        account.iot.tag(&format!("stream/{id}"), tag.key(), tag.value().unwrap());
    }
    Ok(CreateStreamOutput::builder().build())
}

/// The newest, as no number is asked for.
fn describe_execution(
    account: &mut Account,
    input: &DescribeJobExecutionInput,
) -> Result<DescribeJobExecutionOutput, DescribeJobExecutionError> {
    assert_eq!(input.execution_number(), None, "only the newest is known");
    let (job, thing) = (input.job_id().unwrap(), input.thing_name().unwrap());
    let of_job = account.iot.executions.iter().filter(|((of, _), _)| of == job);
    let all = of_job.flat_map(|((_, status), all)| all.iter().map(move |one| (status, one)));
    let own = all.filter(|(_, execution)| execution.thing == thing);
    let (status, newest) = own.max_by_key(|(_, one)| one.number).ok_or_else(not_found)?;
    let execution = JobExecution::builder()
        .job_id(job)
        .status(JobExecutionStatus::from(status.as_str()))
        .thing_arn(arn(&format!("thing/{thing}")))
        .execution_number(i64::from(newest.number))
        .build();
    Ok(DescribeJobExecutionOutput::builder().execution(execution).build())
}

fn list_tags(
    account: &mut Account,
    input: &ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, ListTagsForResourceError> {
    let what = named(input.resource_arn().unwrap());
    let all = account.iot.tags.get(what).cloned().unwrap_or_default();
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().unwrap();
    let (page, next) = page(all.into_iter().map(tag), input.next_token(), TAGS);
    Ok(ListTagsForResourceOutput::builder().set_tags(Some(page)).set_next_token(next).build())
}

fn tag(
    account: &mut Account,
    input: &TagResourceInput,
) -> Result<TagResourceOutput, TagResourceError> {
    let what = named(input.resource_arn().unwrap());
    for tag in input.tags() {
        account.iot.tag(what, tag.key(), tag.value().unwrap());
    }
    Ok(TagResourceOutput::builder().build())
}

fn describe_thing(
    account: &mut Account,
    input: &DescribeThingInput,
) -> Result<DescribeThingOutput, DescribeThingError> {
    match account.iot.things.contains(input.thing_name().unwrap()) {
        true => Ok(DescribeThingOutput::builder().build()),
        false => Err(not_found()),
    }
}

fn describe_group(
    account: &mut Account,
    input: &DescribeThingGroupInput,
) -> Result<DescribeThingGroupOutput, DescribeThingGroupError> {
    let name = input.thing_group_name().unwrap();
    if !account.iot.groups.contains_key(name) {
        return Err(not_found());
    }
    let arn = arn(&format!("thinggroup/{name}"));
    Ok(DescribeThingGroupOutput::builder().thing_group_arn(arn).build())
}

fn create_group(
    account: &mut Account,
    input: &CreateThingGroupInput,
) -> Result<CreateThingGroupOutput, CreateThingGroupError> {
    let name = input.thing_group_name().unwrap();
    account.iot.groups.entry(name.to_owned()).or_default();
    for tag in input.tags() {
        account.iot.tag(&format!("thinggroup/{name}"), tag.key(), tag.value().unwrap());
    }
    Ok(CreateThingGroupOutput::builder().build())
}

fn add_to_group(
    account: &mut Account,
    input: &AddThingToThingGroupInput,
) -> Result<AddThingToThingGroupOutput, AddThingToThingGroupError> {
    let thing = input.thing_name().unwrap();
    if !account.iot.things.contains(thing) {
        return Err(not_found());
    }
    let groups = &mut account.iot.groups;
    let group = groups.get_mut(input.thing_group_name().unwrap()).ok_or_else(not_found)?;
    group.insert(thing.to_owned());
    Ok(AddThingToThingGroupOutput::builder().build())
}

fn remove_from_group(
    account: &mut Account,
    input: &RemoveThingFromThingGroupInput,
) -> Result<RemoveThingFromThingGroupOutput, RemoveThingFromThingGroupError> {
    let groups = &mut account.iot.groups;
    let group = groups.get_mut(input.thing_group_name().unwrap()).ok_or_else(not_found)?;
    group.remove(input.thing_name().unwrap());
    Ok(RemoveThingFromThingGroupOutput::builder().build())
}

/// In pages of [`PAGE`], however many are asked for.
fn list_group(
    account: &mut Account,
    input: &ListThingsInThingGroupInput,
) -> Result<ListThingsInThingGroupOutput, ListThingsInThingGroupError> {
    assert_eq!(input.recursive(), Some(true), "members of subgroups are members");
    let groups = &account.iot.groups;
    let all = groups.get(input.thing_group_name().unwrap()).ok_or_else(not_found)?;
    let (page, next) = page(all.iter().cloned(), input.next_token(), PAGE);
    Ok(ListThingsInThingGroupOutput::builder().set_things(Some(page)).set_next_token(next).build())
}

fn describe_events(
    account: &mut Account,
    _: &DescribeEventConfigurationsInput,
) -> Result<DescribeEventConfigurationsOutput, DescribeEventConfigurationsError> {
    let mut output = DescribeEventConfigurationsOutput::builder();
    for (event, enabled) in &account.iot.events {
        let configuration = Configuration::builder().enabled(*enabled).build();
        output = output.event_configurations(EventType::from(event.as_str()), configuration);
    }
    Ok(output.build())
}

fn update_events(
    account: &mut Account,
    input: &UpdateEventConfigurationsInput,
) -> Result<UpdateEventConfigurationsOutput, UpdateEventConfigurationsError> {
    for (event, configuration) in input.event_configurations().unwrap() {
        account.iot.events.insert(event.as_str().to_owned(), configuration.enabled());
    }
    account.changes.push("update events".to_owned());
    Ok(UpdateEventConfigurationsOutput::builder().build())
}

fn size(asked: Option<i32>) -> usize {
    asked.map_or(PAGE, |asked| usize::try_from(asked).unwrap())
}

fn job_of(input: &CreateJobInput) -> Job {
    let id = input.job_id().unwrap();
    let mut job = Job::builder()
        .job_id(id)
        .job_arn(arn(&format!("job/{id}")))
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
