//! A bad rollout, from the devices' reports to the stop and to the people: nothing in between is
//! helped along.

use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::Succeeded;
use tripline::announcement::MAX_SMS;

use super::rollout::Rollout;
use super::stage::{Chain, Reader, Stage};

/// A rollout of which two devices have reported, the second one a slow download; a third is at
/// work, and two have not begun. People have been alerted.
struct Slow<'a> {
    rollout: Rollout<'a>,
    email: Reader,
    sms: Reader,
}

impl<'a> Slow<'a> {
    async fn new(chain: &'a Chain<'a>, job_id: &str) -> Self {
        let email = Reader::new(chain.mailbox("EmailTopicArn", "email").await, job_id);
        let sms = Reader::new(chain.mailbox("SmsTopicArn", "sms").await, job_id);
        let rollout = Rollout::create(chain, job_id, 5).await;
        rollout.arm();
        rollout.succeeds(0, "240").await;
        rollout.until_counted("downloadTime", 1.0).await;
        rollout.begins(2).await;
        rollout.succeeds(1, "7350").await;
        let mut slow = Self { rollout, email, sms };
        let both = async || (slow.email.announced().await, slow.sms.announced().await);
        let are_alerted =
            |announced: &(Vec<_>, Vec<_>)| !announced.0.is_empty() && !announced.1.is_empty();
        chain.until("e-mail and SMS about the stop", both, are_alerted).await;
        slow
    }

    /// The alert that people were sent, which must come once.
    async fn announced(&mut self) -> (String, String, String) {
        let (email, sms) = (self.email.announced().await, self.sms.announced().await);
        assert_eq!((email.len(), sms.len()), (1, 1), "{email:#?} {sms:#?}");
        assert_eq!(sms[0].subject, "", "a text message has no subject");
        assert!(sms[0].text.is_ascii() && sms[0].text.len() <= MAX_SMS, "{}", sms[0].text);
        (email[0].subject.clone(), email[0].text.clone(), sms[0].text.clone())
    }

    /// The device at work is through, after a slow download, and that is counted.
    async fn third_device_ends(&self) {
        self.rollout.reports(2, Succeeded, &[("downloadTime", "9000")]).await;
        self.rollout.until_counted("downloadTime", 3.0).await;
    }
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

const COUNTS: [&str; 2] =
    ["2 succeeded, 0 failed, 1 in progress", "2 queued devices, and those not yet notified, will"];

#[tokio::test]
async fn slow_downloads_cancel_their_job_and_leave_devices_at_work_alone() {
    let stage = Stage::new(&[]).await; // `cancel` is the default
    let chain = stage.chain();
    let mut slow = Slow::new(&chain, "slow-cancel").await;

    let job = slow.rollout.job().await;
    assert_eq!(job.status.unwrap().as_str(), "CANCELED");
    assert_eq!(job.reason_code.as_deref(), Some("TRIPLINE_ALARM"));
    assert_contains(&job.comment.unwrap(), &[&slow.rollout.alarm(), "Threshold Crossed"]);
    let left_alone = ["SUCCEEDED", "SUCCEEDED", "IN_PROGRESS", "CANCELED", "CANCELED"];
    assert_eq!(slow.rollout.executions().await, left_alone);

    // The device at work ends as it would have, and as slowly: the alarm stays, and says no more.
    slow.third_device_ends().await;
    slow.rollout.until_counted("canceledCount", 2.0).await;
    let (subject, text, sms) = slow.announced().await;
    assert_eq!(subject, "Tripline stopped rollout slow-cancel");
    assert_contains(&text, &["slow-cancel", &slow.rollout.alarm(), "To resume"]);
    assert_contains(&text, &COUNTS);
    let start = "Tripline stopped slow-cancel: SlowDownloads. 2 ok, 0 failed, 1 running";
    assert!(sms.starts_with(start), "{sms}");
    // CloudWatch's own message, because the alarm config names `@email` too.
    assert_eq!(slow.email.emails().await.len(), 2);

    let metrics = slow.rollout.metrics().await;
    assert_eq!(metrics["downloadTime"], (3.0, 240.0 + 7350.0 + 9000.0));
    assert_eq!(metrics["succeededCount"], (3.0, 3.0));
    assert_eq!(metrics["canceledCount"], (2.0, 2.0));
}

/// Topics, queues and logs are under the stack's key here: the chain is to work with it too.
#[tokio::test]
async fn abort_cancels_the_devices_at_work_too() {
    let stage = Stage::new(&[("StopMode", "abort"), ("Encryption", "stack-key")]).await;
    let chain = stage.chain();
    let mut slow = Slow::new(&chain, "slow-abort").await;

    let job = slow.rollout.job().await;
    assert_eq!(job.status.unwrap().as_str(), "CANCELED");
    assert_eq!(job.reason_code.as_deref(), Some("TRIPLINE_ALARM"));
    let canceled = ["SUCCEEDED", "SUCCEEDED", "CANCELED", "CANCELED", "CANCELED"];
    assert_eq!(slow.rollout.executions().await, canceled);

    slow.rollout.until_counted("canceledCount", 3.0).await;
    let (subject, text, _) = slow.announced().await;
    assert_eq!(subject, "Tripline stopped rollout slow-abort");
    assert_contains(&text, &["devices in progress are canceled too"]);
    assert_contains(&text, &COUNTS);
}

#[tokio::test]
async fn observe_stops_nothing_and_announces_what_it_would_have_stopped() {
    let stage = Stage::new(&[("StopMode", "observe")]).await;
    let chain = stage.chain();
    let mut slow = Slow::new(&chain, "slow-observe").await;

    let untouched = ["SUCCEEDED", "SUCCEEDED", "IN_PROGRESS", "QUEUED", "QUEUED"];
    assert_eq!(slow.rollout.executions().await, untouched);
    let (subject, text, sms) = slow.announced().await;
    assert_eq!(subject, "Tripline would have stopped rollout slow-observe");
    assert_contains(&text, &[&slow.rollout.alarm(), "`observe`"]);
    assert_contains(&text, &COUNTS);
    assert_contains(&sms, &["would have stopped slow-observe"]);

    // The rollout goes on.
    slow.third_device_ends().await;
    slow.rollout.succeeds(3, "250").await;
    slow.rollout.until_counted("downloadTime", 4.0).await;
    let job = slow.rollout.job().await;
    assert_eq!(job.status.unwrap().as_str(), "IN_PROGRESS");
    assert_eq!(job.reason_code, None);
    slow.announced().await;
}
