//! The page on faults is what the matrices of the functions say.

use tripline_tests::workspace::root;

use crate::{generator, keeper, stopper, wave_runner};

/// What the long runs saw.
const SUMMARIES: [&str; 9] = [
    "## What long runs saw\n\n`make soak` writes what it saw here.\n\n### Ends of executions\n",
    include_str!("../stopper/soak/summary/events.md"),
    "### Alarms\n",
    include_str!("../stopper/soak/summary/messages.md"),
    "### Minutes of the guard-keeper\n",
    include_str!("../stopper/soak/summary/minutes.md"),
    "### Releases by the command\n",
    include_str!("../stopper/soak/summary/releases.md"),
    concat!("### Memory\n\n", include_str!("../stopper/soak/summary/memory.md")),
];
/// What fuzzing and mutation testing saw.
const CHANGES: [&str; 2] =
    [include_str!("../../fuzz/summary.md"), include_str!("../../mutants/summary.md")];
const PAGE: &str = "docs/reference/faults.md";

fn page() -> String {
    let intro = "# What happens when AWS fails\n\n\
        Written by the tests from their tables, which the released functions are held to\n\
        (`TRIPLINE_WRITE=1 cargo test --workspace --test it docs::faults` writes it again). Each fault strikes the first call of an\n\
        operation (`once`), every call of the first attempt (`attempt`), or every call (`always`). Every run of the tests plays\n\
        the tables of force-stopper and metrics-generator whole, and of guard-keeper and wave-runner each fault of each call in one\n\
        extent; `make soak` plays all.\n\n\
        Faults are named by what comes: a status and a code; a page or junk with status 200; `reset`, not carried out and cut off; `hang`,\n\
        not carried out and never answered; `late`, refused after seconds; `slow`, carried out and answered after seconds. What AWS has\n\
        carried out, although nobody hears so: `lost`, `cut` and `hang-within` (half of the answer comes), `taken-and-hang`.\n";
    let sections = [
        intro.to_owned(),
        stopper::matrix::section(),
        generator::matrix::section(),
        keeper::matrix::section(),
        wave_runner::matrix::section(),
    ];
    sections
        .into_iter()
        .chain([SUMMARIES.as_slice(), &CHANGES].concat().into_iter().map(str::to_owned))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_page_is_the_tables() {
    let path = root().join(PAGE);
    if std::env::var_os("TRIPLINE_WRITE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page(), "{PAGE} is not current: set TRIPLINE_WRITE=1");
}
