//! The models' patterns: Java's regular expressions, which have to match the whole text.

use fancy_regex::Regex;

/// What Java writes otherwise. Its classes know ASCII only; two surrogates are one character beyond U+FFFF.
const WORDS: [(&str, &str); 16] = [
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}"),
    (r"\u10000-\u10FFFF", r"\x{10000}-\x{10FFFF}"),
    (r"\p{ASCII}", "[[:ascii:]]"),
    (r"\p{Alnum}", "[[:alnum:]]"),
    (r"\p{Alpha}", "[[:alpha:]]"),
    (r"\p{Cntrl}", "[[:cntrl:]]"),
    (r"\p{Digit}", "[[:digit:]]"),
    (r"\p{Graph}", "[[:graph:]]"),
    (r"\p{Lower}", "[[:lower:]]"),
    (r"\p{Print}", "[[:print:]]"),
    (r"\p{Punct}", "[[:punct:]]"),
    (r"\p{Upper}", "[[:upper:]]"),
    (r"\d", "[0-9]"),
    (r"\w", "[a-zA-Z0-9_]"),
    (r"\s", r"[ \t\n\x0B\f\r]"),
    (r"\S", r"[^ \t\n\x0B\f\r]"),
];

/// A pattern in Rust's words, or why there is none.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    // These are operators in Rust's classes and characters in Java's.
    if let Some(other) = ["--", "~~"].into_iter().find(|other| pattern.contains(other)) {
        return Err(format!("{pattern}: `{other}`"));
    }
    let whole = format!(r"\A(?:{})\z", translated(pattern));
    Regex::new(&whole).map_err(|error| format!("{pattern}: {error}"))
}

fn translated(mut rest: &str) -> String {
    let mut out = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        if let Some((java, rust)) = WORDS.iter().find(|(java, _)| rest.starts_with(java)) {
            out.push_str(rust);
            rest = &rest[java.len()..];
        } else if let Some(code) = rest.strip_prefix(r"\u").and_then(|code| code.get(..4)) {
            out.push_str(&format!(r"\x{{{code}}}"));
            rest = &rest[6..];
        } else {
            // An escape is taken whole: `\\d` is a backslash and a letter.
            let escaped = first == '\\';
            let length = rest.chars().take(1 + usize::from(escaped)).map(char::len_utf8).sum();
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SERVICES};

    #[test]
    fn a_pattern_matches_what_java_would() {
        for (pattern, text, matches) in [
            (r"[\p{Upper}\p{Digit}_]+", "FORCE_STOP_1", true),
            (r"[\p{Upper}\p{Digit}_]+", "force-stop", false),
            (r"[^\p{C}]+", "Grüße, 世界", true),
            (r"[^\p{C}]+", "two\nlines", false),
            (r"\d{2}", "٠٠", false),
            (r"a|b", "ab", false),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\t😀", true),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "\u{1}", false),
            (r"^(?!\s*$).+", " ", false),
            (r"[\p{Graph}\x20]*", "a b", true),
            (r"\\d", "\\d", true),
        ] {
            let regex = compile(pattern).unwrap();
            assert_eq!(regex.is_match(text).unwrap(), matches, "{pattern}: {text:?}");
        }
    }

    /// Whoever adds to these lets requests pass that AWS refuses.
    #[test]
    fn all_patterns_translate_but_these() {
        let mut skipped = Vec::new();
        for (signed, name) in SERVICES {
            let patterns = Model::of(signed).unwrap().shapes.values();
            let mut patterns: Vec<&str> =
                patterns.filter_map(|shape| shape.pattern.as_deref()).collect();
            patterns.sort_unstable();
            patterns.dedup();
            let wrong = patterns.into_iter().filter(|pattern| compile(pattern).is_err());
            skipped.extend(wrong.map(|pattern| format!("{name}: {pattern}")));
        }
        assert_eq!(skipped, Vec::<String>::new());
    }
}
