//! `tripline stop`.

use serde_json::Value;

use super::{ended, tripline};
use crate::chain::rollout::Rollout;
use crate::chain::stage::Stage;

#[tokio::test]
async fn a_rollout_is_stopped_by_hand_and_stays_so() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let rollout = Rollout::create(&chain, "by-hand", 5).await;
    rollout.succeeds(0, "240").await;
    rollout.begins(1).await;

    let (code, text) = ended(&tripline(chain.aws, "stop --job-id by-hand --dry-run"));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(rollout.status().await, "IN_PROGRESS");

    let stop = "stop --job-id by-hand --reason wrong-build --output json";
    let stopped = tripline(chain.aws, stop);
    let data: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{data}");
    let counts = &data["counts"];
    assert_eq!((&counts["succeeded"], &counts["inProgress"]), (&1.into(), &1.into()));
    assert_eq!((&counts["spared"], &data["stopped"]), (&3.into(), &true.into()));
    let job = rollout.job().await;
    assert_eq!(job.reason_code.as_deref(), Some("TRIPLINE_OPERATOR"));
    assert_eq!(job.comment.as_deref(), Some("wrong-build"));
    let left_alone = ["SUCCEEDED", "IN_PROGRESS", "CANCELED", "CANCELED", "CANCELED"];
    assert_eq!(rollout.executions().await, left_alone);

    let (code, text) = ended(&tripline(chain.aws, "stop --job-id by-hand --mode abort"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("nothing to stop: job by-hand is CANCELED already"), "{text}");
    assert!(text.contains("TRIPLINE_OPERATOR: wrong-build"), "{text}");
    assert_eq!(rollout.executions().await, left_alone);
    let (code, text) = ended(&tripline(chain.aws, "watch by-hand"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("was canceled by an operator: wrong-build"), "{text}");
    assert_eq!(ended(&tripline(chain.aws, "stop --job-id typo")).0, Some(2));
}

#[tokio::test]
async fn an_abort_takes_devices_at_work_along() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let rollout = Rollout::create(&chain, "torn", 3).await;
    rollout.begins(0).await;
    let (code, text) = ended(&tripline(chain.aws, "stop --job-id torn --mode abort"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("in progress        1  are canceled too"), "{text}");
    assert!(text.contains("spared             2"), "{text}");
    assert_eq!(rollout.executions().await, ["CANCELED"; 3]);

    let done = Rollout::create(&chain, "done", 1).await;
    done.succeeds(0, "240").await;
    let (code, text) = ended(&tripline(chain.aws, "stop --job-id done"));
    assert_eq!(code, Some(1), "{text}");
}
