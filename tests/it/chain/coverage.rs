//! What is seen of rollouts that go wrong: "guarded" means that something can decide.

use std::path::{Path, PathBuf};

use aws_sdk_iot::types::{JobExecutionsRetryConfig, RetryCriteria, RetryableFailureType};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::{Failed, Succeeded};
use serde_json::{Value, json};
use tempfile::TempDir;
use tripline_tests::proxy::{Proxy, Ran};

use super::failure_rate::{evaluate, named, rule, seen};
use super::messages::until_stopped;
use super::rollout::Rollout;
use super::stage::{Chain, Reader, STACK, Stage, must};

/// Alarms on downloads alone, as the deployment tool's sample has them: the one that stops is on downloads that are
/// too quick.
const SAMPLE: &str = "\
[ALARM_CONFIG]
alarmList = Late, Early
[ALARM_CONFIG_Late]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p95
period = 60
threshold = 1800
alarmType = upper
evaluationPeriods = 4
datapointsToAlarm = 2
snsTopics = @email, @sms
[ALARM_CONFIG_Early]
namespace = IoT:OTA:JobExecution
metricName = downloadTime
stat = p95
period = 60
threshold = 45
alarmType = lower
evaluationPeriods = 4
datapointsToAlarm = 2
snsTopics = @force-stop
";

/// An alarm on downloads that stops.
const SLOW: &str = include_str!("../../support/slow.ini");

/// Executions that ended are counted at once.
const AT_ONCE: (&str, &str) = ("CountedWithinMinutes", "0");

/// A minute of the keeper.
async fn tick(chain: &Chain<'_>) -> Value {
    must(chain.stack.keep(chain.aws).await)
}

/// How many jobs it found guarded, partly guarded and not guarded.
fn guarded(summary: &Value) -> Value {
    json!([summary["guardedJobs"], summary["partlyGuardedJobs"], summary["unguardedJobs"]])
}

/// The command, by way of the proxy.
async fn run(proxy: &Proxy, arguments: &[&str]) -> Ran {
    let mut command = must(proxy.tripline());
    must(proxy.run(command.args(arguments), None).await)
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

/// A folder for configs.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Arms a job with a config, as an operator does.
async fn arm(proxy: &Proxy, rollout: &Rollout<'_>, config: &Path) {
    let config = config.to_str().unwrap();
    let arguments = ["alarms", "apply", config, "--stack", STACK, "--job-id", &rollout.id];
    let ran = run(proxy, &arguments).await;
    assert!(ran.status.success(), "{}\n{}", ran.stdout, ran.stderr);
}

/// All of them take the firmware.
async fn all_begin(rollout: &Rollout<'_>, devices: usize) {
    for device in 0..devices {
        rollout.begins(device).await;
    }
}

async fn fail(rollout: &Rollout<'_>, devices: std::ops::Range<usize>) {
    for device in devices {
        rollout.reports(device, Failed, &[]).await;
    }
}

#[tokio::test]
async fn a_rollout_with_alarms_on_downloads_alone_is_stopped_when_its_devices_fail() {
    const DEVICES: usize = 60;
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let (chain, folder) = (stage.chain(), Folder::new());
    let rollout = Rollout::create(&chain, "sample", DEVICES).await;
    arm(&proxy, &rollout, &folder.write("sample.ini", SAMPLE)).await;
    assert_eq!(guarded(&tick(&chain).await), json!([1, 0, 0]));
    let alarm = named("sample");
    assert_eq!(rule(&seen(&proxy, &alarm).await), (50, 20.0));

    all_begin(&rollout, DEVICES).await;
    fail(&rollout, 0..12).await;
    tick(&chain).await;
    assert_eq!(evaluate(&chain, &proxy, &alarm).await, Some(20.0));
    assert_eq!(rollout.status().await, "IN_PROGRESS");
    fail(&rollout, 12..15).await;
    tick(&chain).await;
    assert_eq!(evaluate(&chain, &proxy, &alarm).await, Some(25.0));
    until_stopped(&chain, &rollout).await;
    assert!(rollout.job().await.comment.unwrap().contains(&alarm));
    fail(&rollout, 15..DEVICES).await;
    assert_eq!(rollout.executions().await, ["FAILED"; DEVICES]);
}

/// Devices succeed, none of them reports a download, and the only alarms are on downloads.
#[tokio::test]
async fn an_alarm_that_never_has_a_value_guards_nothing() {
    const DEVICES: usize = 13;
    let (proxy, stage) = Stage::behind_proxy(&[AT_ONCE]).await;
    let (chain, folder) = (stage.chain(), Folder::new());
    let alone = SLOW.replace("alarmList", "defaultGuard = False\nalarmList");
    let mut of_alone = Reader::new(chain.mailbox("EmailTopicArn", "alone").await, "alone");
    let mut of_filled = Reader::new(chain.mailbox("EmailTopicArn", "filled").await, "filled");
    let alone_armed = folder.write("alone.ini", &alone);
    let filled_armed = folder.write("filled.ini", SLOW);
    let alone = Rollout::create(&chain, "alone", DEVICES).await;
    let filled = Rollout::create(&chain, "filled", DEVICES).await;
    arm(&proxy, &alone, &alone_armed).await;
    arm(&proxy, &filled, &filled_armed).await;
    assert_eq!(guarded(&tick(&chain).await), json!([1, 1, 0]));
    // One is open, so that the rollouts go on.
    for device in 0..DEVICES - 1 {
        for rollout in [&alone, &filled] {
            rollout.begins(device).await;
            rollout.reports(device, Succeeded, &[]).await;
        }
    }
    for rollout in [&alone, &filled] {
        rollout.until_counted("succeededCount", 12.0).await;
    }
    // What is counted in one minute is judged in the next.
    tick(&chain).await;
    for _ in 0..2 {
        assert_eq!(guarded(&tick(&chain).await), json!([1, 0, 1]));
    }

    let never = "never had a value: 12 devices succeeded and none reported `downloadTime`";
    for reader in [&mut of_alone, &mut of_filled] {
        let announced = async || reader.announced().await;
        let emails = chain.until("an e-mail", announced, |announced| !announced.is_empty()).await;
        let [email] = &emails[..] else { panic!("{emails:#?}") };
        let said = format!("Its alarm on downloadTime {never}");
        assert!(email.text.contains(&said), "{}", email.text);
    }
    // A rollout that is new may be armed any moment: its other cases are announced once they have stood.
    let_cases_stand(&chain);
    for _ in 0..2 {
        tick(&chain).await;
    }
    let announced = async || of_alone.announced().await;
    let emails = chain.until("a second e-mail", announced, |announced| announced.len() > 1).await;
    let [_, email] = &emails[..] else { panic!("{emails:#?}") };
    for said in [
        "Nothing covers devices that fail: no alarm watches for it.",
        "Nothing covers devices that refuse: no alarm watches for it.",
        &format!("Nothing covers slow devices: Slow {never}."),
    ] {
        assert!(email.text.contains(said), "`{said}` is not in:\n{}", email.text);
    }
    assert_eq!(of_filled.announced().await.len(), 1);
}

/// Dates back what the keeper has found and not announced yet: its clock is the machine's.
fn let_cases_stand(chain: &Chain<'_>) {
    let table = chain.output("GuardsTableName");
    let key = json!({"jobId": {"S": "$guard-keeper"}});
    let get = json!({"TableName": table, "Key": key});
    let mut item =
        must(chain.aws.post("dynamodb", "DynamoDB_20120810.GetItem", &get))["Item"].take();
    let memory = item["memory"]["S"].as_str().unwrap();
    // `!<job> <case> <first> <announced> <gone> <size>`
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        [job, case, first, announced, gone, size] if job.starts_with('!') => {
            let first = first.parse::<i64>().unwrap() - 3_600;
            format!("{job} {case} {first} {announced} {gone} {size}")
        }
        _ => line.to_owned(),
    };
    let memory: Vec<String> = memory.split('\n').map(line).collect();
    item["memory"]["S"] = memory.join("\n").into();
    let put = json!({"TableName": table, "Item": item});
    must(chain.aws.post("dynamodb", "DynamoDB_20120810.PutItem", &put));
}

#[tokio::test]
async fn a_rollout_to_a_few_devices_is_stopped_when_they_fail() {
    const DEVICES: usize = 8;
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let chain = stage.chain();
    let things = Rollout::create(&chain, "few", DEVICES).await;
    let group = Rollout::create_for_group(&chain, "few-in-group", DEVICES).await;
    tick(&chain).await;
    assert_eq!(rule(&seen(&proxy, &named("few")).await), (3, 34.0));
    // The things of a group are counted first.
    assert_eq!(guarded(&tick(&chain).await), json!([2, 0, 0]));
    assert_eq!(rule(&seen(&proxy, &named("few-in-group")).await), (3, 34.0));
    for rollout in [&things, &group] {
        let alarm = named(&rollout.id);
        all_begin(rollout, DEVICES).await;
        fail(rollout, 0..2).await;
        tick(&chain).await;
        assert_eq!(evaluate(&chain, &proxy, &alarm).await, Some(25.0));
        assert_eq!(rollout.status().await, "IN_PROGRESS");
        fail(rollout, 2..3).await;
        tick(&chain).await;
        assert_eq!(evaluate(&chain, &proxy, &alarm).await, Some(37.5));
        until_stopped(&chain, rollout).await;
        fail(rollout, 3..DEVICES).await;
        assert_eq!(rollout.executions().await, ["FAILED"; DEVICES]);
    }
}

/// A rollout whose devices are tried again so often after a failure.
async fn with_retries<'a>(
    chain: &'a Chain<'a>,
    id: &str,
    devices: usize,
    retries: i32,
) -> Rollout<'a> {
    let criterion = RetryCriteria::builder()
        .failure_type(RetryableFailureType::Failed)
        .number_of_retries(retries);
    let config = JobExecutionsRetryConfig::builder().criteria_list(criterion.build().unwrap());
    let config = config.build().unwrap();
    Rollout::create_as(chain, id, devices, |job| job.job_executions_retry_config(config)).await
}

/// The newest value of one of the keeper's counts.
async fn count(chain: &Chain<'_>, job: &str, metric: &str) -> Option<f64> {
    super::keeping::published_of(chain, job, metric).await
}

#[tokio::test]
async fn devices_that_are_tried_again_count_once() {
    const DEVICES: usize = 40;
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let chain = stage.chain();
    let bad = with_retries(&chain, "four-bad", DEVICES, 3).await;
    let good = with_retries(&chain, "ten-again", DEVICES, 3).await;
    for device in 0..10 {
        if device < 4 {
            proxy.failed_before(&bad.id, bad.thing(device), 3);
        }
        proxy.failed_before(&good.id, good.thing(device), 1);
    }
    all_begin(&bad, DEVICES).await;
    all_begin(&good, DEVICES).await;
    fail(&bad, 0..4).await;
    // One is open, so that the rollouts go on.
    for device in 0..DEVICES - 1 {
        if device >= 4 {
            bad.reports(device, Succeeded, &[]).await;
        }
        good.reports(device, Succeeded, &[]).await;
    }
    for _ in 0..2 {
        assert_eq!(guarded(&tick(&chain).await), json!([2, 0, 0]));
    }
    // AWS IoT counts 16 of 52, and 10 of 50.
    for (rollout, unsuccessful) in [(&bad, 4.0), (&good, 0.0)] {
        let counts = [
            count(&chain, &rollout.id, "notifiedCount").await,
            count(&chain, &rollout.id, "unsuccessfulCount").await,
        ];
        assert_eq!(counts, [Some(DEVICES as f64), Some(unsuccessful)], "{}", rollout.id);
        let share = evaluate(&chain, &proxy, &named(&rollout.id)).await;
        assert_eq!(share, Some(100.0 * unsuccessful / DEVICES as f64));
        assert_eq!(rollout.status().await, "IN_PROGRESS");
    }

    for (rollout, code, said) in
        [(&good, 0, "40 devices have it"), (&bad, 1, "36 devices have it, 4 not")]
    {
        rollout.reports(DEVICES - 1, Succeeded, &[]).await;
        let ran = run(&proxy, &["watch", &rollout.id, "--every", "1", "--timeout", "60"]).await;
        assert_eq!(ran.status.code(), Some(code), "{}\n{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(said), "{}\n{}", ran.stdout, ran.stderr);
        assert_eq!(rollout.status().await, "COMPLETED");
    }
}

/// A config that can be deployed.
const DEPLOYED: &str = "\
[DEFAULT]
thingList = things.txt
binName = valve-3.bin
roleArn = arn:aws:iam::000000000000:role/valve-ota
jobId = same
rounds = 1
bucket = valve-firmware
cleanUpCfg = True
defaultDelay = 0
region = us-east-1
streamId = same-stream

";

#[tokio::test]
async fn everybody_gives_the_same_coverage() {
    const DEVICES: usize = 9;
    let (proxy, stage) = Stage::behind_proxy(&[]).await;
    let (chain, folder) = (stage.chain(), Folder::new());
    proxy.s3().create_bucket().bucket("valve-firmware").send().await.unwrap();
    let mut things = String::new();
    for device in 0..DEVICES {
        let thing = format!("valve-{device}");
        let created = chain.iot.create_thing().thing_name(thing).send().await.unwrap();
        things += &format!("{}\n", created.thing_arn.unwrap());
    }
    folder.write("things.txt", &things);
    folder.write("valve-3.bin", "valve firmware 3");
    let config = folder.write("same.ini", &format!("{DEPLOYED}{SAMPLE}"));
    let config = config.to_str().unwrap();
    let checked = run(&proxy, &["config", "check", config, "--output", "json"]).await;
    let planned = run(&proxy, &["deploy", config, "--dry-run", "--output", "json"]).await;
    let ran = run(&proxy, &["deploy", config, "--detach"]).await;
    assert!(ran.status.success(), "{}\n{}", ran.stdout, ran.stderr);
    let last = async || {
        let summary = tick(&chain).await;
        assert_eq!((&summary["armed"], &summary["repaired"]), (&json!(0), &json!(0)));
        let watched = run(&proxy, &["watch", "same", "--once", "--output", "json"]).await;
        let doctor = ["doctor", "--job-id", "same", "--stack", STACK, "--output", "json"];
        let examined = run(&proxy, &doctor).await;
        [json_of(&watched)["coverage"].take(), json_of(&examined)["coverage"].take()]
    };
    // Once the alarm on the absence of evidence is there, too, and the keeper has written down what it counted.
    for _ in 0..3 {
        tick(&chain).await;
    }
    let [watched, examined] = last().await;
    assert_eq!(watched["status"], "guarded", "{watched:#}");
    assert_eq!(watched["devices"], DEVICES);
    assert_eq!(watched, examined);
    assert_eq!(json_of(&planned)["coverage"], watched);
    assert_eq!(json_of(&checked)["coverage"], watched);
}
