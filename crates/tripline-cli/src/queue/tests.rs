//! Workers, with a table in memory.

use std::future::pending as never;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::input::accepted::AcceptedWays;
use crate::queue::state::{
    Entry, EntryEnding, EntryId, EntryOutcome, Span, State, StoredFile, Use,
};
use aws_sdk_iot::types::JobStatus;
use fake_aws::Fault;
use tripline::time::Timestamp;

use super::clock;
use super::fake::FakeAws;
use super::list;
use super::next::{Attempt, Report, try_next};
use super::store::Change;
use super::work::{Work, Worked, work};
use crate::deploy::Deployment;
use crate::exit::{End, Error};

/// The n-th entry of a queue, added in second n.
pub fn pending(n: u32) -> Entry {
    let file = |used, name: &str| StoredFile {
        used,
        name: name.parse().unwrap(),
        bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned(),
    };
    Entry {
        id: EntryId::new(i64::from(n) * 1_000, n, None),
        version: 1,
        state: State::Pending,
        job: format!("fw-{n}").parse().unwrap(),
        region: None,
        bucket: "releases".to_owned(),
        files: vec![
            file(Use::Config, "dev.ini"),
            file(Use::Firmware, "fw.bin"),
            file(Use::Things, "things.txt"),
        ],
        bake: span(0),
        tolerance: Default::default(),
        alert_only: false,
        default_guard: false,
        accept_uncovered: Default::default(),
        claims: 0,
        failures: 0,
        not_before: None,
        note: None,
    }
}

fn span(seconds: u32) -> Span {
    Span::from_seconds(seconds).unwrap()
}

fn how(detach: bool) -> Work {
    Work { stack: "tripline".to_owned(), detach, folder: None, within: None }
}

/// Claims what is next for `worker`.
async fn claim(fake: &FakeAws, worker: &str, lease: u32) -> Entry {
    match try_next(&fake.aws(), span(lease), worker).await.unwrap() {
        Attempt::Claimed(entry) => entry,
        other => panic!("{other:?}"),
    }
}

/// Claims the first entry and deploys it, which ends like this.
async fn worked(fake: &FakeAws, detach: bool, result: Result<End, Error>) -> Worked {
    let claimed = claim(fake, "w", 900).await;
    let deploy = async |_| result;
    work(&fake.aws(), claimed, &how(detach), deploy, never()).await.unwrap()
}

#[tokio::test]
async fn every_end_of_a_deployment_is_written_down() {
    let done = |outcome| Some(outcome);
    for (detach, result, outcome, state, failures) in [
        (false, Ok(End::Done), done(EntryOutcome::Succeeded), "done", 0),
        (true, Ok(End::Done), None, "deployed", 0),
        (false, Ok(End::Stopped), done(EntryOutcome::Stopped), "done", 0),
        (true, Ok(End::Stopped), done(EntryOutcome::Stopped), "done", 0),
        (false, Ok(End::Finding), done(EntryOutcome::Failed), "done", 0),
        (false, Ok(End::Undecided), None, "pending", 1),
        (false, Err(Error::input("no role".to_owned())), None, "pending", 1),
    ] {
        let shown = format!("{result:?} {detach}");
        let fake = FakeAws::with(&[pending(1)]);
        worked(&fake, detach, result).await;
        let entry = fake.entry(&pending(1).id);
        assert_eq!(super::item::word(&entry.state), state, "{shown}");
        assert_eq!((entry.claims, entry.failures), (1, failures), "{shown}");
        let found = match entry.state {
            State::Done { outcome, .. } => Some(outcome),
            _ => None,
        };
        assert_eq!(found, outcome, "{shown}");
        assert_eq!(entry.not_before.is_some(), failures > 0, "{shown}");
    }
}

#[tokio::test]
async fn the_files_are_there_and_what_was_begun_is_resumed() {
    let fake = FakeAws::with(&[pending(1)]);
    let seen: Arc<Mutex<Vec<(Deployment, bool)>>> = Arc::default();
    for _ in 0..2 {
        let deploy = async |deployment: Deployment| {
            let folder = deployment.config.parent().unwrap();
            let files = ["dev.ini", "fw.bin", "things.txt"];
            let there =
                files.iter().all(|name| std::fs::read(folder.join(name)).unwrap() == b"abc");
            seen.lock().unwrap().push((deployment.clone(), there));
            Err(Error::input("no network".to_owned()))
        };
        let claimed = claim(&fake, "w", 900).await;
        work(&fake.aws(), claimed, &how(true), deploy, never()).await.unwrap();
        let failed = fake.entry(&pending(1).id);
        fake.put(&Entry { not_before: None, ..failed });
    }
    let seen = seen.lock().unwrap();
    let resumed: Vec<_> = seen.iter().map(|(deployment, _)| deployment.resume).collect();
    assert_eq!(resumed, [false, true]);
    assert!(seen.iter().all(|(deployment, there)| *there && deployment.detach));
    let folders: Vec<_> = seen.iter().map(|(deployment, _)| &deployment.config).collect();
    assert_ne!(folders[0], folders[1]);
    assert!(folders.iter().all(|config| !config.exists()), "temporary files stay behind");
}

#[tokio::test]
async fn a_release_reads_its_own_files_and_those_within_a_folder() {
    let fake = FakeAws::with(&[pending(1)]);
    let keys = tempfile::tempdir().unwrap();
    let within = Some(keys.path().to_str().unwrap().parse().unwrap());
    let claimed = claim(&fake, "w", 900).await;
    let deploy = async |deployment: Deployment| {
        let within = deployment.within.clone().unwrap();
        let refused = |path: &std::path::Path| within.refusal(path).is_some();
        assert!(!refused(&deployment.config) && !refused(&keys.path().join("signing.pem")));
        assert!(refused(std::path::Path::new("/etc/passwd")));
        Ok(End::Done)
    };
    let how = Work { within, ..how(false) };
    let worked = work(&fake.aws(), claimed, &how, deploy, never()).await.unwrap();
    assert!(matches!(worked, Worked::Ended(_, End::Done)), "{worked:?}");
}

#[tokio::test]
async fn a_damaged_file_is_never_deployed() {
    for object in [&b"abd"[..], b"ab", b"abcd", b""] {
        let fake = FakeAws::with(&[pending(1)]);
        fake.hold(object);
        let claimed = claim(&fake, "w", 900).await;
        let deploy = async |_| panic!("deployed");
        let worked = work(&fake.aws(), claimed, &how(false), deploy, never()).await.unwrap();
        let Worked::Failed(entry, error) = worked else { panic!("{worked:?}") };
        let error = error.to_string();
        assert!(error.contains("dev.ini`: is not the file that was stored"), "{error}");
        assert_eq!((&entry.state, entry.failures), (&State::Pending, 1));
        assert_eq!(fake.entry(&entry.id), entry);
    }
}

#[tokio::test]
async fn an_interrupted_worker_gives_its_entry_back() {
    let fake = FakeAws::with(&[pending(1)]);
    let claimed = claim(&fake, "w", 900).await;
    let deploy = async |_| never().await;
    let interrupted = tokio::time::sleep(Duration::from_millis(50));
    let worked = work(&fake.aws(), claimed, &how(false), deploy, interrupted).await.unwrap();
    assert!(matches!(worked, Worked::Interrupted(_)), "{worked:?}");
    let entry = fake.entry(&pending(1).id);
    assert_eq!((&entry.state, entry.failures, entry.claims), (&State::Pending, 0, 1));
    assert_eq!(claim(&fake, "v", 900).await.claims, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_while_its_worker_is_busy() {
    let fake = FakeAws::with(&[pending(1)]);
    let claimed = claim(&fake, "w", 2).await;
    let State::Claimed(first) = claimed.state.clone() else { panic!() };
    // Not one point at which another task could run on this thread.
    let deploy = async |_| {
        std::thread::sleep(Duration::from_millis(2_500));
        assert!(matches!(try_next(&fake.aws(), span(2), "v").await.unwrap(), Attempt::Over(_)));
        let State::Claimed(now) = fake.entry(&claimed.id).state else { panic!() };
        assert!(now.until > first.until && now.worker == "w", "{now:?}");
        Ok(End::Done)
    };
    let worked = work(&fake.aws(), claimed.clone(), &how(false), deploy, never()).await.unwrap();
    assert!(matches!(worked, Worked::Ended(..)), "{worked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_lost_its_lease_stops_and_writes_nothing() {
    let fake = FakeAws::with(&[pending(1)]);
    let claimed = claim(&fake, "w", 2).await;
    let other = claimed.claimed("v".to_owned(), span(900), clock::now());
    fake.put(&other);
    let deploy = async |_| never().await;
    let worked = work(&fake.aws(), claimed, &how(false), deploy, never()).await.unwrap();
    assert!(matches!(worked, Worked::Lost), "{worked:?}");
    assert_eq!(fake.entry(&other.id), other);
    // The same if it comes to an end before it notices.
    let mut ended = pending(1).claimed("w".to_owned(), span(900), clock::now());
    ended.version = other.version;
    let deploy = async |_| Ok(End::Done);
    let worked = work(&fake.aws(), ended, &how(false), deploy, never()).await.unwrap();
    assert!(matches!(worked, Worked::Lost), "{worked:?}");
    assert_eq!(fake.entry(&other.id), other);
}

#[tokio::test]
async fn a_worker_that_stood_still_does_not_go_on_without_its_lease() {
    let fake = FakeAws::with(&[pending(1)]);
    let claimed = claim(&fake, "w", 2).await;
    let other = claimed.claimed("v".to_owned(), span(900), clock::now());
    let deploy = async |_| {
        // The whole process stands still: it has one thread.
        std::thread::sleep(Duration::from_millis(2_100));
        fake.put(&other);
        tokio::task::yield_now().await;
        panic!("it went on");
    };
    let worked = work(&fake.aws(), claimed, &how(false), deploy, never()).await.unwrap();
    assert!(matches!(worked, Worked::Lost), "{worked:?}");
    assert_eq!(fake.entry(&other.id), other);
}

#[tokio::test]
async fn what_was_said_to_be_meant_when_it_was_added_is_meant() {
    for (alert_only, default_guard) in [(false, false), (true, false), (false, true)] {
        let accept_uncovered: AcceptedWays =
            if alert_only { "fails".parse().unwrap() } else { AcceptedWays::default() };
        let entry = Entry {
            alert_only,
            default_guard,
            accept_uncovered: accept_uncovered.clone(),
            ..pending(1)
        };
        let fake = FakeAws::with(&[entry]);
        let claimed = claim(&fake, "w", 900).await;
        let deploy = async |deployment: Deployment| {
            assert_eq!(
                (deployment.alert_only, deployment.default_guard, deployment.accept_uncovered),
                (alert_only, default_guard, Some(accept_uncovered.clone()))
            );
            Ok(End::Done)
        };
        work(&fake.aws(), claimed, &how(true), deploy, never()).await.unwrap();
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_loss() {
    let fake = FakeAws::with(&[pending(1)]);
    let claimed = claim(&fake, "w", 900).await;
    let store = fake.aws().store;
    let ended = claimed.ended(EntryOutcome::Succeeded, None, Timestamp::from_seconds(9));
    assert!(store.keep("w", &ended).await.unwrap());
    // The SDK sends it again, and the entry is nobody's any more.
    assert!(store.keep("w", &ended).await.unwrap());
    let stopped = claimed.ended(EntryOutcome::Stopped, None, Timestamp::from_seconds(9));
    assert!(!store.keep("w", &stopped).await.unwrap());
}

#[tokio::test]
async fn whoever_decides_on_an_old_look_decides_nothing() {
    let fake = FakeAws::with(&[pending(2)]);
    let store = fake.aws().store;
    let old = store.read().await.unwrap();
    let step = |entry: Entry, worker: &str| {
        let to = entry.claimed(worker.to_owned(), span(900), clock::now());
        Change::step(&entry, &to)
    };
    // An older entry comes in between, and another worker takes it.
    assert!(store.change(&old, Change::Add(pending(1))).await.unwrap());
    let new = store.read().await.unwrap();
    assert_eq!(new.entries, [pending(1), pending(2)]);
    assert!(store.change(&new, step(pending(1), "v")).await.unwrap());
    assert!(!store.change(&old, step(pending(2), "w")).await.unwrap());
    assert!(!store.change(&old, Change::Remove(pending(2))).await.unwrap());
    let now = store.read().await.unwrap();
    assert!(!store.change(&now, Change::Add(pending(1))).await.unwrap());
    assert!(store.change(&now, Change::Remove(pending(2))).await.unwrap());
}

#[tokio::test]
async fn what_is_in_the_table_and_is_no_entry_is_named() {
    let fake = FakeAws::with(&[pending(1)]);
    fake.table(|table| table.items.values_mut().for_each(|item| drop(item.remove("jobId"))));
    let error = fake.aws().store.read().await.unwrap_err().to_string();
    assert!(error.starts_with("table `releases`: queue `default`: entry `19700101T000001000Z-00000001`: attribute `jobId`"), "{error}");
}

#[test]
fn the_list_says_where_everything_is() {
    let now = Timestamp::from_seconds(1_790_000_000);
    let later = Timestamp::from_seconds(1_790_000_400);
    let claimed = pending(2).claimed("w".to_owned(), span(900), now);
    let entries = [
        pending(1).ended(EntryOutcome::Succeeded, None, now),
        pending(2).ended(EntryOutcome::Stopped, Some("its guard stopped it"), now),
        claimed.clone(),
        claimed.failed("PutObject: no network", now),
        pending(4).deployed(),
        Entry { bake: span(7_200), ..pending(5) },
    ];
    let rows: Vec<_> = entries.iter().map(|entry| (entry, None)).collect();
    insta::assert_snapshot!(list::text(&rows, now));
    let lapsed = list::text(&[(&claimed, None)], Timestamp::from_seconds(later.seconds() + 560));
    assert!(lapsed.contains("claimed, lease over"), "{lapsed}");
    let uncounted = EntryEnding { outcome: None, why: Some("attempts".to_owned()) };
    let undecided = list::text(&[(&pending(4).deployed(), Some(uncounted))], now);
    assert!(undecided.contains("deployed, undecided"), "{undecided}");
}

/// An entry that ended well so many seconds ago, and one after it.
fn baking(bake: u32, ended_ago: i64) -> FakeAws {
    let ended = Timestamp::from_seconds(clock::now().seconds() - ended_ago);
    let first = Entry { bake: span(bake), ..pending(1) };
    let fake = FakeAws::with(&[first.ended(EntryOutcome::Succeeded, None, ended), pending(2)]);
    fake.world().cloudwatch.watch("fw-1", "slow");
    fake
}

/// Its alarm goes to ALARM so many seconds ago, and back.
fn fire(fake: &FakeAws, ago: i64) {
    let at = clock::now().seconds() - ago;
    fake.world().cloudwatch.fire("tripline-fw-1-slow", at);
    fake.world().cloudwatch.calm("tripline-fw-1-slow");
}

async fn report(fake: &FakeAws) -> Report {
    match try_next(&fake.aws(), span(900), "w").await.unwrap() {
        Attempt::Over(report) => report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_alarm_that_fires_before_the_next_one_began_holds_it_up_by_name() {
    // While it bakes, and when the bake was over but nothing had begun.
    for bake in [7_200, 60] {
        let fake = baking(bake, 600);
        fire(&fake, 300);
        let stopped = report(&fake).await;
        assert_eq!((stopped.result, stopped.end), ("stopped", End::Stopped));
        let why = stopped.why.unwrap();
        assert!(why.what().contains(": stopped: alarm `tripline-fw-1-slow` fired at "), "{why}");
        let entry = fake.entry(&pending(1).id);
        let is_stopped = matches!(entry.state, State::Done { outcome: EntryOutcome::Stopped, .. });
        assert!(is_stopped, "{entry:?}");
        // It stays so, with its name, until a person decides.
        let blocked = report(&fake).await;
        assert_eq!((blocked.result, blocked.end), ("blocked", End::Finding));
        let why = blocked.why.unwrap();
        assert!(why.what().contains("alarm `tripline-fw-1-slow` fired at "), "{why}");
        let skipped = entry.declared(EntryOutcome::Skipped, clock::now()).unwrap();
        fake.put(&skipped);
        assert_eq!(claim(&fake, "w", 900).await.id, pending(2).id);
    }
}

#[tokio::test]
async fn an_alarm_from_before_an_entry_was_said_to_have_ended_well_holds_up_nothing() {
    let fake = baking(60, 600);
    fire(&fake, 800);
    assert_eq!(claim(&fake, "w", 900).await.id, pending(2).id);
    // Nor does one that stands since then.
    let fake = baking(7_200, 600);
    let at = clock::now().seconds() - 800;
    fake.world().cloudwatch.fire("tripline-fw-1-slow", at);
    assert_eq!(report(&fake).await.result, "waiting");
}

#[tokio::test]
async fn nothing_is_claimed_while_alarms_cannot_be_read() {
    for operation in ["DescribeAlarms", "DescribeAlarmHistory"] {
        let fake = baking(60, 600);
        fake.world().faults.add(move |call| {
            let denied = Fault::Refused("AccessDenied", "not authorized");
            (call.operation == operation).then_some(denied)
        });
        let error = try_next(&fake.aws(), span(900), "w").await.unwrap_err().to_string();
        assert!(error.starts_with(operation), "{error}");
        assert_eq!(fake.entry(&pending(2).id), pending(2));
    }
}

/// A rollout of 50 devices that was left to itself, of which so many failed.
fn left_to_itself(failed: usize, tolerance: &str) -> FakeAws {
    let tolerance = tolerance.parse().unwrap();
    let first = Entry { tolerance, ..pending(1) };
    let fake = FakeAws::with(&[first.deployed(), pending(2)]);
    let mut world = fake.world();
    let things: Vec<String> = (0..50).map(|n| format!("d{n}")).collect();
    let targets: Vec<String> = things.iter().map(|thing| format!("thing/{thing}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    world.iot.job("fw-1", JobStatus::InProgress, &targets);
    for thing in &things {
        world.iot.notify("fw-1", thing);
    }
    for (n, thing) in things.iter().enumerate() {
        world.iot.report("fw-1", thing, if n < failed { "FAILED" } else { "SUCCEEDED" });
    }
    drop(world);
    fake
}

#[tokio::test]
async fn a_failing_share_within_the_tolerance_lets_the_next_one_go() {
    for (failed, tolerance, result) in [
        (0, "0", None),
        (1, "2", None),
        (2, "2", Some("2 of 50 devices failed; at most 1 may")),
        (1, "0", Some("1 of 50 devices failed; at most 0 may")),
    ] {
        let fake = left_to_itself(failed, tolerance);
        match result {
            None => {
                assert!(matches!(
                    try_next(&fake.aws(), span(900), "w").await.unwrap(),
                    Attempt::Again
                ));
                assert_eq!(claim(&fake, "w", 900).await.id, pending(2).id, "{failed} {tolerance}");
            }
            Some(why) => {
                let failed = report(&fake).await;
                assert_eq!((failed.result, failed.end), ("failed", End::Finding));
                assert!(failed.why.unwrap().what().ends_with(why), "{why}");
            }
        }
    }
}

#[tokio::test]
async fn an_alarm_that_did_not_stop_a_rollout_stops_the_queue() {
    let fake = left_to_itself(0, "2");
    fake.world().cloudwatch.watch("fw-1", "slow");
    fire(&fake, 300);
    let stopped = report(&fake).await;
    assert_eq!((stopped.result, stopped.end), ("stopped", End::Stopped));
    assert!(stopped.why.unwrap().what().contains("alarm `tripline-fw-1-slow` fired at "));
}

#[tokio::test]
async fn the_alarm_that_stopped_a_rollout_is_written_down_by_name() {
    let fake = FakeAws::with(&[pending(1)]);
    fake.world().iot.job("fw-1", JobStatus::Canceled, &["thing/a"]);
    fake.world().cloudwatch.watch("fw-1", "slow");
    fire(&fake, 300);
    worked(&fake, false, Ok(End::Stopped)).await;
    let note = fake.entry(&pending(1).id).note.unwrap();
    assert!(note.starts_with("alarm `tripline-fw-1-slow` fired at "), "{note}");
}

#[tokio::test]
async fn what_an_entry_tolerates_is_tolerated_by_its_deployment() {
    let entry = Entry { tolerance: "2.5".parse().unwrap(), ..pending(1) };
    let fake = FakeAws::with(&[entry]);
    let claimed = claim(&fake, "w", 900).await;
    let deploy = async |deployment: Deployment| {
        assert_eq!(deployment.tolerance, 0.025);
        Ok(End::Done)
    };
    work(&fake.aws(), claimed, &how(true), deploy, never()).await.unwrap();
}
