//! Rollouts that are waited for.

use super::devices::Devices;
use super::stage::{SHORT, Stage, assert_ended, assert_operator_may, must};

#[tokio::test]
async fn a_fleet_gets_the_firmware_and_nothing_is_left() {
    let stage = Stage::new().await;
    let fleet = |arguments: &[&str]| {
        let mut command = must(stage.proxy.tripline());
        command.arg("fleet").args(arguments);
        command
    };
    let registered = fleet(&["register", "--devices", "20", "--prefix", "pump-"]).output().unwrap();
    assert!(registered.status.success(), "{registered:?}");
    stage.write("things.txt", &registered.stdout);
    stage.config(&SHORT.replace("streamId", "deviceCount = 20\nstreamId"), "good");

    let mut command = stage.command("deploy", "good", &["--output", "json"]);
    let deployed = must(stage.proxy.spawn(&mut command, None));
    until_there_is_a_job(&stage, "good").await;
    let mut devices = fleet(&[
        "run",
        "--devices",
        "20",
        "--prefix",
        "pump-",
        "--job-id",
        "good",
        "--speedup",
        "600",
        "--poll",
        "0.2",
        "--seed",
        "3",
    ]);
    let devices = must(stage.proxy.run(&mut devices, None).await);
    assert_ended(&devices, 0);
    let deployed = must(deployed.end().await);
    assert_ended(&deployed, 0);
    let said: serde_json::Value = serde_json::from_str(&deployed.stdout).unwrap();
    assert_eq!(said["ended"][0]["outcome"], "succeeded", "{said:#}");
    assert_eq!(said["ended"][0]["counts"]["succeeded"], 20, "{said:#}");
    stage.assert_nothing_is_left("good").await;
    let names = deployed.calls.iter().map(|call| call.operation.as_str());
    let order: Vec<&str> = names
        .filter(|name| {
            name.contains("PutMetricAlarm")
                || *name == "POST /streams/good-stream"
                || *name == "PUT /jobs/good"
        })
        .collect();
    assert_eq!(order.len(), 3, "{:#?}", deployed.calls);
    assert!(order[0].contains("PutMetricAlarm"), "armed first: {order:?}");
    assert_eq!(order[2], "PUT /jobs/good", "the job last: {order:?}");
}

#[tokio::test]
async fn a_deployment_says_what_it_does_and_shows_on_a_terminal_what_watch_shows() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    let unlisted = "\n[ALARM_CONFIG_Other]\nnamespace = x\nmetricName = y\nstat = p50\nperiod = 60\nthreshold = 1\nalarmType = upper\nevaluationPeriods = 1\ndatapointsToAlarm = 1\nsnsTopics = @email\n";
    stage.config(&(SHORT.to_owned() + unlisted), "seen");
    let _devices = Devices::start(&stage.aws, &["a", "b"], None);
    let deploy = stage.command("deploy", "seen", &[]);
    // A terminal of its own.
    let words = std::iter::once(deploy.get_program()).chain(deploy.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut on_terminal = std::process::Command::new("script");
    on_terminal.args(["-qec", &words.join(" "), "/dev/null"]).env_clear();
    let settings = deploy.get_envs().filter_map(|(name, value)| Some((name, value?)));
    on_terminal.envs(settings).env("TERM", "xterm");
    let ran = must(stage.proxy.run(&mut on_terminal, None).await);
    assert_ended(&ran, 0);
    let said = &ran.stdout;
    assert!(said.contains("seen.ini:14: not in `alarmList`, so not armed: `Other`"), "{said}");
    assert!(said.contains("job `seen` will be armed in `us-east-1`"), "{said}");
    assert!(!said.contains("dry run"), "{said}");
    // The picture is drawn over itself, and the last one has the end.
    let pictures: Vec<&str> = said.split("\u{1b}[J").skip(1).collect();
    assert!(pictures.iter().any(|picture| picture.contains("guard  ")), "{said}");
    assert!(pictures.last().unwrap().contains("COMPLETED"), "{said}");
    assert!(pictures.last().unwrap().contains("round 1 of 1"), "{said}");
}

#[tokio::test]
async fn bad_firmware_is_stopped_and_stays_to_be_looked_at() {
    let stage = Stage::new().await;
    let names: Vec<String> = (0..30).map(|n| format!("slow-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.things(&names).await;
    let staged = "useJobExecutionsRolloutConfig = True\nstreamId";
    let config = SHORT.replace("streamId", staged)
        + "\n[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 10\n";
    stage.config(&config, "slow");
    let _devices = Devices::start(&stage.aws, &names, Some("7200"));
    let deployed = stage.deploy("slow", &[]).await;
    assert_ended(&deployed, 5);
    assert!(deployed.stdout.contains("was stopped by its guard (Tripline"), "{}", deployed.stdout);
    assert!(deployed.stderr.contains("tripline cleanup --job-id slow"), "{}", deployed.stderr);
    let job = stage.job("slow").await.unwrap();
    assert_eq!(job.reason_code(), Some("TRIPLINE_ALARM"));
    assert!(stage.stream("slow-stream").await.is_some());
    assert_eq!(stage.alarms("slow").await.len(), 1);

    let cleaned = must(stage.proxy.run(&mut stage.command("cleanup", "slow", &[]), None).await);
    assert_operator_may(&cleaned);
    assert_ended(&cleaned, 0);
    assert_eq!(cleaned.stdout, "job slow\nstream slow-stream\nalarm tripline-slow-Slow\n");
    stage.assert_nothing_is_left("slow").await;
    let again = must(stage.proxy.run(&mut stage.command("cleanup", "slow", &[]), None).await);
    assert_ended(&again, 1);
}

#[tokio::test]
async fn the_stream_of_a_rollout_that_was_resumed_outlives_its_cleanup() {
    let stage = Stage::new().await;
    stage.things(&["a"]).await;
    stage.config(SHORT, "pumps");
    assert_ended(&stage.deploy("pumps", &["--detach"]).await, 0);
    stage.iot.cancel_job().job_id("pumps").send().await.unwrap();
    let mut resume = must(stage.proxy.tripline());
    resume.args(["resume", "--job-id", "pumps"]);
    assert_ended(&must(stage.proxy.run(&mut resume, None).await), 0);

    let cleaned = must(stage.proxy.run(&mut stage.command("cleanup", "pumps", &[]), None).await);
    assert_operator_may(&cleaned);
    assert_ended(&cleaned, 0);
    assert!(stage.stream("pumps-stream").await.is_some(), "devices of `pumps-r1` read it");
    assert!(stage.alarms("pumps-r1").await.len() == 1 && stage.job("pumps").await.is_none());

    let mut cleanup = must(stage.proxy.tripline());
    cleanup.args("cleanup --job-id pumps-r1 --stream-id pumps-stream --force".split(' '));
    assert_ended(&must(stage.proxy.run(&mut cleanup, None).await), 0);
    assert_eq!(stage.stream("pumps-stream").await, None);
}

#[tokio::test]
async fn every_round_is_armed_before_its_job_and_recorded() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    stage.config(&SHORT.replace("rounds = 1", "rounds = 2"), "twice");
    let result = stage.write("result.json", b"");
    let devices = Devices::start(&stage.aws, &["a", "b"], None);
    let deployed = stage.deploy("twice", &["--result", result.to_str().unwrap()]).await;
    assert_ended(&deployed, 0);
    assert_eq!(devices.reports("twice"), 4);
    stage.assert_nothing_is_left("twice").await;
    let steps: Vec<&str> = deployed
        .calls
        .iter()
        .filter_map(|call| match call.operation.as_str() {
            name if name.ends_with("PutMetricAlarm") => Some("arm"),
            name if name.ends_with("DeleteAlarms") => Some("disarm"),
            "POST /streams/twice-stream" => Some("stream"),
            "DELETE /streams/twice-stream" => Some("no stream"),
            "PUT /jobs/twice" => Some("job"),
            "DELETE /jobs/twice" => Some("no job"),
            _ => None,
        })
        .collect();
    let round = ["arm", "stream", "job", "no job", "no stream", "disarm"];
    assert_eq!(steps, [round, round].concat());
    let said: serde_json::Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
    for round in [0, 1] {
        assert_eq!(said["ended"][round]["outcome"], "succeeded", "{said:#}");
        assert_eq!(said["ended"][round]["alarms"][0], "tripline-twice-Slow", "{said:#}");
    }
}

#[tokio::test]
async fn rounds_end_with_the_first_that_does_not_end_well() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    stage.config(&SHORT.replace("rounds = 1", "rounds = 3"), "fails");
    let mut command = stage.command("deploy", "fails", &[]);
    let deployed = must(stage.proxy.spawn(&mut command, None));
    until_there_is_a_job(&stage, "fails").await;
    let rejecting = aws_sdk_iotjobsdataplane::Client::new(&stage.aws.config());
    for thing in ["a", "b"] {
        let reject = rejecting.update_job_execution().thing_name(thing).job_id("fails");
        reject.status("REJECTED".into()).send().await.unwrap();
    }
    let deployed = must(deployed.end().await);
    assert_ended(&deployed, 1);
    assert_eq!(
        deployed.stdout,
        "round 1 of 3 completed, but not every device has the firmware: 2 rejected\n"
    );
    assert!(stage.job("fails").await.is_some(), "it stays to be looked at");
}

#[tokio::test]
async fn a_continuous_rollout_has_ended_once_its_devices_have() {
    let stage = Stage::new().await;
    stage.things(&["a", "b"]).await;
    let config = SHORT.replace("streamId", "targetSelection = CONTINUOUS\nstreamId");
    stage.config(&config, "on-and-on");
    let _devices = Devices::start(&stage.aws, &["a", "b"], None);
    let deployed = stage.deploy("on-and-on", &[]).await;
    assert_ended(&deployed, 0);
    stage.assert_nothing_is_left("on-and-on").await;
}

async fn until_there_is_a_job(stage: &Stage, job: &str) {
    for _ in 0..1_000 {
        if stage.job(job).await.is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("there never was a job `{job}`");
}
