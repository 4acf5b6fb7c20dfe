//! What pipelines call, and the policies that the examples give them.

use tripline_tests::proxy::{Proxy, Ran};

use super::stage::{BUCKET, Stage};
use crate::policies::{assert_allows, policy_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_calls_only_what_its_policies_allow() {
    let stage = Stage::start().await;
    let proxy = Proxy::start(&stage.aws).unwrap();
    let queue = async |arguments: String| -> Ran {
        let mut command = proxy.tripline().unwrap();
        let arguments = arguments.split_whitespace();
        command.arg("queue").args(arguments).current_dir(stage.folder.path());
        proxy.run(&mut command, None).await.unwrap()
    };
    let adds = policy_of("examples/ci/policies/add.json", &[("tracker-releases", BUCKET)]);
    let next = policy_of(
        "examples/ci/policies/next.json",
        &[
            ("tracker-releases", BUCKET),
            ("tracker-firmware-reader", "reader"),
            ("tracker-firmware", BUCKET),
        ],
    );
    for (job, more) in [("fw-1", ""), ("fw-2", "--bake 1h")] {
        let folder = stage.release(job);
        let folder = folder.display();
        let added = queue(format!(
            "add --bin {folder}/{job}.bin --config {folder}/dev.ini --things {folder}/things.txt --bucket {BUCKET} {more}"
        ))
        .await;
        assert_eq!(added.status.code(), Some(0), "{}", added.stderr);
        assert_allows(&adds, &added.calls);
        let listed = queue("list".to_owned()).await;
        assert_allows(&next, &listed.calls);
    }
    let deployed = queue("next --detach --output json".to_owned()).await;
    assert_eq!(deployed.status.code(), Some(0), "{}", deployed.stderr);
    assert!(deployed.calls.len() > 10, "{:?}", deployed.calls);
    assert_allows(&next, &deployed.calls);
    // One that waits for the other.
    let waits = queue("next --detach --output json".to_owned()).await;
    assert_eq!(waits.status.code(), Some(6), "{}", waits.stderr);
    assert_allows(&next, &waits.calls);
}
