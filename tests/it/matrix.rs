//! Operations by faults: a table with a line a cell, which a released function is held to.
//!
//! A line is the operation, the fault, the extent (`once`, `attempt` or `always`), and what comes of it
//! in the words of the function's own matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tripline_tests::faults::{FAULTS, Fault, Plan};
use tripline_tests::http_aws::topic_arn;
use tripline_tests::lambda_runtime::Function;
use tripline_tests::workspace::{function_zip, root};

use crate::template::deployed;

/// What a table promises of each operation: one of these.
pub const EXTENTS: [&str; 3] = ["once", "attempt", "always"];
/// Cells that run at once. They wait for most of their time.
const AT_ONCE: usize = 120;
/// Before what may not come of any cell, whatever its table says.
pub const BROKEN: char = '!';

/// The first words of a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub operation: String,
    pub fault: String,
    pub extent: String,
}

impl Cell {
    /// Its fault, at the calls that it strikes.
    pub fn plan(&self) -> Plan {
        self.plan_where(|_| true)
    }

    /// Its fault, at those of them that are signed for this service.
    pub fn plan_of(&self, service: &'static str) -> Plan {
        self.plan_where(move |signed| signed == service)
    }

    fn plan_where(&self, is_struck: impl Fn(&str) -> bool + Send + Sync + 'static) -> Plan {
        let (operation, extent) = (self.operation.clone(), self.extent.clone());
        let fault = Fault::named(&self.fault);
        Plan::new(move |call| {
            let is_meant = match extent.as_str() {
                "once" => call.n == 1,
                "attempt" => call.attempt == 1,
                _ => true,
            };
            fault.filter(|_| call.operation == operation && is_struck(call.service) && is_meant)
        })
    }
}

/// Each cell with what comes of it.
pub type Table = BTreeMap<Cell, String>;

/// Reads a table, in which no cell stands twice.
pub fn table(text: &str) -> Table {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut table = Table::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [operation, fault, extent, ref outcome @ ..] = words[..] else { panic!("{line}") };
        assert!(Fault::named(fault).is_some() && EXTENTS.contains(&extent), "{line}");
        let cell = Cell {
            operation: operation.to_owned(),
            fault: fault.to_owned(),
            extent: extent.to_owned(),
        };
        assert_eq!(table.insert(cell, outcome.join(" ")), None, "{line}");
    }
    table
}

/// Every cell of these operations.
pub fn cells(operations: &[&str]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for operation in operations {
        for (fault, _) in FAULTS {
            for extent in EXTENTS {
                cells.push(Cell {
                    operation: (*operation).to_owned(),
                    fault: fault.to_owned(),
                    extent: extent.to_owned(),
                });
            }
        }
    }
    cells
}

/// The operations of a file or of a folder's files: whatever a failure is called by there.
pub fn calls_of(code: &str) -> BTreeSet<String> {
    let path = root().join(code);
    let files = match std::fs::read_dir(&path) {
        Ok(files) => files.map(|file| file.unwrap().path()).collect(),
        Err(_) => vec![path],
    };
    let mut operations = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for begins in ["from_sdk(\"", "failure(\"", "unanswered(\"", "const OPERATION: &str = \""] {
            let calls = text.split(begins).skip(1);
            operations.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    operations
}

/// Faults that last as long as a try may take. Whether there is time for another one is up to the random pause before it.
pub fn is_long(fault: &str) -> bool {
    use Fault::{Hang, HangWithin, Late, TakenAndHang};
    match Fault::named(fault) {
        Some(Fault::Slow(_)) => fault != "slow",
        Some(fault) => matches!(fault, Hang | HangWithin | Late(_) | TakenAndHang),
        None => false,
    }
}

/// The released function of a package, as the template declares it under `id` for these parameters.
pub fn released(package: &str, id: &str, chosen: &[(&str, &str)]) -> Function {
    let zip = function_zip(package).unwrap_or_else(|error| panic!("{error}"));
    let deployment = deployed(chosen);
    Function::new(&zip, deployment.properties(id), resolve)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What CloudFormation would put for a reference: `<EmailTopic>` is a topic's ARN, and whatever is
/// no topic has the name of its own.
fn resolve(text: &str) -> String {
    match text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
        Some(topic) if topic.ends_with("Topic") => topic_arn(topic),
        Some(other) => other.to_owned(),
        None => text.to_owned(),
    }
}

/// Every cell of these operations has its line in this table, and nothing else has one.
pub fn assert_whole(text: &str, operations: &[&str]) {
    let table = table(text);
    assert_eq!(table.len(), operations.len() * FAULTS.len() * EXTENTS.len());
    assert!(cells(operations).iter().all(|cell| table.contains_key(cell)));
}

/// Words of a table, as a page shows them; `None` for `-`.
pub fn in_code(words: &str) -> Option<String> {
    let words: Vec<String> = words.split(',').map(|word| format!("`{word}`")).collect();
    (words != ["`-`"]).then(|| words.join(", "))
}

/// Which cells of a table are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    All,
    /// Each fault of each operation in one of the extents; all of them if `TRIPLINE_SOAK` or `TRIPLINE_WRITE` is set.
    Third,
}

impl Share {
    fn of(self, operations: &[&str]) -> Vec<Cell> {
        let cells = cells(operations);
        let is_set = |name| std::env::var_os(name).is_some();
        let is_whole =
            ["TRIPLINE_SOAK", "TRIPLINE_WRITE", "TRIPLINE_CELLS"].into_iter().any(is_set);
        if self == Self::All || is_whole {
            return cells;
        }
        let place = |(n, cell): (usize, Cell)| {
            let (extent, fault) = (n % EXTENTS.len(), n / EXTENTS.len());
            // Shifted from operation to operation.
            let operation = fault / FAULTS.len();
            ((fault + operation) % EXTENTS.len() == extent).then_some(cell)
        };
        cells.into_iter().enumerate().filter_map(place).collect()
    }
}

/// A cell, and what came of it.
pub struct Played {
    pub cell: Cell,
    pub seen: String,
    log: String,
    took: Duration,
}

/// Plays cells, or those that have `TRIPLINE_CELLS` in them.
pub async fn played<F>(cells: Vec<Cell>, play: impl Fn(Cell) -> F) -> Vec<Played>
where
    F: Future<Output = (String, String)> + Send + 'static,
{
    let only = std::env::var("TRIPLINE_CELLS").unwrap_or_default();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut plays = JoinSet::new();
    for cell in cells.into_iter().filter(|cell| format!("{cell:?}").contains(&only)) {
        let (room, outcome) = (room.clone(), play(cell.clone()));
        plays.spawn(async move {
            let _room = room.acquire_owned().await.unwrap();
            let begun = Instant::now();
            let (seen, log) = outcome.await;
            Played { cell, seen, log, took: begun.elapsed() }
        });
    }
    plays.join_all().await
}

/// Each cell came to what is expected of it.
pub fn assert_expected(
    played: &[Played],
    expected: impl Fn(&Cell) -> String,
    is_as_good: impl Fn(&Cell, &str) -> bool,
) {
    let mut differing = Vec::new();
    for Played { cell, seen, log, took } in played {
        let expected = expected(cell);
        if expected != *seen && !is_as_good(cell, seen) {
            let Cell { operation, fault, extent } = cell;
            let took = took.as_secs();
            differing.push(format!(
                "{operation} {fault} {extent}\n  expected {expected}\n  seen     {seen}   ({took} s)\n{log}"
            ));
        }
    }
    differing.sort();
    let count = differing.len();
    assert!(differing.is_empty(), "{count} cells differ:\n{}", differing.join("\n"));
}

/// Plays cells, and compares what comes of it with the table in this file, or has it said that it is as good. `TRIPLINE_WRITE` writes the
/// table.
pub async fn compare<F>(
    file: &str,
    operations: &[&str],
    share: Share,
    play: impl Fn(Cell) -> F,
    is_as_good: impl Fn(&Table, &Cell, &str) -> bool,
) where
    F: Future<Output = (String, String)> + Send + 'static,
{
    let path = root().join(file);
    let mut table = table(&std::fs::read_to_string(&path).unwrap_or_default());
    let played = played(share.of(operations), play).await;
    let broken = played.iter().filter(|cell| cell.seen.contains(BROKEN));
    let broken: Vec<String> =
        broken.map(|it| format!("{:?}\n  {}\n{}", it.cell, it.seen, it.log)).collect();
    assert!(broken.is_empty(), "{} cells:\n{}", broken.len(), broken.join("\n"));
    if std::env::var_os("TRIPLINE_WRITE").is_some() {
        table.extend(played.into_iter().map(|Played { cell, seen, .. }| (cell, seen)));
        return write(&path, &table);
    }
    let missing = || format!("(no line in {file})");
    assert_expected(
        &played,
        |cell| table.get(cell).cloned().unwrap_or_else(missing),
        |cell, seen| is_as_good(&table, cell, seen),
    );
}

fn write(path: &Path, table: &Table) {
    let lines = table.iter().map(|(Cell { operation, fault, extent }, outcome)| {
        format!("{operation} {fault} {extent} {outcome}\n")
    });
    std::fs::write(path, lines.collect::<String>()).unwrap();
}

/// A table for people: faults that come to the same stand in one row.
pub fn page(table: &Table, in_words: impl Fn(&str) -> String) -> String {
    let mut rows: BTreeMap<(String, usize, String), Vec<&str>> = BTreeMap::new();
    for (fault, _) in FAULTS {
        for (cell, outcome) in table.iter().filter(|(cell, _)| cell.fault == fault) {
            let extent = EXTENTS.iter().position(|extent| *extent == cell.extent).unwrap_or(0);
            let row = (cell.operation.clone(), extent, in_words(outcome));
            rows.entry(row).or_default().push(fault);
        }
    }
    let (mut page, mut last) = (String::new(), String::new());
    for ((operation, extent, outcome), faults) in rows {
        if operation != last {
            page += &format!(
                "\n### {operation}\n\n| strikes | fault | what comes of it |\n| --- | --- | --- |\n"
            );
            last = operation;
        }
        page += &format!("| {} | {} | {outcome} |\n", EXTENTS[extent], faults.join(", "));
    }
    page
}

#[test]
fn a_third_has_each_fault_of_each_operation_once() {
    let operations = ["DescribeJob", "Publish", "Scan", "GetItem"];
    let all: BTreeSet<(String, String)> =
        cells(&operations).into_iter().map(|cell| (cell.operation, cell.fault)).collect();
    let third = Share::Third.of(&operations);
    if third.len() == all.len() {
        let extents: BTreeSet<&str> = third.iter().map(|cell| cell.extent.as_str()).collect();
        assert_eq!(extents.len(), EXTENTS.len());
    }
    let shared = third.into_iter().map(|cell| (cell.operation, cell.fault)).collect();
    assert_eq!(all, shared);
}

/// Held by whoever makes the machine busy: two at once would make each other late.
pub async fn heavy() -> tokio::sync::MutexGuard<'static, ()> {
    static HEAVY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    HEAVY.lock().await
}
