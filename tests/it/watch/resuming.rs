//! `tripline resume`.

use aws_sdk_iot::types::{JobExecutionsRolloutConfig, Tag, TimeoutConfig};
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus::{Failed, Succeeded};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tripline_tests::proxy::{Cut, Proxy};
use tripline_tests::workspace;

use super::{ended, tripline};
use crate::chain::rollout::Rollout;
use crate::chain::stage::{Chain, Stage, must};

/// The things that a job has executions for, and their states.
async fn executions(chain: &Chain<'_>, job: &str) -> Vec<(String, String)> {
    let listed = chain.iot.list_job_executions_for_job().job_id(job).send().await.unwrap();
    let mut all: Vec<_> = listed
        .execution_summaries()
        .iter()
        .map(|execution| {
            let thing = execution.thing_arn().unwrap().rsplit('/').next().unwrap().to_owned();
            let status = execution.job_execution_summary().unwrap().status().unwrap();
            (thing, status.as_str().to_owned())
        })
        .collect();
    all.sort();
    all
}

async fn tags(chain: &Chain<'_>, arn: &str) -> Vec<(String, String)> {
    let listed = chain.iot.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    let tags = listed.tags.unwrap_or_default().into_iter();
    tags.map(|tag| (tag.key, tag.value.unwrap_or_default())).collect()
}

fn queued(job: &str, devices: &[usize]) -> Vec<(String, String)> {
    devices.iter().map(|n| (format!("{job}-device-{n}"), "QUEUED".to_owned())).collect()
}

#[tokio::test]
async fn only_devices_that_lack_the_firmware_get_it_again() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let rollout = Rollout::create(&chain, "fw", 7).await;
    rollout.succeeds(0, "240").await;
    rollout.begins(1).await;
    rollout.begins(2).await;
    rollout.begins(3).await;
    rollout.reports(3, Failed, &[]).await;
    let running = tripline(chain.aws, "resume --job-id fw --config examples/demo.ini");
    assert_eq!(ended(&running).0, Some(2), "it is in progress");
    chain.tripline("stop --job-id fw");
    // One at work ends after the stop, and has the firmware then; another is unfinished.
    rollout.reports(1, Succeeded, &[("downloadTime", "300")]).await;

    let (code, text) = ended(&tripline(chain.aws, "resume --job-id fw"));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("error: job `fw` has no tag `tripline:config`"), "{text}");
    let dry =
        ended(&tripline(chain.aws, "resume --job-id fw --config examples/demo.ini --dry-run"));
    assert_eq!(dry.0, Some(0), "{}", dry.1);
    assert!(chain.iot.describe_job().job_id("fw-r1").send().await.is_err());

    let resume = "resume --job-id fw --config examples/demo.ini";
    let (code, text) = ended(&tripline(chain.aws, resume));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("`--include-in-progress` includes them"), "{text}");
    assert_eq!(executions(&chain, "fw-r1").await, queued("fw", &[3, 4, 5, 6]));
    // Armed, by the same alarms.
    let listed = chain.tripline("alarms list --job-id fw-r1");
    assert!(listed.contains("tripline-fw-r1-SlowDownloads"), "{listed}");

    let (code, text) = ended(&tripline(chain.aws, resume));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("job fw-r1 already exists and resumes fw"), "{text}");
    let all = "resume --job-id fw --new-job-id all --default-guard --include-in-progress";
    assert_eq!(ended(&tripline(chain.aws, all)).0, Some(0));
    assert_eq!(executions(&chain, "all").await, queued("fw", &[2]), "`fw-r1` has the others");
}

#[tokio::test]
async fn the_new_job_is_configured_and_armed_as_deploy_has_left_the_old_one() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let proxy = must(Proxy::start(chain.aws));
    let s3 = proxy.s3();
    let config = std::fs::read(workspace::root().join("examples/demo.ini")).unwrap();
    s3.create_bucket().bucket("kept").send().await.unwrap();
    let digest = STANDARD.encode(Sha256::digest(&config));
    let put = s3.put_object().bucket("kept").key("old/dev.ini").body(ByteStream::from(config));
    put.send().await.unwrap();
    let mut targets = Vec::new();
    for thing in ["k1", "k2"] {
        let created = chain.iot.create_thing().thing_name(thing).send().await.unwrap();
        targets.push(created.thing_arn.unwrap());
    }
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let rate = JobExecutionsRolloutConfig::builder().maximum_per_minute(50).build();
    let timeout = TimeoutConfig::builder().in_progress_timeout_in_minutes(90).build();
    let job = chain.iot.create_job().job_id("old").set_targets(Some(targets));
    let job = job.document(r#"{"firmware":"1.3.0"}"#).description("the pumps");
    let job = job.job_executions_rollout_config(rate).timeout_config(timeout);
    let job = job.tags(tag("tripline:config", "s3://kept/old/dev.ini")).tags(tag("team", "a"));
    let job = job.tags(tag("tripline:configDigest", &digest));
    job.send().await.unwrap();
    chain.tripline("stop --job-id old");

    let (code, text) = ended(&tripline(chain.aws, "resume --job-id old --output json"));
    assert_eq!(code, Some(0), "{text}");
    let described = chain.iot.describe_job().job_id("old-r1").send().await.unwrap().job.unwrap();
    assert_eq!(described.description(), Some("Resumes old: the pumps"));
    let rate = described.job_executions_rollout_config().unwrap().maximum_per_minute();
    assert_eq!(rate, Some(50));
    let timeout = described.timeout_config().unwrap().in_progress_timeout_in_minutes();
    assert_eq!(timeout, Some(90));
    let document = chain.iot.get_job_document().job_id("old-r1").send().await.unwrap();
    assert_eq!(document.document(), Some(r#"{"firmware":"1.3.0"}"#));
    let mut tags = tags(&chain, described.job_arn().unwrap()).await;
    tags.sort();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let kept = pair("tripline:config", "s3://kept/old/dev.ini");
    let digest = pair("tripline:configDigest", &digest);
    assert_eq!(tags, [pair("team", "a"), kept, digest, pair("tripline:resumes", "old")]);
    assert!(text.contains(r#""kind": "object""#), "{text}");
    chain.tripline("alarms list --job-id old-r1");
}

/// The calls of a resume that change something, in a run that is not cut.
const GROUPED: usize = 105;

#[tokio::test]
async fn many_devices_go_into_a_group_however_often_it_is_cut_short() {
    let stage = Stage::new(&[]).await;
    let chain = stage.chain();
    let proxy = must(Proxy::start(chain.aws));
    let register = format!("fleet register --devices {GROUPED} --prefix many- --rate 1000");
    let group = chain.tripline(&register);
    let job = chain.iot.create_job().job_id("many").targets(group.trim()).document("{}");
    job.send().await.unwrap();
    let update = chain.devices.update_job_execution().thing_name("many-000001").job_id("many");
    update.status(Succeeded).send().await.unwrap();
    chain.tripline("stop --job-id many");

    let mut command = must(proxy.tripline());
    command.args("resume --job-id many --config examples/demo.ini --output json".split(' '));
    // Killed in the middle of the group, and when the job is there and its answer is not.
    let half = must(proxy.run(&mut command, Some(Cut::before(50))).await);
    assert!(half.cut, "{}", half.stderr);
    let writes = |calls: &[tripline_tests::proxy::Call]| {
        calls
            .iter()
            .filter(|call| call.write)
            .map(|call| call.operation.clone())
            .collect::<Vec<_>>()
    };
    let mut rest = must(proxy.run(&mut command, Some(Cut::before(100_000))).await);
    assert_eq!(rest.status.code(), Some(0), "{}", rest.stderr);
    let writes = writes(&rest.calls);
    assert!(writes.len() < GROUPED, "it goes on: {writes:?}");
    let place = |what: &str| writes.iter().position(|write| write.contains(what));
    assert!(place("PutMetricAlarm") < place("PUT /jobs/many-r1"), "armed first: {writes:?}");
    rest.stdout.truncate(rest.stdout.trim_end().len());
    let data: Value = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!((&data["devices"], &data["succeeded"]), (&104.into(), &1.into()));
    assert_eq!(data["group"], "tripline-many-r1");
    let members = chain.iot.list_things_in_thing_group().thing_group_name("tripline-many-r1");
    let members = members.send().await.unwrap().things.unwrap_or_default();
    assert_eq!(members.len(), 104);
    assert!(!members.contains(&"many-000001".to_owned()));
    let arn = group.trim().replace("many-fleet", "tripline-many-r1");
    let link = ("tripline:resumes".to_owned(), "many".to_owned());
    assert_eq!(tags(&chain, &arn).await, [link]);
    let new = executions(&chain, "many-r1").await;
    assert_eq!(new.len(), 104);
    assert!(new.iter().all(|(_, status)| status == "QUEUED"));

    // The rollout goes through at last.
    let run = "fleet run --devices 105 --prefix many- --job-id many-r1 --speedup 1000000 --for 60";
    ended(&tripline(chain.aws, run));
    let (code, text) = ended(&tripline(chain.aws, "watch many-r1"));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = ended(&tripline(chain.aws, "resume --job-id many-r1 --default-guard"));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("nothing left to do: of 104 devices of job many-r1, 104 have the firmware"),
        "{text}"
    );
}
