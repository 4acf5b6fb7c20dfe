//! What a terminal can show, and how a text fits it.

use std::io::IsTerminal;

use console::{Term, measure_text_width, truncate_str};

/// What a line that was cut ends with.
const CUT: &str = "…";
/// Columns of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;
/// Rows of a terminal that does not say how high it is.
const USUAL_HEIGHT: usize = 24;

/// Whether lines can be drawn over where this goes to. A file or a pipe cannot, nor can a terminal that calls
/// itself dumb; and whoever sets `NO_COLOR` wants text alone.
pub fn is_screen(to: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    to.is_terminal()
        && !is_set("NO_COLOR")
        && std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb")
}

/// Columns and rows of the terminal that stdout is.
pub fn size() -> (usize, usize) {
    size_of(&Term::stdout())
}

/// Columns and rows of a terminal.
pub fn size_of(terminal: &Term) -> (usize, usize) {
    terminal
        .size_checked()
        .map_or((USUAL_WIDTH, USUAL_HEIGHT), |(rows, columns)| (columns.into(), rows.into()))
}

/// The columns of stdout; `None` if it is no terminal, and a line may be of any length.
pub fn width() -> Option<usize> {
    std::io::stdout().is_terminal().then(|| size().0)
}

/// A line of at most so many columns, with a mark where it was cut.
pub fn cut(line: &str, width: usize) -> String {
    truncate_str(line, width, CUT).into_owned()
}

/// A text in lines of at most so many columns, broken between words. Those after the first stand in by
/// `indent` more than that, and after `most` of them it is cut.
pub fn wrapped(text: &str, width: usize, indent: usize, most: usize) -> Vec<String> {
    let margin = text.len() - text.trim_start().len() + indent;
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.to_owned();
    while measure_text_width(&rest) > width && lines.len() + 1 < most {
        let Some(end) = last_break(&rest, width) else { break };
        let (line, next) = rest.split_at(end);
        lines.push(line.trim_end().to_owned());
        rest = format!("{}{}", " ".repeat(margin), next.trim_start());
    }
    lines.push(cut(&rest, width));
    lines
}

/// Where a text is broken so that its beginning fits: behind the last word that does.
fn last_break(text: &str, width: usize) -> Option<usize> {
    let begin = text.len() - text.trim_start().len();
    let blanks = text.match_indices(' ').map(|(at, _)| at).filter(|at| *at > begin);
    let fits = |at: &usize| text.get(..*at).is_some_and(|line| measure_text_width(line) <= width);
    blanks.take_while(fits).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_is_marked() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("äbcdef", 4), "äbc…");
        // As wide as it is shown, however many characters that are.
        assert_eq!(cut("漢字漢字", 5), "漢字…");
    }

    #[test]
    fn long_lines_are_broken_between_words_and_then_cut() {
        let text = "  guard  slow OK, late INSUFFICIENT_DATA";
        assert_eq!(wrapped(text, 80, 2, 3), [text]);
        assert_eq!(
            wrapped(text, 20, 2, 3),
            ["  guard  slow OK,", "    late", "    INSUFFICIENT_DA…"]
        );
        assert_eq!(wrapped(text, 20, 2, 2), ["  guard  slow OK,", "    late INSUFFICIE…"]);
        assert_eq!(wrapped("", 20, 2, 2), [""]);
        assert_eq!(wrapped("  oneword", 4, 2, 9), ["  o…"]);
    }
}
