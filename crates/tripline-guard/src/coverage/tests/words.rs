//! Coverage as people and programs read it.

use super::*;

/// The old tool's sample: one alarm on downloads, and no abort criteria.
fn downloads_only() -> Coverage {
    let facts = facts(60);
    coverage(&facts, &[own("downloadTime", "p97", 3_600.0)])
}

#[test]
fn a_line_says_what_becomes_of_a_rollout_in_each_way() {
    let whole = coverage(&facts(1_000), &[wanted(&failure_rate(50)), own("evidence", "p99", 2.0)]);
    let opted_out = Coverage::new(&facts(1_000), &[], Purpose::OptedOut);
    let lines = [downloads_only().line(), whole.line(), opted_out.line()];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_table_says_by_whom_and_why_not() {
    insta::assert_snapshot!(downloads_only().table("  "));
}

#[test]
fn names_are_read_as_they_are_written() {
    for way in Way::ALL {
        assert_eq!(Way::parse(way.name()), Some(way));
    }
    for other in ["", "Fails", "fail", "timesout"] {
        assert_eq!(Way::parse(other), None, "{other}");
    }
}
