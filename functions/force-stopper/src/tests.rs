use std::collections::BTreeSet;
use std::sync::Mutex;

use lambda_runtime::Diagnostic;
use serde_json::json;
use tripline::job::{EndedCounts, Job, JobId, JobState, Setup};
use tripline::notification::Watched;
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::Rate;
use tripline::stop::{
    FailureRateRule, Firing, KnownAlarm, KnownSubject, REASON_CODE, StopMode, comment_for,
};
use tripline::time::Timestamp;
use tripline_aws::FailureKind;

use super::ask::HoldOrder;
use super::*;

mod evidence;
mod holding;

/// AWS as a test sets it up; keeps what was done to it.
struct Scripted {
    alarms: Mutex<Vec<Result<Vec<KnownAlarm>, Failure>>>,
    fired: Result<Option<Firing>, Failure>,
    /// How many answers about that are empty first.
    forgets: Mutex<u32>,
    job: Mutex<Vec<Result<Job, Failure>>>,
    evidence: Mutex<Vec<Result<Option<tripline::evidence::Record>, Failure>>>,
    opted_out: Result<bool, Failure>,
    fallback: Result<Option<JobId>, Failure>,
    on_alarm: Result<(OnAlarm, OnHoldFailed), Failure>,
    hold: Result<(), Failure>,
    cancel: Mutex<Vec<Failure>>,
    /// Whether a job that is canceled is so afterwards.
    keeps_word: bool,
    publish: Mutex<Vec<Failure>>,
    refuse_topic: Option<(String, Failure)>,
    turns: Mutex<Vec<(Turn, String, i64)>>,
    keys: Mutex<Vec<(u64, String, i64)>>,
    turns_away: bool,
    now: i64,
    done: Mutex<Vec<String>>,
    /// Whole messages to people.
    mails: Mutex<Vec<String>>,
    refusals: Mutex<u32>,
}

impl Scripted {
    fn did(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }
}

/// The next answer; the last one stays.
fn next<T: Clone>(answers: &Mutex<Vec<T>>) -> T {
    let mut answers = answers.lock().unwrap();
    if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
}

impl DescribeAlarms for Scripted {
    async fn describe_alarms(&self, names: &[String]) -> Result<Vec<KnownAlarm>, Failure> {
        next(&self.alarms).map(|all| all.into_iter().filter(|a| names.contains(&a.name)).collect())
    }
}

impl LastFiring for Scripted {
    async fn last_firing(
        &self,
        _: &str,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Option<Firing>, Failure> {
        assert!([Some(CREATED), None].contains(&since), "asked from the job's creation on");
        let mut forgets = self.forgets.lock().unwrap();
        if *forgets > 0 {
            *forgets -= 1;
            return Ok(None);
        }
        let in_time = |firing: &Firing| until.is_none_or(|until| firing.at <= Some(until));
        self.fired.clone().map(|firing| firing.filter(in_time))
    }
}

impl DescribeJob for Scripted {
    async fn describe_job(&self, _: &JobId) -> Result<Job, Failure> {
        next(&self.job)
    }
}

impl ReadEvidence for Scripted {
    async fn read_evidence(
        &self,
        _: &JobId,
    ) -> Result<Option<tripline::evidence::Record>, Failure> {
        next(&self.evidence)
    }
}

impl HasOptedOut for Scripted {
    async fn has_opted_out(&self, _: &JobId) -> Result<bool, Failure> {
        self.opted_out.clone()
    }
}

impl ReadFallback for Scripted {
    async fn read_fallback(&self, _: &JobId) -> Result<Option<JobId>, Failure> {
        self.fallback.clone()
    }
}

impl HoldJob for Scripted {
    async fn on_alarm(&self, _: &JobId) -> Result<(OnAlarm, OnHoldFailed), Failure> {
        self.on_alarm.clone()
    }

    async fn hold(&self, job: &JobId, order: &HoldOrder<'_>) -> Result<(), Failure> {
        assert_eq!((order.created, order.at), (CREATED, self.now));
        if self.hold.is_ok() {
            self.did(format!("hold {job} by {}", order.by));
        }
        self.hold.clone()
    }
}

impl CancelJob for Scripted {
    async fn cancel_job(
        &self,
        job: &JobId,
        force: bool,
        comment: &str,
        _: Duration,
    ) -> Result<(), Failure> {
        if let Some(failure) = self.cancel.lock().unwrap().pop() {
            self.did("cancel failed".to_owned());
            return Err(failure);
        }
        self.did(format!("cancel {job} force={force} {comment}"));
        let mut answers = self.job.lock().unwrap();
        if self.keeps_word
            && let [Ok(job)] = &mut answers[..]
        {
            job.state = JobState::Canceled;
            job.reason_code = Some(REASON_CODE.to_owned());
            job.comment = Some(comment.to_owned());
        }
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
        self.mails.lock().unwrap().push(message.to_owned());
        let first = message.lines().next().unwrap_or_default().to_owned();
        self.did(format!("{topic}: {}", subject.unwrap_or(&first)));
        Ok(())
    }
}

impl TakeTurn for Scripted {
    async fn take_turn(&self, turn: Turn, id: &str, now: Timestamp) -> Result<bool, Failure> {
        if self.turns_away {
            return Err(unreachable("UpdateItem"));
        }
        let mut turns = self.turns.lock().unwrap();
        let since = now.seconds() - Turn::WINDOW;
        let taken: Vec<_> = turns.iter().filter(|(of, _, at)| *of == turn && *at > since).collect();
        let again = turn.most() == 1 && taken.last().is_some_and(|(_, by, _)| by == id);
        let may = again || taken.len() < turn.most() as usize;
        if may {
            turns.push((turn, id.to_owned(), now.seconds()));
        }
        Ok(may)
    }

    async fn may_say(&self, key: u64, id: &str, now: Timestamp) -> Result<bool, Failure> {
        if self.turns_away {
            return Err(unreachable("UpdateItem"));
        }
        let mut keys = self.keys.lock().unwrap();
        let since = now.seconds() - Turn::WINDOW;
        let may = !keys.iter().any(|(of, by, at)| *of == key && by != id && *at > since);
        keys.push((key, id.to_owned(), now.seconds()));
        Ok(may)
    }

    async fn end_turn(&self, turn: Turn, id: &str) -> Result<(), Failure> {
        for (of, by, _) in self.turns.lock().unwrap().iter_mut() {
            if *of == turn && by == id {
                by.clear();
            }
        }
        Ok(())
    }
}

impl Surroundings for Scripted {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.now)
    }

    fn count_refusal(&self) {
        *self.refusals.lock().unwrap() += 1;
    }
}

/// When the job was created, and when the events of `events/sns` were sent.
const CREATED: i64 = 1_789_990_000;
const SENT: i64 = 1_789_999_269;
const FIRED: i64 = 1_789_999_200;
const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:tripline-ForceStopTopic-1A2B3C";
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:111122223333:function:stop";
const SLOW: &str = "tripline-fw-2-1-slow";

fn watching(job: &str) -> KnownSubject {
    KnownSubject::Metrics(Watched {
        namespaces: BTreeSet::from(["IoT:OTA:JobExecution".to_owned()]),
        jobs: BTreeSet::from([job.to_owned()]),
        accounts: BTreeSet::new(),
    })
}

fn alarm(name: &str, state: AlarmState, subject: KnownSubject) -> KnownAlarm {
    KnownAlarm {
        name: name.to_owned(),
        state,
        reason: "over the limit".to_owned(),
        since: Some(FIRED),
        subject,
        actions: BTreeSet::from([TOPIC.to_owned(), FUNCTION.to_owned()]),
        rule: None,
        failure_rate: None,
        evidence: None,
    }
}

fn slow(state: AlarmState) -> KnownAlarm {
    alarm(SLOW, state, watching("fw-2-1"))
}

fn answers(alarms: Vec<KnownAlarm>) -> Mutex<Vec<Result<Vec<KnownAlarm>, Failure>>> {
    Mutex::new(vec![Ok(alarms)])
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
        is_forced: false,
        created_at: Some(CREATED),
        ended_at: None,
        rate: Rate::QUOTA,
        is_greengrass: false,
        counts,
        is_counted: true,
        timeout: None,
        setup: Setup::default(),
    }
}

/// CloudWatch confirms, the job runs.
fn sound() -> Scripted {
    Scripted {
        alarms: answers(vec![slow(AlarmState::Alarm)]),
        fired: Ok(Some(Firing { reason: "it was over the limit".to_owned(), at: Some(FIRED) })),
        forgets: Mutex::default(),
        job: Mutex::new(vec![Ok(job(JobState::Active))]),
        // Nobody asks for the evidence of an alarm that is not on it.
        evidence: Mutex::default(),
        opted_out: Ok(false),
        fallback: Ok(None),
        on_alarm: Ok(Default::default()),
        hold: Ok(()),
        cancel: Mutex::default(),
        keeps_word: true,
        publish: Mutex::default(),
        refuse_topic: None,
        turns: Mutex::default(),
        keys: Mutex::default(),
        turns_away: false,
        now: SENT + 1,
        done: Mutex::default(),
        mails: Mutex::default(),
        refusals: Mutex::default(),
    }
}

fn unreachable(operation: &'static str) -> Failure {
    Failure::new(operation, FailureKind::Unavailable, "no answer in time")
}

fn stopper(aws: Scripted, mode: StopMode) -> Stopper<Scripted> {
    let settings = Settings {
        mode,
        force_stop_topic: TOPIC.parse().unwrap(),
        table: "guards".to_owned(),
        stack: "tripline".to_owned(),
        holds: false,
        email_topic: Some("email".to_owned()),
        sms_topic: Some("sms".to_owned()),
    };
    Stopper::new(aws, settings)
}

fn event(name: &str) -> Value {
    let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The event under another message id.
fn under_id(name: &str, id: &str) -> Value {
    let mut event = event(name);
    event["Records"][0]["Sns"]["MessageId"] = json!(id);
    event
}

/// The event with something else in its message.
fn with(name: &str, pointer: &str, value: Value) -> Value {
    let mut event = event(name);
    let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap();
    let mut message: Value = serde_json::from_str(message).unwrap();
    *message.pointer_mut(pointer).unwrap() = value;
    event["Records"][0]["Sns"]["Message"] = json!(message.to_string());
    event
}

/// What was done about a delivery, and the error type if it failed.
async fn run(stopper: &Stopper<Scripted>, payload: Value) -> (Vec<String>, Option<String>) {
    let invocation = Invocation { request: "request-1".to_owned(), function: FUNCTION.to_owned() };
    let result = stopper.handle(payload, &invocation).await;
    let done = std::mem::take(&mut *stopper.client.done.lock().unwrap());
    (done, result.err().map(|failed| Diagnostic::from(failed).error_type))
}

const CANCELED: &str = "cancel fw-2-1 force=false Tripline: alarm tripline-fw-2-1-slow fired at 2026-09-21T14:00:00Z: over the limit (message 9a7c0d0e-0000-4000-8000-000000000001)";
const UNVERIFIED: &str = "cancel fw-2-1 force=false Tripline: alarm tripline-fw-2-1-slow, unverified: AWS could not be asked whether it fired (message 9a7c0d0e-0000-4000-8000-000000000001)";
const ALERTED: [&str; 2] = [
    "email: Tripline stopped rollout fw-2-1",
    "sms: Tripline stopped fw-2-1: slow. 12 ok, 3 failed, 4 running, the rest spared. Go on: tripline resume. Back: tripline revert",
];
const NOT_STOPPED: [&str; 2] = [
    "email: Tripline could NOT stop rollout fw-2-1",
    "sms: Tripline could NOT stop fw-2-1, trying again. Stop it now: tripline stop",
];

fn refused(done: &[String]) -> bool {
    done == ["email: Tripline refused an alarm message: no rollout was stopped"]
}

fn stops(done: &[String]) -> bool {
    done.first().is_some_and(|first| first.starts_with("cancel fw-2-1 force=false"))
}

#[tokio::test]
async fn an_alarm_stops_its_rollout_and_people_are_alerted() {
    for name in ["sns/alarm", "sns/metric-math", "cloudwatch/alarm-action"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert!(stops(&done), "{name}: {done:?}");
        assert_eq!(done[1..], ALERTED, "{name}");
        assert_eq!(failed, None, "{name}");
    }
    let (done, _) = run(&stopper(sound(), StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], CANCELED);
}

/// The alarm that the guard-keeper gives to a rollout that brings none: metric math over two metrics.
#[tokio::test]
async fn the_default_guard_s_failure_rate_stops_its_rollout() {
    let name = "tripline-fw-2-1-default-FailureRate";
    let mut aws = sound();
    aws.alarms = answers(vec![alarm(name, AlarmState::Alarm, watching("fw-2-1"))]);
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/failure-rate")).await;
    assert!(done[0].starts_with("cancel fw-2-1 force=false"), "{done:?}");
    assert_eq!((done[1].as_str(), done.len(), failed), (ALERTED[0], 3, None));
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
async fn a_message_that_is_no_alarm_is_kept_and_alerts_nobody() {
    for payload in
        [event("sns/no-alarm"), json!({}), json!(null), json!({"Records": [{}]}), json!([1])]
    {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), payload).await;
        assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Refused")));
    }
}

#[tokio::test]
async fn an_alarm_of_no_single_rollout_is_kept_and_announced() {
    for name in ["sns/without-job", "sns/metric-math-of-two-jobs"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert!(refused(&done), "{name}: {done:?}");
        assert_eq!(failed.as_deref(), Some("Tripline.Refused"), "{name}");
    }
}

#[tokio::test]
async fn a_claim_that_cloudwatch_contradicts_stops_nothing_and_is_announced() {
    let unknown = Scripted { alarms: answers(vec![]), ..sound() };
    let other_job = alarm(SLOW, AlarmState::Alarm, watching("fw-9"));
    let mails = KnownAlarm {
        actions: BTreeSet::from(["arn:aws:sns:eu-west-1:111122223333:mail".to_owned()]),
        ..slow(AlarmState::Alarm)
    };
    let old = KnownAlarm { since: Some(CREATED - 1), ..slow(AlarmState::Alarm) };
    for aws in [
        unknown,
        Scripted { alarms: answers(vec![other_job]), ..sound() },
        Scripted { alarms: answers(vec![mails]), ..sound() },
        Scripted { alarms: answers(vec![slow(AlarmState::Ok)]), fired: Ok(None), ..sound() },
        Scripted { alarms: answers(vec![old]), fired: Ok(None), ..sound() },
    ] {
        let stopper = stopper(aws, StopMode::Cancel);
        let (done, failed) = run(&stopper, event("sns/alarm")).await;
        assert!(refused(&done), "{done:?}");
        assert_eq!(failed, None);
        assert_eq!(*stopper.client.refusals.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn an_alarm_that_one_answer_leaves_out_is_asked_for_again() {
    let alarms = Mutex::new(vec![Ok(vec![]), Ok(vec![slow(AlarmState::Alarm)])]);
    let (done, _) =
        run(&stopper(Scripted { alarms, ..sound() }, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], CANCELED);
}

#[tokio::test]
async fn an_alarm_that_invokes_the_function_itself_has_to_name_it() {
    let only_topic =
        KnownAlarm { actions: BTreeSet::from([TOPIC.to_owned()]), ..slow(AlarmState::Alarm) };
    let aws = Scripted { alarms: answers(vec![only_topic]), ..sound() };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("cloudwatch/alarm-action")).await;
    assert!(refused(&done), "{done:?}");
}

#[tokio::test]
async fn another_account_s_metric_says_nothing_of_a_rollout_here() {
    let mut foreign = event("sns/failure-rate");
    let message = foreign["Records"][0]["Sns"]["Message"].as_str().unwrap();
    let mut message: Value = serde_json::from_str(message).unwrap();
    message["Trigger"]["Metrics"][1]["AccountId"] = json!("444455556666");
    foreign["Records"][0]["Sns"]["Message"] = json!(message.to_string());
    // Even when CloudWatch cannot be asked.
    let aws = Scripted {
        alarms: Mutex::new(vec![Err(unreachable("DescribeAlarms"))]),
        now: SENT + 500,
        ..sound()
    };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), foreign).await;
    assert!(refused(&done), "{done:?}");
}

#[tokio::test]
async fn an_alarm_that_fired_and_recovered_still_stops() {
    let aws = Scripted { alarms: answers(vec![slow(AlarmState::Ok)]), ..sound() };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], CANCELED.replace(": over", ": it was over"));
}

#[tokio::test]
async fn a_history_that_one_answer_leaves_out_is_asked_for_again() {
    let alarms = answers(vec![slow(AlarmState::Ok)]);
    let aws = Scripted { alarms, forgets: Mutex::new(1), ..sound() };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert!(stops(&done), "{done:?}");
}

#[tokio::test]
async fn people_and_the_job_get_cloudwatch_s_words_and_not_the_message_s() {
    for (pointer, value) in [
        ("/NewStateReason", json!("Call +1-900-555-0100")),
        ("/StateChangeTime", json!("1999-01-01T00:00:00.000+0000")),
    ] {
        let stopper = stopper(sound(), StopMode::Cancel);
        let (done, _) = run(&stopper, with("sns/alarm", pointer, value)).await;
        assert_eq!(done, [CANCELED, ALERTED[0], ALERTED[1]], "{pointer}");
    }
}

/// What leaves open whether the alarm fired for this job, in every way.
fn open() -> Vec<Scripted> {
    let away = |kind| Failure::new("DescribeAlarms", kind, "no");
    let ageless = Job { created_at: None, ..job(JobState::Active) };
    let mut all: Vec<Scripted> =
        [FailureKind::Throttled, FailureKind::Denied, FailureKind::Unavailable]
            .map(|kind| Scripted { alarms: Mutex::new(vec![Err(away(kind))]), ..sound() })
            .into();
    all.push(Scripted {
        alarms: answers(vec![slow(AlarmState::Ok)]),
        fired: Err(unreachable("DescribeAlarmHistory")),
        ..sound()
    });
    all.push(Scripted { job: Mutex::new(vec![Ok(ageless)]), ..sound() });
    all
}

#[tokio::test]
async fn what_could_not_be_verified_is_asked_again_and_stopped_gently_in_the_end() {
    for mode in [StopMode::Cancel, StopMode::Abort] {
        for aws in open() {
            let stopper = stopper(Scripted { now: SENT + 169, ..aws }, mode);
            let (done, failed) = run(&stopper, event("sns/alarm")).await;
            assert_eq!(done, <[&str; 0]>::default(), "nothing is done yet");
            assert!(failed.is_some());
        }
        for aws in open() {
            let stopper = stopper(Scripted { now: SENT + 170, ..aws }, mode);
            let (done, failed) = run(&stopper, event("sns/alarm")).await;
            assert_eq!(done[0], UNVERIFIED);
            assert!(done[2].contains("(unverified)"), "{done:?}");
            assert_eq!(failed, None);
        }
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_described_is_stopped_in_the_end() {
    let away = || Mutex::new(vec![Err(unreachable("DescribeJob"))]);
    let aws = Scripted { job: away(), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Unavailable")));
    let aws = Scripted { job: away(), now: SENT + 200, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
    assert_eq!(done[0], UNVERIFIED);
    assert!(done[2].contains("counts not known"), "{done:?}");
    assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"), "it comes again to be proven");
}

#[tokio::test]
async fn five_rollouts_at_most_are_stopped_without_verification_in_ten_minutes() {
    let aws = Scripted {
        alarms: Mutex::new(vec![Err(unreachable("DescribeAlarms"))]),
        keeps_word: false,
        now: SENT + 200,
        ..sound()
    };
    let stopper = stopper(aws, StopMode::Cancel);
    let mut stopped = 0;
    let mut alerts = 0;
    for number in 0..50 {
        let id = format!("fw-{number}");
        let mut forged = with("sns/alarm", "/AlarmName", json!(format!("tripline-{id}-slow")));
        let message = forged["Records"][0]["Sns"]["Message"].as_str().unwrap();
        let message = message.replace("\"value\":\"fw-2-1\"", &format!("\"value\":\"{id}\""));
        forged["Records"][0]["Sns"]["Message"] = json!(message);
        *stopper.client.job.lock().unwrap() =
            vec![Ok(job(JobState::Active)), Ok(job(JobState::Canceled))];
        let (done, _) = run(&stopper, forged).await;
        stopped += done.iter().filter(|done| done.starts_with("cancel")).count();
        alerts += done.iter().filter(|done| done.contains("could NOT stop")).count();
    }
    assert_eq!((stopped, alerts), (5, 5), "and a few of the others are named");
}

#[tokio::test]
async fn what_is_not_tripline_s_has_opted_out_or_cannot_be_counted_is_not_stopped_unverified() {
    let away = || Scripted {
        alarms: Mutex::new(vec![Err(unreachable("DescribeAlarms"))]),
        now: SENT + 200,
        ..sound()
    };
    let untimely = {
        let mut event = event("sns/alarm");
        event["Records"][0]["Sns"]["Timestamp"] = json!("yesterday");
        event
    };
    for (aws, event) in [
        (away(), with("sns/alarm", "/AlarmName", json!("my-slow"))),
        (away(), untimely),
        (Scripted { opted_out: Ok(true), ..away() }, event("sns/alarm")),
        (Scripted { turns_away: true, ..away() }, event("sns/alarm")),
    ] {
        let (done, failed) = run(&stopper(aws, StopMode::Cancel), event).await;
        assert_eq!(done, [NOT_STOPPED[0]]);
        assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"));
    }
    let unread = Scripted { opted_out: Err(unreachable("ListTagsForResource")), ..away() };
    let (done, _) = run(&stopper(unread, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[0], UNVERIFIED);
}

#[tokio::test]
async fn an_alarm_that_invokes_the_function_itself_is_obeyed_in_the_end_too() {
    for (now, is_stopped) in [(SENT + 10, false), (SENT + 200, true)] {
        let alarms = Mutex::new(vec![Err(unreachable("DescribeAlarms"))]);
        let aws = Scripted { alarms, now, ..sound() };
        let event = event("cloudwatch/alarm-action");
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event).await;
        assert_eq!(stops(&done), is_stopped, "{done:?}");
    }
}

#[tokio::test]
async fn a_message_from_before_the_job_never_stops_it_unverified() {
    for (created_at, is_stale) in [(SENT, false), (SENT + 1, true)] {
        let later = Job { created_at: Some(created_at), ..job(JobState::Active) };
        let aws = Scripted {
            alarms: Mutex::new(vec![Err(unreachable("DescribeAlarms"))]),
            job: Mutex::new(vec![Ok(later)]),
            now: SENT + 200,
            ..sound()
        };
        let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
        assert_eq!((refused(&done), stops(&done)), (is_stale, !is_stale), "{done:?}");
        assert_eq!(failed, None);
    }
}

#[tokio::test]
async fn a_failure_rate_that_never_was_is_refused_and_one_that_was_is_not() {
    let rule = FailureRateRule::read("IF(n >= 50, 100 * u / n)", "n", "u", 20.0);
    let name = "tripline-fw-2-1-default-FailureRate";
    let counted = |succeeded, failed| {
        let ended = EndedCounts { succeeded, failed, ..EndedCounts::default() };
        let counts = ExecutionCounts { ended, ..ExecutionCounts::default() };
        Ok(Job { counts, ..job(JobState::Active) })
    };
    let world = |jobs| Scripted {
        alarms: answers(vec![KnownAlarm {
            failure_rate: rule,
            ..alarm(name, AlarmState::Alarm, watching("fw-2-1"))
        }]),
        job: Mutex::new(jobs),
        ..sound()
    };
    let run = async |jobs| {
        run(&stopper(world(jobs), StopMode::Cancel), event("sns/failure-rate")).await.0
    };
    assert!(refused(&run(vec![counted(500, 10)]).await), "10 of 50 are not more than 20 %");
    assert!(stops(&run(vec![counted(500, 11)]).await), "it was 22 %, whatever it is now");
    let uncounted = counted(0, 0).map(|job| Job { is_counted: false, ..job });
    assert!(stops(&run(vec![uncounted]).await), "it did not say its counts");
    assert!(refused(&run(vec![counted(0, 0)]).await), "nobody has begun");
    // AWS IoT was behind.
    assert!(stops(&run(vec![counted(30, 5), counted(45, 15)]).await));
}

#[tokio::test]
async fn a_stop_whose_answer_was_lost_is_announced() {
    let mut stopped = job(JobState::Canceled);
    stopped.reason_code = Some(REASON_CODE.to_owned());
    stopped.comment = Some(CANCELED.split_once("false ").unwrap().1.to_owned());
    let refused = Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException: ended");
    let answers = Mutex::new(vec![Ok(job(JobState::Active)), Ok(stopped)]);
    let aws = Scripted { cancel: Mutex::new(vec![refused]), job: answers, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((&done[1..], failed), (&ALERTED.map(str::to_owned)[..], None));
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
async fn an_ended_job_is_left_alone_and_a_missing_one_is_announced() {
    for state in [JobState::Completed, JobState::Canceled, JobState::Deleting] {
        let aws = Scripted { job: Mutex::new(vec![Ok(job(state))]), ..sound() };
        let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
        assert_eq!((done, failed), (vec![], None));
    }
    let gone = Failure::new("DescribeJob", FailureKind::NotFound, "ResourceNotFoundException: no");
    let aws = Scripted { job: Mutex::new(vec![Err(gone)]), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Abort), event("sns/alarm")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_stop_that_fails_is_announced_at_once_and_tried_again() {
    let throttled =
        || Failure::new("CancelJob", FailureKind::Throttled, "ThrottlingException: slow down");
    let once = Scripted { cancel: Mutex::new(vec![throttled()]), ..sound() };
    let (done, failed) = run(&stopper(once, StopMode::Cancel), event("sns/alarm")).await;
    let all = ["cancel failed", NOT_STOPPED[0], NOT_STOPPED[1], CANCELED, ALERTED[0], ALERTED[1]];
    assert_eq!((&done[..], failed), (&all.map(str::to_owned)[..], None));

    let twice = Scripted { cancel: Mutex::new(vec![throttled(), throttled()]), ..sound() };
    let stopper = stopper(twice, StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    let all = ["cancel failed", NOT_STOPPED[0], NOT_STOPPED[1], "cancel failed"];
    assert_eq!(done, all);
    assert_eq!(failed.as_deref(), Some("Tripline.Throttled"));
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    let all = [CANCELED, ALERTED[0], ALERTED[1]];
    assert_eq!((&done[..], failed), (&all.map(str::to_owned)[..], None));
}

#[tokio::test]
async fn a_stop_that_aws_iot_says_it_made_is_proven() {
    let aws = Scripted { keeps_word: false, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done, [CANCELED, NOT_STOPPED[0], NOT_STOPPED[1], CANCELED]);
    assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"));
    let away = vec![Ok(job(JobState::Active)), Err(unreachable("DescribeJob"))];
    let aws = Scripted { job: Mutex::new(away), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    let taken = [
        "email: Tripline asked AWS IoT to stop rollout fw-2-1",
        "sms: Tripline asked AWS IoT to stop fw-2-1: slow. counts not known. Check it: tripline watch",
    ];
    assert_eq!(done, [CANCELED, taken[0], taken[1]], "nobody is alerted that it is stopped");
    assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"), "it comes again to be proven");
}

/// What is announced of a stop that an earlier attempt made is what that attempt did.
#[tokio::test]
async fn a_stop_that_is_proven_later_is_announced_as_it_was_made() {
    for (firing, is_forced, mode, first) in [
        (true, true, StopMode::Cancel, "AWS IoT aborted the job"),
        (true, false, StopMode::Abort, "AWS IoT canceled the job"),
        (false, false, StopMode::Abort, "unverified: AWS did not answer"),
    ] {
        let at = Firing { reason: "slow".to_owned(), at: Some(FIRED) };
        let id = "9a7c0d0e-0000-4000-8000-000000000001";
        let comment = comment_for(SLOW, Some(&at).filter(|_| firing), Some(id));
        let stopped = Job {
            reason_code: Some(REASON_CODE.to_owned()),
            comment: Some(comment),
            is_forced,
            ..job(JobState::Canceled)
        };
        let aws = Scripted { job: Mutex::new(vec![Ok(stopped)]), ..sound() };
        let stopper = stopper(aws, mode);
        assert_eq!(run(&stopper, event("sns/alarm")).await.0.len(), 2);
        let mails = stopper.client.mails.lock().unwrap().clone();
        assert!(mails[0].contains(first), "{mails:?}");
        assert_eq!(mails[0].contains("unverified"), !firing, "{mails:?}");
    }
}

#[tokio::test]
async fn a_comment_that_aws_iot_refuses_is_tried_in_ascii() {
    let refused =
        Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException: pattern");
    let strange =
        KnownAlarm { reason: "zu langsam \u{1fae9}".to_owned(), ..slow(AlarmState::Alarm) };
    let cancel = Mutex::new(vec![refused]);
    let aws = Scripted { alarms: answers(vec![strange]), cancel, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!(done[1], CANCELED.replace("over the limit", "zu langsam ?"));
    assert_eq!((&done[2..], failed), (&ALERTED.map(str::to_owned)[..], None), "nobody is alarmed");
}

#[tokio::test]
async fn no_word_of_an_answer_reaches_people() {
    let evil = || Failure::new("CancelJob", FailureKind::Unavailable, "call +1-900-555-0100");
    let aws = Scripted { cancel: Mutex::new(vec![evil(), evil()]), ..sound() };
    let stopper = stopper(aws, StopMode::Cancel);
    let (_, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!(failed.as_deref(), Some("Tripline.Unavailable"));
    let mails = stopper.client.mails.lock().unwrap().clone();
    assert!(mails.len() == 2 && mails.iter().all(|mail| !mail.contains("900")), "{mails:?}");
}

#[tokio::test]
async fn a_job_that_ends_while_it_is_being_stopped_needs_no_stop() {
    let refused =
        || Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException: ended");
    let ended = Mutex::new(vec![Ok(job(JobState::Active)), Ok(job(JobState::Completed))]);
    let aws = Scripted { cancel: Mutex::new(vec![refused()]), job: ended, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((&done[..], failed), (&["cancel failed".to_owned()][..], None));
}

#[tokio::test]
async fn a_job_that_is_deleted_before_it_is_stopped_is_announced() {
    let gone = |operation| Failure::new(operation, FailureKind::NotFound, "no such job");
    let deleted = vec![Ok(job(JobState::Active)), Err(gone("DescribeJob"))];
    let cancel = Mutex::new(vec![gone("CancelJob")]);
    let aws = Scripted { cancel, job: Mutex::new(deleted.clone()), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((done[0].as_str(), failed), ("cancel failed", None));
    assert!(refused(&done[1..]), "{done:?}");
    // After AWS IoT has taken the stop: it is said too.
    let aws = Scripted { job: Mutex::new(deleted), ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((done[0].as_str(), failed), (CANCELED, None));
    assert!(refused(&done[1..]), "{done:?}");
}

#[tokio::test]
async fn one_state_change_under_five_message_ids_makes_one_stop_and_one_e_mail() {
    let one = stopper(sound(), StopMode::Cancel);
    let mut all = Vec::new();
    for id in 0..5 {
        all.extend(run(&one, under_id("sns/alarm", &format!("id-{id}"))).await.0);
    }
    assert_eq!(all.len(), 3, "{all:?}");
    // Nor do environments that know nothing of each other: AWS IoT says whose stop it was.
    let Some(Ok(stopped)) = one.client.job.lock().unwrap().first().cloned() else { panic!() };
    for id in 1..5 {
        let refused = Failure::new("CancelJob", FailureKind::Refused, "InvalidRequestException");
        let late = vec![Ok(job(JobState::Active)), Ok(stopped.clone())];
        let aws = Scripted { cancel: Mutex::new(vec![refused]), job: Mutex::new(late), ..sound() };
        let other = stopper(aws, StopMode::Cancel);
        let (done, failed) = run(&other, under_id("sns/alarm", &format!("id-{id}"))).await;
        assert_eq!((&done[..], failed), (&["cancel failed".to_owned()][..], None));
    }
}

#[tokio::test]
async fn a_job_id_that_is_used_again_is_not_stopped_in_silence() {
    let stopper = stopper(sound(), StopMode::Cancel);
    assert_eq!(run(&stopper, event("sns/alarm")).await.0, [CANCELED, ALERTED[0], ALERTED[1]]);
    let again = Job { created_at: Some(CREATED + 1), ..job(JobState::Active) };
    *stopper.client.job.lock().unwrap() = vec![Ok(again)];
    let (done, _) = run(&stopper, under_id("sns/alarm", "id-2")).await;
    assert!(stops(&done), "{done:?}");
    assert_eq!(done[1..], ALERTED);
}

#[tokio::test]
async fn a_state_change_of_an_unknown_time_is_announced_by_delivery() {
    let undated = KnownAlarm { since: None, ..slow(AlarmState::Ok) };
    let fired = Ok(Some(Firing { reason: "it was over the limit".to_owned(), at: None }));
    let aws = Scripted { alarms: answers(vec![undated]), fired, ..sound() };
    let stopper = stopper(aws, StopMode::Observe);
    for (id, announced) in [("id-1", 2), ("id-1", 0), ("id-2", 2)] {
        assert_eq!(run(&stopper, under_id("sns/alarm", id)).await.0.len(), announced, "{id}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_silence_a_later_stop_under_the_same_message_id() {
    let stopper = stopper(Scripted { alarms: answers(vec![]), ..sound() }, StopMode::Cancel);
    assert!(refused(&run(&stopper, event("sns/alarm")).await.0));
    *stopper.client.alarms.lock().unwrap() = vec![Ok(vec![slow(AlarmState::Alarm)])];
    assert_eq!(run(&stopper, event("sns/alarm")).await.0, [CANCELED, ALERTED[0], ALERTED[1]]);
}

#[tokio::test]
async fn a_flood_of_forged_messages_makes_one_e_mail_and_no_sms() {
    let stopper = stopper(Scripted { alarms: answers(vec![]), ..sound() }, StopMode::Cancel);
    let mut all = Vec::new();
    for id in 0..200 {
        all.extend(run(&stopper, under_id("sns/alarm", &format!("id-{id}"))).await.0);
    }
    assert!(refused(&all), "{all:?}");
    assert_eq!(*stopper.client.refusals.lock().unwrap(), 200, "all are counted");
}

#[tokio::test]
async fn a_refusal_that_nobody_was_alerted_to_is_announced_when_it_comes_again() {
    let aws = Scripted {
        alarms: answers(vec![]),
        publish: Mutex::new(vec![unreachable("Publish")]),
        ..sound()
    };
    let stopper = stopper(aws, StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Unavailable")));
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
    assert_eq!(run(&stopper, event("sns/alarm")).await, (vec![], None), "once");
    // Nor by another environment, which gets Lambda's next attempt.
    let turns = Mutex::new(stopper.client.turns.lock().unwrap().clone());
    let aws = Scripted { alarms: answers(vec![]), turns, ..sound() };
    let other = self::stopper(aws, StopMode::Cancel);
    assert_eq!(run(&other, event("sns/alarm")).await, (vec![], None));
    // The turn is kept for a retry.
    for (id, is_announced) in [("id-2", false), ("id-1", true)] {
        let turns = vec![(Turn::RefusalMail, "id-1".to_owned(), SENT)];
        let aws = Scripted { alarms: answers(vec![]), turns: Mutex::new(turns), ..sound() };
        let stopper = self::stopper(aws, StopMode::Cancel);
        assert_eq!(refused(&run(&stopper, under_id("sns/alarm", id)).await.0), is_announced);
    }
    // Without the table the metric's alarm has to do.
    let aws = Scripted { alarms: answers(vec![]), turns_away: true, ..sound() };
    let (done, failed) = run(&self::stopper(aws, StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((done, failed), (vec![], None));
}

#[tokio::test]
async fn a_stop_that_nobody_was_alerted_to_is_announced_when_it_comes_again() {
    let silent = Scripted { publish: Mutex::new(vec![unreachable("Publish")]), ..sound() };
    let stopper = stopper(silent, StopMode::Cancel);
    let (done, failed) = run(&stopper, event("sns/alarm")).await;
    assert_eq!(
        (&done[..], failed.as_deref()),
        (&[CANCELED.to_owned(), ALERTED[1].to_owned()][..], Some("Tripline.Unavailable"))
    );
    assert_eq!(run(&stopper, event("sns/alarm")).await, (vec![ALERTED[0].to_owned()], None));
    assert_eq!(run(&stopper, event("sns/alarm")).await, (vec![], None));
}

/// The alarm may be gone by then.
#[tokio::test]
async fn a_stop_that_nobody_was_alerted_to_is_announced_though_its_alarm_is_gone() {
    let silent = vec![unreachable("Publish"), unreachable("Publish")];
    let one = stopper(Scripted { publish: Mutex::new(silent), ..sound() }, StopMode::Cancel);
    assert_eq!(run(&one, event("sns/alarm")).await.0, [CANCELED]);
    let job = one.client.job.lock().unwrap().clone();
    let later =
        |now| Scripted { alarms: answers(vec![]), job: Mutex::new(job.clone()), now, ..sound() };
    let (done, failed) =
        run(&stopper(later(SENT + 62), StopMode::Cancel), event("sns/alarm")).await;
    assert_eq!((&done[..], failed), (&ALERTED.map(str::to_owned)[..], None));
    // Another delivery is refused as ever.
    let other = under_id("sns/alarm", "id-2");
    assert!(refused(&run(&stopper(later(SENT + 62), StopMode::Cancel), other).await.0));
}

/// A rollout that goes on could be announced with each message.
#[tokio::test]
async fn what_is_not_stopped_is_announced_once_by_all_environments_and_by_few_sms() {
    let keys: Mutex<Vec<_>> = Mutex::default();
    let turns: Mutex<Vec<_>> = Mutex::default();
    let mut all = Vec::new();
    for n in 0..20 {
        let fired = KnownAlarm { since: Some(FIRED + n / 2), ..slow(AlarmState::Alarm) };
        let aws = Scripted {
            alarms: answers(vec![fired]),
            keys: Mutex::new(keys.lock().unwrap().clone()),
            turns: Mutex::new(turns.lock().unwrap().clone()),
            ..sound()
        };
        let stopper = stopper(aws, StopMode::Observe);
        all.extend(run(&stopper, under_id("sns/alarm", &format!("id-{n}"))).await.0);
        *keys.lock().unwrap() = stopper.client.keys.lock().unwrap().clone();
        *turns.lock().unwrap() = stopper.client.turns.lock().unwrap().clone();
    }
    let count = |medium: &str| all.iter().filter(|done| done.starts_with(medium)).count();
    assert_eq!((count("email: "), count("sms: ")), (10, 5), "{all:#?}");
}

#[tokio::test]
async fn one_bad_record_does_not_cost_the_next() {
    let mut both = event("sns/no-alarm");
    both["Records"].as_array_mut().unwrap().push(event("sns/alarm")["Records"][0].clone());
    let (done, failed) = run(&stopper(sound(), StopMode::Cancel), both).await;
    assert_eq!(done, [CANCELED, ALERTED[0], ALERTED[1]]);
    assert_eq!(failed.as_deref(), Some("Tripline.Refused"));
}

fn with_composite(rule: &str, others: Vec<KnownAlarm>) -> Scripted {
    let subject = KnownSubject::Composite { rule: rule.to_owned() };
    let mut alarms = vec![alarm("fw-2-1-any", AlarmState::Alarm, subject)];
    alarms.extend(others);
    Scripted { alarms: answers(alarms), ..sound() }
}

const RULE: &str = "ALARM(\"tripline-fw-2-1-slow\") OR ALARM(\"tripline-fw-2-1-failing\")";

#[tokio::test]
async fn a_composite_alarm_stops_the_rollout_of_its_children() {
    // Only the composite alarm has to ask for a stop.
    let slow = KnownAlarm { actions: BTreeSet::new(), ..slow(AlarmState::Alarm) };
    let (done, failed) = run(
        &stopper(with_composite(RULE, vec![slow.clone()]), StopMode::Cancel),
        event("sns/composite"),
    )
    .await;
    assert!(done[0].starts_with("cancel fw-2-1 force=false"), "{done:?}");
    assert_eq!(failed, None);

    // Without the names of those that triggered it, those in ALARM count, at any depth.
    let silent = with("sns/composite", "/TriggeringChildren", json!([]));
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
    // CloudWatch has no such child.
    let (done, failed) =
        run(&stopper(with_composite(RULE, vec![]), StopMode::Cancel), event("sns/composite")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed, None);
    // One answer leaves it out.
    let aws = with_composite(RULE, vec![slow("fw-2-1")]);
    let all = aws.alarms.lock().unwrap()[0].clone().unwrap();
    let without = Ok(vec![all[0].clone()]);
    *aws.alarms.lock().unwrap() = vec![without.clone(), without, Ok(all)];
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    assert!(stops(&done), "{done:?}");
    // The child watches nothing of ours.
    let nothing = alarm(SLOW, AlarmState::Alarm, KnownSubject::Metrics(Watched::default()));
    let aws = with_composite(RULE, vec![nothing]);
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    assert!(refused(&done), "{done:?}");
    assert_eq!(failed.as_deref(), Some("Tripline.Refused"));
    // CloudWatch has to be asked, or there is no rollout to be named.
    let away = Mutex::new(vec![Err(unreachable("DescribeAlarms"))]);
    let aws = Scripted { alarms: away, now: SENT + 500, ..sound() };
    let (done, failed) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    let announced =
        vec!["email: Tripline could NOT stop a rollout: which one is not known".to_owned()];
    assert_eq!((done, failed.as_deref()), (announced, Some("Tripline.Unavailable")));
}

/// The composite alarm fired for another rollout; the alarm that a forger names as the cause did not.
#[tokio::test]
async fn an_alarm_that_is_named_as_the_cause_has_to_have_fired_itself() {
    for child in
        [slow(AlarmState::Ok), KnownAlarm { since: Some(CREATED - 1), ..slow(AlarmState::Alarm) }]
    {
        let aws = Scripted { fired: Ok(None), ..with_composite(RULE, vec![child]) };
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
        assert!(refused(&done), "{done:?}");
    }
    let aws = with_composite(RULE, vec![slow(AlarmState::Ok)]);
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    assert!(stops(&done), "it fired and recovered: {done:?}");
}

/// A child that is in ALARM for another rollout says nothing of this change.
#[tokio::test]
async fn only_the_cause_says_which_rollout_it_is() {
    let other = alarm("tripline-fw-2-1-failing", AlarmState::Alarm, watching("fw-9"));
    let named = [slow(AlarmState::Alarm), slow(AlarmState::Ok)];
    for child in named {
        let aws = with_composite(RULE, vec![child, other.clone()]);
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
        assert!(stops(&done), "{done:?}");
    }
    // One that watches no rollout leaves it to the others, which have to have fired themselves.
    let business = alarm(SLOW, AlarmState::Alarm, KnownSubject::Metrics(Watched::default()));
    for (since, is_stopped) in [(FIRED, true), (CREATED - 1, false)] {
        let failing = alarm("tripline-fw-2-1-failing", AlarmState::Alarm, watching("fw-2-1"));
        let failing = KnownAlarm { since: Some(since), ..failing };
        let fired = Ok(None);
        let aws = Scripted { fired, ..with_composite(RULE, vec![business.clone(), failing]) };
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
        assert_eq!((stops(&done), refused(&done)), (is_stopped, !is_stopped), "{done:?}");
    }
}

/// What fired after the composite alarm did not cause it.
#[tokio::test]
async fn a_cause_that_fired_later_is_refused() {
    for (later, earlier, is_stopped) in
        [(5, None, true), (6, None, false), (600, None, false), (600, Some(FIRED - 60), true)]
    {
        let child = KnownAlarm { since: Some(FIRED + later), ..slow(AlarmState::Alarm) };
        let fired = Ok(earlier.map(|at| Firing { reason: "slow".to_owned(), at: Some(at) }));
        let aws = Scripted { fired, ..with_composite(RULE, vec![child]) };
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
        assert_eq!((stops(&done), refused(&done)), (is_stopped, !is_stopped), "{done:?}");
    }
}

/// Once all is well again, only the alarms' definitions are left to say which rollout it was.
#[tokio::test]
async fn a_composite_alarm_that_recovered_stops_the_only_rollout_under_it() {
    let silent = with("sns/composite", "/TriggeringChildren", json!([]));
    for (other, is_stopped) in [("fw-2-1", true), ("fw-9", false)] {
        let failing = alarm("tripline-fw-2-1-failing", AlarmState::Ok, watching(other));
        let aws = with_composite(RULE, vec![slow(AlarmState::Ok), failing]);
        let (done, _) = run(&stopper(aws, StopMode::Cancel), silent.clone()).await;
        assert_eq!((stops(&done), refused(&done)), (is_stopped, !is_stopped), "{done:?}");
    }
}

/// A condition, such as no maintenance, says nothing of a rollout, and may be older than it.
#[tokio::test]
async fn a_cause_that_watches_no_rollout_need_not_have_fired() {
    let foreign = Watched { accounts: ["999988887777".to_owned()].into(), ..Watched::default() };
    let condition = alarm(SLOW, AlarmState::Ok, KnownSubject::Metrics(foreign));
    let failing = alarm("tripline-fw-2-1-failing", AlarmState::Alarm, watching("fw-2-1"));
    let aws = Scripted { fired: Ok(None), ..with_composite(RULE, vec![condition, failing]) };
    let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
    assert!(stops(&done), "{done:?}");
}

/// A composite alarm under another may be the cause itself.
#[tokio::test]
async fn a_composite_alarm_that_is_the_cause_is_followed() {
    let inner = |state| alarm(SLOW, state, KnownSubject::Composite { rule: "ALARM(a)".to_owned() });
    let leaf = |state, job| alarm("a", state, watching(job));
    let other = alarm("tripline-fw-2-1-failing", AlarmState::Alarm, watching("fw-9"));
    for (state, fired, is_stopped) in [
        (AlarmState::Alarm, true, true),
        (AlarmState::Ok, true, true),
        (AlarmState::Ok, false, false),
    ] {
        let children = vec![inner(state), leaf(state, "fw-2-1"), other.clone()];
        let firing = Firing { reason: "slow".to_owned(), at: Some(FIRED) };
        let fired = Ok(Some(firing).filter(|_| fired));
        let aws = Scripted { fired, ..with_composite(RULE, children) };
        let (done, _) = run(&stopper(aws, StopMode::Cancel), event("sns/composite")).await;
        assert_eq!((stops(&done), refused(&done)), (is_stopped, !is_stopped), "{done:?}");
    }
}

#[tokio::test]
async fn envelopes_of_other_services_stop_nothing() {
    for name in ["eventbridge/alarm-state-change", "sqs/alarm", "sqs/alarm-by-sns"] {
        let (done, failed) = run(&stopper(sound(), StopMode::Cancel), event(name)).await;
        assert_eq!((done, failed.as_deref()), (vec![], Some("Tripline.Refused")), "{name}");
    }
}

#[tokio::test]
async fn people_get_the_command_that_takes_devices_back_and_get_it_whether_the_tag_is_read_or_not()
{
    let fallback = JobId::new("fw-2-0").unwrap();
    for (read, to) in [
        (Ok(Some(fallback)), "--to fw-2-0\n"),
        (Ok(None), "--to RELEASE (RELEASE: "),
        (Err(unreachable("ListTagsForResource")), "--to RELEASE (RELEASE: "),
    ] {
        let stopper = stopper(Scripted { fallback: read, ..sound() }, StopMode::Cancel);
        let (done, error) = run(&stopper, event("sns/alarm")).await;
        assert_eq!((done.len(), error), (3, None), "{done:?}");
        let mails = stopper.client.mails.lock().unwrap().concat();
        let said = "12 devices have the firmware. To revert them: tripline revert --job-id fw-2-1 ";
        assert!(mails.contains(&format!("{said}{to}")), "{mails}");
    }
}
