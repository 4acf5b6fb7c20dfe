//! Text from outside, made fit to be shown: bounded, and free of control characters.

/// Longest piece of somebody else's text in a log line or an error.
pub const EXCERPT_CHARACTERS: usize = 64;

/// `text` for a log line or an error: control characters become `?`, and what is over
/// [`EXCERPT_CHARACTERS`] is cut and marked.
pub fn excerpt(text: &str) -> String {
    clean(text, EXCERPT_CHARACTERS)
}

/// A name that nobody vouches for, fit for a message to people: at most [`EXCERPT_CHARACTERS`] of
/// `a-z A-Z 0-9 - _ :`, with `_` for any other. No sentence and no link is left of it.
pub fn bare_name(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    text.chars().take(EXCERPT_CHARACTERS).map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// `text` without control characters, cut to at most `limit` characters; a cut is marked with
/// `..`.
pub fn clean(text: &str, limit: usize) -> String {
    let shown = |c: char| if is_shown(c) { c } else { '?' };
    let mut taken: String = text.chars().take(limit).map(shown).collect();
    if text.chars().nth(limit).is_some() {
        for _ in 0..limit.min(2) {
            taken.pop();
        }
        taken.extend("..".chars().take(limit));
    }
    taken
}

/// `text` of any length and of several lines without other control characters: what a message of our own is made
/// of. A tab becomes a space.
pub fn shown(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => c,
        '\t' => ' ',
        c if is_shown(c) => c,
        _ => '?',
    };
    text.chars().map(shown).collect()
}

/// `text` in ASCII, with `_` for any other character, cut to at most `limit` as [`clean`] does: an SMS with
/// another character costs twice as many parts, and a subject with one is refused.
pub fn ascii(text: &str, limit: usize) -> String {
    let ascii: String =
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
    clean(&ascii, limit)
}

/// AWS IoT's `[^\p{C}]`: no control, format, private-use or unassigned characters. The last group
/// grows smaller with each Unicode version, so it is left to the service.
fn is_shown(c: char) -> bool {
    let format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    let none = (u32::from(c) & 0xfffe) == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    !(c.is_control() || format || private || none)
}

/// The one of `known` that `word` was probably meant to be, without regard to case; `None` when
/// nothing is near.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), *candidate)
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_cleaned() {
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(clean("abcdef", 5), "abc..");
        assert_eq!(clean("a\nb\u{202e}c\u{e000}", 9), "a?b?c?");
        assert_eq!(clean("abc", 1), ".");
        assert_eq!(clean("abc", 0), "");
    }

    #[test]
    fn neither_a_link_nor_a_sentence_is_left_of_a_name() {
        assert_eq!(bare_name("tripline-fw_1-slow"), "tripline-fw_1-slow");
        assert_eq!(bare_name("IoT:OTA:JobExecution"), "IoT:OTA:JobExecution");
        assert_eq!(bare_name("Go to https://a.example!\n"), "Go_to_https:__a_example__");
        assert_eq!(bare_name(&"é".repeat(100)), "_".repeat(64));
    }

    #[test]
    fn the_nearest_word_ignores_case_and_gives_up_in_time() {
        let known = ["period", "threshold", "datapointsToAlarm"];
        assert_eq!(nearest("datapointToAlarm", &known), Some("datapointsToAlarm"));
        assert_eq!(nearest("THRESHOLDS", &known), Some("threshold"));
        assert_eq!(nearest("color", &known), None);
    }
}
