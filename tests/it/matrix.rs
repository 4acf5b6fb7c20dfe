//! Operations by faults: a table with a line a cell, which a released function is held to.
//!
//! A line is the operation, the fault, the extent (`once`, `attempt` or `always`), and what comes of it
//! in the words of the function's own matrix.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tripline_tests::faults::{FAULTS, Fault, Plan};
use tripline_tests::workspace::root;

/// What a table promises of each operation: one of these.
pub const EXTENTS: [&str; 3] = ["once", "attempt", "always"];
/// Cells that run at once. They wait for most of their time.
const AT_ONCE: usize = 160;

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
        let (operation, extent) = (self.operation.clone(), self.extent.clone());
        let fault = Fault::named(&self.fault);
        Plan::new(move |call| {
            let is_meant = match extent.as_str() {
                "once" => call.n == 1,
                "attempt" => call.attempt == 1,
                _ => true,
            };
            fault.filter(|_| call.operation == operation && is_meant)
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
pub fn assert_expected(played: &[Played], expected: impl Fn(&Cell) -> String) {
    let mut differing = Vec::new();
    for Played { cell, seen, log, took } in played {
        let expected = expected(cell);
        if expected != *seen {
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

/// Plays every cell, and compares what comes of it with the table in this file. `TRIPLINE_WRITE` writes the
/// table.
pub async fn compare<F>(file: &str, operations: &[&str], play: impl Fn(Cell) -> F)
where
    F: Future<Output = (String, String)> + Send + 'static,
{
    let path = root().join(file);
    let mut table = table(&std::fs::read_to_string(&path).unwrap_or_default());
    let played = played(cells(operations), play).await;
    if std::env::var_os("TRIPLINE_WRITE").is_some() {
        table.extend(played.into_iter().map(|Played { cell, seen, .. }| (cell, seen)));
        return write(&path, &table);
    }
    let missing = || format!("(no line in {file})");
    assert_expected(&played, |cell| table.get(cell).cloned().unwrap_or_else(missing));
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

/// Held by whoever makes the machine busy: two at once would make each other late.
pub async fn heavy() -> tokio::sync::MutexGuard<'static, ()> {
    static HEAVY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    HEAVY.lock().await
}
