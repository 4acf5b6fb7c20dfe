//! The lines of a recording, which may be anything and of any size.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read, Result, Take, stdin};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Longest line in bytes: an event takes a few hundred.
pub const LONGEST: usize = 1_000_000;
/// Most bytes of a recording once it is unpacked: a packed file of a few megabytes can become terabytes.
const MOST_BYTES: u64 = 8_000_000_000;
/// Most lines of a recording: twenty events each of a million devices.
const MOST_LINES: u64 = 20_000_000;
/// What a gzip file begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// What files begin with that are something else, and what makes text of them.
const OTHERS: [(&[u8], &str, &str); 6] = [
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "unpack it with `zstd -d`"),
    (b"PK\x03\x04", "a zip archive", "unpack it with `unzip`"),
    (b"BZh", "bzip2", "unpack it with `bunzip2`"),
    (&[0xfd, b'7', b'z', b'X'], "xz", "unpack it with `unxz`"),
    (&[0xff, 0xfe], "UTF-16 text", "save it as UTF-8"),
    (&[0xfe, 0xff], "UTF-16 text", "save it as UTF-8"),
];
/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;

/// Lines, one at a time.
pub struct Lines {
    reader: Take<Box<dyn BufRead>>,
    most: Most,
    line: Vec<u8>,
    number: u64,
}

/// What is read at most.
#[derive(Debug, Clone, Copy)]
struct Most {
    bytes: u64,
    lines: u64,
}

/// One line, without its end.
pub enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is longer than [`LONGEST`].
    TooLong,
}

impl Lines {
    /// A file's.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(Error::new(ErrorKind::IsADirectory, "it is a directory"));
        }
        Self::from_reader(file)
    }

    /// Those of stdin.
    pub fn of_stdin() -> Result<Self> {
        Self::from_reader(stdin())
    }

    /// Those of anything, gzip or not: its first bytes say so.
    pub fn from_reader(reader: impl Read + 'static) -> Result<Self> {
        Self::up_to(Most { bytes: MOST_BYTES, lines: MOST_LINES }, reader)
    }

    fn up_to(most: Most, reader: impl Read + 'static) -> Result<Self> {
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let mut first = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut first)?;
        if let Some((_, is, hint)) = OTHERS.iter().find(|(begins, ..)| first.starts_with(begins)) {
            let text = format!("{is} (expected lines of JSON, or gzip of them); {hint}");
            return Err(Error::new(ErrorKind::InvalidData, text));
        }
        let is_gzip = first.starts_with(GZIP);
        let whole = Cursor::new(first).chain(reader);
        let reader: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        // One more than is allowed shows that there is more.
        let reader = reader.take(most.bytes.saturating_add(1));
        Ok(Self { reader, most, line: Vec::new(), number: 0 })
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line with its number, if there is one.
    pub fn next(&mut self) -> Result<Option<(u64, Line<'_>)>> {
        self.line.clear();
        if self.number == self.most.lines && !self.reader.fill_buf()?.is_empty() {
            let text = format!("more than {} lines (expected at most as many)", self.most.lines);
            return Err(Error::new(ErrorKind::FileTooLarge, text));
        }
        let most = LONGEST as u64 + 1;
        if self.reader.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_whole = self.line.last() == Some(&b'\n');
        if !is_whole && self.line.len() > LONGEST {
            self.reader.skip_until(b'\n')?;
        }
        if self.reader.limit() == 0 {
            let bytes = self.most.bytes;
            let text = format!("more than {bytes} bytes of text (expected at most as many)");
            return Err(Error::new(ErrorKind::FileTooLarge, text));
        }
        if is_whole {
            self.line.pop();
        } else if self.line.len() > LONGEST {
            return Ok(Some((self.number, Line::TooLong)));
        }
        // Some editors mark UTF-8 with this.
        let mark = if self.number == 1 { "\u{feff}" } else { "" };
        let line = self.line.strip_prefix(mark.as_bytes()).unwrap_or(&self.line);
        Ok(Some((self.number, Line::Whole(line))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// The lines with their numbers; `None` is a line that is too long.
    fn all(bytes: &[u8]) -> Result<Vec<(u64, Option<Vec<u8>>)>> {
        let mut lines = Lines::from_reader(Cursor::new(bytes.to_vec()))?;
        let mut all = Vec::new();
        loop {
            let Some((number, line)) = lines.next()? else { return Ok(all) };
            let line = match line {
                Line::Whole(line) => Some(line.to_vec()),
                Line::TooLong => None,
            };
            all.push((number, line));
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_are_numbered_from_one() {
        let expected =
            vec![(1, Some(b"a".to_vec())), (2, Some(Vec::new())), (3, Some(b"b\r".to_vec()))];
        assert_eq!(all(b"a\n\nb\r\n").unwrap(), expected);
        assert_eq!(all(b"a\n\nb\r").unwrap(), expected, "the last line needs no end");
        assert_eq!(all(b"").unwrap(), []);
        assert_eq!(all(b"\n").unwrap(), [(1, Some(Vec::new()))]);
    }

    #[test]
    fn gzip_is_recognized_by_its_first_bytes() {
        let expected = all(b"a\nb\n").unwrap();
        assert_eq!(all(&gzip(b"a\nb\n")).unwrap(), expected);
        // Files that were put one after the other are one file.
        assert_eq!(all(&[gzip(b"a\n"), gzip(b"b\n")].concat()).unwrap(), expected);
        assert_eq!(all(&gzip(b"")).unwrap(), []);
    }

    #[test]
    fn damaged_gzip_is_an_error_and_not_an_end() {
        let whole = gzip("an event\n".repeat(1_000).as_bytes());
        assert!(all(&whole[..whole.len() / 2]).is_err());
        assert!(all(&[&whole[..], b"rest"].concat()).is_err());
        assert!(all(GZIP).is_err());
    }

    /// What comes after the last line that is read.
    fn end(bytes: &[u8], most: Most) -> (u64, Option<String>) {
        let mut lines = Lines::up_to(most, Cursor::new(bytes.to_vec())).unwrap();
        loop {
            match lines.next() {
                Ok(None) => return (lines.number(), None),
                Ok(Some(_)) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
                    return (lines.number(), Some(error.to_string()));
                }
            }
        }
    }

    #[test]
    fn a_recording_has_an_end() {
        let five = b"a\nb\nc\nd\ne\n";
        let most = |bytes, lines| Most { bytes, lines };
        assert_eq!(end(five, most(10, 5)), (5, None));
        let (number, said) = end(five, most(10, 4));
        assert_eq!(
            (number, said.unwrap().as_str()),
            (4, "more than 4 lines (expected at most as many)")
        );
        let (number, said) = end(five, most(9, 5));
        assert_eq!(number, 5);
        assert_eq!(said.unwrap(), "more than 9 bytes of text (expected at most as many)");
        // Packed to a thousandth, and without a single end of a line.
        let bomb = gzip(&vec![b'x'; 5 * LONGEST]);
        assert!(bomb.len() < LONGEST / 10);
        let (number, said) = end(&bomb, most(4 * LONGEST as u64, 5));
        assert!(number == 1 && said.unwrap().starts_with("more than 4000000 bytes"));
    }

    #[test]
    fn what_is_packed_otherwise_is_distinguished_from_text() {
        for (bytes, said) in [
            (&b"\x28\xb5\x2f\xfd\x00"[..], "zstd -d"),
            (b"PK\x03\x04...", "unzip"),
            (b"BZh91AY", "bunzip2"),
            (b"\xff\xfe{\0", "save it as UTF-8"),
        ] {
            let error = all(bytes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_mark_at_the_beginning_is_no_part_of_the_line() {
        assert_eq!(all(b"\xef\xbb\xbfa\n\xef\xbb\xbfb").unwrap()[0].1.as_deref(), Some(&b"a"[..]));
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        for (length, fits) in [(LONGEST, true), (LONGEST + 1, false), (3 * LONGEST, false)] {
            let long = vec![b'x'; length];
            for end in [&b"\nb\n"[..], b"\nb"] {
                let lines = all(&[&long[..], end].concat()).unwrap();
                assert_eq!(lines.len(), 2, "{length}");
                assert_eq!(lines[0].1.is_some(), fits, "{length}");
                assert_eq!(lines[1], (2, Some(b"b".to_vec())));
            }
            assert_eq!(all(&long).unwrap()[0].1.is_some(), fits, "{length}");
        }
    }
}
