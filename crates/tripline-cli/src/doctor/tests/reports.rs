//! What is said of it.

use super::sound::sound;
use crate::doctor::checks::checks;
use crate::doctor::junit;
use crate::doctor::report::{Checked, Report};
use crate::doctor::result::NotProven;
use crate::terminal::document::document;

/// One check of each result, with words that every format has to be careful with.
fn report() -> Report {
    let facts = sound();
    let nasty = "<a & \"b\">\u{1b}[31m ]]>";
    let judged = [
        ("clock-synchronized", (checks().next().unwrap().judge)(&facts), false),
        ("rule-enabled", Err(NotProven::finding(nasty, "aws x --y '<&>'\naws z")), false),
        ("rule-sql-matches", Err(NotProven::Unknown("may not be asked: no".to_owned())), false),
        ("sms-out-of-sandbox", Err(NotProven::Untold("not here".to_owned())), false),
        ("key-usable", Err(NotProven::skipped("no key")), false),
        ("stop-mode-enforced", Err(NotProven::finding("observes", "sam deploy")), true),
    ];
    let checked = judged.into_iter().map(|(name, judged, allowed)| Checked {
        check: checks().find(|check| check.name == name).unwrap(),
        judged,
        allowed,
        fixed: None,
    });
    Report {
        stack: "tripline".to_owned(),
        region: "us-east-1".to_owned(),
        job: None,
        coverage: None,
        checked: checked.collect(),
    }
}

#[test]
fn people_read_what_is_wrong_why_and_what_fixes_it() {
    insta::assert_snapshot!(format!("{}\n{}", report().text(), report().summary()));
}

#[test]
fn junit_is_xml_whatever_stands_in_it() {
    let text = junit::render(&report());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    let number = |name: &str| suite.attribute(name).unwrap().parse::<usize>().unwrap();
    assert_eq!(
        [number("tests"), number("failures"), number("errors"), number("skipped")],
        [6, 1, 1, 3]
    );
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("message"), Some("<a & \"b\">?[31m ]]>"));
    assert!(failure.text().unwrap().contains("fix: aws x --y '<&>'\naws z"));
    for (tag, count) in [("testcase", 6), ("failure", 1), ("error", 1), ("skipped", 3)] {
        assert_eq!(
            document.descendants().filter(|node| node.has_tag_name(tag)).count(),
            count,
            "{tag}"
        );
    }
}

#[test]
fn programs_read_the_same() {
    let json = document(&report().data());
    assert_eq!(json["sound"], false);
    assert_eq!([&json["ok"], &json["findings"], &json["unknown"], &json["skipped"]], [1, 2, 2, 1]);
    assert_eq!(json["checks"][1]["fix"], "aws x --y '<&>'\naws z");
    assert_eq!(json["checks"][5]["counts"], false);
}

#[test]
fn what_is_allowed_or_not_to_be_known_is_no_fault() {
    let mut report = report();
    assert!(!report.is_sound());
    report
        .checked
        .retain(|checked| !["rule-enabled", "rule-sql-matches"].contains(&checked.check.name));
    assert!(report.is_sound());
}
