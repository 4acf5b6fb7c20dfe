//! Every operation with every fault, once, for a whole attempt, and always: what comes of it stands
//! in `faults.txt`, a line a cell.
//!
//! A cell in which AWS never recovers takes as long as all attempts together. Unless
//! `TRIPLINE_SOAK` is set, such a cell begins with the last attempt, whose event is old enough for
//! what only an old one may do; the row with `attempt` is how the first one ends.

use std::collections::{BTreeMap, BTreeSet};

use tripline_tests::faults::{FAULTS, Fault, Plan};
use tripline_tests::http_aws::{Account, HttpAws};

use super::stage::{alarm_event, fired, function, mails, on_evidence, recovered};
use crate::matrix::{self, Cell, EXTENTS, heavy};

const TABLE: &str = include_str!("faults.txt");
const JOB: &str = "fw-7";
/// The attempt after which Lambda gives up.
const LAST: u32 = 3;

/// What came of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    /// `verified`, `unverified` or `none`: what people were alerted to of the stop, if there was one.
    stop: String,
    /// The attempt in which the job was stopped.
    after: Option<u32>,
    /// Whether Lambda gave up.
    undelivered: bool,
    /// The types of the errors of the attempts.
    errors: BTreeSet<String>,
    /// What was mailed: `stop`, `asked`, `failure`, `refusal`.
    mails: BTreeSet<String>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |set: &BTreeSet<String>| match set.is_empty() {
            true => "-".to_owned(),
            false => set.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        };
        let after = self.after.map_or_else(|| "-".to_owned(), |after| after.to_string());
        let end = if self.undelivered { "undelivered" } else { "ok" };
        let Self { stop, errors, mails, .. } = self;
        write!(f, "{stop} {after} {end} {} {}", list(errors), list(mails))
    }
}

impl Outcome {
    fn parse(words: &[&str]) -> Self {
        let list = |text: &str| -> BTreeSet<String> {
            text.split(',').filter(|text| *text != "-").map(str::to_owned).collect()
        };
        let [stop, after, end, errors, mails] = words[..] else { panic!("{words:?}") };
        assert!(["verified", "unverified", "none"].contains(&stop), "{words:?}");
        assert!(["ok", "undelivered"].contains(&end), "{words:?}");
        Self {
            stop: stop.to_owned(),
            after: after.parse().ok(),
            undelivered: end == "undelivered",
            errors: list(errors),
            mails: list(mails),
        }
    }

    /// What of it the last attempt alone shows: not what the others failed with.
    fn of_last_attempt(mut self) -> Self {
        self.after = self.after.map(|_| LAST);
        if !self.undelivered {
            self.errors.clear();
            self.mails.remove("failure");
        }
        self
    }

    fn seen(
        account: &Account,
        undelivered: bool,
        errors: BTreeSet<String>,
        after: Option<u32>,
    ) -> Self {
        let mails = mails(account);
        let kind = |mail: &String| {
            let subject = mail.lines().next().unwrap_or_default();
            let kinds = [
                ("stopped", "stop"),
                ("asked AWS IoT to stop", "asked"),
                ("could NOT stop", "failure"),
                ("refused", "refusal"),
            ];
            let known =
                kinds.iter().find(|(text, _)| subject.starts_with(&format!("Tripline {text}")));
            known.map_or_else(|| subject.to_owned(), |(_, kind)| (*kind).to_owned())
        };
        let is_unverified = mails.iter().any(|mail| mail.contains("unverified"));
        let stop = match after {
            None => "none",
            Some(_) if is_unverified => "unverified",
            Some(_) => "verified",
        };
        assert_eq!(account.is_canceled(JOB), after.is_some());
        let mails = mails.iter().map(kind).collect();
        Self { stop: stop.to_owned(), after, undelivered, errors, mails }
    }
}

fn table() -> BTreeMap<Cell, Outcome> {
    let outcome = |text: String| Outcome::parse(&text.split(' ').collect::<Vec<_>>());
    matrix::table(TABLE).into_iter().map(|(cell, text)| (cell, outcome(text))).collect()
}

/// Whether a cell takes the whole time that it needs.
fn is_whole(cell: &Cell) -> bool {
    cell.extent != "always" || std::env::var_os("TRIPLINE_SOAK").is_some()
}

async fn play(cell: &Cell, whole: bool) -> (Outcome, String) {
    let aws = HttpAws::default();
    // Only a stop without CloudWatch's word needs them.
    let is_blind = ["ListTagsForResource", "UpdateItem"].contains(&cell.operation.as_str());
    let stage = match cell.operation.as_str() {
        // Nobody asks for the history of an alarm that is in ALARM.
        "DescribeAlarmHistory" => recovered,
        "GetItem" => |account: &mut Account, job: &str| on_evidence(account, job, Some(2.3)),
        _ => fired,
    };
    stage(&mut aws.account(), JOB);
    let faults = cell.plan();
    let plan = Plan::new(move |call| match call.operation {
        "DescribeAlarms" if is_blind => Fault::named("denied"),
        _ => faults.of(call),
    });
    let door = aws.door(|_| plan).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    let first = if whole { 1 } else { LAST };
    let delivery = environment.deliver_from(first, &alarm_event(JOB), |_| None).await.unwrap();
    let failed = delivery.attempts.iter().map(|ended| ended.kind().to_owned());
    let errors = failed.filter(|kind| kind != "-").collect();
    let canceled = aws.ledger().of("CancelJob");
    let after = canceled.iter().find(|entry| entry.carried_out).map(|entry| entry.attempt);
    let outcome = Outcome::seen(&aws.account(), delivery.undelivered, errors, after);
    (outcome, environment.log())
}

#[tokio::test]
async fn every_fault_of_every_call_ends_as_the_table_says() {
    let _alone = heavy().await;
    let table = table();
    let played = matrix::played(table.keys().cloned().collect(), |cell| async move {
        let (seen, log) = play(&cell, is_whole(&cell)).await;
        (seen.to_string(), log)
    });
    matrix::assert_expected(
        &played.await,
        |cell| {
            let expected = table[cell].clone();
            if is_whole(cell) { expected } else { expected.of_last_attempt() }.to_string()
        },
        |_, _| false,
    );
}

#[test]
fn every_call_of_the_function_has_its_rows() {
    let mut operations = matrix::calls_of("functions/force-stopper/src/aws");
    operations.extend(matrix::calls_of("crates/tripline-aws/src/iot.rs"));
    assert!(operations.contains("CancelJob"), "{operations:?}");
    // Only a rollout that asks for a hold comes to this call, and the table is about stops. That a hold which fails
    // becomes one is held to by the function's own tests (`tests/holding.rs`).
    assert!(operations.remove("UpdateJob"), "{operations:?}");
    let table = table();
    for operation in &operations {
        for (fault, _) in FAULTS {
            for extent in EXTENTS {
                let (fault, extent) = (fault.to_owned(), extent.to_owned());
                let cell = Cell { operation: operation.clone(), fault, extent };
                assert!(table.contains_key(&cell), "faults.txt: no line for {cell:?}");
            }
        }
    }
}

/// Its part of the page.
pub fn section() -> String {
    let text = "## What comes of a true alarm\n\n\
        Of the force-stopper; the table is `tests/it/stopper/faults.txt`. Lambda makes three attempts. *Unverified* means that AWS\n\
        could not be asked whether the alarm is true. `DescribeAlarmHistory` is asked about an alarm that is back in `OK`,\n\
        `GetItem` about one on evidence. `UpdateItem` comes only before an unverified stop, `ListTagsForResource` there and,\n\
        for the way back, after every stop.\n";
    let in_words = |text: &str| Outcome::parse(&text.split(' ').collect::<Vec<_>>()).in_words();
    text.to_owned() + &matrix::page(&matrix::table(TABLE), in_words)
}

impl Outcome {
    fn in_words(&self) -> String {
        let stop = match self.after {
            Some(after) => format!("stopped in attempt {after}, {}", self.stop),
            None => "not stopped".to_owned(),
        };
        let end = if self.undelivered { "; undelivered" } else { "" };
        let code = |set: &BTreeSet<String>| {
            set.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        };
        let errors = match self.errors.is_empty() {
            true => String::new(),
            false => format!("; {}", code(&self.errors)),
        };
        let mails = match self.mails.is_empty() {
            true => "; nobody could be mailed".to_owned(),
            false => {
                let mails: Vec<&str> = self.mails.iter().map(String::as_str).collect();
                format!("; mailed: {}", mails.join(", "))
            }
        };
        format!("{stop}{end}{errors}{mails}")
    }
}
