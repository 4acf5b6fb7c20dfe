//! A bad rollout is stopped on the local AWS while its job-execution events are recorded; replayed,
//! the recording reports the same alarm and the same stop.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use aws_sdk_iot::types::{
    Action, Job, JobExecutionsRolloutConfig, SqsAction, TargetSelection, TopicRulePayload,
};
use serde_json::Value;
use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;
use tripline_tests::runner::run;
use tripline_tests::stack::Stack;
use tripline_tests::{Result, workspace};

const STACK: &str = "tripline";
const JOB: &str = "firmware-2-1";
const DEVICES: usize = 40;
const WITHIN: Duration = Duration::from_secs(60);

/// The local AWS knows neither M of N nor periods: it evaluates an alarm at each PutMetricData, over all
/// values that the last N periods have. With M = N = 1 that and CloudWatch's own rules, by which a
/// replay goes, look at the same values when the whole rollout lies within a period, which is long here.
fn guard() -> String {
    include_str!("../../crates/tripline-cli/tests/it/fixtures/guard.ini")
        .replace("period = 60\n", "period = 3600\n")
        .replace("period = 300\n", "period = 3600\n")
        .replace("evaluationPeriods = 5\n", "evaluationPeriods = 1\n")
        .replace("datapointsToAlarm = 3\n", "datapointsToAlarm = 1\n")
}

/// A queue that gets every job-execution event, by a rule beside the stack's own.
struct Recorder {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl Recorder {
    async fn new(aws: &LocalAws, iot: &aws_sdk_iot::Client) -> Self {
        let sqs = aws_sdk_sqs::Client::new(&aws.config());
        let queue = sqs.create_queue().queue_name("recorder").send().await.unwrap();
        let url = queue.queue_url.unwrap();
        let to_queue = SqsAction::builder()
            .role_arn("arn:aws:iam::000000000000:role/recorder")
            .queue_url(&url)
            .use_base64(false)
            .build()
            .unwrap();
        let rule = TopicRulePayload::builder()
            .sql("SELECT * FROM '$aws/events/jobExecution/+/+' WHERE topic(5) <> 'deleted'")
            .actions(Action::builder().sqs(to_queue).build())
            .build()
            .unwrap();
        iot.create_topic_rule()
            .rule_name("recorder")
            .topic_rule_payload(rule)
            .send()
            .await
            .unwrap();
        Self { sqs, url }
    }

    /// So many events, as they were delivered.
    async fn events(&self, number: usize) -> Vec<String> {
        let start = Instant::now();
        let mut events = Vec::new();
        while events.len() < number {
            assert!(start.elapsed() < WITHIN, "{} of {number} events: {events:#?}", events.len());
            let receive =
                self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let received = receive.wait_time_seconds(1).send().await.unwrap();
            for message in received.messages.unwrap_or_default() {
                events.push(message.body.unwrap());
                let delete = self.sqs.delete_message().queue_url(&self.url);
                delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
            }
        }
        events
    }
}

fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// The command against the local AWS.
fn tripline(aws: &LocalAws, arguments: &str) -> String {
    let proxy = must(Proxy::start(aws));
    let ran = run(must(proxy.tripline()).args(arguments.split_whitespace()));
    assert_eq!(ran.code, 0, "tripline {arguments}\n{ran}");
    ran.stdout
}

/// Replays a recording, with no AWS at hand.
fn replay(folder: &Path, options: &str) -> Output {
    let mut command = must(workspace::tripline(folder));
    command.args(["replay", "recorded.ndjson", "--config", "guard.ini"]);
    command.args(options.split_whitespace()).output().unwrap()
}

/// The demo's bad rollout with fewer devices: in waves, and nine in ten are slow.
async fn roll_out(aws: &LocalAws, iot: &aws_sdk_iot::Client, config: &Path) -> Job {
    let fleet = format!("--devices {DEVICES} --prefix recorded-");
    let group = tripline(aws, &format!("fleet register {fleet}"));
    let config = config.display();
    tripline(aws, &format!("alarms apply {config} --stack {STACK} --job-id {JOB}"));
    let waves = JobExecutionsRolloutConfig::builder().maximum_per_minute(20).build();
    let job = iot.create_job().job_id(JOB).targets(group.trim()).document("{}");
    let job = job.target_selection(TargetSelection::Snapshot).job_executions_rollout_config(waves);
    job.send().await.unwrap();
    let devices = "--median 240 --sigma 0.3 --slow 0.9 --slow-median 5400 --retries 4 --seed 21";
    tripline(aws, &format!("fleet run {fleet} --job-id {JOB} --speedup 1200 --poll 2 {devices}"));
    iot.describe_job().job_id(JOB).send().await.unwrap().job.unwrap()
}

#[tokio::test]
async fn a_recorded_rollout_is_stopped_by_the_same_alarm_as_it_was() {
    let aws = must(LocalAws::start().await);
    must(Stack::create(&aws, STACK, &[]).await);
    let iot = aws_sdk_iot::Client::new(&aws.config());
    let recorder = Recorder::new(&aws, &iot).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("guard.ini");
    std::fs::write(&config, guard()).unwrap();

    // Live.
    let job = roll_out(&aws, &iot, &config).await;
    let counts = job.job_process_details.unwrap();
    let of = |count: Option<i32>| usize::try_from(count.unwrap_or(0)).unwrap();
    let succeeded = of(counts.number_of_succeeded_things);
    let canceled = of(counts.number_of_canceled_things);
    assert_eq!(job.status.unwrap().as_str(), "CANCELED");
    assert_eq!(job.force_canceled, Some(false));
    assert!(succeeded > 0 && succeeded < DEVICES, "{counts:?}");

    // Recorded.
    let events = recorder.events(succeeded + canceled).await;
    std::fs::write(folder.path().join("recorded.ndjson"), events.join("\n")).unwrap();

    // Replayed.
    let ran = replay(folder.path(), &format!("--output json --strict --devices {DEVICES}"));
    let answer: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    assert_eq!(ran.status.code(), Some(5), "{answer:#}");
    assert_eq!(answer["jobId"], JOB);
    let ended = (&answer["outcomes"]["succeeded"], &answer["outcomes"]["canceled"]);
    assert_eq!(ended, (&Value::from(succeeded), &Value::from(canceled)), "{answer:#}");
    let stop = &answer["stop"];
    let (live, replayed) = (job.comment.unwrap(), stop["comment"].as_str().unwrap());
    // `Tripline: alarm <name> fired at <time>: <reason>`
    let alarm = |comment: &str| comment.split(" fired at ").next().unwrap().to_owned();
    assert_eq!(alarm(replayed), alarm(&live));
    assert_eq!(alarm(&live), format!("Tripline: alarm tripline-{JOB}-SlowDownloads"));
    assert_eq!(stop["reasonCode"].as_str(), job.reason_code.as_deref());
    assert_eq!(stop["force"], false, "as it was live, the mode being `cancel`");
    let other = &answer["alarms"][1];
    assert_eq!((&other["alarm"], &other["fired"]), (&Value::from("Failures"), &Value::Null));

    // With another mode the same alarm does something else.
    let observed = replay(folder.path(), &format!("--mode observe --devices {DEVICES}"));
    assert_eq!(observed.status.code(), Some(0), "{observed:?}");
    assert!(
        String::from_utf8(observed.stdout).unwrap().contains("`SlowDownloads` would have fired at")
    );
}
