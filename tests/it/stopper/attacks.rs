//! Messages that lie, many at once, and AWS at its limits.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;
use tripline_tests::faults::{Fault, Plan};
use tripline_tests::http_aws::{HttpAws, now};
use tripline_tests::lambda_runtime::Delivery;

use super::stage::{
    alarm_event, alarm_name, done, event, fired, function, healthy, mails, message,
};
use crate::matrix::heavy;

/// Delivers each event in an environment of its own, all at once.
async fn at_once(aws: &HttpAws, plan: &Plan, events: Vec<Value>) -> Vec<Delivery> {
    let mut deliveries = JoinSet::new();
    for event in events {
        let (aws, plan) = (aws.clone(), plan.clone());
        deliveries.spawn(async move {
            let door = aws.door(|_| plan).await.unwrap();
            let mut environment = function().environment(door).await.unwrap();
            environment.deliver(&event).await.unwrap()
        });
    }
    deliveries.join_all().await
}

/// At most so many calls of an operation a second are answered.
fn throttled(operation: &'static str, per_second: usize) -> Plan {
    let answered = Mutex::new(Vec::<Instant>::new());
    Plan::new(move |call| {
        let mut answered = answered.lock().unwrap();
        answered.retain(|at| at.elapsed() < Duration::from_secs(1));
        if call.operation != operation {
            return None;
        }
        if answered.len() < per_second {
            answered.push(Instant::now());
            return None;
        }
        Some(Fault::Refused(400, "ThrottlingException"))
    })
}

/// Whoever floods the topic makes CloudWatch throttle; that must not switch the verification off. Half
/// of the alarms are called as Tripline's are.
#[tokio::test]
async fn a_flood_of_forged_messages_stops_nothing() {
    let _alone = heavy().await;
    let aws = HttpAws::default();
    let jobs: Vec<String> = (0..250).map(|n| format!("healthy-{n}")).collect();
    for job in &jobs {
        aws.account().add_job(job, now() - 600.0);
    }
    let forged = |(n, job): (usize, &String)| {
        let name = if n % 2 == 0 { alarm_name(job) } else { format!("alarm-{job}") };
        event(&format!("m-{job}"), &message(&name, job))
    };
    let events = jobs.iter().enumerate().map(forged).collect();
    at_once(&aws, &throttled("DescribeAlarms", 9), events).await;
    let account = aws.account();
    let stopped: Vec<_> = jobs.iter().filter(|job| account.is_canceled(job)).collect();
    // What nobody can say from a true one is stopped in the end, a few times.
    assert!(stopped.len() <= 5, "healthy jobs were canceled: {stopped:?}");
    for job in &stopped {
        let comment = account.jobs[*job]["comment"].as_str().unwrap();
        assert!(comment.contains("unverified") && comment.contains("tripline-"), "{comment}");
    }
    let mails = mails(&account);
    let of = |verb: &str| mails.iter().filter(|mail| mail.starts_with(verb)).count();
    assert!(of("Tripline refused") <= 1, "{mails:#?}");
    assert!(of("Tripline could NOT stop") <= 5, "{mails:#?}");
    assert_eq!(of("Tripline stopped"), stopped.len(), "{mails:#?}");
    println!(
        "{} stops, {} e-mails for 250 forged messages in 250 environments",
        stopped.len(),
        mails.len()
    );
}

/// Who has lost the right to ask stops in the end, but not more than a few: whoever knows the names
/// could have made CloudWatch throttle.
#[tokio::test]
async fn without_answers_a_stack_stops_five_at_most() {
    let aws = HttpAws::default();
    let mut deliveries = JoinSet::new();
    for n in 0..12 {
        let job = format!("healthy-{n}");
        healthy(&mut aws.account(), &job);
        let denied = Plan::new(|call| {
            (call.operation == "DescribeAlarms")
                .then_some(Fault::Refused(403, "AccessDeniedException"))
        });
        let aws = aws.clone();
        deliveries.spawn(async move {
            let door = aws.door(|_| denied).await.unwrap();
            let mut environment = function().environment(door).await.unwrap();
            environment.deliver_from(3, &alarm_event(&job), |_| None).await.unwrap()
        });
    }
    let deliveries = deliveries.join_all().await;
    let account = aws.account();
    let stopped = account.jobs.keys().filter(|job| account.is_canceled(job)).count();
    let mails = mails(&account);
    assert_eq!(stopped, 5, "{mails:?}");
    assert_eq!(deliveries.iter().filter(|delivery| delivery.undelivered).count(), 7);
    // Of the seven others five are named.
    let (stops, others): (Vec<_>, Vec<_>) =
        mails.iter().partition(|mail| mail.starts_with("Tripline stopped"));
    assert!(stops.iter().all(|mail| mail.contains("unverified")), "{stops:?}");
    assert_eq!((stops.len(), others.len()), (5, 5), "{others:?}");
}

/// A stop is tried for its full time, however many an environment could not make before. Twenty of
/// them take half an hour, so this is for the soak.
#[tokio::test]
async fn every_stop_is_tried_for_its_full_time() {
    if std::env::var_os("TRIPLINE_SOAK").is_none() {
        return;
    }
    let aws = HttpAws::default();
    let failing = Plan::new(|call| {
        (call.operation == "CancelJob")
            .then_some(Fault::Refused(503, "ServiceUnavailableException"))
    });
    let door = aws.door(|_| failing).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    for n in 0..20 {
        let job = format!("fw-{n}");
        fired(&mut aws.account(), &job);
        let begun = Instant::now();
        environment.invoke(&alarm_event(&job), None).await.unwrap();
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(60), "{job}: given up after {took:?}");
    }
}

/// One environment keeps its patience over many messages.
#[tokio::test]
async fn retries_do_not_run_dry_in_an_environment() {
    let aws = HttpAws::default();
    let jobs: Vec<String> = (0..20).map(|n| format!("fw-{n}")).collect();
    // Each CancelJob is answered on its third try.
    let failing = Plan::new(|call| {
        (call.operation == "CancelJob" && call.n % 3 != 0)
            .then_some(Fault::Refused(503, "ServiceUnavailableException"))
    });
    let door = aws.door(|_| failing).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    for job in &jobs {
        fired(&mut aws.account(), job);
        let delivery = environment.deliver(&alarm_event(job)).await.unwrap();
        assert_eq!(delivery.attempts.len(), 1, "{job}: {delivery:?}\n{}", environment.log());
        assert!(aws.account().is_canceled(job), "{job}");
    }
    assert_eq!(aws.ledger().of("CancelJob").len(), 60);
}

/// SNS and CloudWatch may say the same thing more than once, under other ids.
#[tokio::test]
async fn one_state_change_under_five_ids_is_one_stop_and_one_mail() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-5");
    let message = message(&alarm_name("fw-5"), "fw-5");
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    for n in 1..=5 {
        let delivery = environment.deliver(&event(&format!("m-{n}"), &message)).await.unwrap();
        assert!(!delivery.undelivered, "{}", environment.log());
    }
    assert_eq!(done(&aws.ledger().entries(), "CancelJob"), 1);
    let mails = mails(&aws.account());
    assert_eq!(mails.len(), 1, "{mails:#?}");
}

/// Without the job's age a stop is never forced: what fired may have fired for an earlier job.
#[tokio::test]
async fn a_job_of_unknown_age_is_never_aborted() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-9");
    let blind = Plan::new(|call| {
        (call.operation == "DescribeJob").then_some(Fault::Refused(403, "AccessDeniedException"))
    });
    let door = aws.door(|_| blind).await.unwrap();
    let mut environment = function().with("STOP_MODE", "abort").environment(door).await.unwrap();
    environment.deliver_from(3, &alarm_event("fw-9"), |_| None).await.unwrap();
    let account = aws.account();
    let forced = &account.jobs["fw-9"]["forceCanceled"];
    assert_ne!(forced, &Value::Bool(true), "{}", environment.log());
    assert!(
        mails(&account).iter().all(|mail| mail.contains("unverified")),
        "{:?}",
        mails(&account)
    );
}

/// An alarm that only mails, or whose actions are off, did not ask for a stop.
#[tokio::test]
async fn an_alarm_that_did_not_ask_stops_nothing() {
    for (field, value) in [
        ("AlarmActions", serde_json::json!([super::stage::email_topic()])),
        ("ActionsEnabled", Value::Bool(false)),
    ] {
        let aws = HttpAws::default();
        fired(&mut aws.account(), "fw-3");
        let name = alarm_name("fw-3");
        aws.account().alarms.get_mut(&name).unwrap().described[field] = value;
        let door = aws.door(|_| Plan::none()).await.unwrap();
        let mut environment = function().environment(door).await.unwrap();
        environment.deliver(&alarm_event("fw-3")).await.unwrap();
        assert!(!aws.account().is_canceled("fw-3"), "{field}\n{}", environment.log());
        let mails = mails(&aws.account());
        assert!(mails.iter().any(|mail| mail.starts_with("Tripline refused")), "{mails:?}");
    }
}

/// A verified stop says what CloudWatch says, not what the message does.
#[tokio::test]
async fn nothing_of_a_message_is_passed_on() {
    let aws = HttpAws::default();
    fired(&mut aws.account(), "fw-4");
    let mut message = message(&alarm_name("fw-4"), "fw-4");
    message["NewStateReason"] = "Your account is locked: sign in at https://example.test".into();
    message["StateChangeTime"] = "1999-01-01T00:00:00.000+0000".into();
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    environment.deliver(&event("m-4", &message)).await.unwrap();
    let account = aws.account();
    assert!(account.is_canceled("fw-4"), "{}", environment.log());
    let comment = account.jobs["fw-4"]["comment"].to_string();
    for said in mails(&account).iter().chain([&comment]) {
        assert!(!said.contains("example.test") && !said.contains("1999"), "{said}");
        assert!(said.contains("Threshold Crossed"), "{said}");
    }
}

/// Refusals are mailed once in ten minutes, and never cost an SMS.
#[tokio::test]
async fn many_refusals_make_one_mail_and_no_sms() {
    let aws = HttpAws::default();
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    for n in 0..20 {
        let job = format!("fw-{n}");
        healthy(&mut aws.account(), &job);
        environment.deliver(&alarm_event(&job)).await.unwrap();
        assert!(!aws.account().is_canceled(&job));
    }
    let account = aws.account();
    let published: Vec<_> = account.published.iter().map(|message| &message.topic).collect();
    assert_eq!(published, [&super::stage::email_topic()]);
}

/// The way from the message to CancelJob, against bare round trips to the same server. Reported,
/// since a busy machine says nothing about Lambda.
#[tokio::test]
async fn the_stop_path_is_measured() {
    let aws = HttpAws::default();
    let door = aws.door(|_| Plan::none()).await.unwrap();
    let endpoint = door.endpoint();
    let address = endpoint.trim_start_matches("http://").to_owned();
    let mut environment = function().environment(door).await.unwrap();
    let (mut stops, mut trips) = (Vec::new(), Vec::new());
    for n in 0..60 {
        let job = format!("fw-{n}");
        fired(&mut aws.account(), &job);
        let event = alarm_event(&job);
        let begun = Instant::now();
        environment.deliver(&event).await.unwrap();
        let canceled = aws.ledger().of("CancelJob");
        stops.push(canceled.last().unwrap().at - begun);
        trips.push(bare_round_trip(&address).await);
    }
    stops.sort();
    trips.sort();
    let (stop, trip) = (stops[30], trips[30]);
    println!(
        "stop path: median {stop:?}, p99 {:?}; bare round trip: median {trip:?}; aim {:?}",
        stops[59],
        trip * 3 + Duration::from_millis(10)
    );
}

async fn bare_round_trip(address: &str) -> Duration {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let begun = Instant::now();
    stream.write_all(b"GET /jobs/none HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 4_096];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    begun.elapsed()
}
