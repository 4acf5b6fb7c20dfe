//! A file that is made again.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::source::name_of;
use crate::exit::Error;

/// Where a file goes. It is known that it can be written before the work begins that fills it.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    /// Whether a file that is there may go.
    force: bool,
}

impl NewFile {
    /// Checks a path, and leaves everything as it is.
    pub fn new(path: &Path, force: bool) -> Result<Self, Error> {
        let cannot = |why: io::Error| cannot(path, &why);
        match fs::symlink_metadata(path) {
            Ok(_) if !force => return Err(there_already(path)),
            Ok(there) if there.is_dir() => return Err(cannot(ErrorKind::IsADirectory.into())),
            Ok(_) => {
                OpenOptions::new().append(true).open(path).map_err(cannot)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = OpenOptions::new().write(true).create_new(true).open(path);
                made.and_then(|_| fs::remove_file(path)).map_err(cannot)?;
            }
            Err(error) => return Err(cannot(error)),
        }
        Ok(Self { path: path.to_owned(), force })
    }

    /// What messages call it.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Writes the file.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        let written = if self.force {
            fs::write(&self.path, text)
        } else {
            let file = OpenOptions::new().write(true).create_new(true).open(&self.path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => there_already(&self.path),
            _ => cannot(&self.path, &error),
        })
    }
}

fn there_already(path: &Path) -> Error {
    Error::in_file(&name_of(path), "already exists").hint("`--force` overwrites it")
}

fn cannot(path: &Path, why: &io::Error) -> Error {
    Error::in_file(&name_of(path), format!("cannot be written: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_unless_it_may_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let file = NewFile::new(&path, false).unwrap();
        assert!(!path.exists());
        file.write("1").unwrap();
        let expected = format!("{}: already exists", path.display());
        for fault in [file.write("2").unwrap_err(), NewFile::new(&path, false).unwrap_err()] {
            assert!(fault.to_string().starts_with(&expected), "{fault}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        NewFile::new(&path, true).unwrap().write("3").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "3");
    }

    #[test]
    fn a_path_to_which_nothing_can_be_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for bad in [folder.path().to_owned(), folder.path().join("no/a.json")] {
            let fault = NewFile::new(&bad, true).unwrap_err().to_string();
            assert!(fault.contains(": cannot be written: "), "{fault}");
        }
    }
}
