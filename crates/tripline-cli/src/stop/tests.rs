//! Stopping a job of a small AWS in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_sdk_iot::error::ErrorMetadata;
use aws_sdk_iot::operation::cancel_job::{CancelJobError, CancelJobInput, CancelJobOutput};
use aws_sdk_iot::operation::describe_job::{DescribeJobError, DescribeJobOutput};
use aws_sdk_iot::types::{
    Job, JobExecutionsRetryConfig, JobProcessDetails, JobStatus, RetryCriteria,
    RetryableFailureType,
};
use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};

use super::*;
use crate::terminal::document::document;

/// Answers `DescribeJob` with these states in turn, the last one for ever, and notes what is
/// canceled. Without a state there is no such job.
#[derive(Clone, Default)]
struct Jobs {
    states: Arc<Mutex<VecDeque<JobStatus>>>,
    canceled: Arc<Mutex<Vec<CancelJobInput>>>,
    refuses: bool,
    /// Devices are tried again.
    retries: bool,
}

impl Jobs {
    fn new(states: &[JobStatus]) -> Self {
        let states = Arc::new(Mutex::new(states.iter().cloned().collect()));
        Self { states, ..Self::default() }
    }

    fn client(&self) -> aws_sdk_iot::Client {
        let jobs = self.clone();
        let meta = |code: &str| ErrorMetadata::builder().code(code).build();
        let describe = mock!(aws_sdk_iot::Client::describe_job).then_compute_response(move |_| {
            let mut states = jobs.states.lock().unwrap();
            let Some(state) = states.front().cloned() else {
                let error = DescribeJobError::generic(meta("ResourceNotFoundException"));
                return MockResponse::Error(error);
            };
            if states.len() > 1 {
                states.pop_front();
            }
            let details = JobProcessDetails::builder()
                .number_of_succeeded_things(12)
                .number_of_failed_things(2)
                .number_of_timed_out_things(1)
                .number_of_in_progress_things(4)
                .number_of_canceled_things(180)
                .number_of_queued_things(1)
                .build();
            let job = Job::builder()
                .set_reason_code((state == JobStatus::Canceled).then(|| "TRIPLINE_ALARM".into()))
                .set_comment((state == JobStatus::Canceled).then(|| "alarm slow fired".into()))
                .status(state)
                .set_job_executions_retry_config(jobs.retries.then(once_again))
                .job_process_details(details);
            MockResponse::Output(DescribeJobOutput::builder().job(job.build()).build())
        });
        let jobs = self.clone();
        let cancel = mock!(aws_sdk_iot::Client::cancel_job).then_compute_response(move |input| {
            jobs.canceled.lock().unwrap().push(input.clone());
            if jobs.refuses {
                return MockResponse::Error(CancelJobError::generic(meta(
                    "InvalidRequestException",
                )));
            }
            MockResponse::Output(CancelJobOutput::builder().build())
        });
        mock_client!(aws_sdk_iot, RuleMode::MatchAny, [&describe, &cancel])
    }

    fn canceled(&self) -> Vec<CancelJobInput> {
        self.canceled.lock().unwrap().clone()
    }
}

fn once_again() -> JobExecutionsRetryConfig {
    let criterion = RetryCriteria::builder().failure_type(RetryableFailureType::All);
    let criterion = criterion.number_of_retries(1).build().unwrap();
    JobExecutionsRetryConfig::builder().criteria_list(criterion).build().unwrap()
}

fn stop(mode: Mode) -> Stop {
    Stop { job: JobId::new("fw").unwrap(), mode, reason: None, dry_run: false }
}

async fn run(jobs: &Jobs, stop: &Stop) -> (String, End) {
    let stopped = stop.stop(&jobs.client()).await.unwrap();
    let hint = stop.hint(&stopped).map_or_else(String::new, |hint| format!("hint: {hint}\n"));
    (stop.text(&stopped) + &hint, stopped.end())
}

#[tokio::test(start_paused = true)]
async fn a_running_job_is_canceled_and_that_is_proven() {
    use JobStatus::{Canceled, InProgress};
    let jobs = Jobs::new(&[InProgress, InProgress, InProgress, Canceled]);
    let stop = Stop { reason: Some("bricks\npump A".to_owned()), ..stop(Mode::Cancel) };
    let (text, end) = run(&jobs, &stop).await;
    assert_eq!(end, End::Done);
    let [asked] = &jobs.canceled()[..] else { panic!("{:?}", jobs.canceled()) };
    assert_eq!((asked.job_id(), asked.force()), (Some("fw"), Some(false)));
    assert_eq!(asked.reason_code(), Some("TRIPLINE_OPERATOR"));
    assert_eq!(asked.comment(), Some("bricks?pump A"));
    insta::assert_snapshot!("canceled", text);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_not_called_devices_that_failed() {
    let jobs = Jobs { retries: true, ..Jobs::new(&[JobStatus::InProgress, JobStatus::Canceled]) };
    let stop = stop(Mode::Cancel);
    let stopped = stop.stop(&jobs.client()).await.unwrap();
    let text = stop.text(&stopped);
    let line = text.lines().find(|line| line.contains("timed out")).unwrap();
    assert!(line.trim_start().starts_with("attempts") && line.contains(" 3 "), "{line}");
    let data = document(&stop.data(&stopped, "us-east-1"));
    assert!(data["counts"]["failed"].is_null() && data["counts"]["succeeded"] == 12, "{data}");
    assert_eq!(
        (&data["attempts"]["failed"], &data["attempts"]["timedOut"]),
        (&2.into(), &1.into())
    );
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_forced_and_says_what_it_may_do() {
    let jobs = Jobs::new(&[JobStatus::InProgress, JobStatus::Canceled]);
    let (text, _) = run(&jobs, &stop(Mode::Abort)).await;
    assert_eq!(jobs.canceled()[0].force(), Some(true));
    insta::assert_snapshot!("aborted", text);
    let jobs = Jobs::new(&[JobStatus::InProgress, JobStatus::Canceled]);
    let stop = stop(Mode::Abort);
    let stopped = stop.stop(&jobs.client()).await.unwrap();
    insta::assert_snapshot!(
        "aborted_json",
        format!("{:#}", document(&stop.data(&stopped, "us-east-1")))
    );
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing() {
    for state in [JobStatus::InProgress, JobStatus::Scheduled, JobStatus::Canceled] {
        let jobs = Jobs::new(std::slice::from_ref(&state));
        let (text, end) = run(&jobs, &Stop { dry_run: true, ..stop(Mode::Abort) }).await;
        assert!(jobs.canceled().is_empty());
        assert_eq!(end, End::Done);
        assert_eq!(
            text.starts_with("dry run: job fw would be aborted"),
            state != JobStatus::Canceled
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_stopped_again() {
    for (state, end) in [
        (JobStatus::Canceled, End::Done),
        (JobStatus::Completed, End::Finding),
        (JobStatus::DeletionInProgress, End::Finding),
    ] {
        let jobs = Jobs::new(&[state]);
        let (text, ended) = run(&jobs, &stop(Mode::Abort)).await;
        assert_eq!(ended, end);
        assert!(jobs.canceled().is_empty());
        assert!(text.starts_with("nothing to stop: job fw is "), "{text}");
        if end == End::Done {
            insta::assert_snapshot!("ended", text);
        }
    }
    // It ended between the look and the stop.
    let jobs = Jobs { refuses: true, ..Jobs::new(&[JobStatus::InProgress, JobStatus::Completed]) };
    assert_eq!(run(&jobs, &stop(Mode::Cancel)).await.1, End::Finding);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_to_nothing_is_a_failure() {
    let unknown = stop(Mode::Cancel).stop(&Jobs::new(&[]).client()).await.unwrap_err();
    assert!(matches!(unknown, Error::Input(_)), "{unknown}");
    let stubborn = Jobs::new(&[JobStatus::InProgress]);
    let error = stop(Mode::Cancel).stop(&stubborn.client()).await.unwrap_err();
    assert!(error.to_string().contains("shows job `fw` in `IN_PROGRESS`"), "{error}");
    let refuses = Jobs { refuses: true, ..stubborn };
    assert!(matches!(stop(Mode::Cancel).stop(&refuses.client()).await.unwrap_err(), Error::Aws(_)));
}
