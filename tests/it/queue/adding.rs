//! What gets into a queue, and what does not.

use std::fs;

use tripline_tests::local_aws::LocalAws;
use tripline_tests::proxy::Proxy;
use tripline_tests::runner::{Ran, run};
use tripline_tests::stack::Stack;

use super::stage::{BUCKET, Stage, deployed, result};

#[tokio::test]
async fn a_release_is_added_listed_and_deployed() {
    let stage = Stage::start().await;
    let folder = stage.release("fw-1");
    let folder = folder.display();
    // As the tool before was called; its table is an option of its own here.
    let added = stage.run(&format!(
        "add -m submit -f {folder}/fw-1.bin -d {folder}/dev.ini -l {folder}/things.txt -b {BUCKET} -r us-east-1 --bake 2h --output json"
    ));
    assert_eq!(added.code, 0, "{}", added.stderr);
    let id = added.json()["entry"].as_str().unwrap().to_owned();
    for name in ["dev.ini", "fw-1.bin", "things.txt"] {
        let stored = stage.s3.get_object().bucket(BUCKET).key(format!("queue/{id}/{name}"));
        let stored = stored.send().await.unwrap().body.collect().await.unwrap().to_vec();
        assert_eq!(stored, fs::read(format!("{folder}/{name}")).unwrap(), "{name}");
    }
    let entry = stage.entry("default", &id);
    assert_eq!(entry["state"], "pending");
    assert_eq!(entry["bakeSeconds"], 7_200);
    assert!(stage.run("list").stdout.contains("fw-1"));

    // The next one is made from it, and differs in what was set and in nothing else.
    fs::write(stage.folder.path().join("fw-2.bin"), "firmware of fw-2").unwrap();
    let from_last = format!("add --bin fw-2.bin --from-last --bucket {BUCKET}");
    let unset = stage.run(&from_last);
    assert_eq!(unset.code, 2);
    assert!(unset.stderr.contains("hint: --set jobId=.."), "{}", unset.stderr);
    let second = stage.run(&format!("{from_last} --set jobId=fw-2"));
    assert_eq!(second.code, 0, "{}", second.stderr);
    let key = format!("queue/{}/dev.ini", second.stdout.trim());
    let stored = stage.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
    let stored = String::from_utf8(stored.body.collect().await.unwrap().to_vec()).unwrap();
    let expected = fs::read_to_string(format!("{folder}/dev.ini")).unwrap();
    let expected = expected.replace("= fw-1", "= fw-2");
    assert_eq!(stored, expected);

    let next = stage.run("next --detach --output json");
    assert_eq!(result(&next), deployed(), "{}", next.stderr);
    stage.assert_deployed_once("default", &id).await;
    assert_eq!(result(&stage.run("next --output json")), (6, "waiting".to_owned()));
}

#[tokio::test]
async fn what_does_not_fit_is_not_added() {
    let stage = Stage::start().await;
    stage.add("fw-1", "");
    stage.create_job("fw-2").await;
    for job in ["fw-2", "fw-3"] {
        stage.release(job);
    }
    let config =
        |job: &str| fs::read_to_string(stage.folder.path().join(job).join("dev.ini")).unwrap();
    fs::write(
        stage.folder.path().join("bad.ini"),
        config("fw-3").replace("jobId = fw-3", "jobId = <id>\nuseAbortConfig = maybe"),
    )
    .unwrap();
    let write = |name: &str, text: String| fs::write(stage.folder.path().join(name), text).unwrap();
    write("no-alarms.ini", config("fw-3").replace("alarmList = Slow", "alarmList ="));
    write("alerts.ini", config("fw-3").replace(", @force-stop", ""));
    let document = "useCustomJobDocument = True\n[CUSTOM_JOB_DOCUMENT]\njobDocSrcCfg = local_file\njobDocPath = job.json\n\n[ALARM_CONFIG]";
    write("document.ini", config("fw-3").replace("[ALARM_CONFIG]", document));
    write("job.json", "[]".to_owned());
    fs::write(stage.folder.path().join("empty.bin"), "").unwrap();
    fs::write(stage.folder.path().join("other.bin"), "other").unwrap();
    for (bin, ini, more, fault) in [
        ("fw-1/fw-1.bin", "fw-1/dev.ini", "", "job `fw-1` is in the queue already, as entry `"),
        ("fw-2/fw-2.bin", "fw-2/dev.ini", "", "job `fw-2` exists already in `us-east-1`"),
        ("other.bin", "fw-3/dev.ini", "", "binName is `fw-3.bin` (expected `other.bin`"),
        (
            "fw-3/fw-3.bin",
            "fw-3/dev.ini",
            "--set thingList=all.txt",
            "thingList is `all.txt` (expected `things.txt`",
        ),
        (
            "fw-3/fw-3.bin",
            "bad.ini",
            "",
            "bad.ini: 2 faults\n  line 3: `[DEFAULT]`: jobId cannot be `<id>`",
        ),
        ("empty.bin", "fw-3/dev.ini", "--set binName=empty.bin", "empty.bin: 0 bytes"),
        ("fw-3/fw-3.bin", "fw-3/dev.ini", "--set region=eu_1", "region cannot be `eu_1`"),
        ("none.bin", "fw-3/dev.ini", "--set binName=none.bin", "none.bin: cannot be read"),
        (
            "fw-3/fw-3.bin",
            "fw-3/dev.ini",
            "--set region=eu-west-1",
            "region is `eu-west-1`, and the targets are in",
        ),
        (
            "fw-3/fw-3.bin",
            "fw-3/dev.ini",
            "--set cleanupConfig=True",
            "unknown key `cleanupConfig`",
        ),
        ("fw-3/fw-3.bin", "fw-3/dev.ini", "--set privateKey=k.pem", "no key ever is"),
        (
            "fw-3/fw-3.bin",
            "no-alarms.ini",
            "--alert-only",
            "no alarms, so that only the stack's default guard",
        ),
        ("fw-3/fw-3.bin", "alerts.ini", "--default-guard", "no alarm notifies `@force-stop`"),
        ("fw-3/fw-3.bin", "document.ini", "", "job.json: "),
    ] {
        let ran = stage.run(&format!(
            "add --bin {bin} --config {ini} --things fw-3/things.txt --bucket {BUCKET} {more}"
        ));
        assert_eq!(ran.code, 2, "{bin}: {}", ran.stderr);
        assert!(ran.stderr.contains(fault), "{bin}: {}", ran.stderr);
    }
    let no_bucket = stage.run(
        "add --bin fw-3/fw-3.bin --config fw-3/dev.ini --things fw-3/things.txt --bucket none",
    );
    assert_eq!(no_bucket.code, 3, "{}", no_bucket.stderr);
    assert!(no_bucket.stderr.contains("bucket `none`: NoSuchBucket"), "{}", no_bucket.stderr);
    let listed = stage.run("list --output json").json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1);
    let objects = stage.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(objects.contents().len(), 3, "what was refused left something behind");
}

#[tokio::test]
async fn a_job_is_added_once_however_many_try() {
    let stage = Stage::start().await;
    let folder = stage.release("fw-1");
    let folder = folder.display();
    let add = format!(
        "add --bin {folder}/fw-1.bin --config {folder}/dev.ini --things {folder}/things.txt --bucket {BUCKET}"
    );
    let racers: Vec<_> = (0..6).map(|_| stage.spawn(&add)).collect();
    let mut codes: Vec<i32> =
        racers.into_iter().map(|racer| Ran::of(&racer.wait_with_output().unwrap()).code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2, 2, 2]);
}

#[tokio::test]
async fn the_table_is_the_one_of_the_stack() {
    let aws = LocalAws::start().await.unwrap();
    let proxy = Proxy::start(&aws).unwrap();
    let tripline = |stack: &str| {
        let mut command = proxy.tripline().unwrap();
        run(command.args(["queue", "list", "--output", "json", "--stack", stack]))
    };
    let stack = Stack::create(&aws, "with", &[("Queue", "on")]).await.unwrap();
    let listed = tripline("with").json();
    assert_eq!(listed["table"], stack.output("QueueTableName").unwrap());
    assert_eq!(listed["next"]["state"], "nothing");
    let absent = tripline("without");
    assert_eq!(absent.code, 2);
    assert!(absent.stderr.contains("there is no stack `without`"), "{}", absent.stderr);
    let template =
        "Resources:\n  T:\n    Type: AWS::SNS::Topic\nOutputs:\n  StopMode:\n    Value: cancel\n";
    Stack::create_from(&aws, "without", template, &[]).await.unwrap();
    let off = tripline("without");
    assert_eq!(off.code, 2);
    assert!(off.stderr.contains("`Queue=on`"), "{}", off.stderr);
}

#[tokio::test]
async fn what_is_meant_is_said_when_it_is_added() {
    let stage = Stage::start().await;
    for (job, without, option) in
        [("fw-1", "Slow\n", "--default-guard"), ("fw-2", ", @force-stop", "--alert-only")]
    {
        let folder = stage.release(job);
        let config = fs::read_to_string(folder.join("dev.ini")).unwrap();
        let config = config.replacen(without, if without == "Slow\n" { "\n" } else { "" }, 1);
        fs::write(folder.join("dev.ini"), config).unwrap();
        let folder = folder.display();
        let added = stage.run(&format!(
            "add --queue {job} --bin {folder}/{job}.bin --config {folder}/dev.ini --things {folder}/things.txt --bucket {BUCKET} {option}"
        ));
        assert_eq!(added.code, 0, "{}", added.stderr);
        let next = stage.run(&format!("next --detach --queue {job} --output json"));
        assert_eq!(result(&next), deployed(), "{}", next.stderr);
        stage.assert_deployed_once(job, added.stdout.trim()).await;
    }
}
