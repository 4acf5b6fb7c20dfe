use std::collections::BTreeSet;

use lambda_runtime::Diagnostic;
use serde_json::json;
use tripline::job::{EndedCounts, Job, JobState};
use tripline::notification::Watched;
use tripline::rollout::Rate;
use tripline::stop::{KnownAlarm, KnownSubject, REASON_CODE, StopMode};

use super::*;

/// AWS as a test sets it up; keeps what was done to it.
struct Scripted {
    alarms: Result<Vec<KnownAlarm>, Failure>,
    fired: Result<bool, Failure>,
    job: Mutex<Vec<Result<Job, Failure>>>,
    cancel: Mutex<Vec<Failure>>,
    publish: Mutex<Vec<Failure>>,
    refuse_topic: Option<(String, Failure)>,
    done: Mutex<Vec<String>>,
}

impl Scripted {
    fn did(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }
}

impl DescribeAlarms for Scripted {
    async fn describe_alarms(&self, names: &[String]) -> Result<Vec<KnownAlarm>, Failure> {
        self.alarms.clone().map(|all| all.into_iter().filter(|a| names.contains(&a.name)).collect())
    }
}

impl HasFired for Scripted {
    async fn has_fired(&self, _: &str, since: Option<i64>) -> Result<bool, Failure> {
        assert_eq!(since, Some(1_789_990_000), "history is asked from the job's creation");
        self.fired.clone()
    }
}

impl DescribeJob for Scripted {
    async fn describe_job(&self, _: &JobId) -> Result<Job, Failure> {
        let mut answers = self.job.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    }
}

impl CancelJob for Scripted {
    async fn cancel_job(&self, job: &JobId, force: bool, comment: &str) -> Result<(), Failure> {
        if let Some(failure) = self.cancel.lock().unwrap().pop() {
            return Err(failure);
        }
        self.did(format!(
            "cancel {job} force={force} {}",
            comment.chars().take(40).collect::<String>()
        ));
        Ok(())
    }
}

impl Publish for Scripted {
    async fn publish(
        &self,
        topic: &str,
        subject: Option<&str>,
        message: &str,
    ) -> Result<(), Failure> {
        if let Some(failure) = self.publish.lock().unwrap().pop() {
            return Err(failure);
        }
        if let Some((refused, failure)) = &self.refuse_topic
            && refused == topic
        {
            return Err(failure.clone());
        }
        let first = message.lines().next().unwrap_or_default().to_owned();
        self.did(format!("{topic}: {}", subject.unwrap_or(&first)));
        Ok(())
    }
}

fn watching(job: &str) -> KnownSubject {
    KnownSubject::Metrics(Watched {
        namespaces: BTreeSet::from(["IoT:OTA:JobExecution".to_owned()]),
        jobs: BTreeSet::from([job.to_owned()]),
    })
}

fn alarm(name: &str, state: AlarmState, subject: KnownSubject) -> KnownAlarm {
    KnownAlarm { name: name.to_owned(), state, subject, rule: None, since: None }
}

fn job(state: JobState) -> Job {
    let counts = ExecutionCounts {
        queued: 181,
        in_progress: 4,
        ended: EndedCounts { succeeded: 12, failed: 3, ..EndedCounts::default() },
        ..ExecutionCounts::default()
    };
    Job {
        state,
        reason_code: None,
        comment: None,
        created_at: Some(1_789_990_000),
        ended_at: None,
        rate: Rate::QUOTA,
        counts,
    }
}

/// CloudWatch confirms, the job runs.
fn sound() -> Scripted {
    Scripted {
        alarms: Ok(vec![alarm("tripline-fw-2-1-slow", AlarmState::Alarm, watching("fw-2-1"))]),
        fired: Ok(true),
        job: Mutex::new(vec![Ok(job(JobState::Active))]),
        cancel: Mutex::default(),
        publish: Mutex::default(),
        refuse_topic: None,
        done: Mutex::default(),
    }
}

fn unreachable(operation: &'static str) -> Failure {
    Failure::new(operation, FailureKind::Unavailable, "no answer in time")
}

fn stopper(aws: Scripted, mode: StopMode) -> Stopper<Scripted> {
    let settings =
        Settings { mode, email_topic: Some("email".to_owned()), sms_topic: Some("sms".to_owned()) };
    Stopper::new(aws, settings)
}

fn event(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What was done about a delivery, and the error type if it failed.
async fn run(stopper: &Stopper<Scripted>, payload: Value) -> (Vec<String>, Option<String>) {
    let result = stopper.handle(payload).await;
    let done = std::mem::take(&mut *stopper.client.done.lock().unwrap());
    (done, result.err().map(|failed| Diagnostic::from(failed).error_type))
}

const CANCELLED: &str = "cancel fw-2-1 force=false Tripline: alarm tripline-fw-2-1-slow fir";
const TOLD: [&str; 2] = [
    "email: Tripline stopped rollout fw-2-1",
    "sms: Tripline stopped fw-2-1: slow. 12 ok, 3 failed, 4 running, the rest spared. Go on: tripline resume",
];

fn refused(done: &[String]) -> bool {
    done.len() == 2
        && done[0] == "email: Tripline refused an alarm message: no rollout was stopped"
        && done[1].starts_with("sms: Tripline refused an alarm, nothing was stopped")
}

#[tokio::test]
async fn an_alarm_stops_its_rollout_and_people_are_told() {
    for name in ["sns/alarm", "sns/metric-math", "cloudwatch/alarm-action"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert_eq!(done, [CANCELLED, TOLD[0], TOLD[1]], "{name}");
        assert_eq!(failed, None, "{name}");
    }
}

/// The alarm that the guard-keeper gives to a rollout that brings none: metric math over two metrics.
#[tokio::test]
async fn the_default_guard_s_failure_rate_stops_its_rollout() {
    let name = "tripline-fw-2-1-default-FailureRate";
    let mut aws = sound();
    aws.alarms = Ok(vec![alarm(name, AlarmState::Alarm, watching("fw-2-1"))]);
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/failure-rate")).await;
    assert!(done[0].starts_with("cancel fw-2-1 force=false"), "{done:?}");
    assert_eq!((done[1].as_str(), done.len(), failed), (TOLD[0], 3, None));
}

#[tokio::test]
async fn the_mode_decides_what_a_stop_is() {
    let (done, _) = run(&stopper(sound(), StopMode::Abort), event("sns/alarm")).await;
    assert!(done[0].starts_with("cancel fw-2-1 force=true"));
    let (done, failed) = run(&stopper(sound(), StopMode::Observe), event("sns/alarm")).await;
    assert_eq!(done[0], "email: Tripline would have stopped rollout fw-2-1");
    assert_eq!((done.len(), failed), (2, None));
}

#[tokio::test]
async fn other_states_stop_nothing() {
    for name in ["sns/ok", "sns/insufficient-data"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert_eq!((done, failed), (vec![], None), "{name}");
    }
}

#[tokio::test]
async fn a_message_that_is_no_alarm_is_kept_and_tells_nobody() {
    for payload in
        [event("sns/no-alarm"), json!({}), json!(null), json!({"Records": [{}]}), json!([1])]
    {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), payload).await;
        assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Refused")));
    }
}

#[tokio::test]
async fn an_alarm_of_no_single_rollout_is_kept_and_told() {
    for name in ["sns/without-job", "sns/metric-math-of-two-jobs"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert!(refused(&done), "{name}: {done:?}");
        assert_eq!(failed.as_deref(), Some("Tripline.Refused"), "{name}");
    }
}

#[tokio::test]
async fn a_claim_that_cloudwatch_contradicts_stops_nothing_and_is_told() {
    let unknown = Scripted { alarms: Ok(vec![]), ..sound() };
    let other_job = alarm("tripline-fw-2-1-slow", AlarmState::Alarm, watching("fw-9"));
    let never = alarm("tripline-fw-2-1-slow", AlarmState::Ok, watching("fw-2-1"));
    for aws in [
        unknown,
        Scripted { alarms: Ok(vec![other_job]), ..sound() },
        Scripted { alarms: Ok(vec![never]), fired: Ok(false), ..sound() },
    ] {
        let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
        assert!(refused(&done), "{done:?}");
        assert_eq!(failed, None);
    }
}

#[tokio::test]
async fn an_alarm_that_fired_and_recovered_still_stops() {
    let recovered = alarm("tripline-fw-2-1-slow", AlarmState::Ok, watching("fw-2-1"));
    let aws = Scripted { alarms: Ok(vec![recovered]), ..sound() };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], CANCELLED);
}

#[tokio::test]
async fn without_cloudwatch_the_stop_is_gentle_and_marked() {
    let recovered = alarm("tripline-fw-2-1-slow", AlarmState::Ok, watching("fw-2-1"));
    for aws in [
        Scripted { alarms: Err(unreachable("DescribeAlarms")), ..sound() },
        Scripted {
            alarms: Ok(vec![recovered]),
            fired: Err(unreachable("DescribeAlarmHistory")),
            ..sound()
        },
    ] {
        let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
        assert_eq!(done[0], CANCELLED);
        assert!(done[2].contains("(unverified)"), "{done:?}");
        assert_eq!(failed, None);
    }
}

#[tokio::test]
async fn an_alarm_that_has_been_in_alarm_since_before_the_job_stops_nothing() {
    let mut old = alarm("tripline-fw-2-1-slow", AlarmState::Alarm, watching("fw-2-1"));
    old.since = Some(1_789_989_999);
    let aws = Scripted { alarms: Ok(vec![old]), fired: Ok(false), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_question_that_cloudwatch_refuses_is_answered() {
    let invalid =
        Failure::new("DescribeAlarms", FailureKind::Refused, "ValidationError: no such name");
    let aws = Scripted { alarms: Err(invalid), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_stop_whose_answer_was_lost_is_told() {
    let message = event("sns/alarm")["Records"][0]["Sns"]["Message"].as_str().unwrap().to_owned();
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    stopped.comment = Some(comment_for(&AlarmNotification::from_json(&message).unwrap()));
    let refused = Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException: ended");
    let answers = Mutex::new(vec![Ok(job(JobState::Active)), Ok(stopped)]);
    let aws = Scripted { cancel: Mutex::new(vec![refused]), job: answers, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((&done[..], failed), (&TOLD.map(str::to_owned)[..], None));
}

#[tokio::test]
async fn a_topic_that_fails_does_not_repeat_the_other() {
    let no_sms = || Failure::new("Publish", FailureKind::Refused, "InvalidParameter: topic");
    let aws = Scripted { refuse_topic: Some(("sms".to_owned(), no_sms())), ..sound() };
    let stopper = stopper(aws, StopMode::Observe);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!((done.len(), failed.as_deref()), (1, Some("Tripline.Refused")));
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!((done.len(), failed.as_deref()), (0, Some("Tripline.Refused")));
}

#[tokio::test]
async fn an_ended_or_missing_job_is_left_alone() {
    let gone = Failure::new("DescribeJob", FailureKind::NotFound, "ResourceNotFoundException: no");
    for answer in [
        Ok(job(JobState::Completed)),
        Ok(job(JobState::Canceled)),
        Ok(job(JobState::Deleting)),
        Err(gone),
    ] {
        let aws = Scripted { job: Mutex::new(vec![answer]), ..sound() };
        let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
        assert_eq!((done, failed), (vec![], None));
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_described_is_stopped_all_the_same() {
    let aws = Scripted { job: Mutex::new(vec![Err(unreachable("DescribeJob"))]), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], CANCELLED);
    assert!(done[2].contains("counts not known"), "{done:?}");
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_stop_that_fails_is_an_error_and_works_when_it_comes_again() {
    let throttled =
        Failure::new("CancelJob", FailureKind::Throttled, "ThrottlingException: slow down");
    let stopper =
        stopper(Scripted { cancel: Mutex::new(vec![throttled]), ..sound() }, StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Throttled")));
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!(
        (done, failed),
        (vec![CANCELLED.to_owned(), TOLD[0].to_owned(), TOLD[1].to_owned()], None)
    );
}

#[tokio::test]
async fn a_job_that_ends_while_it_is_being_stopped_needs_no_stop() {
    let refused =
        || Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException: ended");
    let ended = Mutex::new(vec![Ok(job(JobState::Active)), Ok(job(JobState::Completed))]);
    let aws = Scripted { cancel: Mutex::new(vec![refused()]), job: ended, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((done, failed), (vec![], None));
    let aws = Scripted { cancel: Mutex::new(vec![refused()]), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Refused")));
}

#[tokio::test]
async fn a_message_delivered_twice_stops_once_and_tells_once() {
    let stopper = stopper(sound(), StopMode::Cancel);
    run(&stopper, event("sns/alarm")).await;
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    *stopper.client.job.lock().unwrap() = vec![Ok(stopped)];
    assert_eq!(run(&stopper, event("sns/alarm")).await, (vec![], None));
}

#[tokio::test]
async fn a_stop_that_nobody_was_told_of_is_told_when_it_comes_again() {
    let silent = Scripted { publish: Mutex::new(vec![unreachable("Publish")]), ..sound() };
    let stopper = stopper(silent, StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!(
        (&done[..], failed.as_deref()),
        (&[CANCELLED.to_owned(), TOLD[1].to_owned()][..], Some("Tripline.Unavailable"))
    );
    let message = event("sns/alarm")["Records"][0]["Sns"]["Message"].as_str().unwrap().to_owned();
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    stopped.comment = Some(comment_for(&AlarmNotification::from_json(&message).unwrap()));
    *stopper.client.job.lock().unwrap() = vec![Ok(stopped)];
    assert_eq!(run(&stopper, event("sns/alarm")).await, (vec![TOLD[0].to_owned()], None));
}

#[tokio::test]
async fn one_bad_record_does_not_cost_the_next() {
    let mut both = event("sns/no-alarm");
    both["Records"].as_array_mut().unwrap().push(event("sns/alarm")["Records"][0].clone());
    let (done, failed) = run(&stopper(sound(), StopMode::Cancel), both).await;
    assert_eq!(done, [CANCELLED, TOLD[0], TOLD[1]]);
    assert_eq!(failed.as_deref(), Some("Tripline.Refused"));
}

fn with_composite(rule: &str, others: Vec<KnownAlarm>) -> Scripted {
    let subject = KnownSubject::Composite { rule: rule.to_owned() };
    let mut alarms = vec![alarm("fw-2-1-any", AlarmState::Alarm, subject)];
    alarms.extend(others);
    Scripted { alarms: Ok(alarms), ..sound() }
}

const RULE: &str = "ALARM(\"tripline-fw-2-1-slow\") OR ALARM(\"tripline-fw-2-1-failing\")";

#[tokio::test]
async fn a_composite_alarm_stops_the_rollout_of_its_children() {
    let slow = alarm("tripline-fw-2-1-slow", AlarmState::Alarm, watching("fw-2-1"));
    let (done, failed) = run(
        &stopper(with_composite(RULE, vec![slow.clone()]), StopMode::Cancel),
        event("sns/composite"),
    )
    .await;
    assert!(done[0].starts_with("cancel fw-2-1 force=false"), "{done:?}");
    assert_eq!(failed, None);

    // Without the names of those that triggered it, those in ALARM count, at any depth.
    let mut silent = event("sns/composite");
    let message = silent["Records"][0]["Sns"]["Message"].as_str().unwrap();
    let mut message: Value = serde_json::from_str(message).unwrap();
    message["TriggeringChildren"] = json!([]);
    silent["Records"][0]["Sns"]["Message"] = json!(message.to_string());
    let inner =
        alarm("inner", AlarmState::Alarm, KnownSubject::Composite { rule: RULE.to_owned() });
    let quiet = alarm("quiet", AlarmState::Ok, watching("fw-9"));
    let aws = with_composite("ALARM(inner) OR ALARM(quiet)", vec![inner, slow, quiet]);
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), silent).await;
    assert!(done[0].starts_with("cancel fw-2-1 force=false"), "{done:?}");
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_composite_alarm_is_refused_for_children_that_it_does_not_have_or_that_disagree() {
    let slow = |job| alarm("tripline-fw-2-1-slow", AlarmState::Alarm, watching(job));
    let (done, failed) = run(
        &stopper(with_composite("ALARM(other)", vec![slow("fw-2-1")]), StopMode::Cancel),
        event("sns/composite"),
    )
    .await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
    // The child watches nothing of ours.
    let (done, failed) =
        run(&stopper(with_composite(RULE, vec![]), StopMode::Cancel), event("sns/composite")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed.as_deref(), Some("Tripline.Refused"));
    // CloudWatch has to be asked, or there is no rollout to be named.
    let aws = Scripted { alarms: Err(unreachable("DescribeAlarms")), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Unavailable")));
}
