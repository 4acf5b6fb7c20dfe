//! Releases by the command while calls fail and it is killed: once it could run to its end, the account is as
//! after runs without any fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_iotjobsdataplane::types::JobExecutionStatus;
use serde_json::{Value, json};
use tripline_tests::faults::hash;
use tripline_tests::proxy::{Call, Cut, Mishap, Ran};

use super::frame::{Supply, assert_none, grouped, seed, size, summarize};
use crate::deploy::stage::{BUCKET, SHORT, Stage, must};

/// Runs of each command, in the short and in the long run.
const RUNS: (u64, u64) = (2, 30);
/// Of 100 calls, so many fail.
const MISHAPS: u64 = 7;
/// Tries that are killed or see faults, before one that is left alone.
const DISTURBED: u64 = 3;
/// A command that is killed is so at one of so many calls.
const CALLS: u64 = 60;
/// Tries until a lease that a killed worker left has run out.
const MOST: u64 = 40;
/// The earlier rollout, whose firmware is good.
const GOOD: &str = "good";

/// What was seen of all runs.
#[derive(Default)]
struct Tally {
    tries: u64,
    killed: u64,
    failed: u64,
    calls: u64,
    unlike: Vec<String>,
    unguarded: Vec<String>,
}

/// A release by all commands, and what it left.
struct Release<'a> {
    stage: &'a Stage,
    name: String,
    /// Where chance begins; none, if nothing is to fail.
    seed: Option<u64>,
    tries: u64,
    seen: Tally,
    calls: Vec<Call>,
}

impl Release<'_> {
    fn command(&self, words: &str) -> Command {
        let mut command = must(self.stage.proxy.tripline());
        command.args(words.replace("<job>", &self.name).split(' '));
        command.current_dir(self.stage.folder());
        command
    }

    /// Runs a command until it has ended well: some times among faults, then as often as it takes.
    async fn run(&mut self, first: &str, again: &str, is_done: impl AsyncFn(&Ran) -> bool) {
        for n in 0..MOST {
            let words = if n == 0 { first } else { again };
            let ran = self.once(words, n).await;
            if is_done(&ran).await {
                return;
            }
            assert!(n + 1 < MOST, "{words}: {}\n{}\n{}", self.name, ran.stdout, ran.stderr);
        }
    }

    async fn once(&mut self, words: &str, n: u64) -> Ran {
        self.tries += 1;
        let disturbed = self.seed.filter(|_| n < DISTURBED);
        let mut command = self.command(words);
        let ran = match disturbed.map(|seed| hash(&[seed, self.tries])) {
            None => must(self.stage.proxy.run(&mut command, None).await),
            Some(drawn) => {
                let call = usize::try_from(2 + (drawn >> 8) % CALLS).unwrap();
                let cut = match drawn % 3 {
                    0 => Some(Cut::before(call)),
                    1 => Some(Cut::after(call)),
                    _ => None,
                };
                let mishap = move |n: u64, _: &Call| mishap(drawn, n);
                must(self.stage.proxy.run_under(&mut command, cut, mishap).await)
            }
        };
        self.seen.tries += 1;
        self.seen.killed += u64::from(ran.cut);
        self.seen.failed += u64::from(!ran.cut && ran.status.code() != Some(0));
        self.seen.calls += ran.calls.len() as u64;
        self.calls.extend(ran.calls.iter().cloned());
        ran
    }

    /// All commands, in the order in which people come to them.
    async fn play(&mut self) {
        let stage = self.stage;
        let ended_well = async |ran: &Ran| ran.status.code() == Some(0);
        let name = self.name.clone();
        let things = [format!("{name}-a"), format!("{name}-b")];
        write_release(stage, &name, &things).await;
        let deploy = "deploy <job>.ini --detach";
        self.run(deploy, &format!("{deploy} --resume"), ended_well).await;
        // One device gets the firmware, and then the rollout is stopped.
        succeed(stage, &name, &things[0]).await;
        let stop = "stop --job-id <job>";
        self.run(stop, stop, ended_well).await;
        let resume = "resume --job-id <job>";
        self.run(resume, resume, ended_well).await;
        let revert = format!("revert --job-id <job> --to {GOOD}");
        self.run(&revert, &revert, ended_well).await;
        // The same files, in a queue of its own, as another job.
        let queued = format!("{name}-q");
        write_release(stage, &queued, &[format!("{name}-c")]).await;
        let add = format!(
            "queue add --bin pump-4.2.bin --config {queued}.ini --things {queued}.txt --bucket {BUCKET} --queue {name}"
        );
        let added = must(stage.proxy.run(&mut self.command(&add), None).await);
        assert_eq!(added.status.code(), Some(0), "{}", added.stderr);
        let list = "queue list --queue <job> --output json";
        let next = "queue next --detach --lease 2s --output json --queue <job>";
        let list = list.replace("<job>", &name);
        self.run(next, next, async |_| {
            let mut command = must(stage.proxy.tripline());
            command.args(list.split(' '));
            let listed = must(stage.proxy.run(&mut command, None).await);
            let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
            let entry = &listed["entries"][0];
            wait_no_longer(stage, &name, entry["entry"].as_str().unwrap()).await;
            entry["state"] == "deployed"
        })
        .await;
        self.seen.unguarded = unguarded(&self.calls);
    }

    /// What is there of it, without what differs from release to release.
    async fn left(&self) -> BTreeMap<String, String> {
        let left = inventory(self.stage, &self.name).await;
        let renamed = |text: String| without_ids(&text.replace(&self.name, "<job>"));
        let left = left.into_iter().map(|(what, text)| (renamed(what), renamed(text)));
        // The record of its rounds has nothing in it yet; one that is carried on with may have none.
        left.filter(|(what, _)| !what.ends_with("rounds.json")).collect()
    }
}

/// A text whose digests and random ids are all the same.
fn without_ids(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let mut shown = String::new();
    for piece in text.split_inclusive(|c| !is_word(c)) {
        let word = piece.trim_end_matches(|c| !is_word(c));
        let is_made_of = |is: fn(char) -> bool| word.len() >= 8 && word.chars().all(is);
        let is_id = is_made_of(|c| c.is_ascii_hexdigit()) && word.contains(char::is_numeric)
            || is_made_of(|c| c.is_ascii_digit() || "TZ".contains(c));
        shown += if is_id { "<id>" } else { word };
        shown += piece.strip_prefix(word).unwrap_or_default();
    }
    shown
}

/// Where two texts begin to differ.
fn difference(one: &str, other: &str) -> String {
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from =
        |text: &str| text.chars().skip(same.saturating_sub(60)).take(300).collect::<String>();
    format!("  {}\n  {}", from(one), from(other))
}

/// What becomes of a call.
fn mishap(drawn: u64, n: u64) -> Option<Mishap> {
    let drawn = hash(&[drawn, n]);
    if drawn % 100 >= MISHAPS {
        return None;
    }
    Some(match (drawn >> 8) % 6 {
        0 => Mishap::Refused(400, "ThrottlingException"),
        1 => Mishap::Refused(403, "AccessDeniedException"),
        2 => Mishap::Refused(500, "InternalFailure"),
        3 => Mishap::Refused(503, "ServiceUnavailable"),
        4 => Mishap::Lost(500, "InternalFailure"),
        _ => Mishap::Lost(503, "ServiceUnavailable"),
    })
}

/// The files of a release, and its things.
async fn write_release(stage: &Stage, job: &str, things: &[String]) {
    let mut list = String::new();
    for name in things {
        let thing = iot_of(stage).create_thing().thing_name(name).send().await.unwrap();
        list += &format!("{}\n", thing.thing_arn().unwrap());
    }
    stage.write(&format!("{job}.txt"), list.as_bytes());
    let config = SHORT.replace("things.txt", &format!("{job}.txt"));
    stage.config(&config.replace("cleanUpCfg = True", "cleanUpCfg = False"), job);
}

/// A device takes what comes first, and succeeds.
async fn succeed(stage: &Stage, job: &str, thing: &str) {
    let devices = aws_sdk_iotjobsdataplane::Client::new(&stage.aws.config());
    let next = devices.start_next_pending_job_execution().thing_name(thing).send().await.unwrap();
    assert_eq!(next.execution.unwrap().job_id.as_deref(), Some(job));
    let update = devices.update_job_execution().thing_name(thing).job_id(job);
    update.status(JobExecutionStatus::Succeeded).send().await.unwrap();
}

/// What failed waits for minutes before its next try, which nobody does here.
async fn wait_no_longer(stage: &Stage, queue: &str, entry: &str) {
    let dynamo = aws_sdk_dynamodb::Client::new(&stage.aws.config());
    let update = dynamo.update_item().table_name(must(stage.stack.output("QueueTableName")));
    let update = update.key("queue", AttributeValue::S(queue.to_owned()));
    let update = update.key("entry", AttributeValue::S(entry.to_owned()));
    update.update_expression("REMOVE notBefore").send().await.unwrap();
}

/// Jobs that a call asked for before any alarm of theirs was put.
fn unguarded(calls: &[Call]) -> Vec<String> {
    let mut armed = BTreeSet::new();
    let mut unguarded = Vec::new();
    for call in calls {
        if call.operation == "PutMetricAlarm" && call.status == Some(200) {
            armed.insert(call.body.clone());
        }
        let created = call.operation.strip_prefix("PUT /jobs/").filter(|id| !id.contains('/'));
        if let Some(job) = created
            && !armed.iter().any(|name| name.contains(&format!("tripline-{job}-")))
        {
            unguarded.push(format!("{job}: {armed:?}"));
        }
    }
    unguarded
}

/// What is in the account whose name begins so: jobs, alarms, streams, groups, objects, entries.
async fn inventory(stage: &Stage, prefix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let iot = iot_of(stage);
    let mut jobs = iot.list_jobs().into_paginator().items().send();
    while let Some(job) = jobs.next().await {
        let id = job.unwrap().job_id.unwrap();
        if !id.starts_with(prefix) {
            continue;
        }
        let described = iot.describe_job().job_id(&id).send().await.unwrap();
        let mut job = described.job.unwrap();
        for time in [&mut job.created_at, &mut job.last_updated_at, &mut job.completed_at] {
            *time = None;
        }
        let document = iot.get_job_document().job_id(&id).send().await.unwrap().document;
        let tags = iot.list_tags_for_resource().resource_arn(job.job_arn().unwrap());
        let tags = tags.send().await.unwrap().tags.unwrap_or_default();
        // The digest of a config that has the job's name in it.
        let mut tags: Vec<String> =
            tags.iter().filter(|tag| !tag.key().ends_with("configDigest")).map(tag).collect();
        tags.sort_unstable();
        found.insert(format!("job {id}"), format!("{job:?}\n{document:?}\n{tags:?}"));
        let stream = format!("{id}-stream");
        if let Some(mut stream) = stage.stream(&stream).await {
            (stream.created_at, stream.last_updated_at) = (None, None);
            found.insert(format!("stream of {id}"), format!("{stream:?}"));
        }
    }
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&stage.aws.config());
    let prefixed = cloudwatch.describe_alarms().alarm_name_prefix(format!("tripline-{prefix}"));
    for mut alarm in prefixed.send().await.unwrap().metric_alarms.unwrap_or_default() {
        alarm.state_updated_timestamp = None;
        alarm.state_transitioned_timestamp = None;
        alarm.alarm_configuration_updated_timestamp = None;
        (alarm.state_value, alarm.state_reason, alarm.state_reason_data) = (None, None, None);
        found.insert(format!("alarm {}", alarm.alarm_name().unwrap()), format!("{alarm:?}"));
    }
    for key in stage.keys("").await.into_iter().filter(|key| key.contains(prefix)) {
        found.insert(format!("object {key}"), String::new());
    }
    let table = must(stage.stack.output("QueueTableName"));
    let dynamo = aws_sdk_dynamodb::Client::new(&stage.aws.config());
    let items = dynamo.scan().table_name(table).send().await.unwrap().items.unwrap_or_default();
    for item in items {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok().cloned());
        if text("queue").is_some_and(|queue| queue == prefix) {
            let state = item.get("state").map(|state: &AttributeValue| format!("{state:?}"));
            found.insert(format!("entry of {prefix}"), state.unwrap_or_default());
        }
    }
    found
}

/// Past the proxy.
fn iot_of(stage: &Stage) -> aws_sdk_iot::Client {
    aws_sdk_iot::Client::new(&stage.aws.config())
}

fn tag(tag: &aws_sdk_iot::types::Tag) -> String {
    format!("{}={}", tag.key(), tag.value().unwrap_or_default())
}

#[tokio::test]
async fn a_release_ends_as_if_nothing_had_failed() {
    let seed = seed();
    let stage = Stage::with(&[("Queue", "on")]).await;
    // Its minute would remove the alarms of what is stopped in some runs and not in others.
    let keeper = must(stage.stack.output("GuardKeeperScheduleArn"));
    let off = json!({"Name": Path::new(keeper).file_name().unwrap().to_str()});
    must(stage.aws.post("events", "AWSEvents.DisableRule", &off));
    let release = |name: String, seed: Option<u64>| Release {
        stage: &stage,
        name,
        seed,
        tries: 0,
        seen: Tally::default(),
        calls: Vec::new(),
    };
    // An earlier rollout that ended well, and others that nobody is to touch.
    let ended_well = async |ran: &Ran| ran.status.code() == Some(0);
    for name in [GOOD, "foreign"] {
        let things = [format!("{name}-a")];
        write_release(&stage, name, &things).await;
        let mut earlier = release(name.to_owned(), None);
        earlier.run("deploy <job>.ini --detach", "-", ended_well).await;
        if name == GOOD {
            succeed(&stage, name, &things[0]).await;
        }
    }
    let foreign = inventory(&stage, "foreign").await;
    assert!(foreign.len() > 3, "{foreign:?}");
    let mut whole = release("run-999".to_owned(), None);
    whole.play().await;
    let expected = whole.left().await;
    assert!(expected.len() > 12, "{expected:#?}");

    let supply = Supply::new("releases", size(RUNS.0, RUNS.1));
    let mut all = Tally::default();
    let worker = async || {
        let mut seen = Vec::new();
        while let Some(n) = supply.next() {
            let mut run = release(format!("run-{n:03}"), Some(hash(&[seed, n])));
            run.play().await;
            let left = run.left().await;
            let keys: BTreeSet<&String> = left.keys().chain(expected.keys()).collect();
            for key in keys {
                let of = |side: &BTreeMap<String, String>| match side.get(key) {
                    Some(text) => text.clone(),
                    None => "(there is none)".to_owned(),
                };
                let (seen, expected) = (of(&left), of(&expected));
                if seen != expected {
                    let place = difference(&seen, &expected);
                    run.seen.unlike.push(format!("{}: {key}\n{place}", run.name));
                }
            }
            seen.push(run.seen);
        }
        seen
    };
    // So many at a time.
    let (a, b, c) = tokio::join!(worker(), worker(), worker());
    for seen in a.into_iter().chain(b).chain(c) {
        all.tries += seen.tries;
        all.killed += seen.killed;
        all.failed += seen.failed;
        all.calls += seen.calls;
        all.unlike.extend(seen.unlike);
        all.unguarded.extend(seen.unguarded);
    }
    let now = inventory(&stage, "foreign").await;
    let changed: Vec<String> = foreign
        .iter()
        .filter(|(what, text)| now.get(*what) != Some(*text))
        .map(|(what, text)| format!("{what}: {text}\n{:?}", now.get(what)))
        .collect();
    let saw = format!(
        "{} releases, each by `deploy`, `stop`, `resume`, `revert` and `queue next`, on the local AWS: {} tries, {} of \
         them killed in the middle, {} failed; {} calls, of which {MISHAPS} % fail while a try is disturbed.\n\n\
         - end states that differ from a run without faults: {}\n\
         - jobs asked for before their guard: {}\n\
         - other jobs, alarms, objects or streams that changed: {}",
        grouped(supply.given()),
        grouped(all.tries),
        grouped(all.killed),
        grouped(all.failed),
        grouped(all.calls),
        all.unlike.len(),
        all.unguarded.len(),
        changed.len(),
    );
    summarize("releases", &saw);
    assert_none("end states differ from a run without faults", &all.unlike);
    assert_none("jobs asked for before their guard", &all.unguarded);
    assert_none("changed, and nobody was to", &changed);
}
