//! Every operation with every fault, once, for a whole attempt, and always, for both ways in which events come:
//! what comes of it stands in `faults.txt`. In each cell, whatever the table says: no event is neither counted
//! nor undelivered, and none is counted again without a line of the log that says so.

use std::collections::BTreeSet;

use tripline_tests::http_aws::HttpAws;
use tripline_tests::lambda_runtime::Ended;

use super::stage::{batch, deliveries, ended, function};
use crate::matrix::{self, Cell, Share, compare, heavy};

const FILE: &str = "tests/it/generator/faults.txt";
const TABLE: &str = include_str!("faults.txt");
/// The one call of the function, in each way in which events come.
const OPERATIONS: [&str; 2] = ["PutMetricData/batched", "PutMetricData/direct"];
/// The download times, by which events are distinguished.
const EVENTS: [u32; 2] = [300, 301];
const JOB: &str = "fw-7";
/// What the log says of what may be counted twice.
const SAID: &str = "maybe_counted_twice";

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fate {
    counted: usize,
    undelivered: bool,
}

/// What the processes logged.
type Logs = String;

/// What became of a cell.
struct Played {
    /// By event; those that share a fate once.
    fates: BTreeSet<Fate>,
    errors: BTreeSet<String>,
    /// Whether the log says that something may be counted twice.
    is_said: bool,
    /// What the stack's metric says may be.
    doubts: u64,
}

impl std::fmt::Display for Played {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fates = self.fates.iter().map(|fate| {
            let end = if fate.undelivered { "+undelivered" } else { "" };
            format!("{}{end}", fate.counted)
        });
        let errors = match self.errors.is_empty() {
            true => "-".to_owned(),
            false => self.errors.iter().cloned().collect::<Vec<_>>().join(","),
        };
        let said = if self.is_said { format!("said:{}", self.doubts) } else { "-".to_owned() };
        write!(f, "counted:{} {errors} {said}", fates.collect::<Vec<_>>().join(","))
    }
}

/// Each event to an environment of its own, as Lambda would if they came together.
async fn direct(aws: &HttpAws, cell: &Cell) -> (Vec<bool>, BTreeSet<String>, Logs) {
    let deliver = async |seconds: u32| {
        let door = aws.door(|_| cell.plan()).await.unwrap();
        let mut environment = function("direct").environment(door).await.unwrap();
        let delivery = environment.deliver(&ended(JOB, seconds)).await.unwrap();
        (delivery, environment.whole_log())
    };
    let [first, second] = EVENTS;
    let (first, second) = tokio::join!(deliver(first), deliver(second));
    let (mut undelivered, mut errors, mut logs) = (Vec::new(), BTreeSet::new(), String::new());
    for (delivery, log) in [first, second] {
        let failed = delivery.attempts.iter().map(|ended| ended.kind().to_owned());
        errors.extend(failed.filter(|kind| kind != "-"));
        undelivered.push(delivery.undelivered);
        logs += &log;
    }
    (undelivered, errors, logs)
}

async fn batched(aws: &HttpAws, cell: &Cell) -> (Vec<bool>, BTreeSet<String>, Logs) {
    let door = aws.door(|_| cell.plan()).await.unwrap();
    let mut environment = function("batched").environment(door).await.unwrap();
    let mut left: Vec<(String, String)> =
        EVENTS.map(|seconds| (format!("m-{seconds}"), ended(JOB, seconds).to_string())).into();
    let mut errors = BTreeSet::new();
    for delivery in 1..=deliveries() {
        environment.set_attempt(delivery);
        let answered = environment.invoke(&batch(&left), None).await.unwrap();
        if answered.kind() != "-" {
            errors.insert(answered.kind().to_owned());
        }
        // Whatever is no list of failed items is a batch that failed whole.
        if let Ended::Ok(answer) = answered {
            let failed = answer["batchItemFailures"].as_array().cloned().unwrap();
            let is_failed = |id: &str| failed.iter().any(|item| item["itemIdentifier"] == id);
            left.retain(|(id, _)| is_failed(id));
        }
        if left.is_empty() {
            break;
        }
    }
    let is_left = |seconds: u32| left.iter().any(|(id, _)| *id == format!("m-{seconds}"));
    (EVENTS.map(is_left).into(), errors, environment.whole_log())
}

async fn play(cell: Cell) -> (String, String) {
    let aws = HttpAws::default();
    let (operation, ingest) = cell.operation.split_once('/').unwrap();
    let call = Cell { operation: operation.to_owned(), ..cell.clone() };
    let (undelivered, errors, log) = match ingest {
        "direct" => direct(&aws, &call).await,
        _ => batched(&aws, &call).await,
    };
    let is_said = log.contains(SAID);
    let account = aws.account();
    let counted = |seconds: u32| -> usize {
        let datums = account.metrics.iter().filter(|datum| datum.name == "downloadTime");
        let values = datums.flat_map(|datum| &datum.values);
        let counts = values.filter(|(value, _)| (value - f64::from(seconds)).abs() < 0.5);
        counts.map(|(_, count)| *count as usize).sum()
    };
    let fates = EVENTS.into_iter().zip(undelivered);
    let fates = fates.map(|(seconds, undelivered)| Fate { counted: counted(seconds), undelivered });
    let fates: BTreeSet<Fate> = fates.collect();
    for fate in &fates {
        assert!(fate.counted > 0 || fate.undelivered, "{cell:?}: lost: {fate:?}\n{log}");
        let is_twice = fate.counted > 1 || (fate.counted > 0 && fate.undelivered);
        assert!(!is_twice || is_said, "{cell:?}: twice, and nobody said so: {fate:?}\n{log}");
    }
    let doubts = account.metrics.iter().filter(|datum| datum.name == "maybeCountedTwice");
    let doubts = doubts.map(|datum| datum.sum() as u64).sum();
    (Played { fates, errors, is_said, doubts }.to_string(), log)
}

#[tokio::test]
async fn every_fault_ends_as_the_table_says() {
    let _alone = heavy().await;
    compare(FILE, &OPERATIONS, Share::All, play, |_, _, _| false).await;
}

#[test]
fn every_cell_has_its_line() {
    matrix::assert_whole(TABLE, &OPERATIONS);
    // The one call of the function's code.
    let source = include_str!("../../../functions/metrics-generator/src/cloudwatch.rs");
    let calls: BTreeSet<&str> =
        source.split("from_sdk(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(calls, BTreeSet::from(["PutMetricData"]));
}

/// Its part of the page.
pub fn section() -> String {
    let text = "## What comes of the end of an execution\n\n\
        Of the metrics-generator; the table is `tests/it/generator/faults.txt`. Directly, Lambda makes three attempts; from the\n\
        queue, a message is delivered five times. CloudWatch adds up whatever it takes, and does not know a request again:\n\
        what it took without saying so is counted again, and the log and the metric `maybeCountedTwice` say how much that may be.\n";
    text.to_owned() + &matrix::page(&matrix::table(TABLE), in_words)
}

fn in_words(outcome: &str) -> String {
    let words: Vec<&str> = outcome.split(' ').collect();
    let [counted, errors, said] = words[..] else { panic!("{outcome}") };
    let counted = counted.trim_start_matches("counted:").split(',').map(|fate| {
        let times = |times: &str| match times {
            "0" => "not counted".to_owned(),
            "1" => "counted once".to_owned(),
            "2" => "counted twice".to_owned(),
            other => format!("counted {other} times"),
        };
        match fate.split_once('+') {
            Some((count, end)) => format!("{}, {end}", times(count)),
            None => times(fate),
        }
    });
    let mut words = counted.collect::<Vec<_>>().join(" or ");
    if errors != "-" {
        let errors = errors.split(',').map(|error| format!("`{error}`"));
        words += &format!("; {}", errors.collect::<Vec<_>>().join(", "));
    }
    match said.strip_prefix("said:") {
        None => {}
        Some("0") => words += "; the log says that it may be counted twice",
        Some(doubts) => {
            words +=
                &format!("; the log and the metric say that it may be counted twice ({doubts})");
        }
    }
    words
}
