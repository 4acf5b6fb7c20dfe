//! Whose alarms are listed and removed.

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_iot::types::JobStatus;

use super::*;
use crate::alarms::list::unguarded;
use crate::alarms::remove::result;
use crate::aws::alarms::{Listed, listed};
use crate::aws::arming::disarm::{Disarmed, disarm as remove};
use crate::exit::End;

#[tokio::test]
async fn a_job_s_alarms_are_listed_and_nobody_else_s() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    let few = Guard { alarms: alarms(&["few"], "minSamples = 20"), ..guard("fw-1", &[]) };
    apply(&aws, &few).await.unwrap();
    let other = MetricAlarm::builder().alarm_name("tripline-fw-queue").metric_name("depth").build();
    aws.world().cloudwatch.alarms.insert("tripline-fw-queue".to_owned(), other);
    let all: Vec<_> =
        listed(&aws.aws(), None).await.unwrap().into_iter().map(|listed| listed.job).collect();
    assert_eq!(all, ["fw-1", "fw"]);
    let one = listed(&aws.aws(), Some(&job("fw"))).await.unwrap();
    assert_eq!(one.iter().map(Listed::name).collect::<Vec<_>>(), ["tripline-fw-slow"]);
    // An alarm that does not show its metrics is known by its tag.
    aws.world().cloudwatch.alarms.get_mut("tripline-fw-1-few").unwrap().metrics = None;
    assert_eq!(listed(&aws.aws(), Some(&job("fw-1"))).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_running_job_is_disarmed_only_by_force() {
    let aws = FakeAws::new();
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw"), false, false).await.unwrap(),
        Disarmed::default()
    );
    apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    apply(&aws, &guard("fw-1", &["slow"])).await.unwrap();
    aws.changes();
    aws.set_job(JobStatus::InProgress);
    let error = remove(&aws.aws(), Some("tripline"), &job("fw"), false, false).await.unwrap_err();
    assert!(text(error).contains("hint: `--force`"));
    let names = ["tripline-fw-late", "tripline-fw-slow"];
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw"), true, true).await.unwrap().names,
        names
    );
    assert_eq!(aws.changes(), <[String; 0]>::default());
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw"), true, false).await.unwrap().names,
        names
    );
    assert_eq!(aws.changes(), ["delete tripline-fw-late tripline-fw-slow"]);
    aws.set_job(JobStatus::Completed);
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw-1"), false, false).await.unwrap().names.len(),
        1
    );
}

/// Else the keeper would arm the job again.
#[tokio::test]
async fn a_removed_guard_is_kept_no_longer() {
    let aws = FakeAws::new();
    apply(&aws, &guard("fw", &["slow"])).await.unwrap();
    apply(&aws, &guard("fw-1", &["slow"])).await.unwrap();
    let kept = || aws.kept().keys().cloned().collect::<Vec<_>>();
    remove(&aws.aws(), Some("tripline"), &job("fw"), false, true).await.unwrap();
    assert_eq!(kept(), ["fw", "fw-1"], "a dry run");
    aws.set_job(JobStatus::InProgress);
    remove(&aws.aws(), Some("tripline"), &job("fw"), false, false).await.unwrap_err();
    assert_eq!(kept(), ["fw", "fw-1"]);
    remove(&aws.aws(), Some("tripline"), &job("fw"), true, false).await.unwrap();
    assert_eq!(kept(), ["fw-1"]);
    // The stack may be gone, or older than the table.
    aws.world().cloudformation.outputs.retain(|(key, _)| *key != "GuardsTableName");
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw-1"), true, false).await.unwrap().names.len(),
        1
    );
    aws.world().cloudformation.stack = None;
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw-1"), true, false).await.unwrap().names.len(),
        0
    );
}

#[tokio::test]
async fn alarms_are_removed_by_the_hundred_though_the_job_is_gone() {
    let aws = FakeAws::new();
    let names: Vec<_> = (0..100).map(|n| format!("a{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    apply(&aws, &guard("fw", &names)).await.unwrap();
    let mut stray = aws.world().cloudwatch.alarms["tripline-fw-a0"].clone();
    stray.alarm_name = Some("tripline-fw-b".to_owned());
    aws.world().cloudwatch.alarms.insert("tripline-fw-b".to_owned(), stray);
    aws.changes();
    assert_eq!(
        remove(&aws.aws(), Some("tripline"), &job("fw"), false, false).await.unwrap().names.len(),
        101
    );
    assert_eq!(aws.changes().len(), 2);
}

/// Tags say whose an alarm is: neither its name nor what it watches does.
#[tokio::test]
async fn only_alarms_of_the_job_and_stack_by_their_tags_are_removed() {
    for (stack, removed, stays) in [
        (Some("tripline"), &["altered", "slow"][..], &["mine", "theirs"][..]),
        (
            Some("arn:aws:cloudformation:us-east-1:1:stack/other/1"),
            &["theirs"],
            &["altered", "mine", "slow"],
        ),
        (None, &["altered", "slow", "theirs"], &["mine"]),
    ] {
        let aws = FakeAws::new();
        apply(&aws, &guard("fw", &["slow", "altered", "mine", "theirs"])).await.unwrap();
        apply(&aws, &guard("fw-1", &["slow"])).await.unwrap();
        {
            let mut world = aws.world();
            let altered = world.cloudwatch.alarms.get_mut("tripline-fw-altered").unwrap();
            altered.dimensions = None;
            for (arn, tags) in &mut world.cloudwatch.tags {
                if arn.ends_with("-mine") {
                    tags.clear();
                } else if arn.ends_with("-theirs") {
                    tags.insert("tripline:stack".to_owned(), "other".to_owned());
                }
            }
            world.cloudformation.stack = None;
        }
        aws.changes();
        let disarmed = remove(&aws.aws(), stack, &job("fw"), true, false).await.unwrap();
        let named = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| format!("tripline-fw-{name}")).collect()
        };
        assert_eq!(disarmed.names, named(removed), "{stack:?}");
        assert_eq!(aws.changes(), [format!("delete {}", named(removed).join(" "))]);
        let others: Vec<_> = disarmed.others.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(others, named(stays), "{stack:?}");
        let first = disarmed.notes().find(|note| note.contains("-mine")).unwrap();
        assert_eq!(
            first,
            "alarm `tripline-fw-mine` is not Tripline's: it lacks the tags, and stays"
        );
    }
}

#[tokio::test]
async fn a_job_without_a_working_guard_is_a_finding() {
    let aws = FakeAws::new();
    let found = async || {
        let listed = listed(&aws.aws(), Some(&job("fw"))).await.unwrap();
        unguarded(&job("fw"), &listed, "us-east-1").map(|finding| finding.what().to_owned())
    };
    let none: Option<String> = Some("no alarms in `us-east-1`: job `fw` is not guarded".into());
    assert_eq!(found().await, none);
    apply(&aws, &guard("fw", &["slow", "late"])).await.unwrap();
    assert_eq!(found().await, None);
    aws.world().cloudwatch.alarms.get_mut("tripline-fw-slow").unwrap().actions_enabled =
        Some(false);
    aws.world().cloudwatch.alarms.get_mut("tripline-fw-late").unwrap().alarm_actions = None;
    let idle = "`tripline-fw-late` (no actions), `tripline-fw-slow` (actions off)";
    assert_eq!(found().await.unwrap(), format!("job `fw` has alarms that come to nothing: {idle}"));
}

#[test]
fn nothing_to_remove_is_a_finding() {
    let (said, end) = result(&job("typo"), 0, "removed", "us-east-1");
    assert_eq!(end, End::Finding);
    assert!(said.starts_with("finding: job `typo` has no alarms of this stack's"), "{said}");
    let (said, end) = result(&job("fw"), 2, "removed", "us-east-1");
    assert_eq!((said.as_str(), end), ("job `fw`: 2 alarms removed in `us-east-1`", End::Done));
}
