//! A folder that no file of a config may be outside of.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::source::name_of;

/// The folder of `--within`, and what else belongs to it, with their links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    folder: PathBuf,
    own: Option<PathBuf>,
}

impl FromStr for Within {
    type Err = String;

    fn from_str(folder: &str) -> Result<Self, String> {
        let real = Path::new(folder).canonicalize().map_err(|error| error.to_string())?;
        match real.is_dir() {
            true => Ok(Self { folder: real, own: None }),
            false => Err("it is no folder".to_owned()),
        }
    }
}

impl Within {
    /// The same, or in a folder of this program's own.
    #[must_use]
    pub fn or(self, own: &Path) -> Self {
        Self { own: own.canonicalize().ok(), ..self }
    }

    /// Why a file may not be read, if it may not: links and `..` are followed to where it really is. Of a
    /// file that is not there, its nearest folder counts, so that no message names what is outside.
    pub fn refusal(&self, path: &Path) -> Option<String> {
        let absolute = std::path::absolute(path).ok()?;
        let real = absolute.ancestors().find_map(|place| place.canonicalize().ok())?;
        let is_in = |folder: &PathBuf| real.starts_with(folder);
        (!is_in(&self.folder) && !self.own.as_ref().is_some_and(is_in)).then(|| {
            format!("{}: lies outside of `{}` (`--within`)", name_of(path), name_of(&self.folder))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_where_its_links_lead() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("in/side")).unwrap();
        fs::create_dir(root.join("inside-not")).unwrap();
        for file in ["in/a", "in/side/b", "out", "inside-not/c"] {
            fs::write(root.join(file), "x").unwrap();
        }
        let within: Within = root.join("in").to_str().unwrap().parse().unwrap();
        let is_refused = |path: &str| within.refusal(&root.join(path)).is_some();
        for good in ["in/a", "in/side/b", "in/side/../a", "in/none", "in/none/none", "in"] {
            assert!(!is_refused(good), "{good}");
        }
        for bad in ["out", "in/../out", "in/side/../../out", "inside-not/c", "none", "in/../none/a"]
        {
            assert!(is_refused(bad), "{bad}");
        }
        assert!(within.refusal(Path::new("/etc/passwd")).unwrap().contains("lies outside of `"));
        let wider = within.clone().or(&root.join("inside-not"));
        assert_eq!(wider.refusal(&root.join("inside-not/c")), None);
        assert!(wider.refusal(&root.join("out")).is_some());
        assert!("none".parse::<Within>().is_err());
        assert!(root.join("out").to_str().unwrap().parse::<Within>().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("in")).unwrap();
        fs::write(root.join("out"), "x").unwrap();
        fs::write(root.join("in/a"), "x").unwrap();
        symlink(root.join("out"), root.join("in/link")).unwrap();
        symlink(root, root.join("in/up")).unwrap();
        symlink(root.join("in/a"), root.join("in/own")).unwrap();
        symlink(root.join("in"), root.join("door")).unwrap();
        let within: Within = root.join("door").to_str().unwrap().parse().unwrap();
        for (path, is_refused) in
            [("in/link", true), ("in/up/out", true), ("in/own", false), ("door/a", false)]
        {
            assert_eq!(within.refusal(&root.join(path)).is_some(), is_refused, "{path}");
        }
    }
}
