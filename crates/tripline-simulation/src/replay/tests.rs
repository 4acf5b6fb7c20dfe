mod ends;
mod evidence;
mod lines;
mod replays;
mod reported;
mod unsuccessful_rate;

use serde_json::{Value, json};

use super::*;
use tripline::job::JobId;

const START: i64 = 1_790_000_040;

fn event(number: u32, at: i64, operation: &str, details: Value) -> Value {
    json!({
        "eventType": "JOB_EXECUTION",
        "eventId": format!("{number:08x}-6f0f-4a86-9a55-0d1c1c6d9d10"),
        "timestamp": at,
        "operation": operation,
        "jobId": "fw-1",
        "thingArn": format!("arn:aws:iot:eu-west-1:111122223333:thing/pump-{number}"),
        "status": operation.to_uppercase(),
        "statusDetails": details,
    })
}

fn read(job: Option<&str>, events: &[Value]) -> Recording {
    let mut recording = Recording::new(job.map(|job| JobId::new(job).unwrap()));
    for (number, event) in (1..).zip(events) {
        let read = recording.read(number, event.to_string().as_bytes());
        read.unwrap_or_else(|why| panic!("{event}: {why}"));
    }
    recording
}

fn rollout(events: &[Value]) -> RecordedRollout {
    read(None, events).rollout().unwrap()
}

fn of(job: &str, mut event: Value) -> Value {
    event["jobId"] = job.into();
    event
}

#[test]
fn outcomes_are_in_the_order_of_their_declaration() {
    let places: Vec<usize> =
        RecordedRollout::OUTCOMES.iter().map(|outcome| *outcome as usize).collect();
    assert_eq!(places, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_rollout_is_what_its_events_report() {
    let events = [
        event(1, START, "succeeded", json!({"downloadTime": "10", "retryCount": "1"})),
        event(2, START + 59, "failed", json!({"downloadTime": "20"})),
        event(2, START + 59, "failed", json!({"downloadTime": "20"})),
        event(3, START + 60, "timed_out", json!({})),
        event(4, START + 180, "rejected", json!({})),
        event(5, START + 180, "canceled", json!({})),
        event(6, START + 180, "removed", json!({})),
        event(7, START + 900, "deleted", json!({})),
    ];
    let rollout = rollout(&events);
    assert_eq!(
        rollout.counts,
        Counts { events: 8, of_other_jobs: 0, repeated: 1, deleted: 1, begun: 0 }
    );
    assert_eq!((rollout.first.seconds(), rollout.last.seconds()), (START, START + 180));
    assert_eq!(rollout.outcomes, [1, 1, 1, 1, 1, 1]);
    let minutes: Vec<_> =
        rollout.minutes.iter().map(|reached| (reached.notified, reached.exposed)).collect();
    assert_eq!(minutes, [(2, 2), (3, 3), (3, 3), (6, 3)]);
    let at = |seconds| rollout.reached(tripline::time::Timestamp::from_seconds(START + seconds));
    assert_eq!((at(-1).exposed, at(0).exposed, at(59).exposed, at(1_000).exposed), (0, 1, 2, 3));
    assert_eq!((at(59).notified, at(60).notified, at(1_000).notified), (0, 2, 6));
}

#[test]
fn one_job_among_several_has_to_be_asked_for() {
    let events =
        [event(1, START, "failed", json!({})), of("fw-2", event(2, START, "failed", json!({})))];
    let Err(NoRollout::SeveralJobs { jobs, more: 0 }) = read(None, &events).rollout() else {
        panic!()
    };
    assert_eq!(
        jobs.into_iter().collect::<Vec<_>>(),
        [("fw-1".to_owned(), 1), ("fw-2".to_owned(), 1)]
    );
    let second = read(Some("fw-2"), &events).rollout().unwrap();
    assert_eq!(
        (second.job.as_str(), second.executions(), second.counts.of_other_jobs),
        ("fw-2", 1, 1)
    );
    let Err(NoRollout::OtherJobs { jobs }) = read(Some("fw-3"), &events).rollout() else {
        panic!()
    };
    assert_eq!(jobs.len(), 2);
}

#[test]
fn the_names_of_jobs_take_no_end_of_memory() {
    let events: Vec<_> =
        (0..1_500).map(|n| of(&format!("fw-{n}"), event(n, START, "failed", json!({})))).collect();
    let Err(NoRollout::SeveralJobs { jobs, more }) = read(None, &events).rollout() else {
        panic!()
    };
    assert_eq!((jobs.len(), more), (MAX_JOBS, 500));
    // The one that is asked for is known all the same.
    assert_eq!(read(Some("fw-1499"), &events).rollout().unwrap().executions(), 1);
}

#[test]
fn nothing_is_not_a_rollout() {
    assert_eq!(read(None, &[]).rollout().unwrap_err(), NoRollout::Empty);
    assert_eq!(read(Some("fw-1"), &[]).rollout().unwrap_err(), NoRollout::Empty);
    let deleted = [event(1, START, "deleted", json!({}))];
    let job = JobId::new("fw-1").unwrap();
    assert_eq!(read(None, &deleted).rollout().unwrap_err(), NoRollout::NothingEnded(job));
}

#[test]
fn an_event_without_a_place_in_time_is_unusable() {
    // The first line decides as little as any other.
    let mut recording = Recording::new(None);
    for far in [0, 1, i64::MAX, i64::MIN, 1_000_000_000, 5_000_000_000] {
        let far = event(3, far, "failed", json!({})).to_string();
        let read = recording.read(1, far.as_bytes());
        assert!(matches!(read, Err(Unusable::Implausible(_))), "{far}");
    }
    let mut timeless = event(2, START, "failed", json!({}));
    timeless["timestamp"] = "yesterday".into();
    assert_eq!(recording.read(2, timeless.to_string().as_bytes()), Err(Unusable::NoTime));
    for number in 3..6 {
        let event = event(number, START + i64::from(number), "failed", json!({}));
        recording.read(number.into(), event.to_string().as_bytes()).unwrap();
    }
    let rollout = recording.rollout().unwrap();
    assert_eq!((rollout.counts.events, rollout.executions(), rollout.minutes.len()), (3, 3, 1));
}

#[test]
fn the_odd_one_is_left_out_wherever_it_stands() {
    const YEARS: i64 = 3 * 366 * 86_400;
    for place in 0..4 {
        let mut events: Vec<_> =
            (0..3).map(|n| event(n, START + i64::from(n), "failed", json!({}))).collect();
        events.insert(place, event(9, START - YEARS, "succeeded", json!({"downloadTime": "1"})));
        let rollout = rollout(&events);
        assert_eq!((rollout.counts.events, rollout.outcomes), (3, [0, 3, 0, 0, 0, 0]));
        assert_eq!((rollout.first.seconds(), rollout.last.seconds()), (START, START + 2));
        let line = place as u64 + 1;
        let odd = (line, tripline::time::Timestamp::from_seconds(START - YEARS));
        assert_eq!(rollout.far_away, FarAway { events: 1, first: vec![odd] });
        assert_eq!(rollout.series(tripline::metric::Metric::DownloadTime).count(0, i64::MAX), 0);
    }
}

#[test]
fn a_device_counts_once_and_from_its_first_attempt_on() {
    let mut events = Vec::new();
    for (number, at) in [(1, START), (2, START + 60), (3, START + 120)] {
        let mut again = event(number, at, "failed", json!({}));
        again["thingArn"] = "arn:aws:iot:eu-west-1:111122223333:thing/one".into();
        events.push(again);
    }
    for number in 4..6 {
        let mut nameless = event(number, START + 120, "failed", json!({}));
        nameless.as_object_mut().unwrap().remove("thingArn");
        events.push(nameless);
    }
    let rollout = rollout(&events);
    assert_eq!((rollout.executions(), rollout.end().exposed), (5, 3));
    let spared = rollout.spared_by(tripline::time::Timestamp::from_seconds(START + 60));
    assert_eq!(spared, Spared { ended_before: 1, ended_after: 2, at_work: 0 });
}

#[test]
fn a_device_at_its_download_is_not_spared() {
    let events = [
        event(1, START + 1_000, "succeeded", json!({"downloadTime": "400.5"})),
        event(2, START + 1_000, "succeeded", json!({"downloadTime": "399"})),
        event(3, START + 1_000, "timed_out", json!({})),
        event(4, START + 1_000, "canceled", json!({"downloadTime": "999"})),
        event(5, START, "succeeded", json!({"downloadTime": "999"})),
    ];
    let spared = rollout(&events).spared_by(tripline::time::Timestamp::from_seconds(START + 600));
    assert_eq!(spared, Spared { ended_before: 1, ended_after: 3, at_work: 1 });
    assert_eq!(spared.at_most(), 2);
}
