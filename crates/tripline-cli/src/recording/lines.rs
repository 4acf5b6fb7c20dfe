//! The lines of a recording, which may be anything and of any size.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read, Result, stdin};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Longest line in bytes: an event takes a few hundred.
pub const LONGEST: usize = 1_000_000;
/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;

/// Lines, one at a time.
pub struct Lines {
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
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
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let mut first = Vec::new();
        reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut first)?;
        let is_gzip = first == GZIP;
        let whole = Cursor::new(first).chain(reader);
        let reader: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { reader, line: Vec::new(), number: 0 })
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line with its number, if there is one.
    pub fn next(&mut self) -> Result<Option<(u64, Line<'_>)>> {
        self.line.clear();
        let most = LONGEST as u64 + 1;
        if self.reader.by_ref().take(most).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > LONGEST {
            self.reader.skip_until(b'\n')?;
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
        assert!(all(&GZIP).is_err());
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
