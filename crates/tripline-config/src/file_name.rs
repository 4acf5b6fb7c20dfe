//! What files beside a `dev.ini` are called.

use std::fmt;
use std::str::FromStr;

use tripline::text::excerpt;

/// The name of a file beside its `dev.ini`: one part of a path, 1 to 255 bytes, no control
/// characters. It comes back from a table and becomes a path, so that nothing else may be in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

/// A text that cannot be the name of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no file name (expected one without folders and control characters)")]
pub struct InvalidFileName(String);

impl FileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = InvalidFileName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let forbidden = |c: char| c.is_control() || "/\\:".contains(c);
        let fits = (1..=255).contains(&name.len()) && name.trim() == name;
        if fits && !name.contains(forbidden) && name != "." && name != ".." {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidFileName(excerpt(name)))
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_folders() {
        for good in ["tracker-2.1.bin", "a b", "ü.txt", "..a"] {
            assert!(good.parse::<FileName>().is_ok(), "{good}");
        }
        let long = "x".repeat(256);
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", "C:x", " a", long.as_str()] {
            assert!(bad.parse::<FileName>().is_err(), "{bad}");
        }
    }
}
