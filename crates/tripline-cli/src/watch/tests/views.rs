//! What people and programs read.

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_iot::types::{JobStatus, TargetSelection};

use super::fake::*;
use crate::aws::tally::Tally;
use crate::watch::follow::Watch;
use tripline::evidence::Record;

const TALLY: Tally = Tally {
    succeeded: 120,
    failed: 2,
    rejected: 0,
    timed_out: 1,
    in_progress: 2,
    queued: 75,
    canceled: 0,
    removed: 0,
};

/// A rollout of which there is everything to be seen.
fn busy() -> Fake {
    let fake = Fake::default();
    let mut late = alarm("tripline-fw-late", "fw", StateValue::InsufficientData);
    late.actions_enabled = Some(false);
    // It only alerts, so that it takes nothing from the guard.
    late.alarm_actions = Some(vec!["arn:aws:sns:us-east-1:111122223333:email".to_owned()]);
    fake.alarms([alarm("tripline-fw-slow", "fw", StateValue::Ok), late]);
    fake.tag("arn:tripline-fw-slow", "fw");
    fake.downloads((1..=120).map(|n| f64::from(n) * 10.0));
    let executions = [
        ("IN_PROGRESS", vec![("pump-7", 4_000), ("pump-8\u{1b}[2J", 61)]),
        ("FAILED", vec![("pump-1", 30), ("pump-2", 7_300)]),
        ("TIMED_OUT", vec![("pump-3", 90)]),
    ];
    for (status, all) in executions {
        let all = all.into_iter().map(|(thing, ago)| (thing.to_owned(), NOW - ago, NOW - ago));
        fake.execute(status, all);
    }
    fake.keep_evidence("fw", &record());
    fake.answers("fw", [running(TALLY)]);
    fake
}

fn record() -> Record {
    Record {
        created: CREATED,
        at: NOW - 20,
        evidence: 0.93,
        threshold: 2.0,
        brief: "evidence 0.9 of 2 · 22 min: 36 % of 610 unfinished, limit 33 %".to_owned(),
        next_age: Some(30),
        clearance: Some(0.44),
        unseen: vec!["failures: attempts are counted, not devices".to_owned()],
        stops: true,
        ..Record::default()
    }
}

async fn once(fake: &Fake, jobs: &[&str]) -> Log {
    fake.follow(Watch { once: true, ..watch(jobs) }).await.1
}

#[tokio::test(start_paused = true)]
async fn a_busy_rollout() {
    let log = once(&busy(), &["fw"]).await;
    for width in WIDTHS {
        let screen = &log.screens[&width];
        assert!(screen.iter().all(|line| line.chars().count() <= width), "{screen:#?}");
        insta::assert_snapshot!(format!("busy_screen_{width}"), screen.join("\n"));
    }
    insta::assert_snapshot!("busy_line", log.lines.join("\n"));
    insta::assert_snapshot!("busy_json", format!("{:#}", log.data[0]));
}

#[tokio::test(start_paused = true)]
async fn other_rollouts() {
    let fake = busy();
    fake.answers(
        "stopped",
        [stopped(TALLY, "TRIPLINE_ALARM", "Tripline: alarm tripline-stopped-slow fired")],
    );
    let mut early = job(JobStatus::InProgress, Tally::default());
    early.is_concurrent = Some(true);
    fake.answers("early", [Answer::Job(Box::new(early))]);
    let mut open = job(JobStatus::InProgress, Tally { succeeded: 3, ..Tally::default() });
    open.target_selection = Some(TargetSelection::Continuous);
    fake.answers("open", [Answer::Job(Box::new(open))]);
    fake.downloads([]);
    let log = once(&fake, &["stopped", "early", "open"]).await;
    insta::assert_snapshot!("other_screens", log.screens[&80].join("\n"));
    insta::assert_snapshot!("other_lines", log.lines.join("\n"));
    insta::assert_snapshot!("other_ends", log.end.join("\n"));
}
