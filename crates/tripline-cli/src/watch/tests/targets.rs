//! How many devices a rollout is for.

use aws_sdk_iot::types::{JobStatus, TargetSelection};
use fake_aws::Fault;
use serde_json::json;

use super::fake::*;
use crate::aws::tally::Tally;
use crate::watch::follow::Watch;

const ARN: &str = "arn:aws:iot:us-east-1:111122223333:";

/// A rollout for `lone`, and for as many devices of a group; AWS IoT has reached 40, and all of them have ended.
fn grouped(members: usize) -> Fake {
    let fake = Fake::default();
    let members: Vec<_> = (0..members).map(|n| format!("d{n:03}")).collect();
    fake.world().iot.group("fleet", &members);
    fake.answers("fw", [Answer::Job(Box::new(for_group()))]);
    fake
}

fn for_group() -> aws_sdk_iot::types::Job {
    let mut job = job(JobStatus::InProgress, Tally { succeeded: 40, ..Tally::default() });
    job.is_concurrent = Some(true);
    job.targets = Some(vec![format!("{ARN}thing/lone"), format!("{ARN}thinggroup/fleet")]);
    job
}

async fn looks(fake: &Fake, looks: u64) -> Log {
    let timeout = Some(std::time::Duration::from_secs(10 * looks));
    fake.follow(Watch { timeout, ..watch(&["fw"]) }).await.1
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_as_far_as_the_members_of_its_groups_are() {
    let fake = grouped(199);
    let log = looks(&fake, 3).await;
    let progress: Vec<_> = log.data.iter().map(|data| data["progress"].clone()).collect();
    // Some pages a look.
    assert_eq!(progress[0], json!({"ended": 40, "of": 121, "atLeast": true, "percent": null}));
    assert!(log.lines[0].contains("40 of at least 121 devices ended, more to come"));
    assert_eq!(progress[1], json!({"ended": 40, "of": 200, "atLeast": false, "percent": 20}));
    assert!(log.lines.last().unwrap().contains("40 of 200 devices ended (20 %)"));
    let asked = |call: &&fake_aws::Call| call.operation == "ListThingsInThingGroup";
    let calls = fake.world().calls.iter().filter(asked).count();
    assert_eq!(calls, 5, "the group is listed once");
}

#[tokio::test(start_paused = true)]
async fn more_to_come_is_never_a_hundred_percent() {
    // Nobody may list the group.
    let fake = grouped(9);
    fake.world().faults.add(|call| {
        (call.operation == "ListThingsInThingGroup")
            .then_some(Fault::Refused("AccessDeniedException", "no"))
    });
    let log = looks(&fake, 1).await;
    assert!(
        log.lines[0].contains("40 of at least 40 devices ended, more to come"),
        "{:?}",
        log.lines
    );
    assert!(log.lines[0].contains("not seen: how many devices group fleet has: "));
    // One that never ends by itself.
    let fake = grouped(9);
    let mut open = for_group();
    open.target_selection = Some(TargetSelection::Continuous);
    open.is_concurrent = Some(false);
    fake.answers("fw", [Answer::Job(Box::new(open))]);
    let log = looks(&fake, 1).await;
    assert!(log.lines[0].contains("40 of 40 devices ended, more may join"), "{:?}", log.lines);
}
