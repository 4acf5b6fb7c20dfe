//! The inputs that a run begins with.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MAX_INPUT, Target};
use crate::workspace::root;
use crate::{Result, at};

/// Seeds, and what was found once.
pub(super) struct Corpus {
    /// In the order of their paths, so that a run can be repeated.
    pub inputs: Vec<Vec<u8>>,
}

impl Corpus {
    /// That of a target; what is longer than an input may be is left out.
    pub fn of(target: &Target) -> Result<Self> {
        let own = format!("tests/fuzz/corpus/{}", target.name);
        let mut paths = Vec::new();
        for seeds in target.seeds.iter().copied().chain([own.as_str()]) {
            add(&root().join(seeds), &mut paths)?;
        }
        paths.sort();
        let read = |path: &PathBuf| fs::read(path).map_err(at(path.display()));
        let mut inputs = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
        inputs.retain(|input| input.len() <= MAX_INPUT);
        Ok(Self { inputs })
    }
}

/// Adds a file, or every file of a folder.
fn add(path: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        paths.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(at(path.display()))? {
        let path = entry.map_err(at(path.display()))?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}
