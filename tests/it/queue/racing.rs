//! Two workers and one entry, two hundred times.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};
use tripline_tests::runner::Ran;

use super::stage::{BUCKET, Stage, deployed, result};

const RACES: usize = 200;
/// So many races at a time: more would only wait for each other.
const LANES: usize = 4;

/// All of them with whole processes. Each race has a queue of its own, so that no race waits for
/// another; what counts is how many jobs there are, and how often each entry was claimed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_race_for_an_entry_and_it_is_deployed_once() {
    let stage = Arc::new(Stage::start().await);
    let model = stage.add("model", "--queue model");
    let item = item(&stage, "model", &model).await;
    let lanes = (0..LANES).map(|lane| {
        let (stage, item) = (Arc::clone(&stage), item.clone());
        tokio::spawn(async move {
            for race in (lane..RACES).step_by(LANES) {
                add(&stage, &item, race).await;
                let next = format!("next --detach --queue race-{race} --output json");
                let workers = [stage.spawn(&next), stage.spawn(&next)];
                let mut results: Vec<_> = workers
                    .into_iter()
                    .map(|worker| result(&Ran::of(&worker.wait_with_output().unwrap())))
                    .collect();
                results.sort();
                let mut expected = vec![deployed(), (6, "waiting".to_owned())];
                expected.sort();
                assert_eq!(results, expected, "race {race}");
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    let mut jobs = stage.jobs().await;
    jobs.sort();
    let mut expected: Vec<_> = (0..RACES).map(|race| format!("fw-{race}")).collect();
    expected.sort();
    assert_eq!(jobs, expected, "jobs that were created");
    for race in 0..RACES {
        let item = self::item(&stage, &format!("race-{race}"), &entry(race)).await;
        assert_eq!(item["claims"], AttributeValue::N("1".to_owned()), "race {race}: {item:?}");
    }
}

type Item = std::collections::HashMap<String, AttributeValue>;

/// What the entry of a race is called.
fn entry(race: usize) -> String {
    format!("20260921T151555007Z-{race:08x}")
}

async fn item(stage: &Stage, queue: &str, entry: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let get = stage.dynamo.get_item().table_name(&stage.table).consistent_read(true);
    let got = get.key("queue", text(queue)).key("entry", text(entry)).send().await.unwrap();
    got.item.unwrap()
}

/// Puts a release of its own into a queue of its own, as `tripline queue add` does.
async fn add(stage: &Stage, model: &Item, race: usize) {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let (job, entry) = (format!("fw-{race}"), entry(race));
    let folder = stage.release(&job);
    let mut files = Vec::new();
    for (used, name) in [
        ("config", "dev.ini"),
        ("firmware", format!("{job}.bin").as_str()),
        ("things", "things.txt"),
    ] {
        let body = std::fs::read(folder.join(name)).unwrap();
        let digest = Sha256::digest(&body);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        files.push(AttributeValue::M(Item::from([
            ("use".to_owned(), text(used)),
            ("name".to_owned(), text(name)),
            ("bytes".to_owned(), AttributeValue::N(body.len().to_string())),
            ("sha256".to_owned(), text(&digest)),
        ])));
        let put = stage.s3.put_object().bucket(BUCKET).key(format!("queue/{entry}/{name}"));
        put.body(body.into()).send().await.unwrap();
    }
    let mut item = model.clone();
    item.insert("queue".to_owned(), text(&format!("race-{race}")));
    item.insert("entry".to_owned(), text(&entry));
    item.insert("jobId".to_owned(), text(&job));
    item.insert("files".to_owned(), AttributeValue::L(files));
    stage.dynamo.put_item().table_name(&stage.table).set_item(Some(item)).send().await.unwrap();
}
