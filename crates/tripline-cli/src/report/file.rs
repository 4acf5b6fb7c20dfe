use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::exit::Error;
use crate::input::source::name_of;
use crate::terminal::print::say;

/// Where a page goes. It is known that it can be written before the work begins that it shows.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
}

impl ReportFile {
    /// Checks a path, and leaves everything as it is. What is no file, such as a pipe, is not tried:
    /// its reader would see an end.
    pub fn new(path: &Path) -> Result<Self, Error> {
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(fault(
                    path,
                    "it is a directory (expected a file such as `report.html`)",
                ));
            }
            Ok(there) if there.is_file() => {
                OpenOptions::new().append(true).open(path).map_err(|error| fault(path, error))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(path)
                    .and_then(|_| fs::remove_file(path))
                    .map_err(|error| fault(path, error))?;
            }
            Err(error) => return Err(fault(path, error)),
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes the page, and says so.
    pub fn write(&self, html: &str) -> Result<(), Error> {
        fs::write(&self.path, html).map_err(|error| fault(&self.path, error))?;
        say(&format!("report: {}", name_of(&self.path)));
        Ok(())
    }
}

fn fault(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::input(format!("--report: {}: cannot be written: {why}", name_of(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_leaves_everything_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old.html"), folder.path().join("new.html"));
        fs::write(&old, "before").unwrap();
        assert!(ReportFile::new(&old).is_ok());
        assert_eq!(fs::read_to_string(&old).unwrap(), "before");
        let report = ReportFile::new(&new).unwrap();
        assert!(!new.exists());
        report.write("page").unwrap();
        assert_eq!(fs::read_to_string(&new).unwrap(), "page");
        assert!(ReportFile::new(Path::new("/dev/null")).is_ok());
    }

    #[test]
    fn a_path_to_which_nothing_can_be_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for bad in [
            folder.path().to_owned(),
            folder.path().join("no/page.html"),
            file.join("page.html"),
            PathBuf::new(),
        ] {
            let error = ReportFile::new(&bad).unwrap_err().to_string();
            assert!(
                error.starts_with("--report: ") && error.contains("cannot be written"),
                "{error}"
            );
        }
    }
}
