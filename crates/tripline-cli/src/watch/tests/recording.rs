//! What a rollout leaves.

use std::fs;

use super::fake::*;
use crate::aws::tally::Tally;
use crate::input::file::NewFile;
use crate::watch::record::record;
use tripline::job::JobId;

#[tokio::test(start_paused = true)]
async fn a_rollout_is_recorded_once_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fw.ndjson");
    let file = NewFile::new(&path, false).unwrap();
    let job = JobId::new("fw").unwrap();
    let some = Tally { succeeded: 300, timed_out: 1, ..Tally::default() };
    let fake = Fake::default();
    fake.answers("fw", [running(some), completed(some)]);
    fake.execute("SUCCEEDED", (0..300).map(|n| (format!("d{n:04}"), CREATED + n, NOW + n)));
    fake.execute("TIMED_OUT", [("late".to_owned(), CREATED, NOW + 3_600)]);
    let mut observer = fake.observer();
    record(&mut observer, &job, &file).await.unwrap();
    assert!(!path.exists(), "it is still in progress");
    let (end, _) = fake.follow(watch(&["fw"])).await;
    end.unwrap();
    fake.calls();
    record(&mut observer, &job, &file).await.unwrap();
    assert_eq!(fake.calls().len(), 3, "the job and two pages");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 602);
    assert_eq!(text.matches("\"operation\":\"in_progress\"").count(), 301);
    assert!(text.lines().last().unwrap().contains("\"operation\":\"timed_out\""));
    let again = record(&mut observer, &job, &file).await.unwrap_err().to_string();
    assert!(again.contains("already exists"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_without_executions_leaves_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fw.ndjson");
    let file = NewFile::new(&path, false).unwrap();
    let fake = Fake::default();
    fake.answers("fw", [completed(Tally { succeeded: 9, ..Tally::default() })]);
    let mut observer = fake.observer();
    record(&mut observer, &JobId::new("fw").unwrap(), &file).await.unwrap();
    record(&mut observer, &JobId::new("gone").unwrap(), &file).await.unwrap();
    assert!(!path.exists());
}
