//! A report in JUnit's XML, which every CI shows: a check is a test case.

use super::report::{Checked, Report};

/// The report as a file.
pub fn render(report: &Report) -> String {
    let failures =
        report.checked.iter().filter(|checked| checked.counts() && checked.fix().is_some()).count();
    let errors =
        report.checked.iter().filter(|checked| checked.counts() && checked.fix().is_none()).count();
    let skipped = report
        .checked
        .iter()
        .filter(|checked| !checked.counts() && checked.judged.is_err())
        .count();
    let numbers = format!(
        r#"tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}""#,
        report.checked.len()
    );
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text += &format!("<testsuites name=\"tripline doctor\" {numbers}>\n");
    text += &format!("  <testsuite name=\"{}\" {numbers}>\n", escaped(&report.subject()));
    for checked in &report.checked {
        text += &render_check(checked);
    }
    text + "  </testsuite>\n</testsuites>\n"
}

fn render_check(checked: &Checked) -> String {
    let head =
        format!("    <testcase classname=\"tripline.doctor\" name=\"{}\"", checked.check.name);
    let detail = escaped(checked.detail());
    let inner = match (checked.counts(), checked.fix()) {
        (true, Some(fix)) => format!(
            "<failure type=\"finding\" message=\"{detail}\">why: {}\nfix: {}</failure>",
            escaped(checked.check.why),
            escaped(fix)
        ),
        (true, None) => format!("<error type=\"unknown\" message=\"{detail}\"/>"),
        // Allowed, or not to be known: no fault, and not proven either.
        (false, _) if checked.judged.is_err() => format!("<skipped message=\"{detail}\"/>"),
        (false, _) => return format!("{head}/>\n"),
    };
    format!("{head}>{inner}</testcase>\n")
}

/// Text as it may stand in XML. What XML has no way to say becomes `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' => out += "&#10;",
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
