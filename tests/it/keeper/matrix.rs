//! Every operation with every fault, once, for a whole minute, and always: what comes of the keeper's duties stands
//! in `faults.txt`. In each cell, whatever the table says: no minute in which a rollout is left unarmed is quiet,
//! what is others' stays as it is, and once AWS answers every duty is done.

use std::collections::{BTreeMap, BTreeSet};

use tripline_tests::faults::{FAULTS, Plan};
use tripline_tests::http_aws::{Account, HttpAws};
use tripline_tests::lambda_runtime::Ended;

use super::stage::{Duty, ENDED, NEW, RUNS_ON, account, foreign, function, is_armed, minute};
use crate::matrix::{self, BROKEN, Cell, Share, Table, compare, heavy, is_long};

const FILE: &str = "tests/it/keeper/faults.txt";
const TABLE: &str = include_str!("faults.txt");
/// Every call of the function. Two services have one of the same name.
const OPERATIONS: [&str; 20] = [
    "BatchWriteItem",
    "DeleteAlarms",
    "DescribeAlarms",
    "DescribeEventConfigurations",
    "DescribeJob",
    "GetAlarmMuteRule",
    "GetMetricData",
    "ListAlarmMuteRules",
    "ListJobExecutionsForJob",
    "ListJobs",
    "ListTagsForResource/alarms",
    "ListTagsForResource/jobs",
    "ListThingsInThingGroup",
    "Publish",
    "PutItem",
    "PutMetricAlarm",
    "PutMetricData",
    "Scan",
    "SetAlarmState",
    "UpdateEventConfigurations",
];
/// So many minutes are played: AWS fails in the first, and answers in the others.
const MINUTES: u32 = 3;
/// So many where AWS always fails.
const MINUTES_OF_ALWAYS: u32 = 2;

/// What became of a cell.
#[derive(Debug, Default)]
struct Outcome {
    /// In which minute a duty was done that was not done in the first.
    late: BTreeMap<Duty, u32>,
    never: BTreeSet<Duty>,
    errors: BTreeSet<String>,
    /// What may not be, whatever the table says.
    broken: BTreeSet<&'static str>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // When evidence can be published again depends on when the rollout's minutes begin.
        let late = self.late.iter().map(|(duty, minute)| match duty {
            Duty::Evidence => format!("{}:later", duty.word()),
            _ => format!("{}:{minute}", duty.word()),
        });
        let never = self.never.iter().map(|duty| duty.word().to_owned());
        let list = |words: Vec<String>| match words.is_empty() {
            true => "-".to_owned(),
            false => words.join(","),
        };
        let errors = list(self.errors.iter().cloned().collect());
        write!(f, "late:{} never:{} {errors}", list(late.collect()), list(never.collect()))?;
        self.broken.iter().try_for_each(|broken| write!(f, " {BROKEN}{broken}"))
    }
}

/// The last number of this minute, if there is one.
fn number(account: &Account, since: usize, name: &str) -> Option<f64> {
    let datums = account.metrics.iter().skip(since);
    datums.filter(|datum| datum.name == name).map(|datum| datum.sum()).next_back()
}

async fn play(cell: Cell) -> (String, String) {
    let before = account().await;
    let aws = HttpAws::default();
    *aws.account() = before.clone();
    let (operation, of) = cell.operation.split_once('/').unwrap_or((&cell.operation, ""));
    let call = Cell { operation: operation.to_owned(), ..cell.clone() };
    let plan = match of {
        "alarms" => call.plan_of("monitoring"),
        "jobs" => call.plan_of("iot"),
        _ => call.plan(),
    };
    let door = aws.door(|_| plan).await.unwrap();
    let mut environment = function().environment(door).await.unwrap();
    let mut outcome = Outcome { never: Duty::ALL.into(), ..Outcome::default() };
    let minutes = if cell.extent == "always" { MINUTES_OF_ALWAYS } else { MINUTES };
    for n in 1..=minutes {
        environment.set_attempt(n);
        let published = aws.account().metrics.len();
        let ended = minute(&mut environment).await;
        let account = aws.account();
        for duty in Duty::ALL {
            if outcome.never.contains(&duty) && duty.is_done(&account) {
                outcome.never.remove(&duty);
                if n > 1 {
                    outcome.late.insert(duty, n);
                }
            }
        }
        let is_error = !matches!(ended, Ended::Ok(_));
        if is_error {
            outcome.errors.insert(ended.kind().to_owned());
        }
        let armed = [NEW, RUNS_ON].into_iter().filter(|job| is_armed(&account, job)).count();
        let guarded = number(&account, published, "guardedJobs");
        let unguarded = number(&account, published, "unguardedJobs");
        // Without numbers the alarm on unguarded jobs goes off.
        let is_loud = is_error || guarded.is_none() || unguarded.is_none_or(|number| number > 0.0);
        if guarded.is_some_and(|guarded| guarded > armed as f64) {
            outcome.broken.insert("says-guarded");
        }
        if armed < 2 && !is_loud {
            outcome.broken.insert("quiet");
        }
        if outcome.never.is_empty() {
            break;
        }
    }
    let after = aws.account();
    if foreign(&after) != foreign(&before) {
        outcome.broken.insert("foreign-changed");
    }
    if [NEW, RUNS_ON, ENDED].into_iter().any(|job| after.jobs[job] != before.jobs[job]) {
        outcome.broken.insert("job-changed");
    }
    let mut left = outcome.never.clone();
    // Of a try that was written down, and of which no answer came, the next one is three minutes later, which do not pass
    // here. The minute has failed.
    if cell.operation == "PutItem" && !outcome.errors.is_empty() {
        left.remove(&Duty::FireAgain);
    }
    if cell.extent != "always" && !left.is_empty() {
        outcome.broken.insert("not-done-once-aws-answers");
    }
    drop(after);
    (outcome.to_string(), environment.log())
}

#[tokio::test]
async fn every_fault_of_every_call_ends_as_the_table_says() {
    let _alone = heavy().await;
    compare(FILE, &OPERATIONS, Share::Third, play, is_as_good).await;
}

/// What two runs of a cell may differ in. Which rollout's tags are asked for first, and when a rollout's minutes begin, decides
/// whether evidence is there a minute later. A fault that lasts as long as a try may take costs the call, or not: what comes
/// of it is what comes of another one of these, of a fault after which no other try is made, or of all tries that fail.
fn is_as_good(table: &Table, cell: &Cell, seen: &str) -> bool {
    let row = |fault: &str, extent: &str| {
        let (fault, extent) = (fault.to_owned(), extent.to_owned());
        table.get(&Cell { fault, extent, operation: cell.operation.clone() })
    };
    let mut alike = vec![row(&cell.fault, &cell.extent)];
    if is_long(&cell.fault) && cell.extent == "once" {
        let long = FAULTS.iter().map(|(fault, _)| *fault).filter(|fault| is_long(fault));
        alike.extend(long.map(|fault| row(fault, &cell.extent)));
        alike.extend([row("html-404", &cell.extent), row(&cell.fault, "attempt")]);
    }
    let without = |outcome: &str| {
        let outcome = outcome.replace(",evidence:later", "").replace("evidence:later,", "");
        outcome.replace("evidence:later", "-")
    };
    alike.into_iter().flatten().any(|row| without(row) == without(seen))
}

#[test]
fn every_cell_has_its_line() {
    matrix::assert_whole(TABLE, &OPERATIONS);
}

/// A row about a call that nobody makes would say nothing, and a call without rows could do anything.
#[tokio::test]
async fn every_call_of_the_function_has_its_rows() {
    let aws = HttpAws::default();
    *aws.account() = account().await;
    let mut environment =
        function().environment(aws.door(|_| Plan::none()).await.unwrap()).await.unwrap();
    assert!(matches!(minute(&mut environment).await, Ended::Ok(_)), "{}", environment.log());
    let made: BTreeSet<String> =
        aws.ledger().entries().into_iter().map(|it| it.operation).collect();
    let rows = OPERATIONS.map(|operation| operation.split('/').next().unwrap().to_owned());
    assert_eq!(made, BTreeSet::from(rows));
    let named = matrix::calls_of("functions/guard-keeper/src/aws");
    assert!(named.is_subset(&made), "{named:?}");
    let account = aws.account();
    let left: Vec<Duty> = Duty::ALL.into_iter().filter(|duty| !duty.is_done(&account)).collect();
    assert!(left.is_empty(), "{left:?}\n{:?}\n{}", account.published, environment.log());
}

/// Its part of the page.
pub fn section() -> String {
    let text = "## What comes of the guard-keeper's minutes\n\n\
        The table is `tests/it/keeper/faults.txt`. A rollout is to be armed, one to be repaired, one to be stopped again, one\n\
        to be tidied up (its alarms go: `remove`; its config, too: `forget`); job events are off. *In minute 2* means that the first minute did not get\n\
        to it. Wherever a rollout stays unarmed, the minute fails, or the numbers say so, or there are none, which has an\n\
        alarm too: that is asserted in each cell. So is that nothing of others changes.\n";
    text.to_owned() + &matrix::page(&matrix::table(TABLE), in_words)
}

fn in_words(outcome: &str) -> String {
    let words: Vec<&str> = outcome.split(' ').collect();
    let [late, never, errors] = words[..] else { panic!("{outcome}") };
    let list = |words: &str| -> Vec<String> {
        let (_, words) = words.split_once(':').unwrap_or_default();
        words.split(',').filter(|word| *word != "-").map(str::to_owned).collect()
    };
    let (late, never) = (list(late), list(never));
    let mut parts = Vec::new();
    for minute in 2..=MINUTES {
        let of_minute = late.iter().filter_map(|it| it.strip_suffix(&format!(":{minute}")));
        let duties: Vec<String> = of_minute.map(|duty| format!("`{duty}`")).collect();
        if !duties.is_empty() {
            parts.push(format!("in minute {minute}: {}", duties.join(", ")));
        }
    }
    if late.iter().any(|it| it.ends_with(":later")) {
        parts.push(format!("in minute 2 or 3: `{}`", Duty::Evidence.word()));
    }
    if !never.is_empty() {
        let never: Vec<String> = never.iter().map(|duty| format!("`{duty}`")).collect();
        parts.push(format!("not done: {}", never.join(", ")));
    }
    if parts.is_empty() {
        parts.push("all done in the first minute".to_owned());
    }
    parts.extend(matrix::in_code(errors));
    parts.join("; ")
}
