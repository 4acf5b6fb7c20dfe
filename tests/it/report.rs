//! The report in a browser: it is drawn, in light, dark and print, and the browser has nothing to
//! complain of.

mod browser;
mod picture;

use std::path::{Path, PathBuf};

use browser::{Browser, Look};
use tempfile::TempDir;
use tripline_tests::runner::run;
use tripline_tests::workspace::{root, tripline};

/// Makes a report, in a folder of its own.
fn report(arguments: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    let mut tripline = tripline(root().join("examples")).unwrap();
    let ran = run(tripline.arg("simulate").args(arguments).arg("--report").arg(&page));
    assert!(matches!(ran.code, 0 | 5), "{ran}");
    (folder, page)
}

fn is_drawn_in_every_look(page: &Path) {
    let mut browser = Browser::start();
    let mut open = |look| {
        let opened = browser.open(page, look, 1_000, "");
        assert_eq!(opened.complaints, Vec::<String>::new(), "{look:?}");
        picture::Picture::of(&opened.png)
    };
    let (light, dark, print) = (open(Look::Light), open(Look::Dark), open(Look::Print));
    for (name, picture) in [("light", &light), ("dark", &dark), ("print", &print)] {
        // Text and lines are smoothed, so that a page has many shades; a blank one has one.
        assert!(picture.colors() > 50, "{name}: {} colors", picture.colors());
        assert!(picture.inked() > 0.01, "{name}: {} inked", picture.inked());
        assert!(picture.height() > 800, "{name}: {} high", picture.height());
    }
    assert!(light.ground() > 240 && print.ground() > 240, "{} {}", light.ground(), print.ground());
    assert!(dark.ground() < 60, "{}", dark.ground());
}

#[test]
fn a_rollout_is_drawn() {
    let arguments = ["guards/sample.ini", "--rollout", "rollouts/slow.ini", "--runs", "5"];
    let (_folder, page) = report(&arguments);
    is_drawn_in_every_look(&page);
}

#[test]
fn a_comparison_is_drawn() {
    let arguments = [
        "--compare",
        "guards/sample.ini",
        "guards/recommended.ini",
        "--against",
        "rollouts/healthy.ini",
        "rollouts/failing.ini",
        "--devices",
        "2000",
        "--runs",
        "5",
    ];
    let (_folder, page) = report(&arguments);
    is_drawn_in_every_look(&page);
}

/// What is wrong with a page, by where everything is.
const FAULTS: &str = include_str!("report/faults.js");

/// A page can be read at every width: see `report/faults.js`.
fn is_readable_at_every_width(page: &Path) {
    let mut browser = Browser::start();
    for width in [360, 500, 768, 1_000] {
        let opened = browser.open(page, Look::Light, width, FAULTS);
        if let Some(folder) = std::env::var_os("TRIPLINE_SCREENSHOTS") {
            let name = page.parent().unwrap().file_name().unwrap().to_string_lossy();
            std::fs::write(Path::new(&folder).join(format!("{name}-{width}.png")), &opened.png)
                .unwrap();
        }
        assert_eq!(opened.measured, serde_json::json!([]), "{width} px: {:#}", opened.measured);
    }
}

#[test]
fn reports_can_be_read_on_a_phone() {
    for arguments in [
        ["guards/sample.ini", "--rollout", "rollouts/slow.ini", "--runs", "5"],
        ["guards/recommended.ini", "--rollout", "rollouts/failing.ini", "--runs", "5"],
        ["guards/recommended.ini", "--rollout", "rollouts/healthy.ini", "--runs", "5"],
    ] {
        let (_folder, page) = report(&arguments);
        is_readable_at_every_width(&page);
    }
    let compare = "--compare guards/sample.ini guards/recommended.ini --against rollouts/healthy.ini \
                   rollouts/failing.ini --devices 2000 --runs 5";
    let (_folder, page) = report(&compare.split_whitespace().collect::<Vec<_>>());
    is_readable_at_every_width(&page);
}

#[test]
fn a_page_that_cannot_be_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("bad.html");
    let svg = |inside: &str| {
        format!("<svg viewBox='0 0 400 100' width='400' height='100'>{inside}</svg>")
    };
    for (bad, fault) in [
        ("<p style='width: 900px'>wide</p>".to_owned(), "the page is wider than the window"),
        (
            "<table><tr><th style='width: 1px; overflow-wrap: anywhere'>letters</th></tr></table>"
                .to_owned(),
            "a letter a line: letters",
        ),
        (
            "<table><tr><th scope='row' style='width: 40px'>two words</th></tr></table>".to_owned(),
            "broken: two words",
        ),
        (
            "<div class='picture' style='overflow-x: auto'><p style='width: 900px'>x</p></div>"
                .to_owned(),
            "wider than the window, and nothing says so",
        ),
        (
            svg(
                "<path class='curve' d='M0 50L400 50' stroke='black'/><text x='100' y='55'>on it</text>",
            ),
            "on a curve: on it",
        ),
        (
            svg("<text x='10' y='50'>one text</text><text x='30' y='50'>another</text>"),
            "on another text: one text",
        ),
    ] {
        std::fs::write(&page, format!("<!DOCTYPE html><title>bad</title>{bad}")).unwrap();
        let measured = Browser::start().open(&page, Look::Light, 500, FAULTS).measured;
        let faults: Vec<_> =
            measured.as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
        assert!(faults.contains(&fault), "{bad}: {faults:?}");
    }
}

#[test]
fn a_complaint_of_the_browser_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("bad.html");
    for bad in [
        "<script>console.error('x')</script>",
        "<script>throw 1</script>",
        "<img src='missing.png'>",
    ] {
        std::fs::write(&page, format!("<!DOCTYPE html><title>bad</title>{bad}")).unwrap();
        let opened = Browser::start().open(&page, Look::Light, 1_000, "");
        assert_eq!(opened.complaints.len(), 1, "{bad}: {:?}", opened.complaints);
        assert!(picture::Picture::of(&opened.png).inked() < 0.01, "{bad}");
    }
}
