//! Slips of the pen in values, and what to do about each.

use tripline::text::excerpt;

/// What to do about a value that cannot be read, if it shows what happened.
pub fn slip(value: &str) -> Option<String> {
    let is_dangling = value.starts_with(['"', '\u{201c}']) != value.ends_with(['"', '\u{201d}']);
    unfilled(value)
        .or_else(|| value.contains('\n').then(|| CONTINUED.to_owned()))
        .or_else(|| inline_comment(value))
        .or_else(|| (quoted(value) || is_dangling).then(|| QUOTED.to_owned()))
        .or_else(|| trailing(value))
}

/// What to do about an item of a list that is not known. `is_known` says of a text whether it is one.
pub(crate) fn slip_in_list(item: &str, is_known: impl Fn(&str) -> bool) -> Option<String> {
    let parts = |separator: &[char]| -> Vec<String> {
        let parts = item.split(separator).map(|part| unquoted(part.trim()).to_owned());
        parts.filter(|part| !part.is_empty()).collect()
    };
    let are_known = |parts: &[String]| parts.len() > 1 && parts.iter().all(|part| is_known(part));
    for (separators, name) in
        [(&[';'][..], "`;`"), (&[' ', '\t'][..], "spaces"), (&['|'][..], "`|`")]
    {
        if are_known(&parts(separators)) {
            return Some(format!("separate the items by commas, not by {name}"));
        }
    }
    if let Some(hint) = slip(item) {
        return Some(hint);
    }
    item.contains(';').then(|| "separate the items by commas, not by `;`".to_owned())
}

/// Whether a text that could stand for itself is rather a slip: it is in quotes, or has a comment.
pub(crate) fn is_dressed(value: &str) -> bool {
    quoted(value) || comment_in(value).is_some()
}

const CONTINUED: &str = "the lines below it are indented, so that they are part of the value";

const QUOTED: &str = "write it without quotes, which a `dev.ini` takes for part of the value";

/// What to do about a value of a template that nobody has filled in.
fn unfilled(value: &str) -> Option<String> {
    let (name, _) = value.split_once('<')?.1.split_once('>')?;
    Some(format!("put your own in the place of `<{}>`", excerpt(name)))
}

fn inline_comment(value: &str) -> Option<String> {
    let comment = comment_in(value)?;
    Some(format!(
        "put the comment `{}` on a line of its own: behind a value it is part of the value",
        excerpt(comment)
    ))
}

/// What to do about a value with what may be a comment right behind it.
pub(crate) fn comment_right_behind(value: &str) -> Option<String> {
    let at = value.find([';', '#'])?;
    let comment = value.get(at..)?;
    Some(format!("a comment, as `{}` may be one, stands on a line of its own", excerpt(comment)))
}

/// ` ; ..`, ` # ..` or ` // ..` at the end of a line. A `#` that a word follows at once may be of a name.
fn comment_in(value: &str) -> Option<&str> {
    let begins = |at: usize| {
        let (before, comment) = (value.get(..at)?, value.get(at..)?);
        let mut after = comment.chars().skip(1);
        let is_comment = comment.starts_with(';')
            || after.next().is_none_or(|next| next.is_whitespace() || next.is_alphabetic());
        (before.ends_with([' ', '\t']) && is_comment).then_some(comment)
    };
    let slashes = || value.get(value.find(" //")?..).map(str::trim_start);
    value.match_indices([';', '#']).find_map(|(at, _)| begins(at)).or_else(slashes)
}

const QUOTES: [(char, char); 5] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];

fn quoted(value: &str) -> bool {
    value.len() > 1 && unquoted(value) != value
}

/// A text without the quotes around it.
pub(crate) fn unquoted(value: &str) -> &str {
    let inner = |(open, close)| value.strip_prefix(open)?.strip_suffix(close);
    QUOTES.into_iter().find_map(inner).unwrap_or(value)
}

fn trailing(value: &str) -> Option<String> {
    let end = value.chars().next_back().filter(|end| matches!(end, ';' | ','))?;
    Some(format!("write it without the `{end}` at its end"))
}

/// What to do about a number as people write it: with a unit, or in groups of digits.
pub(crate) fn number(value: &str) -> Option<String> {
    let begins = value.chars().next().is_some_and(|first| first.is_ascii_digit());
    let rest = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let is_grouped = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '\'' | ' ');
    if !begins || rest.is_empty() {
        return None;
    }
    if value.chars().all(is_grouped) {
        return Some("write the number with digits alone, and a `.` before decimals".to_owned());
    }
    let unit = rest.trim_start();
    let is_unit = unit == "%" || unit.chars().all(char::is_alphabetic);
    is_unit.then(|| format!("write the number alone, without `{}`", excerpt(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slip_has_its_hint() {
        for (value, hint) in [
            ("<yours>", "in the place of `<yours>`"),
            ("60 ; seconds", "put the comment `; seconds` on a line of its own"),
            ("60 # seconds", "put the comment `# seconds` on a line of its own"),
            ("60 #seconds", "on a line of its own"),
            ("60 // seconds", "put the comment `// seconds` on a line of its own"),
            ("\"60\"", "without quotes"),
            ("\u{201c}60\u{201d}", "without quotes"),
            ("60\"", "without quotes"),
            ("60;", "without the `;` at its end"),
            ("60\nx", "part of the value"),
        ] {
            let said = slip(value).unwrap_or_default();
            assert!(said.contains(hint), "{value}: {said}");
        }
        for plain in ["", "60", "-1", "1e999", "fw-2", "a;b", "it's", "2-1", "fw #1"] {
            assert_eq!(slip(plain), None, "{plain}");
        }
    }

    #[test]
    fn numbers_have_no_units_and_no_groups() {
        for (value, hint) in [
            ("24,000", "with digits alone"),
            ("1 000", "with digits alone"),
            ("60s", "without `s`"),
            ("60 min", "without `min`"),
            ("5 %", "without `%`"),
        ] {
            let said = number(value).unwrap_or_default();
            assert!(said.contains(hint), "{value}: {said}");
        }
        for plain in ["", "60", "-1", "1e999", "2-1", "10.0.0.1", "five"] {
            assert_eq!(number(plain), None, "{plain}");
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let said = |item| slip_in_list(item, |part| ["a", "b"].contains(&part)).unwrap_or_default();
        for (item, hint) in [
            ("a; b", "by commas, not by `;`"),
            ("a ; b", "by commas, not by `;`"),
            ("a b", "by commas, not by spaces"),
            ("\"a\" \"b\"", "by commas, not by spaces"),
            ("a;c", "by commas, not by `;`"),
            ("a ; both of them", "a line of its own"),
            ("\"c\"", "without quotes"),
        ] {
            assert!(said(item).contains(hint), "{item}: {}", said(item));
        }
        assert_eq!(said("c"), "");
    }

    #[test]
    fn a_name_may_have_what_a_comment_begins_with() {
        for name in ["Errors #1", "a;b", "a#b", "5' ladder"] {
            assert!(!is_dressed(name), "{name}");
        }
        for dressed in ["a ; b", "a # b", "'a'", "`a`"] {
            assert!(is_dressed(dressed), "{dressed}");
        }
    }
}
