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
        let opened = browser.open(page, look);
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
        let opened = Browser::start().open(&page, Look::Light);
        assert_eq!(opened.complaints.len(), 1, "{bad}: {:?}", opened.complaints);
        assert!(picture::Picture::of(&opened.png).inked() < 0.01, "{bad}");
    }
}
