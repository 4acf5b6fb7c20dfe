//! The function may be killed after any call, and any call may fail: the release ends as it would have.

use std::collections::BTreeSet;

use tripline::job::JobState;
use tripline::release::Phase;

use super::world::{Account, Doing, Place, job_of};

/// A good one of three waves.
async fn good(account: &Account) {
    account.to_the_end().await;
}

/// One whose alarm fires while its second wave, and devices of its first, are at work.
async fn bad(account: &Account) {
    account.world().doing.insert("canary".to_owned(), Doing::Busy);
    account.world().doing.insert("early".to_owned(), Doing::Busy);
    account
        .until(|world| {
            let has_begun =
                |job: &str| world.jobs.get(job).is_some_and(|it| it.0.counts.open() > 0);
            has_begun(&job_of("early"))
        })
        .await;
    account.fire("early");
    account.to_the_end().await;
}

fn assert_good(account: &Account, what: &str) {
    assert_eq!(account.phases(), [Phase::Passed; 3], "{what}");
    let world = account.world();
    assert_eq!(world.execution.place, Place::Done(true), "{what}");
    assert!(world.read.state.ended.as_ref().unwrap().well && world.groups.is_empty(), "{what}");
    assert_eq!(world.jobs.len(), 3, "{what}");
    assert!(world.jobs.values().all(|(job, _)| job.state == JobState::Completed), "{what}");
    assert!(world.messages.iter().any(|(subject, _)| subject.ends_with("is out")), "{what}");
}

fn assert_bad(account: &Account, what: &str) {
    assert_eq!(account.phases(), [Phase::Passed, Phase::Stopped, Phase::Waiting], "{what}");
    let world = account.world();
    assert_eq!(world.execution.place, Place::Done(false), "{what}");
    assert!(!world.read.state.ended.as_ref().unwrap().well && world.groups.is_empty(), "{what}");
    assert_eq!(world.jobs.len(), 2, "{what}");
    assert!(world.jobs.values().all(|(job, _)| job.state == JobState::Canceled), "{what}");
    let stopped = world.messages.iter().find(|(subject, _)| subject.contains("stopped release"));
    let (_, body) = stopped.unwrap_or_else(|| panic!("{what}: {:?}", world.messages));
    for job in ["canary", "early"].map(job_of) {
        // What could not be stopped at once was said to be, and is by now.
        let is_said = ["stopped  job", "NOT STOPPED: job"];
        let is_said = is_said.map(|it| body.contains(&format!("{it} {job}")));
        assert_ne!(is_said, [false; 2], "{what}: {body}");
    }
    assert!(!world.messages.iter().any(|(subject, _)| subject.ends_with("is out")), "{what}");
}

macro_rules! however {
    ($killed:ident, $failing:ident, $pass:ident, $assert:ident) => {
        #[tokio::test]
        async fn $killed() {
            let clean = Account::new();
            $pass(&clean).await;
            $assert(&clean, "clean");
            let calls = clean.world().calls.len();
            for call in 1..=calls {
                let account = Account::new();
                account.world().kill = Some(call);
                $pass(&account).await;
                let what = clean.world().calls[call - 1].clone();
                $assert(&account, &format!("killed after {call}, {what}"));
            }
        }

        #[tokio::test]
        async fn $failing() {
            let clean = Account::new();
            $pass(&clean).await;
            let calls = clean.world().calls.clone();
            let operations = calls.iter().map(|call| call.split(' ').next().unwrap().to_owned());
            for operation in operations.collect::<BTreeSet<_>>() {
                for times in [1, 2, 7, 15] {
                    let account = Account::new();
                    account.world().fails = Some((operation.clone(), times));
                    $pass(&account).await;
                    $assert(&account, &format!("{times} times {operation}"));
                }
            }
        }
    };
}

however!(
    a_good_release_ends_so_wherever_the_function_is_killed,
    a_good_release_ends_so_whatever_fails_for_a_while,
    good,
    assert_good
);
however!(
    a_bad_release_ends_so_wherever_the_function_is_killed,
    a_bad_release_ends_so_whatever_fails_for_a_while,
    bad,
    assert_bad
);

/// Nothing that fails for good ends a release in silence.
#[tokio::test]
async fn what_fails_for_good_is_an_error_or_a_message() {
    let clean = Account::new();
    bad(&clean).await;
    let calls = clean.world().calls.clone();
    let operations: BTreeSet<_> =
        calls.iter().map(|call| call.split(' ').next().unwrap()).collect();
    for operation in operations {
        let account = Account::new();
        account.world().doing.insert("canary".to_owned(), Doing::Busy);
        account.world().doing.insert("early".to_owned(), Doing::Busy);
        account.until(|world| world.jobs.len() == 2).await;
        account.minutes(2).await;
        account.world().fails = Some((operation.to_owned(), usize::MAX));
        account.fire("early");
        account.minutes(180).await;
        let world = account.world();
        let is_over = world.execution.place == Place::Done(false);
        assert!(world.errors > 5 || !world.messages.is_empty(), "{operation}");
        assert!(!is_over || !world.messages.is_empty() || world.errors > 100, "{operation}");
        assert_eq!(world.jobs.len(), 2, "{operation}");
    }
}
