//! `docs/reference/verdict.md`.

use std::fmt::Write;

use crate::baselines;
use crate::cell::{Cell, Key, Results, thousands};
use crate::world::{DETECTION, Guard, Pace, Shape, Situation};
use crate::{LARGE, SEED};

/// So many false stops of so many healthy rollouts are what a guard may have.
const PERMITTED: (u32, u32) = (3, 2_000);

/// The page, of what was run.
pub fn page(results: &Results, commit: &str) -> String {
    let mut page = format!("{HEAD}\nCommit {commit}, seed {SEED}.\n");
    page.push_str(&short(results));
    page.push_str(DETECTION_HEAD);
    let runs = results.runs("detection");
    if let (Some(least), Some(most)) = (runs.clone().min(), runs.max()) {
        let range = if least == most { least.to_string() } else { format!("{least} to {most}") };
        let _ = writeln!(page, "\n{range} runs a cell.");
    }
    for pace in DETECTION {
        let rows = Situation::FAULTS.map(|situation| ("detection", situation, vec![pace]));
        page.push_str(&table(results, &rows, Cell::detection));
    }
    page.push_str(STOPS_HEAD);
    let healthy: Vec<_> = Situation::healthy();
    let rows: Vec<_> =
        healthy.into_iter().map(|(situation, paces)| ("stops", situation, paces)).collect();
    page.push_str(&table(results, &rows, Cell::stops));
    page.push_str(BEYOND_HEAD);
    let rows =
        Situation::BEYOND.map(|situation| ("beyond", situation, vec![Pace::Flat(100, 24_000)]));
    page.push_str(&table(results, &rows, Cell::stops));
    page.push_str(&baselines::table(results));
    page
}

const HEAD: &str = "# The verdict on each guard

`make verdict` writes this page: how often each guard stops rollouts that are well, and how many devices a bad rollout has notified when its
stop takes effect. [Evidence, for a statistician](evidence.md) has the mathematics.

- **evidence, list** and **evidence, counters**: evidence alone, with the executions in progress read or not, and the limits of exactly the
  healthy fleet made 20 % slower, with 1 % silent and 3 % failing.
- **recommended.ini**: [all of it](../../examples/guards/recommended.ini): evidence with declared limits that are the same for every fleet,
  abort criteria and timeout.
- **abort-only.ini**: [what AWS IoT Jobs does alone](../../examples/guards/abort-only.ini).
- Fleet A: median 848 s, sigma 0.6. Fleet B: median 323.5 s, sigma 1. Of each, 0.8 % take more than an hour, 2 % fail and 0.2 % fall silent.
- Ramp: 12 devices a minute until 1,500 succeeded, four times as many after each 1,500, at most 1,000.

A guard has the pace of the row, whatever rate its file has; limits of evidence alone know of mixed hardware, and of failures that come early.
\"-\" in a table of stops: not run.
";

const DETECTION_HEAD: &str = "
## How many devices a bad rollout reaches

Devices notified when the stop takes effect, median; with a share: so many rollouts were stopped, and the median of those. \"all\": not before
all were notified. \"-\": never, or not run.
";

const STOPS_HEAD: &str = "
## How often a rollout within the limits is stopped
";

const BEYOND_HEAD: &str = "
## Rollouts beyond the limits, or that break an assumption

Their stops are none that the bound is about, and are not wanted either.
";

/// What falls short, first.
fn short(results: &Results) -> String {
    let mut text = "\n## What falls short\n\n".to_owned();
    let mut lines = Vec::new();
    let guards = [Guard::List, Guard::Counters, Guard::Recommended];
    for (situation, paces) in Situation::healthy() {
        for (pace, shape) in each(&paces) {
            for guard in guards {
                let Some(cell) = cell(results, "stops", situation, pace, shape, guard) else {
                    continue;
                };
                let (stops, of) = PERMITTED;
                if cell.stopped > 0 && cell.stopped * of > stops * cell.runs {
                    let of_cell = cell.stops();
                    lines.push(format!(
                        "- False stops: {} stops {of_cell} rollouts of fleet {shape}: {situation}, {}.",
                        guard.name(),
                        grouped(pace)
                    ));
                }
            }
        }
    }
    for situation in Situation::FAULTS {
        for (pace, shape) in each(&DETECTION) {
            let of = |guard| cell(results, "detection", situation, pace, shape, guard);
            let Some(alone) = of(Guard::AbortOnly) else { continue };
            let lost = guards.into_iter().filter_map(|guard| {
                let cell = of(guard).filter(|cell| cell.of_all > alone.of_all)?;
                Some(format!("{} {}", guard.name(), cell.detection()))
            });
            let lost: Vec<String> = lost.collect();
            if !lost.is_empty() {
                lines.push(format!(
                    "- Lost to abort-only.ini ({}), fleet {shape}, {situation}, {}: {}.",
                    alone.detection(),
                    grouped(pace),
                    lost.join("; ")
                ));
            }
        }
    }
    if lines.is_empty() {
        lines.push("- Nothing of what was run.".to_owned());
    }
    let (stops, of) = PERMITTED;
    let (large, less) = LARGE;
    let _ = writeln!(
        text,
        "More than {stops} false stops in {}, or more devices in the median of all rollouts than with AWS IoT Jobs alone. Cells of {} devices and more\nare run a {less}th as often; a single stop of few runs is listed here too.\n\n{}",
        thousands(of),
        thousands(large),
        lines.join("\n")
    );
    text
}

/// A pace with its numbers as people read them.
fn grouped(pace: Pace) -> String {
    let words = pace.to_string();
    let words = words.split(' ').map(|word| {
        let number: String = word.chars().take_while(char::is_ascii_digit).collect();
        let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
        number.parse().map_or_else(|_| word.to_owned(), |number| thousands(number) + rest)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn each(paces: &[Pace]) -> impl Iterator<Item = (Pace, Shape)> {
    paces.iter().flat_map(|pace| Shape::ALL.map(|shape| (*pace, shape)))
}

fn cell(
    results: &Results,
    part: &str,
    situation: Situation,
    pace: Pace,
    shape: Shape,
    guard: Guard,
) -> Option<Cell> {
    let run = crate::Run { situation, pace, shape, guard };
    results.get(&run.key(part)).copied()
}

fn table(
    results: &Results,
    rows: &[(&str, Situation, Vec<Pace>)],
    words: fn(&Cell) -> String,
) -> String {
    let names: Vec<&str> = Guard::ALL.iter().map(|guard| guard.name()).collect();
    let mut text = format!(
        "\n| rollout | pace | fleet | {} |\n| --- | --- | --- |{}\n",
        names.join(" | "),
        " --- |".repeat(names.len())
    );
    for (part, situation, paces) in rows {
        for (pace, shape) in each(paces) {
            let cells = Guard::ALL.map(|guard| {
                let cell = cell(results, part, *situation, pace, shape, guard);
                cell.map_or_else(|| "-".to_owned(), |cell| words(&cell))
            });
            let (pace, cells) = (grouped(pace), cells.join(" | "));
            let _ = writeln!(text, "| {situation} | {pace} | {shape} | {cells} |");
        }
    }
    text
}

impl Key {
    /// Of a baseline's cell.
    pub fn of_baseline(baseline: &str, slack: &str, shape: &str) -> Self {
        Self(["baselines", baseline, slack, shape, Guard::List.name()].map(str::to_owned))
    }
}
