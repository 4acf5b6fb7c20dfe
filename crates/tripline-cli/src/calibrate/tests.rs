//! Past rollouts in the AWS in memory.

use aws_sdk_iot::types::{JobProcessDetails, JobStatus};
use fake_aws::{Execution, Fault};
use tokio::time::Instant;
use tripline::baseline::SlowerBy;
use tripline::job::JobId;

use super::calibrated::{Asked, Calibrated};
use super::past::{Past, Reason};
use super::{jobs, json, page, text};
use crate::alarms::fake::FakeAws;
use crate::aws::budget::Budget;
use crate::exit::Error;
use crate::terminal::document::document;

const START: i64 = 1_790_000_000;

fn id(job: &str) -> JobId {
    JobId::new(job).unwrap()
}

/// A job of this status that counts so many executions.
fn job(aws: &FakeAws, name: &str, status: JobStatus, counted: i32) {
    let mut world = aws.world();
    world.iot.job(name, status, &[]);
    let details = JobProcessDetails::builder().number_of_succeeded_things(counted).build();
    world.iot.jobs.get_mut(name).unwrap().0.job_process_details = Some(details);
}

/// Executions that took so many seconds; `None`: they never began.
fn executed(
    aws: &FakeAws,
    job: &str,
    status: &str,
    seconds: impl IntoIterator<Item = Option<i64>>,
) {
    let executions = seconds.into_iter().enumerate().map(|(number, seconds)| Execution {
        thing: format!("{status}-{number}"),
        began: seconds.map_or(-1, |_| START),
        changed: START + seconds.unwrap_or(0),
        number: 1,
    });
    let of = (job.to_owned(), status.to_owned());
    aws.world().iot.executions.entry(of).or_default().extend(executions);
}

/// A completed job of n devices that take up to an hour, one in fifty of which fails.
fn completed(aws: &FakeAws, name: &str, n: i32) {
    job(aws, name, JobStatus::Completed, n);
    let took = |number: i32| Some(i64::from(number) * 3_600 / i64::from(n));
    executed(aws, name, "SUCCEEDED", (0..n).filter(|number| number % 50 != 0).map(took));
    executed(aws, name, "FAILED", (0..n).filter(|number| number % 50 == 0).map(took));
}

async fn read(aws: &FakeAws, names: &[&str]) -> Result<Vec<Past>, Error> {
    let names: Vec<JobId> = names.iter().copied().map(id).collect();
    jobs::read(&aws.aws().iot, &names, Budget::new()).await
}

fn asked(slower_by: Option<u32>) -> Asked {
    Asked {
        name: "tracker".to_owned(),
        file: "tracker.baseline.json".into(),
        slower_by: slower_by.and_then(|it| SlowerBy::new(it).ok()),
        silent: 0.01,
        timeout: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_baseline_says_its_limits_in_words_and_what_is_not_in_it() {
    let aws = FakeAws::new();
    completed(&aws, "fw-1", 1_000);
    completed(&aws, "fw-2", 1_000);
    job(&aws, "fw-3", JobStatus::Canceled, 400);
    job(&aws, "fw-4", JobStatus::Completed, 400);
    executed(&aws, "fw-2", "TIMED_OUT", [Some(7_200); 2]);
    executed(&aws, "fw-2", "REJECTED", [None]);
    executed(&aws, "fw-2", "CANCELED", [None]);
    executed(&aws, "fw-2", "SUCCEEDED", [None]);
    aws.world().iot.retries.insert("TIMED_OUT-1".to_owned(), 2);
    let past = read(&aws, &["fw-1", "fw-2", "fw-3", "fw-4"]).await.unwrap();
    let left_out: Vec<Option<Reason>> = past.iter().map(|past| past.left_out).collect();
    assert_eq!(left_out, [None, None, Some(Reason::Stopped), Some(Reason::Deleted)]);
    assert_eq!((past[1].devices(), past[1].retries(), past[1].unknown), (1_002, 1, 1));
    let calibrated = Calibrated::of(past, asked(None)).unwrap();
    insta::assert_snapshot!("text", text::calibrated_text(&calibrated));
    assert_eq!(
        text::notes(&calibrated),
        [
            "fw-2: left out: 1 attempt after a device's first",
            "fw-2: left out: 1 execution of unknown beginning"
        ]
    );
    insta::assert_snapshot!("json", format!("{:#}", document(&json::calibrated_data(&calibrated))));
    let page = page::html(&calibrated);
    for part in ["<title>tracker</title>", ">past rollouts<", "20 % slower", "fw-3: left out"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_rollout_takes_more_slack_and_says_so() {
    let aws = FakeAws::new();
    completed(&aws, "fw-1", 500);
    let past = read(&aws, &["fw-1"]).await.unwrap();
    let calibrated = Calibrated::of(past.clone(), asked(None)).unwrap();
    assert_eq!(calibrated.tolerance.slower_by.percent(), 50);
    let notes = text::notes(&calibrated);
    assert!(
        notes[0].starts_with("one rollout does not show how much rollouts differ"),
        "{notes:?}"
    );
    assert!(text::failures(&calibrated.baseline).starts_with("10 failures: fewer than 20 "));
    assert_eq!(
        document(&json::calibrated_data(&calibrated))["failureMinutes"],
        serde_json::Value::Null
    );
    let Err(fault) = Calibrated::of(past, asked(Some(20))) else { panic!("too little slack") };
    assert!(
        fault.to_string().starts_with("--slower-by 20: too little for a baseline of one rollout"),
        "{fault}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_calibrated_is_said_before_executions_are_read() {
    let aws = FakeAws::new();
    completed(&aws, "fw-1", 500);
    job(&aws, "fw-2", JobStatus::InProgress, 500);
    job(&aws, "fw-3", JobStatus::DeletionInProgress, 500);
    let fault = read(&aws, &["fw-1", "fw-2", "fw-3", "fw-9"]).await.unwrap_err().to_string();
    for part in
        ["job `fw-2` is still in progress", "job `fw-3` is being deleted", "there is no job `fw-9`"]
    {
        assert!(fault.contains(part), "{fault}");
    }
    let listed = |aws: &FakeAws| {
        let calls = &aws.world().calls;
        calls.iter().filter(|call| call.operation == "ListJobExecutionsForJob").count()
    };
    assert_eq!(listed(&aws), 0);
    job(&aws, "fw-4", JobStatus::Canceled, 500);
    job(&aws, "fw-5", JobStatus::Completed, 0);
    let past = read(&aws, &["fw-4", "fw-5"]).await.unwrap();
    let Err(fault) = Calibrated::of(past, asked(None)) else { panic!("nothing ran to its end") };
    assert_eq!(
        fault.to_string(),
        "no rollout ran to its end (expected at least one that was not stopped)
  fw-4: it was stopped, so its slow devices did not end
  fw-5: no first attempt of a device is known to have begun"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_are_paced_and_asked_for_again() {
    let aws = FakeAws::new();
    completed(&aws, "fw-1", 5_000);
    let mut throttled = 0;
    aws.world().faults.add(move |call| {
        if call.operation != "ListJobExecutionsForJob" {
            return None;
        }
        throttled += 1;
        (throttled % 3 == 0).then_some(Fault::Refused("ThrottlingException", "slow down"))
    });
    let began = Instant::now();
    let past = read(&aws, &["fw-1"]).await.unwrap();
    assert_eq!((past[0].devices(), past[0].unlisted), (5_000, 0));
    let calls = aws.world().calls.len();
    assert!((29..35).contains(&calls), "{calls}");
    let seconds = began.elapsed().as_secs();
    assert!(seconds + 10 >= calls as u64 && seconds <= calls as u64, "{seconds} {calls}");
}
