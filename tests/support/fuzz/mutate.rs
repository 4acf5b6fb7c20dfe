//! A new input from those that are there.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::corpus::Corpus;
use super::{MAX_INPUT, Shape, Target, json};

/// The generator: of a published algorithm, so that a seed gives the same run everywhere.
pub(super) type Random = Xoshiro256PlusPlus;

/// Text that readers stumble over, whatever they read.
pub(super) const ODD: [&str; 37] = [
    "",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\u{b}",
    "\u{c}",
    "\u{1c}",
    "\u{1f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{3000}",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}",
    "\u{e000}",
    "\u{fffd}",
    "\u{10ffff}",
    "é",
    "e\u{301}",
    "İ",
    "ß",
    "ς",
    "\u{1f600}",
    "\"",
    "'",
    "\\",
    "`",
    "{",
    "[",
    "<x>",
    "../..",
    "%",
    "\u{1b}[31m",
];

/// Numbers at the edges of what is taken, and beyond.
pub(super) const NUMBERS: [&str; 34] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "0.5",
    "1e0",
    "1E+2",
    "59",
    "60",
    "61",
    "100",
    "100.0",
    "86400",
    "604800",
    "604801",
    "604800.0000001",
    "10000",
    "10001",
    "65535",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "1e300",
    "1e999",
    "-1e999",
    "nan",
    "inf",
    "0x10",
    "1_000",
    "٣",
];

/// Makes inputs.
pub(super) struct Mutator<'a> {
    target: &'a Target,
    corpus: &'a Corpus,
    /// The words of all seeds, and the target's own.
    words: Vec<String>,
    random: Random,
}

impl<'a> Mutator<'a> {
    pub fn new(target: &'a Target, corpus: &'a Corpus, seed: u64) -> Self {
        let is_in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let texts = corpus.inputs.iter().map(|input| String::from_utf8_lossy(input));
        let of_text = |text: &str| -> Vec<String> {
            let words = text.split(|c| !is_in_word(c)).filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        };
        let mut words: Vec<String> = texts.flat_map(|text| of_text(&text)).collect();
        words.sort_unstable();
        words.dedup();
        Self { target, corpus, words, random: Random::seed_from_u64(seed) }
    }

    /// A new input: one of the corpus, changed once or a few times.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        // Mostly few changes: what has many is refused at the first of them.
        let changes = 1 << self.random.random_range(0..4);
        for _ in 0..self.random.random_range(1..=changes) {
            input = self.changed(input);
            input.truncate(MAX_INPUT);
        }
        input
    }

    fn seed(&mut self) -> Vec<u8> {
        self.corpus.inputs.choose(&mut self.random).cloned().unwrap_or_default()
    }

    fn changed(&mut self, input: Vec<u8>) -> Vec<u8> {
        let is_structural = self.random.random_ratio(2, 3);
        match self.target.shape {
            Shape::Json if is_structural => self.in_json(input),
            Shape::Lines if is_structural => self.in_lines(input),
            Shape::JsonLines if is_structural => {
                if self.random.random() {
                    self.in_lines(input)
                } else {
                    self.in_a_json_line(input)
                }
            }
            _ => self.in_bytes(input),
        }
    }

    fn in_json(&mut self, input: Vec<u8>) -> Vec<u8> {
        let other = self.seed();
        json::changed(&mut self.random, &self.words, &input, &other).unwrap_or(input)
    }

    fn in_a_json_line(&mut self, input: Vec<u8>) -> Vec<u8> {
        let other = self.seed();
        let others: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
        let mut lines: Vec<Vec<u8>> =
            input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let at = self.random.random_range(0..lines.len());
        let other = others.choose(&mut self.random).copied().unwrap_or_default();
        if let Some(line) = json::changed(&mut self.random, &self.words, &lines[at], other) {
            lines[at] = line;
        }
        lines.join(&b'\n')
    }

    fn in_lines(&mut self, input: Vec<u8>) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> =
            input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let (at, to) = (self.place(&lines), self.place(&lines));
        match self.random.random_range(0..9) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(to, lines[at].clone()),
            2 => lines.swap(at, to),
            3 => {
                let other = self.seed();
                let others: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
                lines.insert(to, others[self.random.random_range(0..others.len())].to_vec());
            }
            4 => {
                let indent = [" ", "  ", "\t", "\u{a0}", "\u{3000}", "\u{1c}", ""];
                let indent = indent.choose(&mut self.random).copied().unwrap_or_default();
                lines[at].splice(..0, indent.bytes());
            }
            5 => lines.insert(to, self.word().into_bytes()),
            6 => lines.insert(to, Vec::new()),
            // A value, a name or the like.
            _ => {
                let word = self.word().into_bytes();
                let line = &mut lines[at];
                let ends = line.iter().position(|byte| b"=:[ ,".contains(byte));
                let from = ends.map_or(0, |at| at + 1);
                let to = if self.random.random() { line.len() } else { from };
                line.splice(from..to, word);
            }
        }
        lines.join(&b'\n')
    }

    fn place(&mut self, lines: &[Vec<u8>]) -> usize {
        self.random.random_range(0..lines.len())
    }

    fn in_bytes(&mut self, mut input: Vec<u8>) -> Vec<u8> {
        let (a, b) = (self.offset(&input), self.offset(&input));
        let (from, to) = (a.min(b), a.max(b));
        match self.random.random_range(0..8) {
            0 => drop(input.drain(from..to.min(from + 32))),
            1 => {
                let part = input[from..to].to_vec();
                input.splice(a..a, part);
            }
            2 => {
                let other = self.seed();
                let from = self.offset(&other);
                input.truncate(a);
                input.extend_from_slice(&other[from..]);
            }
            3 if a < input.len() => input[a] = self.random.random(),
            4 if a < input.len() => input[a] ^= 1 << self.random.random_range(0..8),
            5 => {
                // The digits at or after this place.
                let is_digit = |byte: &u8| byte.is_ascii_digit();
                let from = input[a..].iter().position(is_digit).map_or(a, |at| a + at);
                let length = input[from..].iter().take_while(|byte| is_digit(byte)).count();
                let number = NUMBERS.choose(&mut self.random).copied().unwrap_or_default();
                input.splice(from..from + length, number.bytes());
            }
            6 => {
                let (word, times) = (self.word(), 1 << self.random.random_range(0..12));
                let times = if self.random.random_ratio(7, 8) { 1 } else { times };
                input.splice(a..a, word.repeat(times).into_bytes());
            }
            _ => {
                let word = self.word();
                input.splice(a..to.min(a + word.len()).max(a), word.into_bytes());
            }
        }
        input
    }

    fn offset(&mut self, input: &[u8]) -> usize {
        self.random.random_range(0..=input.len())
    }

    fn word(&mut self) -> String {
        let words = self.target.words;
        let random = &mut self.random;
        let word = match random.random_range(0..4) {
            0 => ODD.choose(random).copied(),
            1 => NUMBERS.choose(random).copied(),
            2 if !words.is_empty() => words.choose(random).copied(),
            _ => self.words.choose(random).map(String::as_str),
        };
        word.unwrap_or_default().to_owned()
    }
}
