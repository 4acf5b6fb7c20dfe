//! What the functions ask of AWS, without AWS: answers that are the same every time.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use force_stopper::ask::{
    CancelJob, DescribeAlarms, DescribeJob, HasOptedOut, HoldJob, HoldOrder, LastFiring, Publish,
    ReadEvidence, ReadFallback, Surroundings, TakeTurn, Turn,
};
use metrics_generator::{NotPut, PutDoubts, PutMetrics};
use tripline::batch::Request;
use tripline::evidence::Record;
use tripline::job::{ExecutionCounts, Job, JobId, JobState, Setup};
use tripline::notification::{AlarmState, Watched};
use tripline::release::hold::{OnAlarm, OnHoldFailed};
use tripline::rollout::Rate;
use tripline::stop::{Firing, KnownAlarm, KnownSubject, REASON_CODE};
use tripline::time::Timestamp;
use tripline_aws::{Failure, FailureKind};

/// The time of every run, in seconds since the epoch: that of the events in `events/`.
pub(super) const NOW: i64 = 1_790_000_100;
/// The topic that stops, in the account of the events.
pub(super) const STOP_TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:stop";
const EMAIL: &str = "email";
const SMS: &str = "sms";

type Answer<T> = Result<T, Failure>;

/// AWS as a target sees it; keeps what was done to it.
#[derive(Debug)]
pub(super) struct NoAws {
    /// Whether it answers at all.
    answers: bool,
    is_canceled: AtomicBool,
    /// Requests with metrics.
    pub requests: Mutex<Vec<Request>>,
    /// What else was done, in words.
    pub done: Mutex<Vec<String>>,
}

impl NoAws {
    /// One that has what it is asked for, or one that never answers.
    pub fn new(answers: bool) -> Self {
        let (requests, done) = (Mutex::default(), Mutex::default());
        Self { answers, is_canceled: AtomicBool::new(false), requests, done }
    }

    /// What the stack sets for the force-stopper.
    pub fn setting(name: &str) -> Option<String> {
        let value = match name {
            "FORCE_STOP_TOPIC_ARN" => STOP_TOPIC,
            "GUARDS_TABLE" | "STACK_NAME" => "a",
            "EMAIL_TOPIC_ARN" => EMAIL,
            "SMS_TOPIC_ARN" => SMS,
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn answer<T>(&self, operation: &'static str, answer: T) -> Answer<T> {
        let failure = || Failure::new(operation, FailureKind::Unavailable, "no answer");
        self.answers.then_some(answer).ok_or_else(failure)
    }

    fn did(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }
}

impl PutMetrics for &NoAws {
    async fn put_metrics(&self, request: &Request) -> Result<(), NotPut> {
        self.requests.lock().unwrap().push(request.clone());
        Ok(())
    }
}

impl PutDoubts for &NoAws {
    async fn put_doubts(&self, _: u64) -> Result<(), NotPut> {
        Ok(())
    }
}

impl DescribeAlarms for &NoAws {
    /// Every alarm is there, and fired for the rollout of the events.
    async fn describe_alarms(&self, names: &[String]) -> Answer<Vec<KnownAlarm>> {
        let alarm = |name: &String| KnownAlarm {
            name: name.clone(),
            state: AlarmState::Alarm,
            reason: "over the limit".to_owned(),
            since: Some(NOW - 40),
            subject: KnownSubject::Metrics(Watched {
                namespaces: BTreeSet::from(["IoT:OTA:JobExecution".to_owned()]),
                jobs: BTreeSet::from(["fw-2-1".to_owned()]),
                accounts: BTreeSet::new(),
            }),
            actions: BTreeSet::from([STOP_TOPIC.to_owned()]),
            rule: None,
            failure_rate: None,
            evidence: None,
        };
        self.answer("DescribeAlarms", names.iter().map(alarm).collect())
    }
}

impl LastFiring for &NoAws {
    async fn last_firing(&self, _: &str, _: Option<i64>, _: Option<i64>) -> Answer<Option<Firing>> {
        let firing = Firing { reason: "over the limit".to_owned(), at: Some(NOW - 40) };
        self.answer("DescribeAlarmHistory", Some(firing))
    }
}

impl DescribeJob for &NoAws {
    async fn describe_job(&self, _: &JobId) -> Answer<Job> {
        let is_canceled = self.is_canceled.load(Ordering::Relaxed);
        // A job is stopped while alarms cannot be read, so that it can be read in any case.
        Ok(Job {
            state: if is_canceled { JobState::Canceled } else { JobState::Active },
            reason_code: is_canceled.then(|| REASON_CODE.to_owned()),
            comment: None,
            is_forced: false,
            created_at: Some(NOW - 3_600),
            ended_at: is_canceled.then_some(NOW),
            rate: Rate::QUOTA,
            is_greengrass: false,
            counts: ExecutionCounts { queued: 181, in_progress: 4, ..ExecutionCounts::default() },
            is_counted: true,
            timeout: None,
            setup: Setup::default(),
        })
    }
}

impl ReadEvidence for &NoAws {
    async fn read_evidence(&self, _: &JobId) -> Answer<Option<Record>> {
        self.answer("GetItem", None)
    }
}

impl HasOptedOut for &NoAws {
    async fn has_opted_out(&self, _: &JobId) -> Answer<bool> {
        self.answer("ListTagsForResource", false)
    }
}

impl ReadFallback for &NoAws {
    async fn read_fallback(&self, _: &JobId) -> Answer<Option<JobId>> {
        self.answer("ListTagsForResource", None)
    }
}

impl HoldJob for &NoAws {
    async fn on_alarm(&self, _: &JobId) -> Answer<(OnAlarm, OnHoldFailed)> {
        self.answer("ListTagsForResource", (OnAlarm::Cancel, OnHoldFailed::Cancel))
    }

    async fn hold(&self, job: &JobId, _: &HoldOrder<'_>) -> Answer<()> {
        self.did(format!("hold {job}"));
        Ok(())
    }
}

impl CancelJob for &NoAws {
    async fn cancel_job(&self, job: &JobId, force: bool, comment: &str, _: Duration) -> Answer<()> {
        assert!(comment.chars().count() <= tripline::stop::MAX_COMMENT, "{comment}");
        assert!(!comment.chars().any(char::is_control), "{comment:?}");
        assert!(!force, "nothing but a cancel was set");
        self.is_canceled.store(true, Ordering::Relaxed);
        self.did(format!("cancel {job} {comment}"));
        Ok(())
    }
}

impl Publish for &NoAws {
    async fn publish(&self, topic: &str, subject: Option<&str>, message: &str) -> Answer<()> {
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if let Some(subject) = subject {
            assert!(is_plain(subject) && (1..=99).contains(&subject.len()), "{subject:?}");
        }
        match topic {
            SMS => assert!(is_plain(message) && message.len() <= 140, "{message:?}"),
            EMAIL => super::said::is_fit(message, 10_000),
            other => panic!("a message to `{other}`"),
        }
        self.did(format!("publish {topic} {message}"));
        Ok(())
    }
}

impl TakeTurn for &NoAws {
    async fn may_say(&self, _: u64, _: &str, _: Timestamp) -> Answer<bool> {
        Ok(true)
    }

    async fn take_turn(&self, _: Turn, _: &str, _: Timestamp) -> Answer<bool> {
        Ok(true)
    }

    async fn end_turn(&self, _: Turn, _: &str) -> Answer<()> {
        Ok(())
    }
}

impl Surroundings for &NoAws {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(NOW)
    }

    fn count_refusal(&self) {
        self.did("refused".to_owned());
    }
}

/// Runs what waits for nobody.
pub(super) fn done<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(future)
}
