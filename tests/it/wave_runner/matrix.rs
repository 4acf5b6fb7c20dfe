//! Every operation with every fault, once, at the first try of each step and look, and always, for good firmware and
//! for bad: what comes of the release stands in `faults.txt`. In each cell, whatever the table says: no job is there
//! before its guard, bad firmware does not go on in silence, and once AWS answers a release ends as it should.

use std::collections::BTreeSet;

use tripline_tests::faults::Plan;
use tripline_tests::http_aws::{Account, HttpAws};
use tripline_tests::ledger::Entry;

use super::stage::{
    End, Firmware, Played, foreign, is_hold_looked_after, jobs, play as play_release,
};
use crate::matrix::{self, BROKEN, Cell, Share, Table, compare, heavy, is_long};

const FILE: &str = "tests/it/wave_runner/faults.txt";
const TABLE: &str = include_str!("faults.txt");
const OPERATIONS: [&str; 16] = [
    "CancelJob",
    "CreateJob",
    "DeleteThingGroup",
    "DescribeAlarmHistory",
    "DescribeAlarms",
    "DescribeJob",
    "GetItem",
    "ListExecutions",
    "ListTagsForResource",
    "Publish",
    "PutItem",
    "PutMetricAlarm",
    "SendTaskFailure",
    "SendTaskHeartbeat",
    "SendTaskSuccess",
    "UpdateItem",
];

/// The word of an end in the table.
fn word(played: &Played, account: &Account) -> String {
    let is_mailed = |subject: &str| {
        account.published.iter().any(|mail| mail.subject.starts_with(&format!("Tripline{subject}")))
    };
    let (word, subject) = match played.end {
        End::Out => ("out", ": release pump-9 is out"),
        End::Stopped => ("stopped", " stopped release pump-9"),
        End::Failed => ("failed", " could NOT go on with release pump-9"),
        End::Waits => ("waits", ""),
    };
    match is_mailed(subject) || subject.is_empty() {
        true => word.to_owned(),
        false => format!("{word}/not-mailed"),
    }
}

fn is_running(account: &Account, job: &str) -> bool {
    account.jobs.get(job).is_some_and(|job| job["status"] == "IN_PROGRESS")
}

/// Whether a call only asks. What answers for Step Functions in its place is found out by the machine alone.
fn is_read(operation: &str) -> bool {
    !operation.starts_with("SendTask")
}

/// What may not be, whatever the table says.
fn broken(
    cell: &Cell,
    firmware: Firmware,
    played: &Played,
    account: &Account,
    ledger: &[Entry],
) -> BTreeSet<&'static str> {
    let mut broken = BTreeSet::new();
    let done = |operation: &str, of: &str| {
        ledger.iter().position(|it| {
            it.carried_out && it.operation == operation && it.subject.starts_with(of)
        })
    };
    for job in jobs() {
        let Some(created) = done("CreateJob", &job) else { continue };
        let armed = done("PutMetricAlarm", &format!("tripline-{job}-"));
        if armed.is_none_or(|armed| armed > created) {
            broken.insert("job-before-guard");
        }
    }
    let says_stopped = |job: &str| {
        account.published.iter().any(|mail| mail.message.contains(&format!("stopped  job {job}\n")))
    };
    for job in jobs() {
        if says_stopped(&job) && !account.is_canceled(&job) {
            broken.insert("says-stopped");
        }
    }
    let [_, last] = jobs();
    // The machine waits with another token after 15 minutes, which people are alerted to: these do not pass here.
    if played.end == End::Waits && !played.last_failed && is_read(&cell.operation) {
        broken.insert("waits-in-silence");
    }
    if firmware == Firmware::Bad {
        if played.end == End::Out {
            broken.insert("bad-firmware-let-through");
        }
        // Nobody is alerted, and no error is there for the stack's alarm.
        let is_mailed = word(played, account) == "failed";
        if is_running(account, &last) && !played.last_failed && !is_mailed {
            broken.insert("quiet");
        }
    }
    let fresh = HttpAws::default();
    super::stage::prepare(&mut fresh.account());
    if foreign(account) != foreign(&fresh.account()) {
        broken.insert("foreign-changed");
    }
    if cell.extent != "always" {
        let expected = if firmware == Firmware::Good { "out" } else { "stopped" };
        // A call that AWS refuses as wrong is not made again: the release fails, and people are mailed.
        let is_refused = cell.fault == "validation" && word(played, account) == "failed";
        let is_whole = word(played, account) == expected && is_hold_looked_after(account);
        if !is_refused && (!is_whole || is_running(account, &last)) {
            broken.insert("not-done-once-aws-answers");
        }
    }
    broken
}

async fn play(cell: Cell) -> (String, String) {
    let of = async |firmware: Firmware| {
        let aws = HttpAws::default();
        let always = cell.extent == "always";
        let played = play_release(&aws, cell.plan(), firmware, always).await;
        (aws, firmware, played)
    };
    let (good, bad) = tokio::join!(of(Firmware::Good), of(Firmware::Bad));
    let (mut words, mut logs) = (Vec::new(), String::new());
    let (mut errors, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for (aws, firmware, played) in [good, bad] {
        let account = aws.account();
        words.push(word(&played, &account));
        wrong.extend(broken(&cell, firmware, &played, &account, &aws.ledger().entries()));
        errors.extend(played.errors.iter().cloned());
        logs += &format!("{firmware:?}: {:?}\n{}\n", played.end, played.log);
    }
    let errors = match errors.is_empty() {
        true => "-".to_owned(),
        false => errors.into_iter().collect::<Vec<_>>().join(","),
    };
    let broken: String = wrong.iter().map(|broken| format!(" {BROKEN}{broken}")).collect();
    (format!("good:{} bad:{} {errors}{broken}", words[0], words[1]), logs)
}

#[tokio::test]
async fn every_fault_of_every_call_ends_as_the_table_says() {
    let _alone = heavy().await;
    compare(FILE, &OPERATIONS, Share::Third, play, is_as_good).await;
}

/// A fault that lasts as long as a try may take costs the step's or the look's call, or not.
fn is_as_good(table: &Table, cell: &Cell, seen: &str) -> bool {
    let ends = |outcome: &str| outcome.rsplit_once(' ').map(|(ends, _)| ends.to_owned());
    is_long(&cell.fault)
        && cell.extent == "once"
        && table.get(cell).and_then(|it| ends(it)) == ends(seen)
}

#[test]
fn every_cell_has_its_line() {
    matrix::assert_whole(TABLE, &OPERATIONS);
}

/// A row about a call that nobody makes would say nothing, and a call without rows could do anything.
#[tokio::test]
async fn every_call_of_the_function_has_its_rows() {
    let mut made = BTreeSet::new();
    for (firmware, expected) in [(Firmware::Good, "out"), (Firmware::Bad, "stopped")] {
        let aws = HttpAws::default();
        let played = play_release(&aws, Plan::none(), firmware, false).await;
        let (account, ledger) = (aws.account(), aws.ledger().entries());
        assert_eq!(word(&played, &account), expected, "{played:?}\n{:?}", account.published);
        assert!(played.errors.is_empty() && is_hold_looked_after(&account), "{played:?}");
        made.extend(ledger.into_iter().map(|entry| entry.operation));
    }
    assert_eq!(made, BTreeSet::from(OPERATIONS.map(str::to_owned)));
    let named = matrix::calls_of("functions/wave-runner/src/aws");
    assert!(named.is_subset(&made), "{named:?}");
}

/// Its part of the page.
pub fn section() -> String {
    let text = "## What comes of a release\n\n\
        Of the wave-runner; the table is `tests/it/wave_runner/faults.txt`. A release of two waves, the second of which waits\n\
        for a person, is played twice: with good firmware, and with firmware whose alarm fires in the second wave. A step\n\
        that fails is tried three times here (by the stack's machine 21 times; twice where AWS always fails), and while the machine waits, up to four minutes\n\
        are looked at. *Attempt* means the first try of each step and the first look of each wait. In each cell no job is\n\
        there before its guard, and bad firmware that runs on leaves an error or an e-mail: that is asserted.\n";
    text.to_owned() + &matrix::page(&matrix::table(TABLE), in_words)
}

fn in_words(outcome: &str) -> String {
    let words: Vec<&str> = outcome.split(' ').collect();
    let [good, bad, errors] = words[..] else { panic!("{outcome}") };
    let end = |word: &str| {
        let (_, word) = word.split_once(':').unwrap();
        match word.split_once('/') {
            Some((word, _)) => format!("{word}, not mailed"),
            None => word.to_owned(),
        }
    };
    let errors = matrix::in_code(errors).map_or_else(String::new, |errors| format!("; {errors}"));
    format!("good firmware: {}; bad: {}{errors}", end(good), end(bad))
}
